//! The partial phase of `lock --all`: secret files become ciphertext, combined files go away.
//!
//! A combined file is deleted only where its secret file is encrypted now. Secrets-only folders are `push`'s; here
//! they are only counted.

use crate::cipher::Cipher;
use crate::env::Env;
use crate::files;
use crate::ops::batch::Batch;
use crate::ops::encrypt::{Run, With};
use crate::ops::previous::Reuse;
use crate::report::{Outcome, Row, Verb};
use crate::workspace::target::Target;

use super::members::Members;
use super::{
    Combine, Environment, EnvironmentReport, Files, Folder, PartialError, Report, protect, push, secret,
};

/// What to lock, and with what.
pub struct Request<'a> {
    /// The environments, in the order of the config.
    pub environments: &'a [Environment<'a>],
    /// What to do.
    pub action: Action<'a>,
    /// The environment variables.
    pub env: &'a Env,
}

/// Whether anything is written.
#[derive(Clone, Copy)]
pub enum Action<'a> {
    /// Encrypt with this cipher, and delete.
    Lock(&'a Cipher),
    /// Only look.
    Check,
}

/// How an environment was locked.
#[derive(Debug, PartialEq, Eq)]
pub enum Locked {
    /// Combine mode.
    Combine {
        /// The secret file.
        secret: String,
        /// How it ended.
        secret_state: SecretState,
        /// The combined file.
        combined: String,
        /// How it ended; none where there is no such file.
        combined_state: Option<CombinedState>,
    },
    /// A secrets-only folder: nothing was done.
    Folder {
        /// The folder.
        dir: String,
        /// How many of its files are readable, or why that could not be told.
        readable: Result<usize, String>,
    },
}

/// How a secret file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// Not there.
    Missing,
    /// Encrypted before.
    Already,
    /// Encrypted now.
    Encrypted,
    /// Would be encrypted.
    Readable,
    /// Given up; its row says why.
    Failed,
}

/// How a combined file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CombinedState {
    /// It is gone.
    Deleted,
    /// It would be deleted.
    WouldDelete,
    /// It stays because its secret file is not encrypted.
    KeptForFailure,
    /// It stays because there is no secret file that it could be made of.
    KeptForSource,
    /// It could not be deleted; its row says why.
    Failed,
}

/// What a run counted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Secret files that were encrypted.
    pub encrypted: usize,
    /// Secret files that would be encrypted; they make `lock --check` fail.
    pub readable: usize,
    /// Combined files that were deleted.
    pub deleted: usize,
    /// Combined files that would be deleted; they do not make `lock --check` fail.
    pub deletable: usize,
    /// Secrets-only environments.
    pub folders: usize,
}

impl Report<Locked> {
    /// What the run counted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for end in self.ends() {
            match end {
                Locked::Combine { secret_state, combined_state, .. } => {
                    counts.encrypted += usize::from(*secret_state == SecretState::Encrypted);
                    counts.readable += usize::from(*secret_state == SecretState::Readable);
                    counts.deleted += usize::from(*combined_state == Some(CombinedState::Deleted));
                    counts.deletable += usize::from(*combined_state == Some(CombinedState::WouldDelete));
                }
                Locked::Folder { .. } => counts.folders += 1,
            }
        }
        counts
    }

    /// Names of the secrets-only environments with readable files, and how many files those are. They make `lock
    /// --all` fail, with `--check` and without.
    pub fn pending_folders(&self) -> (Vec<&str>, usize) {
        let pending = self.environments.iter().filter_map(|environment| match &environment.end {
            Some(Locked::Folder { readable: Ok(count @ 1..), .. }) => {
                Some((environment.name.as_str(), *count))
            }
            Some(Locked::Folder { .. } | Locked::Combine { .. }) | None => None,
        });
        let (names, counts): (Vec<&str>, Vec<usize>) = pending.unzip();
        (names, counts.into_iter().sum())
    }
}

/// Locks every environment, or says what that would do.
pub fn run(request: &Request<'_>) -> Report<Locked> {
    let Request { environments, action, env } = *request;
    let members = Members::of_combine(environments);
    let (rows, warnings) = match action {
        Action::Lock(cipher) => encrypt(&members, cipher, env),
        Action::Check => (members.targets.iter().map(|target| secret::look(target).1).collect(), Vec::new()),
    };
    let rows = members.into_rows(environments, Verb::Encrypt, rows);
    let locked = environments.iter().zip(rows).map(|(environment, rows)| match &environment.files {
        Files::Combine(files) => combine(environment, files, rows.into_iter().next(), action),
        Files::Folder(folder) => self::folder(environment, folder),
    });
    Report { environments: locked.collect(), warnings }
}

