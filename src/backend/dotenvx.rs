//! The dotenvx backend: what its files look like, what is refused, and how values travel in and out of them.
//!
//! The text belongs to this module, the values to an engine: [`Dotenvx`] wraps a [`ValueEngine`], which only
//! turns values into ciphertext and back. So both engines keep comments, quotes, blanks and line ends the same
//! way, and what the dotenvx binary does to text never reaches the user.

pub mod builtin;
pub mod ecies;
pub mod key_choice;
mod layout;
mod reuse;
mod text;
pub mod tool;

use crate::backend::classify::{Evidences, ValueClass, is_bare_word, is_public_key};
use crate::backend::{
    Backend, BackendKind, Encrypted, Engine, EngineError, Job, Kept, ProofKeys, Proved, Refusal, State,
};
use crate::envfile::{EnvFile, Separator};
use crate::keys::{KeyName, PrivateKey, PublicKey};
use crate::secret::Secret;
use crate::workspace::target::Target;

use self::builtin::Opener;
use self::ecies::ValueKey;
use self::reuse::{KeptValue, Previous};

/// Values whose key ends so are never encrypted, by the convention of dotenvx 2.
const PLAIN_SUFFIX: &str = "_PLAIN";

/// Sealed values and, where the engine knows them, the keys that prove them.
pub struct SealedValues {
    /// `encrypted:…`, in the order of the plaintexts.
    pub values: Vec<String>,
    /// The AES keys, in the same order.
    pub keys: Option<Vec<ValueKey>>,
}

/// A ciphertext in a file.
pub struct SealedEntry<'a> {
    /// Its key.
    pub key: &'a str,
    /// 1-based line.
    pub line: usize,
    /// `encrypted:…`.
    pub value: &'a str,
}

