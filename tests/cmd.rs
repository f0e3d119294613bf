//! What the documentation shows is what happens: every `console` block of README.md, of docs/ and of tests/cmd is run.
//!
//! A page starts in a folder that holds a copy of `tests/cmd/pages/<page>.in` (README.in, docs/cli/encrypt.in), a
//! case of tests/cmd in one that holds the `.in` beside it; without one it is empty. The blocks of a page follow on
//! each other. `? 1` under a command is its exit code, `[..]` in its output any text, a line `...` any lines; what
//! is in an `.out` folder must be there at the end. A command that starts with one of [`KNOWN`] goes through a shell,
//! so that pipes and redirections work; others (`cargo`, `npm`) are not run. The environment is empty but for a home
//! of its own, and dotenvx and sops are not found.

#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "a test prepares its folders and starts itself again")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs that pages may use.
const KNOWN: [&str; 18] = [
    "envdrift", "cat", "chmod", "cp", "diff", "echo", "env", "git", "grep", "head", "ls", "mkdir", "mv",
    "printf", "rm", "sed", "tail", "wc",
];
/// Set for the process whose environment is clean; its value is the folder that everything happens in.
const STAGE: &str = "ENVDRIFT_CMD_STAGE";

#[test]
fn what_the_documentation_shows_is_what_happens() {
    match env::var_os(STAGE) {
        Some(stage) => run_pages(Path::new(&stage)),
        None => start_again_with_a_clean_environment(),
    }
}

fn start_again_with_a_clean_environment() {
    let stage = tempfile::Builder::new().prefix("envdrift-cmd-").tempdir().unwrap();
    for folder in ["home", "tmp", "bin"] {
        fs::create_dir(stage.path().join(folder)).unwrap();
    }
    // Ends the search for a config.
    fs::write(stage.path().join("envdrift.toml"), "").unwrap();
    let bin = stage.path().join("bin");
    symlink(env!("CARGO_BIN_EXE_envdrift"), bin.join("envdrift")).unwrap();
    for program in KNOWN {
        if let Ok(path) = which::which(program) {
            // envdrift itself is there already.
            let _ = symlink(path, bin.join(program));
        }
    }
    let shell = "#!/bin/sh\nexec /bin/sh -c \"$1\"\n";
    fs::write(bin.join("shell"), shell).unwrap();
    fs::set_permissions(bin.join("shell"), fs::Permissions::from_mode(0o755)).unwrap();

    let mut again = Command::new(env::current_exe().unwrap());
    again.args(env::args_os().skip(1)).env_clear().env(STAGE, stage.path());
    again.env("HOME", stage.path().join("home")).env("TMPDIR", stage.path().join("tmp")).env("PATH", &bin);
    if let Some(mode) = env::var_os("TRYCMD") {
        again.env("TRYCMD", mode);
    }
    let output = again.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).replace(&*stage.path().to_string_lossy(), "");
    let passed =
        |line: &str| line.starts_with("Testing ") && (line.contains(" ... ok") || line.contains(" ... ign"));
    let failed: Vec<&str> = said.lines().filter(|line| !passed(line)).collect();
    assert!(output.status.success(), "{}\n{}", failed.join("\n"), String::from_utf8_lossy(&output.stdout));
}

fn run_pages(stage: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = trycmd::TestCases::new();
    cases.register_bin("shell", stage.join("bin/shell")).register_bin("envdrift", stage.join("bin/envdrift"));
    let fixtures = root.join("tests/cmd/pages");
    for page in std::iter::once(root.join("README.md")).chain(files_below(&root.join("docs"))) {
        let name = page.strip_prefix(root).unwrap();
        if page.extension().is_some_and(|extension| extension == "md") && page.exists() {
            put(&page, &fixtures.join(name), &stage.join("pages").join(name));
            cases.case(stage.join("pages").join(name));
        }
    }
    for case in files_below(&root.join("tests/cmd")) {
        let name = case.strip_prefix(root).unwrap();
        let kind = case.extension().unwrap_or_default();
        if !is_fixture(name) && (kind == "md" || kind == "toml") {
            put(&case, &case, &stage.join(name));
            cases.case(stage.join(name));
        }
    }
    cases.run();
}

/// Puts a page and the folders of its `fixture` where it is to run; a missing folder is an empty one, so that nothing
/// ever runs in the tree of the project.
fn put(page: &Path, fixture: &Path, place: &Path) {
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let text = fs::read_to_string(page).unwrap();
    let markdown = page.extension().is_some_and(|extension| extension == "md");
    fs::write(place, if markdown { through_a_shell(&text) } else { text }).unwrap();
    for folder in ["in", "out"] {
        let target = place.with_extension(folder);
        fs::create_dir_all(&target).unwrap();
        let source = fixture.with_extension(folder);
        for file in files_below(&source) {
            let target = target.join(file.strip_prefix(&source).unwrap());
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(file, target).unwrap();
        }
    }
    for stream in ["stdin", "stdout", "stderr"] {
        if page.with_extension(stream).exists() {
            fs::copy(page.with_extension(stream), place.with_extension(stream)).unwrap();
        }
    }
}

/// Hands every known command of the console blocks to the shell, and ends every output with the empty line that the
/// runner takes for its end.
fn through_a_shell(text: &str) -> String {
    let mut out = Vec::new();
    let (mut block, mut output) = (false, false);
    for line in text.lines() {
        let fence = line.starts_with("```");
        let command = line.strip_prefix("$ ").filter(|_| block);
        if block
            && output
            && (fence || command.is_some())
            && out.last().is_some_and(|last: &String| !last.is_empty())
        {
            out.push(String::new());
        }
        block = if fence { !block && line == "```console" } else { block };
        output = block && !fence && command.is_none() && !line.starts_with("? ") && !line.starts_with("> ");
        let known = command.filter(|command| KNOWN.contains(&first_word(command)));
        out.push(known.map_or_else(
            || line.to_owned(),
            |command| format!("$ shell '{}'", command.replace('\'', r"'\''")),
        ));
    }
    out.join("\n") + "\n"
}

/// The program of a command, behind the variables that are set for it.
fn first_word(command: &str) -> &str {
    command.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default()
}

fn is_fixture(path: &Path) -> bool {
    path.ancestors()
        .any(|part| part.extension().is_some_and(|extension| extension == "in" || extension == "out"))
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn commands_go_through_the_shell_and_outputs_end() {
    let text = "```console\n$ printf 'A=1\\n' > .env\n$ X=1 envdrift encrypt\n? 1\nout\n$ npm i\n```\n```sh\n$ ls\n```\n";
    let wanted = "```console\n$ shell 'printf '\\''A=1\\n'\\'' > .env'\n$ shell 'X=1 envdrift encrypt'\n? 1\nout\n\n$ npm i\n```\n```sh\n$ ls\n```\n";
    assert_eq!(through_a_shell(text), wanted);
}
