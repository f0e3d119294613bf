//! The partial phases of `pull` and `lock --all`.

use super::lock::{self, Action, CombinedState, Locked, SecretState as LockedState};
use super::pull::{self, Merge, Missing, Pulled, PulledFiles, SecretState};
use super::{Report, push, select};
use crate::backend::dotenvx::builtin::Builtin;
use crate::backend::dotenvx::{Dotenvx, DotenvxRules};
use crate::cipher::Cipher;
use crate::env::Env;
use crate::files::{Mode, create_private_folder, read_text, write_atomic};
use crate::workspace::Config;

fn cipher() -> Cipher {
    Cipher { backend: Box::new(DotenvxRules), engine: Box::new(Dotenvx(Builtin)) }
}

/// A folder with an environment `a` in combine mode and a secrets-only one, `s`.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.write(
            "envdrift.toml",
            "[partial_encryption]\nenabled = true\n[[partial_encryption.environments]]\nname = 'a'\n\
             clear_file = 'a.clear'\nsecret_file = 'a.secret'\ncombined_file = 'a.env'\n\
             [[partial_encryption.environments]]\nname = 's'\nsecrets_only = true\nsecrets_dir = 'sec'\n",
        );
        project.write("a.clear", "A=1\r\n");
        project.write("a.secret", "B=\"2\n3\"\n");
        project.write("sec/.env", "C=3\n");
        project
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        create_private_folder(path.parent().unwrap()).unwrap();
        write_atomic(&path, text.as_bytes(), Mode::Keep).unwrap();
    }

    fn read(&self, name: &str) -> Option<String> {
        read_text(&self.0.path().join(name)).ok()
    }

    fn remove(&self, name: &str) {
        crate::files::remove(&self.0.path().join(name)).unwrap();
    }

    fn env(&self) -> Env {
        Env::fixed(self.0.path(), [("HOME", self.0.path().as_os_str())])
    }

    fn config(&self) -> Config {
        crate::workspace::load(&self.env(), None).unwrap().config
    }

    fn push(&self) {
        let (config, cipher, env) = (self.config(), cipher(), self.env());
        let environments = select(&config, None).unwrap().unwrap();
        let report = push::run(&push::Request { environments: &environments, cipher: &cipher, env: &env });
        assert!(report.is_ok());
    }

    fn pull(&self, merge: Merge) -> Report<Pulled> {
        let (config, env) = (self.config(), self.env());
        let environments = select(&config, None).unwrap().unwrap();
        let open = |_| Ok(cipher());
        let missing = Missing::Nothing;
        pull::run(&pull::Request { environments: &environments, open: &open, missing, merge, env: &env })
    }

    fn lock(&self, check: bool) -> Report<Locked> {
        let (config, cipher, env) = (self.config(), cipher(), self.env());
        let environments = select(&config, None).unwrap().unwrap();
        let action = if check { Action::Check } else { Action::Lock(&cipher) };
        lock::run(&lock::Request { environments: &environments, action, env: &env })
    }
}

/// How the first environment of a lock ended.
fn first(report: &Report<Locked>) -> (LockedState, Option<CombinedState>) {
    match report.ends().next() {
        Some(Locked::Combine { secret_state, combined_state, .. }) => (*secret_state, *combined_state),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_merge_makes_a_readable_combined_file_of_what_is_on_disk() {
    let project = Project::new();
    project.push();
    let report = project.pull(Merge::Yes);
    let end = report.ends().next().unwrap();
    assert_eq!(end.merged.as_deref(), Some("a.env"));
    assert_eq!(project.read("a.env").unwrap(), "A=1\n\nB=\"2\n3\"\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(project.0.path().join("a.env")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    project.write("a.clear", "A=4\n");
    assert!(project.pull(Merge::Yes).is_ok(), "also where the secret file was readable already");
    assert!(project.read("a.env").unwrap().starts_with("A=4\n"));
    project.push();
    assert!(
        project.read("a.env").unwrap().contains("AUTO-GENERATED"),
        "a push makes it the encrypted one again"
    );
}

#[test]
fn a_pull_passes_over_missing_secret_files_and_does_not_merge_them() {
    let project = Project::new();
    project.remove("a.secret");
    let report = project.pull(Merge::Yes);
    assert!(report.is_ok());
    let end = report.ends().next().unwrap();
    let wanted = PulledFiles::Secret { path: "a.secret".into(), state: SecretState::Missing };
    assert_eq!((&end.files, end.merged.as_ref(), end.skipped()), (&wanted, None, 1));
    assert_eq!(project.read("a.env"), None);
}

#[test]
fn a_merge_that_fails_is_an_error_and_the_secret_file_stays_readable() {
    let project = Project::new();
    project.push();
    project.remove("a.env");
    project.write("a.env/x", "");
    let report = project.pull(Merge::Yes);
    assert_eq!(report.failed(), 1);
    let environment = &report.environments[0];
    assert_eq!(environment.end.as_ref().map(Pulled::decrypted), Some(1));
    assert!(environment.errors().next().unwrap().to_string().starts_with("Failed to generate a.env:"));
    assert_eq!(project.read("a.secret").unwrap(), "B=\"2\n3\"\n");
}

#[test]
fn a_lock_encrypts_secret_files_deletes_combined_ones_and_counts_folders() {
    let project = Project::new();
    project.push();
    project.pull(Merge::Yes);
    let report = project.lock(true);
    assert_eq!(first(&report), (LockedState::Readable, Some(CombinedState::WouldDelete)));
    assert_eq!(report.pending_folders(), (vec!["s"], 1));
    assert_eq!(project.read("a.secret").unwrap(), "B=\"2\n3\"\n", "a check writes nothing");
    assert!(project.read("a.env").is_some());

    let report = project.lock(false);
    assert_eq!(first(&report), (LockedState::Encrypted, Some(CombinedState::Deleted)));
    assert!(report.is_ok());
    assert!(project.read("a.secret").unwrap().contains("=\"encrypted:"));
    assert_eq!(project.read("a.env"), None);
    assert_eq!(project.read("sec/.env").unwrap(), "C=3\n", "secrets-only folders are for push");
    assert_eq!(report.pending_folders(), (vec!["s"], 1));

    assert_eq!(first(&project.lock(false)), (LockedState::Already, None));
    project.push();
    assert_eq!(project.lock(true).pending_folders(), (vec![], 0));
}

#[test]
fn a_combined_file_stays_where_its_secret_file_is_not_encrypted() {
    let project = Project::new();
    project.write("a.env", "A=1\n");
    project.write("a.secret", "KEY: value\n");
    for check in [true, false] {
        let report = project.lock(check);
        assert_eq!(first(&report), (LockedState::Failed, Some(CombinedState::KeptForFailure)));
        assert_eq!(report.failed(), 1);
    }
    project.remove("a.secret");
    let report = project.lock(false);
    assert_eq!(first(&report), (LockedState::Missing, Some(CombinedState::KeptForSource)));
    assert!(report.is_ok());
    assert_eq!(project.read("a.env").unwrap(), "A=1\n");
}

#[test]
fn a_folder_that_cannot_be_checked_is_no_failure_of_a_lock() {
    let project = Project::new();
    project.remove("sec/.env");
    let report = project.lock(false);
    assert!(report.is_ok());
    let Some(Locked::Folder { readable, .. }) = report.ends().last() else { panic!("no folder") };
    assert_eq!(readable.clone().unwrap_err(), "No file in sec matches '.env*'");
}