/// Values in, values out.
pub trait ValueEngine: Sync {
    /// True where the values were opened by this very process, so that opening them again would prove nothing.
    const IN_PROCESS: bool;
    /// `built-in`, or the tool with version and path.
    fn label(&self) -> String;
    /// Seals `values` for `public`.
    fn seal(&self, public: &PublicKey, values: &[Secret]) -> Result<SealedValues, EngineError>;
    /// Opens `sealed`; `keys` are in the order of preference and never empty.
    fn open(&self, keys: &[&PrivateKey], sealed: &[SealedEntry<'_>]) -> Result<Vec<Secret>, EngineError>;
}

/// The rules of the format.
pub struct DotenvxRules;

/// The public key in the header of `file`, with its name and line.
///
/// # Errors
/// `Err` has key and line of a header that holds no public key.
pub fn header_key(file: &EnvFile) -> Result<Option<(KeyName, PublicKey)>, (String, usize)> {
    let Some(entry) = file.entries().iter().find(|entry| is_public_key(file.key(entry))) else {
        return Ok(None);
    };
    let key = file.key(entry);
    match (KeyName::of_variable(key), PublicKey::from_hex(&file.value(entry))) {
        (Some(name), Some(public)) => Ok(Some((name, public))),
        _ => Err((key.to_owned(), entry.line)),
    }
}

/// Where the header says that the private key is, when it is not beside the file: `DOTENV_PUBLIC_KEY="…" # -fk PATH`,
/// from the folder of the file.
pub fn key_store_note(file: &EnvFile) -> Option<&str> {
    let entry = file.entries().iter().find(|entry| is_public_key(file.key(entry)))?;
    let rest = file.text()[entry.slot.end..].split(['\r', '\n']).next()?;
    let path = rest.trim().strip_prefix("# -fk ")?.trim();
    (!path.is_empty()).then_some(path)
}

impl Backend for DotenvxRules {
    fn kind(&self) -> BackendKind {
        BackendKind::Dotenvx
    }

    fn state(&self, file: &EnvFile) -> State {
        let found = Evidences::of(file);
        let encrypted = found.of_class(ValueClass::Dotenvx).next().is_some();
        let nothing = !encrypted && found.lines.iter().all(|line| line.key.ends_with(PLAIN_SUFFIX));
        let plain: Vec<_> = found
            .readable()
            .filter(|line| !line.key.ends_with(PLAIN_SUFFIX))
            .map(|line| (line.key.clone(), line.line))
            .collect();
        match (nothing, encrypted, plain.is_empty()) {
            (true, ..) => State::Empty,
            (_, false, _) => State::Plain,
            (_, true, true) => State::Encrypted,
            (_, true, false) => State::Mixed { plain },
        }
    }

    fn refusal(&self, target: &Target, file: &EnvFile) -> Option<Refusal> {
        let path = target.to_string();
        if let Err((key, line)) = header_key(file) {
            return Some(Refusal::PublicKey { path, line, key });
        }
        let named_well = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !target.base_name().bytes().all(named_well) {
            return Some(Refusal::FileName { path });
        }
        let found = Evidences::of(file);
        if let Some(damaged) = found.of_class(ValueClass::Damaged).next() {
            return Some(Refusal::Damaged { path, line: damaged.line, key: damaged.key.clone() });
        }
        unreadable_line(file).map(|(line, what)| Refusal::Unreadable { path, line, what: what.into() })
    }

    fn key_name(&self, target: &Target, file: &EnvFile) -> Option<KeyName> {
        let in_header = header_key(file).ok().flatten().map(|(name, _)| name);
        Some(in_header.unwrap_or_else(|| KeyName::for_file(&target.base_name())))
    }

    fn prove(&self, job: &Job<'_>, encrypted: &Encrypted) -> Result<Proved, EngineError> {
        let file = EnvFile::parse(encrypted.text.clone());
        let keys = match &encrypted.proof {
            ProofKeys::Values(keys) => Opener::Known(keys),
            ProofKeys::None | ProofKeys::Sops(_) => {
                let Some((name, public)) = &job.public else { return Ok(Proved::Structure) };
                match job.ring.matching(public, name) {
                    Some(private) => Opener::Private(private),
                    None => return Ok(Proved::Structure),
                }
            }
        };
        text::prove(job.file, &file, &keys)?;
        Ok(Proved::Opened)
    }
}

/// The first line that dotenvx would leave readable although it holds an assignment, or text of unknown use.
fn unreadable_line(file: &EnvFile) -> Option<(usize, &'static str)> {
    let colon = file
        .entries()
        .iter()
        .find(|entry| entry.separator == Separator::Colon)
        .map(|entry| (entry.line, "`KEY: value` is read by dotenvx but never encrypted"));
    let stray = file
        .strays()
        .iter()
        .find(|stray| !is_bare_word(file.stray(stray)))
        .map(|stray| (stray.line, "the line is neither KEY=value, nor a comment, nor blank"));
    colon.into_iter().chain(stray).min()
}

/// A dotenvx engine: this module's text handling around a value engine.
pub struct Dotenvx<V>(pub V);

impl<V: ValueEngine> Dotenvx<V> {
    /// Seals the values at `picked`, all but those in `old`, which are taken as they are.
    fn seal(
        &self,
        job: &Job<'_>,
        picked: &[usize],
        old: Vec<Option<KeptValue>>,
        public: &PublicKey,
    ) -> Result<SealedValues, EngineError> {
        let mut old = old.into_iter();
        let old: Vec<Option<KeptValue>> = picked.iter().map(|_| old.next().flatten()).collect();
        let new: Vec<usize> =
            picked.iter().zip(&old).filter(|(_, old)| old.is_none()).map(|(&entry, _)| entry).collect();
        let values: Vec<Secret> = new.iter().map(|&entry| text::value(job.file, entry)).collect();
        let fresh = if values.is_empty() {
            SealedValues { values: Vec::new(), keys: Some(Vec::new()) }
        } else {
            self.0.seal(public, &values).map_err(|error| text::name_value(job.file, &new, error))?
        };
        Ok(merged(old, fresh))
    }
}

/// Old and fresh ciphertexts in file order. Keys only where all are known.
fn merged(old: Vec<Option<KeptValue>>, fresh: SealedValues) -> SealedValues {
    let with_keys = fresh.keys.is_some();
    let mut fresh_values = fresh.values.into_iter();
    let mut fresh_keys = fresh.keys.into_iter().flatten();
    let (mut values, mut keys) = (Vec::with_capacity(old.len()), Vec::with_capacity(old.len()));
    for kept in old {
        let (value, key) = match kept {
            Some(KeptValue { sealed, key }) => (Some(sealed), Some(key)),
            None => (fresh_values.next(), fresh_keys.next()),
        };
        values.extend(value);
        keys.extend(key);
    }
    SealedValues { values, keys: with_keys.then_some(keys) }
}

impl<V: ValueEngine> Engine for Dotenvx<V> {
    fn label(&self) -> String {
        self.0.label()
    }

    fn encrypt(&self, job: &Job<'_>) -> Result<Encrypted, EngineError> {
        let Some((name, public)) = &job.public else {
            let name = KeyName::for_file(&job.target.base_name()).public();
            return Err(EngineError::MissingKey { name, store: job.target.key_store() });
        };
        let previous = Previous::open(job);
        if let Some((text, keys)) = previous.as_ref().and_then(|previous| previous.whole(job.file)) {
            let readable = text::left_readable(job.file);
            return Ok(Encrypted { text, proof: ProofKeys::Values(keys), readable, kept: Kept::File });
        }
        let picked = text::to_encrypt(job.file);
        let old = previous.map_or_else(Vec::new, |previous| previous.kept(job.file, &picked, public));
        let kept = old.iter().flatten().count();
        let sealed = self.seal(job, &picked, old, public)?;
        Ok(Encrypted {
            text: text::encrypted(job, &picked, &sealed.values, (name, public)),
            proof: sealed.keys.map_or(ProofKeys::None, ProofKeys::Values),
            readable: text::left_readable(job.file),
            kept: if kept == 0 { Kept::Nothing } else { Kept::Values(kept) },
        })
    }

    fn decrypt(&self, job: &Job<'_>) -> Result<String, EngineError> {
        let picked = text::to_decrypt(job.file)?;
        let keys = text::keys_for(job)?;
        let sealed = text::sealed_entries(job.file, &picked);
        let values = self
            .0
            .open(&keys, &sealed)
            .map_err(|error| text::diagnose(job, &keys, &sealed).unwrap_or(error))?;
        if !V::IN_PROCESS {
            text::compare(&keys, &sealed, &values)?;
        }
        text::decrypted(job.file, &picked, &values)
    }
}

#[cfg(test)]
mod tests;