/// The rows of the secret files and the warnings about key stores.
fn encrypt(members: &Members, cipher: &Cipher, env: &Env) -> (Vec<Row>, Vec<String>) {
    let batch = Batch::grouped(&members.targets, members.groups.clone());
    let mut run = Run::start(batch, With { cipher, reuse: Reuse::Unchanged, env });
    run.load();
    push::sort_out(&mut run);
    run.seal();
    run.write();
    let lifted = protect::unhide(&members.paths(run.batch().done()), env);
    let (rows, mut warnings) = run.finish();
    warnings.extend((!lifted).then(|| protect::STILL_HIDDEN.to_owned()));
    (rows, warnings)
}

fn combine(
    environment: &Environment<'_>,
    files: &Combine<'_>,
    row: Option<Row>,
    action: Action<'_>,
) -> EnvironmentReport<Locked> {
    let secret_state = row.as_ref().map_or(SecretState::Missing, |row| match row.outcome {
        Outcome::Changed(_) | Outcome::Restored => SecretState::Encrypted,
        Outcome::Same(_) => SecretState::Already,
        Outcome::WouldChange(_) => SecretState::Readable,
        Outcome::Skipped(_) | Outcome::Failed(_) => SecretState::Failed,
    });
    let missing = || {
        let message = format!("{} was not found", files.secret);
        Row::new(files.secret.to_string(), Outcome::Skipped(message))
    };
    let mut report = EnvironmentReport::new(environment.name, vec![row.unwrap_or_else(missing)]);
    let path = &files.combined.resolved;
    let is_there = path.exists() || path.is_symlink();
    let combined_state = is_there.then(|| {
        let (state, outcome) = delete(files, secret_state, action);
        report.rows.push(Row::new(&files.combined.written, outcome));
        state
    });
    report.end = Some(Locked::Combine {
        secret: files.secret.to_string(),
        secret_state,
        combined: files.combined.written.clone(),
        combined_state,
    });
    report
}

/// Deletes a combined file whose secret file is encrypted.
fn delete(files: &Combine<'_>, secret: SecretState, action: Action<'_>) -> (CombinedState, Outcome) {
    let shown = &files.combined.written;
    match (secret, action) {
        (SecretState::Missing, _) => (
            CombinedState::KeptForSource,
            Outcome::Skipped(format!("{shown} was kept: there is no secret file")),
        ),
        (SecretState::Failed, _) => {
            let kept = format!("{shown} was kept: its secret file is not encrypted");
            (CombinedState::KeptForFailure, Outcome::Skipped(kept))
        }
        (SecretState::Already | SecretState::Encrypted | SecretState::Readable, Action::Check) => {
            (CombinedState::WouldDelete, Outcome::WouldChange(Verb::Delete))
        }
        (SecretState::Already | SecretState::Encrypted | SecretState::Readable, Action::Lock(_)) => {
            match files::remove(&files.combined.resolved) {
                Ok(()) => (CombinedState::Deleted, Outcome::Changed(Verb::Delete)),
                Err(error) => {
                    let error = PartialError::wrap(Verb::Delete, shown, error.into());
                    (CombinedState::Failed, Outcome::Failed(error))
                }
            }
        }
    }
}

/// Counts what a push would encrypt; a folder that cannot be looked at is a warning, not a failure.
fn folder(environment: &Environment<'_>, folder: &Folder<'_>) -> EnvironmentReport<Locked> {
    let mut report = EnvironmentReport::new(environment.name, Vec::new());
    let look = |target: &Target| secret::look(target).1;
    let readable = match folder.targets() {
        Ok(targets) => {
            let rows: Vec<Row> = targets.iter().map(look).collect();
            let error = rows.iter().find_map(Row::error).map(ToString::to_string);
            let readable = rows.iter().filter(|row| matches!(row.outcome, Outcome::WouldChange(_))).count();
            error.map_or(Ok(readable), Err)
        }
        Err(error) => Err(error.to_string()),
    };
    let skipped = match &readable {
        Ok(0) => format!("{} is encrypted", folder.shown),
        Ok(count) => format!("{count} file(s) in {} are not encrypted: run `envdrift push`", folder.shown),
        Err(error) => format!("{} could not be checked: {error}", folder.shown),
    };
    report.rows.push(Row::new(&folder.shown, Outcome::Skipped(skipped)));
    report.end = Some(Locked::Folder { dir: folder.shown.clone(), readable });
    report
}
