//! `pull-partial`, and the partial phase of `pull`: secret files become readable, hidden from git while they are.

use std::collections::HashMap;

use crate::backend::BackendKind;
use crate::cipher::refuse_name;
use crate::env::Env;
use crate::files::{self, Mode};
use crate::ops::batch::Batch;
use crate::ops::decrypt::{Opener, Run, With};
use crate::report::{Outcome, Row, Verb};

use super::members::Members;
use super::product::{self, Product};
use super::{Environment, EnvironmentReport, Files, PartialError, Report, protect};

/// What to decrypt, and with what.
pub struct Request<'a> {
    /// The environments, in the order of the config.
    pub environments: &'a [Environment<'a>],
    /// Gives the cipher of a backend.
    pub open: &'a Opener<'a>,
    /// What a secret file that is not there means.
    pub missing: Missing,
    /// Whether readable combined files are made too.
    pub merge: Merge,
    /// The environment variables.
    pub env: &'a Env,
}

/// What a secret file that is not there means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A failure: `pull-partial`.
    Failure,
    /// Nothing to do: `pull`.
    Nothing,
}

/// Whether readable combined files are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// They are not.
    No,
    /// They are: `pull --merge`.
    Yes,
}

/// How an environment was decrypted.
#[derive(Debug)]
pub struct Pulled {
    /// Its secret files.
    pub files: PulledFiles,
    /// Those that are readable now.
    pub readable: Vec<Readable>,
    /// The combined file, where a readable one was to be made and was.
    pub merged: Option<String>,
}

/// The secret files of an environment.
#[derive(Debug, PartialEq, Eq)]
pub enum PulledFiles {
    /// The one of combine mode.
    Secret {
        /// The file.
        path: String,
        /// How it was.
        state: SecretState,
    },
    /// Those of a folder.
    Folder {
        /// The folder.
        dir: String,
        /// How many were decrypted now.
        decrypted: usize,
        /// How many were readable before.
        already: usize,
    },
}

/// How a secret file was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// Not there.
    Missing,
    /// Encrypted; it is readable now.
    Decrypted,
    /// Readable.
    AlreadyPlain,
}

/// A secret file in plaintext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readable {
    /// The file.
    pub path: String,
    /// True where git overlooks it.
    pub hidden: bool,
}

impl Pulled {
    /// How many files were decrypted.
    pub fn decrypted(&self) -> usize {
        match &self.files {
            PulledFiles::Secret { state, .. } => usize::from(*state == SecretState::Decrypted),
            PulledFiles::Folder { decrypted, .. } => *decrypted,
        }
    }

    /// How many files had nothing to decrypt.
    pub fn skipped(&self) -> usize {
        match &self.files {
            PulledFiles::Secret { state, .. } => usize::from(*state != SecretState::Decrypted),
            PulledFiles::Folder { already, .. } => *already,
        }
    }
}

/// Decrypts every environment; one that fails is left as it is and does not stop the others.
pub fn run(request: &Request<'_>) -> Report<Pulled> {
    let Request { environments, open, env, .. } = *request;
    let members = Members::collect(environments);
    let batch = Batch::grouped(&members.targets, members.groups.clone());
    let with = With { backend: Some(BackendKind::Dotenvx), default: BackendKind::Dotenvx, open, env };
    let mut run = Run::start(batch, with);
    run.load();
    sort_out(&mut run);
    run.open();
    // Git looks away before the first readable byte is there, so that no `git add` in between can catch it.
    let readable = run.batch().good();
    let hidden = protect::hide(&members.paths(readable.iter().copied()), env);
    let names = readable.iter().map(|&at| members.targets[at].to_string());
    let hidden: HashMap<String, bool> = names.zip(hidden).collect();
    run.write(Mode::Private);
    let mut warnings = Vec::new();
    let still_encrypted: Vec<usize> = readable.into_iter().filter(|&at| !run.batch().is_done(at)).collect();
    if !protect::unhide(&members.paths(still_encrypted), env) {
        warnings.push(protect::STILL_HIDDEN.to_owned());
    }
    let restricted = run.batch().done().into_iter().map(|at| files::restrict(members.targets[at].path()));
    warnings.extend(restricted.filter_map(Result::err).map(|error| error.to_string()));
    let merged =
        merge_all(request, &members, &run).into_iter().map(|product| product.and_then(Product::into_row));
    let rows = run.finish(Outcome::Changed);
    let rows = members.into_rows(environments, Verb::Decrypt, rows);
    let all = environments.iter().zip(rows).zip(merged);
    let environments = all.map(|((environment, rows), merged)| {
        let ended = Ended { rows, merged, hidden: &hidden };
        report(request, environment, ended)
    });
    Report { environments: environments.collect(), warnings }
}

