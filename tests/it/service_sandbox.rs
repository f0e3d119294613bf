//! A project with services for one test of `lock` and `pull`, and envdrift run in it with nothing of the caller's
//! environment and the built-in engine.

#![expect(clippy::disallowed_methods, reason = "a test writes its own files and starts its own processes")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The public key of `tests/vectors/sops/keys/a.txt`.
pub(crate) const RECIPIENT: &str = "age1vzgfh8z90dkguacsazjh8aq0yjs5pluxn6tj2ehrx7uyzte5vu5q3ywkcn";

/// The folder of one test.
pub(crate) struct Services {
    root: tempfile::TempDir,
    vars: BTreeMap<String, String>,
}

/// How a call ended and what it said.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Content, mode, inode and time of every file.
pub(crate) type Tree = BTreeMap<PathBuf, (Vec<u8>, u32, u64, i64)>;

impl Services {
    /// A project with this config.
    pub(crate) fn new(config: &str) -> Self {
        let services = Self { root: tempfile::tempdir().unwrap(), vars: BTreeMap::new() };
        fs::create_dir_all(services.root.path().join("home")).unwrap();
        services.write("envdrift.toml", config);
        services
    }

    /// A project whose mappings are these folders, with AWS as the vault.
    pub(crate) fn mapped(folders: &[&str]) -> Self {
        let mappings = folders.iter().map(|folder| {
            format!("[[vault.sync.mappings]]\nsecret_name = '{folder}-key'\nfolder_path = '{folder}'\n")
        });
        Self::new(&format!("[vault.aws]\n{}", mappings.collect::<String>()))
    }

    /// A project of SOPS files without a vault, readable with the age key at hand.
    pub(crate) fn sops(files: &str) -> Self {
        let config = format!(
            "[encryption]\nbackend = 'sops'\nfiles = [{files}]\n[encryption.sops]\nage_recipients = '{RECIPIENT}'\n"
        );
        let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys/a.txt");
        Self::new(&config).with("SOPS_AGE_KEY_FILE", keys.to_str().unwrap())
    }

    /// The same with a variable in the environment.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().mode() & 0o777
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    /// Everything below the work folder.
    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        look(&self.path(""), &mut tree);
        tree
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let output = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@b"])
            .args(args)
            .current_dir(self.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn envdrift(&self, args: &[&str]) -> Run {
        self.envdrift_in("", args)
    }

    /// Runs envdrift in a folder below the work folder.
    pub(crate) fn envdrift_in(&self, folder: &str, args: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_envdrift"))
            .args(args)
            .current_dir(self.path(folder))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.root.path().join("home"))
            .env("ENVDRIFT_ENGINE", "builtin")
            .envs(&self.vars)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    /// Asserts the exit code and that standard output has these lines.
    #[track_caller]
    pub(crate) fn ends(&self, code: i32, lines: &[&str]) {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        for line in lines {
            let is_there = self.stdout.lines().any(|actual| actual == *line);
            assert!(is_there, "{line:?} is missing:\n{}\n{}", self.stdout, self.stderr);
        }
    }

    /// Asserts that it was refused with these words, and says what to do.
    #[track_caller]
    pub(crate) fn refuses(&self, phrase: &str, hint: &str) {
        assert_eq!(self.code, 1, "{}\n{}", self.stdout, self.stderr);
        let of = |start: &str| -> String {
            self.stderr.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>().join("\n")
        };
        assert!(of("[ERROR] ").contains(phrase), "{phrase:?} is missing:\n{}", self.stderr);
        assert!(of("  hint: ").contains(hint), "{hint:?} is missing:\n{}", self.stderr);
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

fn look(folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::symlink_metadata(&path).unwrap();
        if meta.is_dir() {
            look(&path, tree);
        } else {
            let content = fs::read(&path).unwrap_or_default();
            tree.insert(path, (content, meta.mode(), meta.ino(), meta.mtime_nsec()));
        }
    }
}
