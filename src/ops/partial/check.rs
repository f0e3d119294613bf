//! `push --check`: would a push change anything? Reads only.
//!
//! The combined file is git-ignored, so a fresh clone has none: then the sources alone are checked.

use std::path::Path;

use crate::env::Env;
use crate::report::{Outcome, Row, Verb};

use super::members::{Members, failed};
use super::product::Product;
use super::{Combine, Environment, EnvironmentReport, Files, PartialError, Report, protect, secret};

/// What to check.
pub struct Request<'a> {
    /// The environments, in the order of the config.
    pub environments: &'a [Environment<'a>],
    /// The environment variables.
    pub env: &'a Env,
}

/// What a push would do to an environment.
#[derive(Debug, PartialEq, Eq)]
pub enum Checked {
    /// Its combined file.
    Combined {
        /// The combined file.
        combined: String,
        /// How it is.
        state: CombinedState,
    },
    /// The files of its folder.
    Folder {
        /// The folder.
        dir: String,
        /// How many files there are.
        files: usize,
        /// How many of them a push would encrypt.
        plain: usize,
    },
}

/// How a combined file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CombinedState {
    /// What its sources make, and the secret file is encrypted.
    Current,
    /// Not there, which is right for a file that git ignores; the secret file is encrypted.
    NotThere,
    /// A push would change it or the secret file.
    Stale,
}

impl Checked {
    /// True where a push would change something.
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Combined { state, .. } => *state == CombinedState::Stale,
            Self::Folder { plain, .. } => *plain > 0,
        }
    }
}

impl Report<Checked> {
    /// How many environments a push would change.
    pub fn stale(&self) -> usize {
        self.ends().filter(|end| end.is_stale()).count()
    }
}

/// Checks every environment.
pub fn run(request: &Request<'_>) -> Report<Checked> {
    let Request { environments, env } = *request;
    let Members { targets, of, .. } = Members::collect(environments);
    let look = |(environment, of): (&Environment<'_>, Result<Vec<usize>, PartialError>)| match of {
        Err(error) => EnvironmentReport::new(environment.name, vec![failed(environment, error)]),
        Ok(of) => {
            let rows: Vec<_> = of.into_iter().map(|at| secret::look(&targets[at])).collect();
            match &environment.files {
                Files::Combine(files) => combined(environment, files, rows.into_iter().next()),
                Files::Folder(folder) => {
                    self::folder(environment, &folder.shown, rows.into_iter().map(|(_, row)| row).collect())
                }
            }
        }
    };
    let mut reports: Vec<_> = environments.iter().zip(of).map(look).collect();
    judge_absent(environments, &mut reports, env);
    Report { environments: reports, warnings: protect::tracked_combined(environments, env) }
}

fn combined(
    environment: &Environment<'_>,
    files: &Combine<'_>,
    secret: Option<(Option<String>, Row)>,
) -> EnvironmentReport<Checked> {
    let (text, row) = secret.map_or((None, None), |(text, row)| (text, Some(row)));
    let encrypted = row.as_ref().is_none_or(|row| matches!(row.outcome, Outcome::Same(_)));
    let mut report = EnvironmentReport::new(environment.name, Vec::from_iter(row));
    if report.has_failed() {
        return report;
    }
    let mut product = Product::make(files, text.as_deref());
    report.warnings = std::mem::take(&mut product.remarks);
    let state = match product.is_current() {
        Ok(None) if encrypted => CombinedState::NotThere,
        Ok(Some(true)) if encrypted => CombinedState::Current,
        Ok(_) => CombinedState::Stale,
        Err(error) => {
            product.fail(error);
            CombinedState::Stale
        }
    };
    if product.has_failed() {
        report.rows.extend(product.into_row());
        return report;
    }
    let combined = files.combined.written.clone();
    report.rows.push(combined_row(&combined, state));
    report.end = Some(Checked::Combined { combined, state });
    report
}

fn combined_row(combined: &str, state: CombinedState) -> Row {
    let outcome = match state {
        CombinedState::Current => Outcome::Same(format!("{combined} is up to date")),
        CombinedState::NotThere => Outcome::Skipped(format!("{combined} is not there; git ignores it")),
        CombinedState::Stale => Outcome::WouldChange(Verb::Generate),
    };
    Row::new(combined, outcome)
}

fn folder(environment: &Environment<'_>, dir: &str, rows: Vec<Row>) -> EnvironmentReport<Checked> {
    let plain = rows.iter().filter(|row| matches!(row.outcome, Outcome::WouldChange(_))).count();
    let end = Checked::Folder { dir: dir.to_owned(), files: rows.len(), plain };
    EnvironmentReport { end: Some(end), ..EnvironmentReport::new(environment.name, rows) }.or_given_up()
}

/// A combined file that is not there is out of date after all where git does not ignore it.
fn judge_absent(environments: &[Environment<'_>], reports: &mut [EnvironmentReport<Checked>], env: &Env) {
    let absent =
        environments.iter().zip(reports).filter_map(|(environment, report)| match &environment.files {
            Files::Combine(files) => report.absent().map(|end| (files.combined.resolved.as_path(), end)),
            Files::Folder(_) => None,
        });
    let (paths, ends): (Vec<&Path>, Vec<_>) = absent.unzip();
    for (ignored, (state, row)) in protect::ignored(&paths, env).into_iter().zip(ends) {
        if !ignored {
            *state = CombinedState::Stale;
            *row = combined_row(&row.path, CombinedState::Stale);
        }
    }
}

impl EnvironmentReport<Checked> {
    /// State and row of a combined file that is not there.
    fn absent(&mut self) -> Option<(&mut CombinedState, &mut Row)> {
        match &mut self.end {
            Some(Checked::Combined { state, .. }) if *state == CombinedState::NotThere => {
                Some((state, self.rows.last_mut()?))
            }
            Some(Checked::Combined { .. } | Checked::Folder { .. }) | None => None,
        }
    }
}
