//! `encrypt --check`: what is encrypted, what is not, and whether that blocks a commit. Reads only.

use std::collections::BTreeSet;

use serde_json::json;

use crate::backend::classify::{Evidences, ValueClass, is_bare_word};
use crate::backend::dotenvx::DotenvxRules;
use crate::backend::sops::engine::{SopsRules, SopsSettings};
use crate::backend::{Backend as _, BackendKind, State};
use crate::env::Env;
use crate::envfile::{EnvFile, Stray};
use crate::error::Error;
use crate::files;
use crate::schema::Schema;
use crate::sensitive;
use crate::workspace::target::Target;

/// What to look at.
pub struct Request<'a> {
    /// The files, in argument order.
    pub targets: &'a [Target],
    /// The backend of the run, for a file that does not say its own.
    pub selected: BackendKind,
    /// Fields that a schema marks as sensitive.
    pub schema: Option<&'a Schema>,
    /// What blocks.
    pub policy: Policy,
}

/// What blocks a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// A plaintext value that looks like a secret.
    Secrets,
    /// Any plaintext value that encrypting would encrypt.
    Everything,
}

/// What was found in one file: names, never values.
#[derive(Debug)]
pub struct FileStatus {
    /// The file as the user named it.
    pub path: String,
    /// Its backend, else the one of the run.
    pub backend: BackendKind,
    /// Names with at least one encrypted value.
    pub encrypted: BTreeSet<String>,
    /// Names with at least one value in plaintext.
    pub plaintext: BTreeSet<String>,
    /// Names without a value.
    pub empty: BTreeSet<String>,
    /// The plaintext names that look like secrets.
    pub secrets: BTreeSet<String>,
    /// Why they do, in file order.
    pub warnings: Vec<String>,
    /// True where the policy blocks.
    pub blocks: bool,
}

impl FileStatus {
    /// Encrypted values in per cent of all that are not empty.
    pub fn ratio(&self) -> usize {
        let all = self.encrypted.len() + self.plaintext.len();
        // Rounded half up, in whole per cent.
        if all == 0 { 0 } else { (self.encrypted.len() * 200 + all) / (2 * all) }
    }

    /// The state in the words of the report.
    pub fn headline(&self) -> &'static str {
        match (self.encrypted.is_empty(), self.plaintext.is_empty()) {
            (false, true) => "File is fully encrypted",
            (false, false) => "File is partially encrypted",
            (true, _) => "File is not encrypted",
        }
    }
}

/// How the look at one file ended.
#[derive(Debug)]
pub enum Looked {
    /// It was looked at.
    At(FileStatus),
    /// It is a companion file.
    PastCompanion(String),
    /// It could not be read; no later file is looked at.
    Failed(String, Error),
}

impl Looked {
    /// The JSON form: names and counts, never a value.
    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::At(file) => json!({
                "path": file.path,
                "outcome": if file.blocks { "blocked" } else { "passed" },
                "backend": file.backend.as_str(),
                "state": file.headline(),
                "encrypted": file.encrypted,
                "plaintext": file.plaintext,
                "empty": file.empty,
                "secrets": file.secrets,
                "notes": file.warnings,
            }),
            Self::PastCompanion(path) => {
                json!({"path": path, "outcome": "skipped", "reason": "companion file"})
            }
            Self::Failed(path, error) => json!({
                "path": path,
                "outcome": "failed",
                "reason": error.to_string(),
                "code": error.code(),
                "hint": error.hint(),
            }),
        }
    }
}

/// The result of a check: one entry a file, in argument order.
#[derive(Debug, Default)]
pub struct Checked(pub Vec<Looked>);

impl Checked {
    /// True where any file blocks, or could not be looked at.
    pub fn blocks(&self) -> bool {
        self.0.iter().any(|one| match one {
            Looked::At(file) => file.blocks,
            Looked::PastCompanion(_) => false,
            Looked::Failed(..) => true,
        })
    }

    /// The JSON document.
    pub fn to_json(&self) -> String {
        let rows: Vec<_> = self.0.iter().map(Looked::to_json).collect();
        let document = json!({"schema": 1, "command": "encrypt", "ok": !self.blocks(), "rows": rows});
        format!("{document:#}\n")
    }
}

/// Looks at every file, up to one that cannot be read.
pub fn run(request: &Request<'_>) -> Checked {
    let mut checked = Checked::default();
    for target in request.targets {
        if target.companion().is_some() {
            checked.0.push(Looked::PastCompanion(target.to_string()));
            continue;
        }
        match files::read_text(target.path()) {
            Ok(text) => checked.0.push(Looked::At(status(request, target, &EnvFile::parse(text)))),
            Err(error) => {
                let error = Error::on_argument(target.shown(), error);
                checked.0.push(Looked::Failed(target.to_string(), error));
                break;
            }
        }
    }
    checked
}

fn status(request: &Request<'_>, target: &Target, file: &EnvFile) -> FileStatus {
    let found = Evidences::of(file);
    let mut status = FileStatus {
        path: target.to_string(),
        backend: found.backend().unwrap_or(request.selected),
        encrypted: BTreeSet::new(),
        plaintext: BTreeSet::new(),
        empty: BTreeSet::new(),
        secrets: BTreeSet::new(),
        warnings: Vec::new(),
        blocks: false,
    };
    let marked = |name: &str| request.schema.is_some_and(|schema| schema.marks(name));
    for line in &found.lines {
        let names = match line.class {
            ValueClass::Dotenvx | ValueClass::Sops => &mut status.encrypted,
            ValueClass::Empty => &mut status.empty,
            ValueClass::Plain | ValueClass::Damaged => &mut status.plaintext,
        };
        names.insert(line.key.clone());
        if line.class == ValueClass::Damaged {
            status.secrets.insert(line.key.clone());
            status.warnings.push(format!("'{}' (line {}) holds a damaged ciphertext", line.key, line.line));
        } else if line.class == ValueClass::Plain
            && let Some(reason) = sensitive::why(line.full_key(file), line.value(file), &marked)
        {
            status.secrets.insert(line.key.clone());
            status.warnings.push(reason.warning(&line.key));
        }
    }
    let no_assignment = |stray: &&Stray| !file.stray(stray).contains('=') && !is_bare_word(file.stray(stray));
    let unread: Vec<usize> = file.strays().iter().filter(no_assignment).map(|stray| stray.line).collect();
    let warning =
        |line| format!("line {line} is neither KEY=value, nor a comment, nor blank; it stays readable");
    status.warnings.extend(unread.iter().map(warning));
    status.blocks = match request.policy {
        Policy::Secrets => !status.secrets.is_empty(),
        Policy::Everything => !unread.is_empty() || !is_done(status.backend, file),
    };
    status
}

/// True where encrypting would find nothing to encrypt.
fn is_done(backend: BackendKind, file: &EnvFile) -> bool {
    let state = match backend {
        BackendKind::Dotenvx => DotenvxRules.state(file),
        BackendKind::Sops => SopsRules::new(SopsSettings::default(), Env::default()).state(file),
    };
    matches!(state, State::Encrypted | State::Empty)
}
