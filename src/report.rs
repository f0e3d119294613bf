//! What an op did: one row a file, in the order of the arguments, and the exit code that follows from them.
//!
//! A report holds names, lines and reasons, never a value. Its JSON form (`--json`, schema 1) is documented in
//! docs/json.md; `ui` renders the human form.

use serde::Serialize;

use crate::backend::{BackendKind, Proved};
use crate::error::Error;

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Values become ciphertext.
    Encrypt,
    /// Ciphertext becomes values.
    Decrypt,
    /// The file is made of others.
    Generate,
    /// The file goes away.
    Delete,
}

impl Verb {
    /// `Encrypted`, `Decrypted` and so on.
    pub fn done(self) -> &'static str {
        match self {
            Self::Encrypt => "Encrypted",
            Self::Decrypt => "Decrypted",
            Self::Generate => "Generated",
            Self::Delete => "Deleted",
        }
    }
}

/// How one file ended.
#[derive(Debug)]
pub enum Outcome {
    /// The file was written.
    Changed(Verb),
    /// The plaintext did not change, so the file got back its last encrypted form.
    Restored,
    /// The file was right as it was; the sentence says why.
    Same(String),
    /// The file would be written; this run only looks.
    WouldChange(Verb),
    /// The file was passed over; the sentence says why.
    Skipped(String),
    /// The file is as it was, because of this.
    Failed(Error),
}

impl Outcome {
    /// How it ended, in a word or two for people.
    fn word(&self) -> String {
        match self {
            Self::Changed(verb) => verb.done().to_lowercase(),
            Self::Restored => "restored".into(),
            Self::Same(_) => "unchanged".into(),
            Self::WouldChange(verb) => format!("can be {}", verb.done().to_lowercase()),
            Self::Skipped(_) => "left alone".into(),
            Self::Failed(_) => "failed".into(),
        }
    }
}

/// One file.
#[derive(Debug)]
pub struct Row {
    /// The file as the user named it.
    pub path: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Its backend, where one was determined.
    pub backend: Option<BackendKind>,
    /// The engine that did the work.
    pub engine: Option<String>,
    /// How far the result was proved.
    pub proved: Option<Proved>,
    /// What the user should know besides, such as values left readable.
    pub notes: Vec<String>,
}

impl Row {
    /// Its JSON form.
    pub fn to_json(&self) -> JsonRow<'_> {
        JsonRow::from(self)
    }

    /// Why it failed, if it did.
    pub fn error(&self) -> Option<&Error> {
        match &self.outcome {
            Outcome::Failed(error) => Some(error),
            Outcome::Changed(_)
            | Outcome::Restored
            | Outcome::Same(_)
            | Outcome::WouldChange(_)
            | Outcome::Skipped(_) => None,
        }
    }

    /// A row that says nothing but how the file ended.
    pub fn new(path: impl Into<String>, outcome: Outcome) -> Self {
        Self { path: path.into(), outcome, backend: None, engine: None, proved: None, notes: Vec::new() }
    }
}

/// The result of a command.
#[derive(Debug)]
pub struct Report {
    /// The command, as typed.
    pub command: &'static str,
    /// One row a file, in argument order.
    pub rows: Vec<Row>,
}

impl Report {
    /// True where no file failed.
    pub fn is_ok(&self) -> bool {
        !self.rows.iter().any(|row| matches!(row.outcome, Outcome::Failed(_)))
    }

    /// How many files ended how, in one line: `3 files: 2 encrypted, 1 unchanged`.
    pub fn summary(&self) -> String {
        let mut counts: Vec<(String, usize)> = Vec::new();
        for row in &self.rows {
            let word = row.outcome.word();
            match counts.iter_mut().find(|(known, _)| *known == word) {
                Some((_, count)) => *count += 1,
                None => counts.push((word, 1)),
            }
        }
        let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
        format!("{} files: {}", self.rows.len(), counts.join(", "))
    }

    /// The JSON form.
    pub fn to_json(&self) -> String {
        let rows = self.rows.iter().map(JsonRow::from).collect();
        let document = JsonReport { schema: 1, command: self.command, ok: self.is_ok(), rows, error: None };
        serde_json::to_string_pretty(&document).unwrap_or_default()
    }
}

/// The JSON form of a command that ended before it had a row for every file.
pub fn failure_json(command: &str, error: &Error) -> String {
    let error = JsonError { reason: error.to_string(), code: error.code(), hint: error.hint() };
    let document = JsonReport { schema: 1, command, ok: false, rows: Vec::new(), error: Some(error) };
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

#[derive(Serialize)]
struct JsonReport<'a> {
    schema: u32,
    command: &'a str,
    ok: bool,
    rows: Vec<JsonRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<JsonError>,
}

#[derive(Serialize)]
struct JsonError {
    reason: String,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// The JSON form of a row.
#[derive(Serialize)]
pub struct JsonRow<'a> {
    path: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    backend: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

impl<'a> From<&'a Row> for JsonRow<'a> {
    fn from(row: &'a Row) -> Self {
        let (outcome, reason, error) = match &row.outcome {
            Outcome::Changed(Verb::Encrypt) => ("encrypted", None, None),
            Outcome::Changed(Verb::Decrypt) => ("decrypted", None, None),
            Outcome::Changed(Verb::Generate) => ("generated", None, None),
            Outcome::Changed(Verb::Delete) => ("deleted", None, None),
            Outcome::Restored => ("restored", None, None),
            Outcome::Same(reason) => ("unchanged", Some(reason.clone()), None),
            Outcome::WouldChange(Verb::Encrypt) => ("would_encrypt", None, None),
            Outcome::WouldChange(Verb::Decrypt) => ("would_decrypt", None, None),
            Outcome::WouldChange(Verb::Generate) => ("would_generate", None, None),
            Outcome::WouldChange(Verb::Delete) => ("would_delete", None, None),
            Outcome::Skipped(reason) => ("skipped", Some(reason.clone()), None),
            Outcome::Failed(error) => ("failed", Some(error.to_string()), Some(error)),
        };
        Self {
            path: &row.path,
            outcome,
            backend: row.backend.map(BackendKind::as_str),
            engine: row.engine.as_deref(),
            proof: row.proved.map(|proved| match proved {
                Proved::Opened => "opened",
                Proved::Structure => "structure",
            }),
            reason,
            code: error.map(Error::code),
            hint: error.and_then(Error::hint),
            notes: &row.notes,
        }
    }
}
