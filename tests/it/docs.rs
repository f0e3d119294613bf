//! Every console block of README.md, docs/ and tests/cmd/ is run, and prints what the page says.
//!
//! A page of the documentation starts in a folder that holds docs/example.env as `.env.production`; a page of tests/cmd
//! in one that holds what is in the `.in` folder beside it, else in an empty one. `$ ` starts a command, `> ` continues
//! it, `? 1` below is its exit code, the lines below are its output; `[..]` stands for any text within a line, a line
//! `...` for any lines, `[CWD]` for the folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use snapbox::Assert;

/// One command of a page and what it has to print.
struct Step {
    command: String,
    code: Option<i32>,
    output: String,
    line: usize,
}

fn pages(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut in_block, mut in_command) = (false, false);
    for (number, line) in text.lines().enumerate() {
        match (in_block, line) {
            (false, "```console") => in_block = true,
            (false, _) => {}
            (true, "```") => in_block = false,
            (true, line) if line.starts_with("$ ") => {
                in_command = true;
                let command = line[2..].into();
                steps.push(Step { command, code: None, output: String::new(), line: number + 1 });
            }
            (true, line) if in_command && line.starts_with("? ") => {
                steps.last_mut().unwrap().code = Some(line[2..].parse().expect("an exit code"));
            }
            (true, line) => {
                let step = steps.last_mut().expect("a console block starts with a command");
                let more = line.strip_prefix("> ").filter(|_| in_command);
                in_command = more.is_some();
                let (text, line) = more.map_or((&mut step.output, line), |more| (&mut step.command, more));
                if more.is_some() {
                    text.push('\n');
                }
                text.push_str(line);
                if more.is_none() {
                    text.push('\n');
                }
            }
        }
    }
    steps
}

#[expect(clippy::disallowed_methods, reason = "the page is what a shell runs")]
fn output_of(command: &str, folder: &Path) -> (Option<i32>, String) {
    let binaries = Path::new(env!("CARGO_BIN_EXE_envdrift")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binaries.display());
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(folder.join("work"))
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder.join("home"))
        .env("ENVDRIFT_ENGINE", "builtin")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "a")])
        .env("GIT_COMMITTER_EMAIL", "a@b")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let place = folder.join("work").canonicalize().unwrap();
    (output.status.code(), said.replace(place.to_str().unwrap(), "[CWD]"))
}

#[expect(clippy::disallowed_methods, reason = "the tests lay out the folder of the page")]
fn sandbox(page: &Path, root: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    for place in [&work, &folder.path().join("home")] {
        std::fs::create_dir_all(place).unwrap();
    }
    // Ends the search for a config.
    std::fs::write(folder.path().join("envdrift.toml"), "").unwrap();
    if !page.starts_with(root.join("tests")) {
        std::fs::copy(root.join("docs/example.env"), work.join(".env.production")).unwrap();
    } else if let Ok(files) = std::fs::read_dir(page.with_extension("in")) {
        for file in files.map(Result::unwrap) {
            std::fs::copy(file.path(), work.join(file.file_name())).unwrap();
        }
    }
    folder
}

#[test]
fn every_console_block_prints_what_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![root.join("README.md")];
    pages(&root.join("docs"), &mut all);
    pages(&root.join("tests/cmd"), &mut all);
    let mut run = 0;
    for page in all {
        let steps = steps(&std::fs::read_to_string(&page).unwrap());
        if steps.is_empty() {
            continue;
        }
        let folder = sandbox(&page, root);
        for Step { command, code, output, line } in steps {
            let (actual_code, actual) = output_of(&command, folder.path());
            let place = format!("{}:{line}: {command}", page.strip_prefix(root).unwrap().display());
            let wanted = format!("{place}\n{}\n", output.trim_end());
            Assert::new().normalize_paths(false).eq(format!("{place}\n{}\n", actual.trim_end()), wanted);
            assert!(code.is_none() || code == actual_code, "{place}: exit {actual_code:?}");
            run += 1;
        }
    }
    assert!(run > 40, "{run}");
}
