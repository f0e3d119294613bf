//! The SOPS backend and its built-in engine, as the pipeline sees them.

use std::path::PathBuf;

use jiff::Timestamp;

use super::builtin::{self, DecryptRequest, EncryptRequest, ProofError};
use super::encrypt::Encrypted as SopsEncrypted;
use super::error::SopsError;
use super::keep::{self, Previous};
use super::key_command;
use super::rules::Recipients;
use super::shape::{self, ValueShape};
use super::store;
use crate::backend::classify::{Evidences, ValueClass};
use crate::backend::{
    Backend, BackendKind, Encrypted, Engine, EngineError, Job, Kept, ProofKeys, Proved, Refusal, State,
};
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::keys::KeyName;
use crate::workspace::target::Target;

/// What flags and config say about SOPS.
#[derive(Clone, Default)]
pub struct SopsSettings {
    /// The recipients that were asked for.
    pub recipients: Recipients,
    /// The `.sops.yaml` to use instead of the nearest.
    pub sops_config: Option<PathBuf>,
    /// A file of age identities.
    pub age_key_file: Option<PathBuf>,
}

/// The rules of the format.
pub struct SopsRules {
    settings: SopsSettings,
    env: Env,
}

impl SopsRules {
    /// The rules for these settings; the environment is where identities for a proof are looked up.
    pub fn new(settings: SopsSettings, env: Env) -> Self {
        Self { settings, env }
    }

    /// The recipients that were asked for and are not in the file.
    fn missing_recipients(&self, text: &str) -> Vec<String> {
        let Ok(recorded) = builtin::recipients_of(text) else { return Vec::new() };
        let Recipients { age, kms, gcp_kms, azure_kv, hc_vault } = &self.settings.recipients;
        let wanted = [age, kms, gcp_kms, azure_kv, hc_vault].into_iter().flatten();
        // A URL without a version asks for any version of that key.
        let is = |id: &str, wanted: &str| {
            id == wanted || id.starts_with(&format!("{}/", wanted.trim_end_matches('/')))
        };
        wanted.filter(|wanted| !recorded.iter().any(|key| is(&key.id, wanted))).cloned().collect()
    }
}

impl Backend for SopsRules {
    fn kind(&self) -> BackendKind {
        BackendKind::Sops
    }

    fn state(&self, file: &EnvFile) -> State {
        if builtin::is_encrypted(file.text()) {
            let rows = shape::survey(file.text()).unwrap_or_default();
            let exposed: Vec<_> =
                rows.into_iter().filter(shape::Row::is_exposed).map(|row| (row.key, row.line)).collect();
            return if exposed.is_empty() { State::Encrypted } else { State::Mixed { plain: exposed } };
        }
        let found = Evidences::of(file);
        match (found.lines.is_empty(), found.of_class(ValueClass::Sops).next()) {
            (true, _) => State::Empty,
            (false, None) => State::Plain,
            (false, Some(_)) => {
                State::Mixed { plain: found.readable().map(|line| (line.key.clone(), line.line)).collect() }
            }
        }
    }

    fn refusal(&self, target: &Target, file: &EnvFile) -> Option<Refusal> {
        let path = target.to_string();
        if !builtin::is_encrypted(file.text()) {
            let ciphertext = Evidences::of(file).of_class(ValueClass::Sops).next().cloned();
            if let Some(line) = ciphertext {
                return Some(Refusal::SopsWithoutMetadata { path, line: line.line });
            }
            return store::split_plain(file.text()).err().map(|error| Refusal::SopsStore {
                path,
                message: error.to_string(),
                hint: error.hint().unwrap_or_default(),
            });
        }
        if let State::Mixed { plain } = self.state(file) {
            let mut keys: Vec<String> = plain.into_iter().map(|(key, _)| key).collect();
            keys.sort();
            keys.dedup();
            return Some(Refusal::SopsMixed { path, keys });
        }
        if let Ok(rows) = shape::survey(file.text())
            && let Some(row) = rows.into_iter().find(|row| matches!(row.shape, ValueShape::Malformed(_)))
        {
            return Some(Refusal::Damaged { path, line: row.line, key: row.key });
        }
        let missing = self.missing_recipients(file.text());
        (!missing.is_empty()).then_some(Refusal::SopsRecipients { path, missing })
    }