/// Refuses what the pipeline would take.
fn sort_out(run: &mut Run<'_>) {
    for at in run.batch().good() {
        if let Some(refusal) = refuse_name(run.batch().target(at), "decrypt") {
            run.batch_mut().fail(at, refusal.into());
        }
    }
}

/// The readable combined files, where they are wanted and their secret file is there.
fn merge_all<'e>(request: &Request<'e>, members: &Members, run: &Run<'_>) -> Vec<Option<Product<'e>>> {
    let merge = |(environment, of): (&'e Environment<'e>, &Result<Vec<usize>, PartialError>)| {
        let (Files::Combine(files), Merge::Yes) = (&environment.files, request.merge) else { return None };
        let &secret = of.as_ref().ok()?.first()?;
        run.plaintext(secret).filter(|_| run.batch().is_done(secret)).map(|text| Product::merge(files, text))
    };
    let mut products: Vec<_> = request.environments.iter().zip(&members.of).map(merge).collect();
    product::stage_all(&mut products);
    product::commit_all(&mut products, |_| true);
    products
}

/// What became of one environment.
struct Ended<'a> {
    rows: Vec<Row>,
    merged: Option<Row>,
    /// Whether git overlooks a file, by its name.
    hidden: &'a HashMap<String, bool>,
}

fn report(
    request: &Request<'_>,
    environment: &Environment<'_>,
    ended: Ended<'_>,
) -> EnvironmentReport<Pulled> {
    let Ended { mut rows, merged, hidden } = ended;
    let missing = match &environment.files {
        Files::Combine(files) if rows.is_empty() => Some(files.secret.to_string()),
        Files::Combine(_) | Files::Folder(_) => None,
    };
    if let Some(path) = missing {
        let outcome = match request.missing {
            Missing::Failure => Outcome::Failed(PartialError::NoSecret { path: path.clone() }.into()),
            Missing::Nothing => Outcome::Skipped(format!("{path} was not found")),
        };
        rows.push(Row::new(path, outcome));
    }
    let mut report = EnvironmentReport::new(environment.name, rows);
    if report.has_failed() {
        return report;
    }
    let readable = report
        .rows
        .iter()
        .filter_map(|row| hidden.get(&row.path).map(|&hidden| Readable { path: row.path.clone(), hidden }));
    let readable = readable.collect();
    let decrypted = report.rows.iter().filter(|row| matches!(row.outcome, Outcome::Changed(_))).count();
    let files = match &environment.files {
        Files::Folder(folder) => PulledFiles::Folder {
            dir: folder.shown.clone(),
            decrypted,
            already: report.rows.len() - decrypted,
        },
        Files::Combine(files) => {
            PulledFiles::Secret { path: files.secret.to_string(), state: state(&report.rows) }
        }
    };
    let made = merged.as_ref().filter(|row| row.error().is_none()).map(|row| row.path.clone());
    report.rows.extend(merged);
    report.end = Some(Pulled { files, readable, merged: made });
    report
}

fn state(rows: &[Row]) -> SecretState {
    match rows.first().map(|row| &row.outcome) {
        Some(Outcome::Changed(_)) => SecretState::Decrypted,
        Some(Outcome::Skipped(_)) | None => SecretState::Missing,
        Some(Outcome::Same(_) | Outcome::Restored | Outcome::WouldChange(_) | Outcome::Failed(_)) => {
            SecretState::AlreadyPlain
        }
    }
}
