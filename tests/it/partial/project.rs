//! A project in a folder of its own, and the binary run in it without anything of the caller's environment.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with an `envdrift.toml` that enables partial encryption.
pub(super) struct Project {
    root: tempfile::TempDir,
}

/// What a call printed, and how it ended.
pub(super) struct Run {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Run {
    /// Both streams, for what may be on either.
    pub(super) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Fails the test unless the call ended with `code`.
    pub(super) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }

    /// Fails the test unless each of `parts` was printed.
    pub(super) fn says(self, parts: &[&str]) -> Self {
        let all = self.all();
        for part in parts {
            assert!(all.contains(part), "missing {part:?} in:\n{all}");
        }
        self
    }
}

/// The entry of an environment in combine mode, with the usual names.
pub(super) fn combine(name: &str) -> String {
    combine_files(
        name,
        &format!(".env.{name}.clear"),
        &format!(".env.{name}.secret"),
        &format!(".env.{name}"),
    )
}

/// The entry of an environment in combine mode.
pub(super) fn combine_files(name: &str, clear: &str, secret: &str, combined: &str) -> String {
    format!(
        "[[partial_encryption.environments]]\nname = '{name}'\nclear_file = '{clear}'\nsecret_file = '{secret}'\n\
         combined_file = '{combined}'\n"
    )
}

/// The entry of a secrets-only environment.
pub(super) fn folder(name: &str, dir: &str) -> String {
    format!(
        "[[partial_encryption.environments]]\nname = '{name}'\nsecrets_only = true\nsecrets_dir = '{dir}'\n"
    )
}

#[expect(clippy::disallowed_methods, reason = "a test writes its own files and starts its own processes")]
impl Project {
    /// A project with these environments and nothing else.
    pub(super) fn new(environments: &[String]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for folder in ["work", "home"] {
            std::fs::create_dir(root.path().join(folder)).unwrap();
        }
        let project = Self { root };
        project.write(
            "envdrift.toml",
            format!("[partial_encryption]\nenabled = true\n{}", environments.concat()),
        );
        project
    }

    /// A project with one environment in combine mode, called `production`, and its two sources.
    pub(super) fn production(clear: &str, secret: &str) -> Self {
        let project = Self::new(&[combine("production")]);
        project.write(".env.production.clear", clear);
        project.write(".env.production.secret", secret);
        project
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(super) fn append(&self, name: &str, more: &str) {
        self.write(name, self.read(name) + more);
    }

    pub(super) fn read(&self, name: &str) -> String {
        String::from_utf8(std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}")))
            .unwrap()
    }

    pub(super) fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub(super) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    pub(super) fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
    }

    pub(super) fn set_mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Name and content of every file but those of git.
    pub(super) fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        fn walk(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with(".git") {
                    walk(&path, into);
                } else if path.is_file() {
                    let content = std::fs::read(&path).unwrap();
                    into.insert(path, content);
                }
            }
        }
        let mut tree = BTreeMap::new();
        walk(&self.path(""), &mut tree);
        tree
    }

    /// Runs envdrift with the built-in engine.
    pub(super) fn run(&self, args: &[&str]) -> Run {
        self.run_in("", args)
    }

    /// Runs envdrift in a folder of the project.
    pub(super) fn run_in(&self, folder: &str, args: &[&str]) -> Run {
        let mut command = self.command(env!("CARGO_BIN_EXE_envdrift"));
        run(command.args(args).env("ENVDRIFT_ENGINE", "builtin").current_dir(self.path(folder)))
    }

    /// Runs envdrift with another engine: its name, and the path of its binary.
    pub(super) fn run_with_tool(&self, dotenvx: &Path, args: &[&str]) -> Run {
        let mut command = self.command(env!("CARGO_BIN_EXE_envdrift"));
        let command = command.args(args).env("ENVDRIFT_ENGINE", "tool").env("ENVDRIFT_DOTENVX", dotenvx);
        run(command.current_dir(self.path("")))
    }

    /// A call of envdrift, to be started by the test.
    pub(super) fn envdrift(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_envdrift"));
        command.args(args).env("ENVDRIFT_ENGINE", "builtin").current_dir(self.path(""));
        command
    }

    /// Runs git, which must succeed; gives its output.
    pub(super) fn git(&self, args: &[&str]) -> String {
        let mut command = self.command("git");
        let command = command
            .args(args)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "a")])
            .env("GIT_COMMITTER_EMAIL", "a@b");
        run(command.current_dir(self.path(""))).expect(0).stdout
    }

    /// Makes it a repository with everything committed.
    pub(super) fn commit_all(&self) {
        if !self.path(".git").is_dir() {
            self.git(&["init", "-q", "--template="]);
        }
        self.git(&["add", "."]);
        self.git(&["commit", "-qm", "all"]);
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", self.root.path().join("home"));
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command
    }
}

fn run(command: &mut Command) -> Run {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}