    fn key_name(&self, _: &Target, _: &EnvFile) -> Option<KeyName> {
        None
    }

    fn prove(&self, job: &Job<'_>, encrypted: &Encrypted) -> Result<Proved, EngineError> {
        if let ProofKeys::Sops(made) = &encrypted.proof {
            builtin::prove(job.file.text(), made).map_err(proof_error)?;
            return Ok(Proved::Opened);
        }
        let request = DecryptRequest {
            text: &encrypted.text,
            age_key_file: self.settings.age_key_file.as_deref(),
            env: &self.env,
            run: None,
        };
        match builtin::decrypt(&request) {
            Ok(opened) if opened.text == job.file.text() => Ok(Proved::Opened),
            Ok(_) => Err(EngineError::Layout),
            // Whoever encrypts need not be able to read: then the structure is all there is to look at.
            Err(SopsError::DataKey(_)) => Ok(Proved::Structure),
            Err(error) => Err(error.into()),
        }
    }
}

fn proof_error(error: ProofError) -> EngineError {
    match error {
        ProofError::Closed(error) => error.into(),
        ProofError::Values(keys) => EngineError::Changed { keys },
        ProofError::Text => EngineError::Layout,
    }
}

/// The built-in engine.
pub struct SopsBuiltin {
    settings: SopsSettings,
    env: Env,
    now: fn() -> Timestamp,
}

impl SopsBuiltin {
    /// An engine that records the time that `now` tells.
    pub fn new(settings: SopsSettings, env: Env, now: fn() -> Timestamp) -> Self {
        Self { settings, env, now }
    }
}

impl Engine for SopsBuiltin {
    fn label(&self) -> String {
        "built-in".into()
    }

    fn encrypt(&self, job: &Job<'_>) -> Result<Encrypted, EngineError> {
        let made = builtin::encrypt(&EncryptRequest {
            text: job.file.text(),
            name: job.target.path(),
            recipients: &self.settings.recipients,
            sops_config: self.settings.sops_config.as_deref(),
            env: &self.env,
            now: (self.now)(),
            previous: job.previous.map(|previous| Previous {
                text: previous.text(),
                age_key_file: self.settings.age_key_file.as_deref(),
                run: None,
            }),
        })?;
        Ok(encrypted(made))
    }

    fn decrypt(&self, job: &Job<'_>) -> Result<String, EngineError> {
        if !builtin::is_encrypted(job.file.text()) {
            return Err(EngineError::NoSopsMetadata);
        }
        let run = |command: &str, recipient: &str| key_command::run(command, recipient, &self.env);
        let opened = builtin::decrypt(&DecryptRequest {
            text: job.file.text(),
            age_key_file: self.settings.age_key_file.as_deref(),
            env: &self.env,
            run: Some(&run),
        })?;
        Ok(opened.text)
    }
}

/// What the pipeline needs of a result of this format.
pub(super) fn encrypted(made: SopsEncrypted) -> Encrypted {
    let kept = match &made.kept {
        keep::Kept::Nothing | keep::Kept::Unusable(_) => Kept::Nothing,
        keep::Kept::Lines(0) => Kept::Nothing,
        keep::Kept::Lines(count) => Kept::Values(*count),
        keep::Kept::Everything => Kept::File,
    };
    let values = made.left_plain.iter().map(|key| format!("{key} stays readable (by its name or by a rule)"));
    let comments = made
        .plain_comments
        .iter()
        .map(|comment| format!("line {}: the commented-out {} stays readable", comment.line, comment.key));
    let odd = made
        .odd_names
        .iter()
        .map(|line| format!("line {line}: what stands before the = is no key name and stays readable"));
    let readable = values.chain(comments).chain(odd).collect();
    Encrypted { text: made.text.clone(), proof: ProofKeys::Sops(Box::new(made)), readable, kept }
}
