//! Which key pair a file is encrypted for.
//!
//! The public key in the file wins; then the key at hand that opens what is encrypted already; then the key of the
//! last encrypted form of the file; then the key at hand with the name of the file. Only where there is none of these is a new pair minted: a second key under a
//! name that is in use would lock out whoever has the first.

use crate::backend::{EngineError, Job, Refusal};
use crate::keys::{KeyName, PublicKey};

use super::text;
use super::{builtin::Opener, header_key};

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChoice {
    /// Encrypt for this key.
    Use(KeyName, PublicKey),
    /// Make a new pair of this name.
    Mint(KeyName),
}

/// What stands in the way.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The file must not be touched.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The file is partly encrypted and nothing at hand opens it.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Chooses the pair for `job.file` among `job.ring`.
pub fn choose(job: &Job<'_>) -> Result<KeyChoice, NoKey> {
    match header_key(job.file) {
        Err((key, line)) => Err(Refusal::PublicKey { path: job.target.to_string(), line, key }.into()),
        Ok(Some((name, public))) => in_header(job, name, public),
        Ok(None) if text::holds_ciphertext(job.file) => by_opening(job),
        Ok(None) => as_before(job).map_or_else(|| by_name(job), Ok),
    }
}

/// The key of the last encrypted form, where its private key is at hand.
fn as_before(job: &Job<'_>) -> Option<KeyChoice> {
    let (name, public) = header_key(job.previous?).ok()??;
    job.ring.matching(&public, &name)?;
    Some(KeyChoice::Use(name, public))
}

fn in_header(job: &Job<'_>, name: KeyName, public: PublicKey) -> Result<KeyChoice, NoKey> {
    let foreign = job.ring.named(&name).is_some() && job.ring.matching(&public, &name).is_none();
    if foreign {
        let (path, private) = (job.target.to_string(), name.private());
        return Err(Refusal::KeyConflict { path, public: public.to_string(), private }.into());
    }
    Ok(KeyChoice::Use(name, public))
}

fn by_opening(job: &Job<'_>) -> Result<KeyChoice, NoKey> {
    let keys = text::keys_for(job)?;
    let sealed = text::sealed_entries(job.file, &text::to_decrypt(job.file)?);
    let opens = |key: &&&_| sealed.iter().all(|entry| Opener::Private(key).open(entry.value, 0).is_some());
    let public = keys.iter().find(opens).and_then(|key| key.public());
    match public {
        Some(public) => Ok(KeyChoice::Use(KeyName::for_file(&job.target.base_name()), public)),
        None => Err(EngineError::WrongKey {
            keys: sealed.iter().map(|entry| entry.key.to_owned()).collect(),
            tried: job.ring.names(),
        }
        .into()),
    }
}

fn by_name(job: &Job<'_>) -> Result<KeyChoice, NoKey> {
    let name = KeyName::for_file(&job.target.base_name());
    if let Some(public) = job.ring.named(&name).and_then(crate::keys::PrivateKey::public) {
        return Ok(KeyChoice::Use(name, public));
    }
    // The name is taken by something that was a key once, perhaps the one that other copies of the file need.
    match job.ring.malformed_named(&name) {
        Some(variable) => Err(EngineError::MalformedKey { variable: variable.to_owned() }.into()),
        None => Ok(KeyChoice::Mint(name)),
    }
}
