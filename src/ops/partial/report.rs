//! What a verb of partial encryption did: one entry an environment, in the order of the config.

use serde::Serialize;

use crate::error::Error;
use crate::report::{JsonRow, Row};

/// The result of a verb; `E` is how an environment ended.
#[derive(Debug)]
pub struct Report<E> {
    /// One entry an environment.
    pub environments: Vec<EnvironmentReport<E>>,
    /// What is not about one environment.
    pub warnings: Vec<String>,
}

/// The result of one environment.
#[derive(Debug)]
pub struct EnvironmentReport<E> {
    /// Its name.
    pub name: String,
    /// How it ended; none where it was given up.
    pub end: Option<E>,
    /// One row a file; at least one failed where the environment was given up.
    pub rows: Vec<Row>,
    /// What the user should know besides.
    pub warnings: Vec<String>,
}

impl<E> EnvironmentReport<E> {
    /// What went wrong.
    pub fn errors(&self) -> impl Iterator<Item = &Error> {
        self.rows.iter().filter_map(Row::error)
    }

    /// An environment that did not end well, or not yet.
    pub(super) fn new(name: &str, rows: Vec<Row>) -> Self {
        Self { name: name.to_owned(), end: None, rows, warnings: Vec::new() }
    }

    /// Without an end where anything went wrong.
    pub(super) fn or_given_up(mut self) -> Self {
        if self.has_failed() {
            self.end = None;
        }
        self
    }

    /// True where anything went wrong.
    pub fn has_failed(&self) -> bool {
        self.errors().next().is_some()
    }
}

impl<E> Report<E> {
    /// Adds what is not about one environment, each once.
    pub fn add_warnings(&mut self, warnings: Vec<String>) {
        for warning in warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// True where nothing went wrong.
    pub fn is_ok(&self) -> bool {
        self.failed() == 0
    }

    /// How many environments went wrong.
    pub fn failed(&self) -> usize {
        self.environments.iter().filter(|environment| environment.has_failed()).count()
    }

    /// How the environments ended that were not given up.
    pub fn ends(&self) -> impl Iterator<Item = &E> {
        self.environments.iter().filter_map(|environment| environment.end.as_ref())
    }

    /// The JSON form of its rows.
    pub fn json_rows(&self) -> Vec<EnvironmentRow<'_>> {
        let rows = self.environments.iter().flat_map(|environment| {
            let row = |row| EnvironmentRow { environment: &environment.name, row: Row::to_json(row) };
            environment.rows.iter().map(row)
        });
        rows.collect()
    }

    /// The JSON form, with `ok` as the exit code says it.
    pub fn to_json(&self, command: &str, ok: bool) -> String {
        let document = Document { schema: 1, command, ok, rows: self.json_rows() };
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    command: &'a str,
    ok: bool,
    rows: Vec<EnvironmentRow<'a>>,
}

/// The JSON form of a row, with the environment it is of.
#[derive(Serialize)]
pub struct EnvironmentRow<'a> {
    environment: &'a str,
    #[serde(flatten)]
    row: JsonRow<'a>,
}
