//! The secret files of a run, each once, and which environments have them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files;
use crate::report::{Outcome, Row, Verb};
use crate::workspace::target::Target;

use super::select::Folders;
use super::{Environment, Files, PartialError};

/// Which environments are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Combine,
}

/// The secret files of all environments.
pub(super) struct Members {
    /// Each file once.
    pub(super) targets: Vec<Target>,
    /// The group of each file: the first environment that has it.
    pub(super) groups: Vec<usize>,
    /// The files of each environment, by index; or why there are none. Empty for a secret file that is not there.
    pub(super) of: Vec<Result<Vec<usize>, PartialError>>,
}

impl Members {
    /// Looks for the files of `environments`.
    pub(super) fn collect(environments: &[Environment<'_>]) -> Self {
        Self::find(environments, Scope::All)
    }

    /// Looks for the secret files of `environments` in combine mode; the others have none.
    pub(super) fn of_combine(environments: &[Environment<'_>]) -> Self {
        Self::find(environments, Scope::Combine)
    }

    fn find(environments: &[Environment<'_>], scope: Scope) -> Self {
        let mut members = Self { targets: Vec::new(), groups: Vec::new(), of: Vec::new() };
        let mut known = Known::default();
        for (group, environment) in environments.iter().enumerate() {
            let targets = match &environment.files {
                Files::Combine(files) if is_there(&files.secret) => Ok(vec![files.secret.clone()]),
                Files::Folder(folder) if scope == Scope::All => folder.targets(),
                Files::Combine(_) | Files::Folder(_) => Ok(Vec::new()),
            };
            let mut index = |target: Target| {
                let at = members.targets.len();
                let place = known.folders.real(target.path());
                *known.places.entry(place).or_insert_with(|| {
                    members.targets.push(known.stores.of(target));
                    members.groups.push(group);
                    at
                })
            };
            let of = targets.map(|targets| targets.into_iter().map(&mut index).collect());
            members.of.push(of);
        }
        members
    }

    /// The paths of the files at `members`.
    pub(super) fn paths(&self, members: impl IntoIterator<Item = usize>) -> Vec<&Path> {
        members.into_iter().map(|at| self.targets[at].path()).collect()
    }

    /// The rows of each environment, made of one row a file.
    ///
    /// Who shares a file with an earlier environment gets a row that says so, and shares its failure.
    pub(super) fn into_rows(
        self,
        environments: &[Environment<'_>],
        verb: Verb,
        rows: Vec<Row>,
    ) -> Vec<Vec<Row>> {
        let rows: Vec<Row> = rows.into_iter().map(|row| reworded(verb, row)).collect();
        let echoes: Vec<Row> = rows.iter().map(echo).collect();
        let mut rows: Vec<Option<Row>> = rows.into_iter().map(Some).collect();
        let mut take = |at: usize| rows[at].take().unwrap_or_else(|| echo(&echoes[at]));
        let of = self.of.into_iter().zip(environments);
        of.map(|(of, environment)| match of {
            Ok(of) => of.into_iter().map(&mut take).collect(),
            Err(error) => vec![failed(environment, error)],
        })
        .collect()
    }
}

/// The files that were found so far, by where they are, and the key stores beside them.
#[derive(Default)]
struct Known {
    folders: Folders,
    places: HashMap<PathBuf, usize>,
    stores: Stores,
}

/// Key stores by the path that names them.
#[derive(Default)]
struct Stores(HashMap<PathBuf, PathBuf>);

impl Stores {
    /// The target with its real key store: links that lead to one store must be one store, for its lock and its keys.
    fn of(&mut self, target: Target) -> Target {
        let named = target.key_store();
        let real = || files::canonical(&named).unwrap_or_else(|_| named.clone());
        let store = self.0.entry(named.clone()).or_insert_with(real);
        target.with_key_store(store.clone())
    }
}

/// A row that gives a whole environment up.
pub(super) fn failed(environment: &Environment<'_>, error: impl Into<Error>) -> Row {
    Row::new(place(environment), Outcome::Failed(error.into()))
}

fn is_there(target: &Target) -> bool {
    target.path().exists() || target.path().is_symlink()
}

/// The row with the words of this feature around its error.
fn reworded(verb: Verb, mut row: Row) -> Row {
    if let Outcome::Failed(error) = row.outcome {
        row.outcome = Outcome::Failed(PartialError::wrap(verb, &row.path, error));
    }
    row
}

/// The row of a file that an earlier environment has too.
fn echo(row: &Row) -> Row {
    let path = &row.path;
    let outcome = match &row.outcome {
        Outcome::Failed(error) => Outcome::Failed(error.repeated()),
        Outcome::Skipped(message) => Outcome::Failed(Error::Repeated {
            message: message.clone(),
            hint: None,
            code: "partial.left_alone",
        }),
        Outcome::Changed(_) | Outcome::Restored | Outcome::Same(_) | Outcome::WouldChange(_) => {
            Outcome::Same(format!("{path} belongs to an earlier environment of this run too"))
        }
    };
    Row::new(path, outcome)
}

/// What stands for the environment where none of its files does.
pub(super) fn place(environment: &Environment<'_>) -> String {
    match &environment.files {
        Files::Combine(files) => files.combined.written.clone(),
        Files::Folder(folder) => folder.shown.clone(),
    }
}
