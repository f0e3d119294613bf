//! How the services of a `lock` or a `pull` ended: their rows, and the JSON document made of them.

use serde::Serialize;

use crate::backend::BackendKind;
use crate::error::Error;
use crate::report::{JsonRow, Outcome, Row};

use super::partial::EnvironmentRow;
use super::services::{Place, Service, ServiceError};

/// How one service ended.
#[derive(Debug)]
pub struct ServiceRow {
    /// The name of its secret.
    pub secret: Option<String>,
    /// Its folder.
    pub folder: String,
    /// What happened to its env file.
    pub row: Row,
    /// What stands before the row.
    pub remarks: Vec<Remark>,
    /// What keeps the row from being a quiet one.
    pub warning: Option<String>,
    /// Whether the file was copied to `activate_to`, where the run had to.
    pub activation: Option<Activation>,
}

/// What the user should see before a file is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Remark {
    /// There is no key store, and nothing else says the key.
    #[error("warning: no {0} file, will generate new key")]
    NoKeyStore(String),
    /// The key store has no key for the file.
    #[error("warning: no {key} in {store}, will generate new key")]
    NoKey {
        /// The name that the key will get.
        key: String,
        /// The name of the key store.
        store: String,
    },
    /// Some values are encrypted, others not.
    #[error("partially encrypted (plaintext values remain), re-encrypting...")]
    Partly,
}

/// How `activate_to` ended.
#[derive(Debug)]
pub enum Activation {
    /// The copy is there.
    Done {
        /// The absolute path of the copy.
        to: String,
        /// The name of the env file.
        from: String,
    },
    /// `activate_to` leads out of the folder.
    Escapes(String),
    /// The copy could not be written.
    Failed {
        /// The path of the copy.
        to: String,
        /// Why.
        error: Error,
    },
}

impl Activation {
    /// Its row.
    pub fn line(&self) -> String {
        match self {
            Self::Done { to, from } => format!("→ {to} - activated from {from}"),
            Self::Escapes(to) => format!("! {to} - invalid path (escapes folder)"),
            Self::Failed { to, error } => format!("! {to} - activation failed: {error}"),
        }
    }

    /// True where the copy is there.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl ServiceRow {
    /// A row for `service` about `path`.
    pub(super) fn new(service: &Service, path: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            secret: service.secret.clone(),
            folder: service.folder.clone(),
            row: Row::new(path, outcome),
            remarks: Vec::new(),
            warning: None,
            activation: None,
        }
    }

    /// The row of a service without a file to work on; none where there is one.
    pub(super) fn without_file(service: &Service) -> Option<Self> {
        let skipped = |path: &str, reason: &str, warning: &str| {
            let mut row = Self::new(service, path, Outcome::Skipped(reason.to_owned()));
            row.warning = (!warning.is_empty()).then(|| format!("{path}: {warning}"));
            row
        };
        Some(match &service.place {
            Place::File(_) | Place::Partial(..) => return None,
            Place::Repeated(target) => skipped(&target.to_string(), "same file as an earlier mapping", ""),
            Place::Ambiguous(names) => {
                let several =
                    format!("several env files fit: {}; specify environment or env_file", names.join(", "));
                skipped(&service.folder, AMBIGUOUS, &several)
            }
            Place::Absent(path) => skipped(path, "not found", "no env file found"),
            Place::NoFolder => Self::failed(service, ServiceError::NoFolder),
            Place::Invalid(error) => Self::failed(service, ServiceError::EnvFile(*error)),
        })
    }

    fn failed(service: &Service, error: ServiceError) -> Self {
        Self::new(service, &service.folder, Outcome::Failed(error.into()))
    }

    /// The row itself, without what stands before it.
    pub fn line(&self) -> String {
        let path = &self.row.path;
        match &self.row.outcome {
            Outcome::Changed(verb) => format!("+ {path} - {}", verb.done().to_lowercase()),
            Outcome::Restored => {
                format!("= {path} - skipped (content unchanged, restored encrypted version from git)")
            }
            Outcome::Skipped(reason) if reason == AMBIGUOUS => format!("? {path} - skipped ({reason})"),
            Outcome::Same(reason) | Outcome::Skipped(reason) => format!("= {path} - skipped ({reason})"),
            Outcome::WouldChange(_) if self.remarks.contains(&Remark::Partly) => {
                format!("? {path} - would re-encrypt (plaintext values remain)")
            }
            Outcome::WouldChange(verb) => format!("? {path} - would be {}", verb.done().to_lowercase()),
            Outcome::Failed(Error::Service(error)) if !matches!(error, ServiceError::NoFolder) => {
                format!("! {path} - {error}")
            }
            // Verb and path are in the row already.
            Outcome::Failed(Error::Engine { source, .. }) => format!("! {path} - error: {source}"),
            Outcome::Failed(error) => format!("! {path} - error: {error}"),
        }
    }

    /// True where it is unknown which file the service has.
    pub fn is_ambiguous(&self) -> bool {
        matches!(&self.row.outcome, Outcome::Skipped(reason) if reason == AMBIGUOUS)
    }
}

/// Why a service with several fitting files is skipped.
const AMBIGUOUS: &str = "multiple .env.* files, specify environment";

/// A file of the other backend: for dotenvx it is somebody else's, for SOPS it is a mistake.
pub(super) fn foreign(found: BackendKind, wanted: BackendKind) -> Outcome {
    match wanted {
        BackendKind::Dotenvx => Outcome::Skipped(format!("encrypted with {found}, config uses {wanted}")),
        BackendKind::Sops => Outcome::Failed(Error::Service(ServiceError::Foreign { found, wanted })),
    }
}

/// The JSON document of a run: a row for each service, then those of the partial phase.
pub fn to_json(command: &str, is_ok: bool, rows: &[ServiceRow], phase: Vec<EnvironmentRow<'_>>) -> String {
    let services = rows.iter().map(|row| JsonLine::Service(row.to_json()));
    let rows = services.chain(phase.into_iter().map(JsonLine::Environment)).collect();
    serde_json::to_string_pretty(&Document { schema: 1, command, ok: is_ok, rows }).unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    command: &'a str,
    ok: bool,
    rows: Vec<JsonLine<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsonLine<'a> {
    Service(JsonService<'a>),
    Environment(EnvironmentRow<'a>),
}

#[derive(Serialize)]
struct JsonService<'a> {
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    #[serde(flatten)]
    row: JsonRow<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remarks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<JsonActivation>,
}

#[derive(Serialize)]
struct JsonActivation {
    outcome: &'static str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl ServiceRow {
    fn to_json(&self) -> JsonService<'_> {
        JsonService {
            service: &self.folder,
            secret: self.secret.as_deref(),
            row: self.row.to_json(),
            remarks: self.remarks.iter().map(ToString::to_string).collect(),
            activation: self.activation.as_ref().map(Activation::to_json),
        }
    }
}

impl Activation {
    fn to_json(&self) -> JsonActivation {
        let (outcome, path, reason) = match self {
            Self::Done { to, .. } => ("activated", to, None),
            Self::Escapes(to) => ("failed", to, Some("escapes folder".to_owned())),
            Self::Failed { to, error } => ("failed", to, Some(error.to_string())),
        };
        JsonActivation { outcome, path: path.clone(), reason }
    }
}
