//! A backend's rules and an engine's muscle, and the one pipeline that both go through.
//!
//! What could hurt a user is checked here once, for every backend and every engine: what must not be encrypted,
//! what is encrypted already, an engine that did nothing, an engine that changed a value. Nothing here writes a
//! file; what comes out is proved and ready to be written.

use crate::backend::classify::Evidences;
use crate::backend::{Backend, Encrypted, Engine, EngineError, Job, Proved, Refusal, State};
use crate::envfile::EnvFile;
use crate::workspace::target::{Companion, Target};

/// A backend with the engine that was chosen for it.
pub struct Cipher {
    /// The rules.
    pub backend: Box<dyn Backend>,
    /// The muscle.
    pub engine: Box<dyn Engine>,
}

/// What has to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Everything is encrypted already.
    Nothing,
    /// Something is in clear.
    Encrypt,
}

/// A new text that was proved.
pub struct Proven {
    /// What the engine made.
    pub encrypted: Encrypted,
    /// How far the proof went.
    pub proved: Proved,
}

/// Refuses a file by its name alone, before anything else is looked at.
pub fn refuse_name(target: &Target, verb: &'static str) -> Option<Refusal> {
    let path = target.to_string();
    Some(match target.companion()? {
        Companion::KeyStore => Refusal::KeyStore { verb, path },
        Companion::Plaintext => Refusal::Companion { verb, path },
    })
}

/// Looks at a file before anything is written: refuses it, or says whether there is something to do.
pub fn examine(backend: &dyn Backend, target: &Target, file: &EnvFile) -> Result<Step, Refusal> {
    let path = || target.to_string();
    let selected = backend.kind();
    if let Some(line) = private_key_line(file) {
        return Err(Refusal::HoldsPrivateKeys { path: path(), line });
    }
    if let Some(other) = Evidences::of(file).by_value().filter(|&other| other != selected) {
        return Err(Refusal::OtherBackend { path: path(), other, selected });
    }
    let state = backend.state(file);
    if state == State::Empty {
        return Err(Refusal::NoVariables { path: path() });
    }
    match backend.refusal(target, file) {
        Some(refusal) => Err(refusal),
        None if state == State::Encrypted => Ok(Step::Nothing),
        None => Ok(Step::Encrypt),
    }
}

impl Cipher {
    /// Looks at a file before anything is written; see [`examine`].
    pub fn examine(&self, target: &Target, file: &EnvFile) -> Result<Step, Refusal> {
        examine(self.backend.as_ref(), target, file)
    }

    /// Encrypts, checks that nothing is left in clear, and proves that the original comes back.
    pub fn encrypt(&self, job: &Job<'_>) -> Result<Proven, EngineError> {
        let encrypted = self.engine.encrypt(job)?;
        match self.backend.state(&EnvFile::parse(encrypted.text.clone())) {
            State::Encrypted => {}
            State::Mixed { plain } => {
                return Err(EngineError::StillPlain {
                    keys: plain.into_iter().map(|(key, _)| key).collect(),
                });
            }
            State::Empty | State::Plain => return Err(EngineError::StillPlain { keys: keys_of(job.file) }),
        }
        let proved = self.backend.prove(job, &encrypted)?;
        Ok(Proven { encrypted, proved })
    }

    /// Decrypts in memory.
    pub fn decrypt(&self, job: &Job<'_>) -> Result<String, EngineError> {
        self.engine.decrypt(job)
    }
}

fn keys_of(file: &EnvFile) -> Vec<String> {
    file.entries().iter().map(|entry| file.key(entry).to_owned()).collect()
}

/// The first line that holds a private key; an empty placeholder is none.
fn private_key_line(file: &EnvFile) -> Option<usize> {
    let holds_key = |entry: &&crate::envfile::Entry| {
        let key = file.key(entry);
        let suffix = key.strip_prefix(crate::env::DOTENV_PRIVATE_KEY);
        suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('_'))
            && !file.raw(entry).trim().is_empty()
    };
    file.entries().iter().find(holds_key).map(|entry| entry.line)
}
