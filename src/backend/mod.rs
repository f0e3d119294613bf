//! Backends and engines: what a format is, and who turns the crank.
//!
//! A [`Backend`] is the rules of a format: what counts as ciphertext, what is refused, what a key is called. It
//! is pure. An [`Engine`] changes text: `tool` runs the user's binary, `builtin` does the same in process. What
//! would be the same in both engines belongs to the backend or to the pipeline in `cipher`. A new backend or
//! engine is one new file and one new arm in `ops::open`.

pub mod classify;
pub mod dotenvx;
mod error;
pub mod kind;
mod refusal;
pub mod sops;

use crate::backend::dotenvx::ecies::ValueKey;
use crate::envfile::EnvFile;
use crate::keys::{KeyName, KeyRing, PublicKey};
use crate::workspace::target::Target;

pub use error::{EngineError, Verb};
pub use kind::{BackendKind, EngineChoice, UnknownBackend, UnknownEngine};
pub use refusal::Refusal;

/// What a file holds, as far as one backend is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// No assignment that the format would encrypt.
    Empty,
    /// Assignments, none of them encrypted.
    Plain,
    /// Ciphertext and at least one value in clear.
    Mixed {
        /// Key and line of every value in clear.
        plain: Vec<(String, usize)>,
    },
    /// Ciphertext, and nothing left in clear that the format encrypts.
    Encrypted,
}

/// One file for an engine.
pub struct Job<'a> {
    /// The file.
    pub target: &'a Target,
    /// Its text.
    pub file: &'a EnvFile,
    /// The private keys at hand (dotenvx).
    pub ring: &'a KeyRing,
    /// The public key to encrypt for (dotenvx), chosen by the pipeline.
    pub public: Option<(KeyName, PublicKey)>,
    /// The last encrypted form of the file, whose ciphertext is kept where nothing changed.
    pub previous: Option<&'a EnvFile>,
}

/// What an engine made of a plaintext.
pub struct Encrypted {
    /// The text for the file.
    pub text: String,
    /// What proves it.
    pub proof: ProofKeys,
    /// What stays readable, for the report.
    pub readable: Vec<String>,
    /// What was taken over from the last encrypted form.
    pub kept: Kept,
}

/// What an encryption took over from the last encrypted form of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kept {
    /// Nothing.
    #[default]
    Nothing,
    /// The ciphertext of so many values.
    Values(usize),
    /// The whole file: the plaintext did not change.
    File,
}

/// What a proof opens the new ciphertext with, where the private key is not needed for it.
pub enum ProofKeys {
    /// Nothing: the keys at hand have to do.
    None,
    /// The AES keys of the dotenvx values, in the order they were sealed.
    Values(Vec<ValueKey>),
    /// The SOPS data key, in the result it was made for.
    Sops(Box<sops::encrypt::Encrypted>),
}

/// The rules of a format.
pub trait Backend: Sync {
    /// Which one.
    fn kind(&self) -> BackendKind;
    /// What the file holds.
    fn state(&self, file: &EnvFile) -> State;
    /// Why the file must not be encrypted, if so.
    fn refusal(&self, target: &Target, file: &EnvFile) -> Option<Refusal>;
    /// The name of the key pair; none where keys live in a KMS.
    fn key_name(&self, target: &Target, file: &EnvFile) -> Option<KeyName>;
    /// Proves that `encrypted` opens to the very file it was made of; gives the keys whose value differs.
    fn prove(&self, job: &Job<'_>, encrypted: &Encrypted) -> Result<Proved, EngineError>;
}

/// How far a proof went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proved {
    /// Every value was opened and compared, and the text is the original byte for byte.
    Opened,
    /// No key at hand opens it: only the structure was checked.
    Structure,
}

/// Text in, text out.
pub trait Engine: Sync {
    /// `built-in`, or the tool with version and path.
    fn label(&self) -> String;
    /// Encrypts every value that is still in clear.
    fn encrypt(&self, job: &Job<'_>) -> Result<Encrypted, EngineError>;
    /// The original text; every ciphertext value opened.
    fn decrypt(&self, job: &Job<'_>) -> Result<String, EngineError>;
}
