//! The SOPS backend and its two engines, as the pipeline sees them.

use std::path::PathBuf;

use jiff::Timestamp;

use super::builtin::{self, DecryptRequest, EncryptRequest, ProofError};
use super::encrypt::PlainComment;
use super::error::SopsError;
use super::keep::{self, Previous};
use super::key_command;
use super::rules::Recipients;
use super::shape::{self, ValueShape};
use super::store;
use super::tool::SopsTool;
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
        match builtin::decrypt(&decrypt_request(&self.settings, &self.env, &encrypted.text)) {
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
        let made = builtin::encrypt(&encrypt_request(&self.settings, &self.env, job, (self.now)()))?;
        let readable = remarks(&made.left_plain, &made.plain_comments, &made.odd_names);
        let kept = kept(&made.kept);
        Ok(Encrypted { text: made.text.clone(), proof: ProofKeys::Sops(Box::new(made)), readable, kept })
    }

    fn decrypt(&self, job: &Job<'_>) -> Result<String, EngineError> {
        if !builtin::is_encrypted(job.file.text()) {
            return Err(EngineError::NoSopsMetadata);
        }
        let run = |command: &str, recipient: &str| key_command::run(command, recipient, &self.env);
        let request = decrypt_request(&self.settings, &self.env, job.file.text());
        Ok(builtin::decrypt(&DecryptRequest { run: Some(&run), ..request })?.text)
    }
}

/// The engine that runs the sops binary.
pub struct SopsByTool {
    settings: SopsSettings,
    env: Env,
    tool: SopsTool,
}

impl SopsByTool {
    /// An engine around `tool`.
    pub fn new(settings: SopsSettings, env: Env, tool: SopsTool) -> Self {
        Self { settings, env, tool }
    }
}

impl Engine for SopsByTool {
    fn label(&self) -> String {
        self.tool.label()
    }

    fn encrypt(&self, job: &Job<'_>) -> Result<Encrypted, EngineError> {
        let made = self.tool.encrypt(&encrypt_request(&self.settings, &self.env, job, Timestamp::now()))?;
        let readable = remarks(&made.left_plain, &made.plain_comments, &made.odd_names);
        Ok(Encrypted { text: made.text, proof: ProofKeys::None, readable, kept: kept(&made.kept) })
    }

    fn decrypt(&self, job: &Job<'_>) -> Result<String, EngineError> {
        if !builtin::is_encrypted(job.file.text()) {
            return Err(EngineError::NoSopsMetadata);
        }
        Ok(self.tool.decrypt(&decrypt_request(&self.settings, &self.env, job.file.text()))?.text)
    }
}

fn encrypt_request<'a>(
    settings: &'a SopsSettings,
    env: &'a Env,
    job: &'a Job<'_>,
    now: Timestamp,
) -> EncryptRequest<'a> {
    EncryptRequest {
        text: job.file.text(),
        name: job.target.path(),
        recipients: &settings.recipients,
        sops_config: settings.sops_config.as_deref(),
        env,
        now,
        previous: job.previous.map(|previous| Previous {
            text: previous.text(),
            age_key_file: settings.age_key_file.as_deref(),
            run: None,
        }),
    }
}

/// A request that runs no key command: for looking, not for decrypting.
fn decrypt_request<'a>(settings: &'a SopsSettings, env: &'a Env, text: &'a str) -> DecryptRequest<'a> {
    DecryptRequest { text, age_key_file: settings.age_key_file.as_deref(), env, run: None }
}

fn kept(kept: &keep::Kept) -> Kept {
    match kept {
        keep::Kept::Nothing | keep::Kept::Unusable(_) | keep::Kept::Lines(0) => Kept::Nothing,
        keep::Kept::Lines(count) => Kept::Values(*count),
        keep::Kept::Everything => Kept::File,
    }
}

/// What stays readable, in words.
fn remarks(values: &[String], comments: &[PlainComment], odd_names: &[usize]) -> Vec<String> {
    let values = values.iter().map(|key| format!("{key} stays readable (by its name or by a rule)"));
    let comments = comments
        .iter()
        .map(|comment| format!("line {}: the commented-out {} stays readable", comment.line, comment.key));
    let odd_names = odd_names
        .iter()
        .map(|line| format!("line {line}: what stands before the = is no key name and stays readable"));
    values.chain(comments).chain(odd_names).collect()
}
