//! Backends and engines: what a format is, and who turns the crank.
//!
//! A [`Backend`] is the rules of a format: what counts as ciphertext, what is refused, what a key is called. It
//! is pure. An [`Engine`] changes text: `tool` runs the user's binary, `builtin` does the same in process. What
//! would be the same in both engines belongs to the backend or to the pipeline in `cipher`. A new backend or
//! engine is one new file and one new arm in `ops::open`.

pub mod classify;
pub mod dotenvx;
pub mod kind;
pub mod sops;

use std::path::PathBuf;

use crate::backend::dotenvx::ecies::ValueKey;
use crate::envfile::EnvFile;
use crate::keys::{KeyName, KeyRing, PublicKey};
use crate::workspace::target::Target;

pub use kind::{BackendKind, EngineChoice, UnknownBackend, UnknownEngine};

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

/// Why a file is not touched. The message has the words that scripts match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The private-key store itself, by name.
    #[error("Refusing to {verb} {path}: it is the dotenvx private-key store and must stay plaintext")]
    KeyStore {
        /// `encrypt` or `decrypt`.
        verb: &'static str,
        /// The file as the user named it.
        path: String,
    },
    /// `.example`, `.sample`, `.template`.
    #[error(
        "Refusing to {verb} {path}: it is a plaintext companion file (.example/.sample/.template), not a secret store."
    )]
    Companion {
        /// `encrypt` or `decrypt`.
        verb: &'static str,
        /// The file as the user named it.
        path: String,
    },
    /// A renamed or linked key store.
    #[error("Refusing to encrypt {path}: it contains DOTENV_PRIVATE_KEY entries (line {line})")]
    HoldsPrivateKeys {
        /// The file as the user named it.
        path: String,
        /// The first such line.
        line: usize,
    },
    /// Nothing to encrypt.
    #[error("Nothing to encrypt: {path} has no variables.")]
    NoVariables {
        /// The file as the user named it.
        path: String,
    },
    /// A file name that makes an unusable key name.
    #[error("Refusing to encrypt {path}: its name makes a key name that leaves the file undecryptable")]
    FileName {
        /// The file as the user named it.
        path: String,
    },
    /// Encrypted with the other backend.
    #[error("{path} is already encrypted with {other}, but the {selected} backend was selected.")]
    OtherBackend {
        /// The file as the user named it.
        path: String,
        /// The backend whose ciphertext it holds.
        other: BackendKind,
        /// The backend of this run.
        selected: BackendKind,
    },
    /// Lines that would stay readable.
    #[error("{path}:{line}: {what}; encrypting would leave it readable")]
    Unreadable {
        /// The file as the user named it.
        path: String,
        /// The line.
        line: usize,
        /// What is wrong with it, without its text.
        what: String,
    },
    /// A ciphertext that was cut or changed.
    #[error("{path}:{line}: {key} holds a damaged ciphertext (cut short or edited)")]
    Damaged {
        /// The file as the user named it.
        path: String,
        /// The line.
        line: usize,
        /// The key.
        key: String,
    },
    /// A SOPS file with values that were added in clear.
    #[error("{path} carries SOPS metadata but still contains plaintext value(s): {}", keys.join(", "))]
    SopsMixed {
        /// The file as the user named it.
        path: String,
        /// The keys, sorted.
        keys: Vec<String>,
    },
    /// SOPS ciphertext whose metadata is gone.
    #[error("{path}:{line}: the value is SOPS ciphertext, but the file has no SOPS metadata")]
    SopsWithoutMetadata {
        /// The file as the user named it.
        path: String,
        /// The first such line.
        line: usize,
    },
    /// A SOPS file that other people than those asked for can read.
    #[error("{path} is encrypted, but its SOPS metadata is missing requested recipient(s): {}", missing.join(", "))]
    SopsRecipients {
        /// The file as the user named it.
        path: String,
        /// The recipients that are not in the file.
        missing: Vec<String>,
    },
    /// A line that the dotenv store of SOPS cannot hold.
    #[error("{path}: {message}")]
    SopsStore {
        /// The file as the user named it.
        path: String,
        /// Line and reason.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The public key line of the file is not a key.
    #[error("{path}:{line}: {key} is not a public key (66 hex digits)")]
    PublicKey {
        /// The file as the user named it.
        path: String,
        /// The line.
        line: usize,
        /// The variable.
        key: String,
    },
    /// The private key at hand belongs to another public key than the file's.
    #[error(
        "{path} is encrypted for public key {public}, but {private} is the key of another file: two files fight for one key name"
    )]
    KeyConflict {
        /// The file as the user named it.
        path: String,
        /// The public key in the file.
        public: String,
        /// The private key variable of that name.
        private: String,
    },
}

impl Refusal {
    /// What to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::KeyStore { verb: "decrypt", .. } => {
                "a key store is never encrypted: there is nothing to decrypt in it".into()
            }
            Self::KeyStore { .. } | Self::HoldsPrivateKeys { .. } => {
                "encrypting it would lock out everyone; keep it out of git instead".into()
            }
            Self::Companion { .. } => "name the env file itself, such as .env.production".into(),
            Self::NoVariables { .. } => {
                "add a KEY=value line first; names that end in _PLAIN are never encrypted".into()
            }
            Self::FileName { .. } => "rename it to letters, digits, dots, dashes and underscores".into(),
            Self::OtherBackend { path, other, .. } => format!(
                "run `envdrift decrypt {path} --backend {other}` first, or encrypt with `--backend {other}`"
            ),
            Self::Unreadable { .. } => "write it as KEY=value, or put a # in front of it".into(),
            Self::Damaged { .. } => {
                "restore the line from git, or replace the value with its plaintext".into()
            }
            Self::SopsMixed { path, .. } => format!(
                "take those lines out, run `envdrift decrypt {path}`, put them back and encrypt again"
            ),
            Self::SopsWithoutMetadata { .. } => "restore the sops_ lines from git".into(),
            Self::SopsRecipients { path, .. } => format!(
                "run `sops rotate -i --add-age <recipient> {path}` or `sops updatekeys {path}`, or decrypt it and encrypt it again"
            ),
            Self::SopsStore { hint, .. } => hint.clone(),
            Self::PublicKey { .. } => "restore the header from git, or delete that line".into(),
            Self::KeyConflict { public, .. } => format!(
                "put the private key of {public} into .env.keys, or delete the DOTENV_PUBLIC_KEY line to use the key at hand"
            ),
        }
    }

    /// A stable token for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyStore { .. } => "refused.key_store",
            Self::Companion { .. } => "refused.companion",
            Self::HoldsPrivateKeys { .. } => "refused.private_keys",
            Self::NoVariables { .. } => "refused.no_variables",
            Self::FileName { .. } => "refused.file_name",
            Self::OtherBackend { .. } => "refused.other_backend",
            Self::Unreadable { .. } => "refused.unreadable_line",
            Self::Damaged { .. } => "refused.damaged",
            Self::SopsMixed { .. } => "refused.sops_mixed",
            Self::SopsWithoutMetadata { .. } => "refused.sops_without_metadata",
            Self::SopsRecipients { .. } => "refused.sops_recipients",
            Self::SopsStore { .. } => "refused.sops_store",
            Self::PublicKey { .. } => "refused.public_key",
            Self::KeyConflict { .. } => "refused.key_conflict",
        }
    }
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

/// What went wrong in an engine or in a proof. Names keys, never values.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No private key at hand.
    #[error("no private key: {name} is neither in {store} nor in the environment")]
    MissingKey {
        /// The variable that was looked for.
        name: String,
        /// The key store.
        store: PathBuf,
    },
    /// The keys at hand do not open the values.
    #[error("wrong private key: could not decrypt {}; tried {}", keys.join(", "), tried.join(", "))]
    WrongKey {
        /// The keys of the values.
        keys: Vec<String>,
        /// The private key variables that were tried.
        tried: Vec<String>,
    },
    /// A variable that should hold a private key holds something else.
    #[error("{variable} is not a private key (64 hex digits)")]
    MalformedKey {
        /// `NAME in SOURCE`.
        variable: String,
    },
    /// A value was changed after it was encrypted.
    #[error("damaged ciphertext: line {line}, {key}")]
    Damaged {
        /// The key.
        key: String,
        /// The line.
        line: usize,
    },
    /// A decrypted value that no quotes of the format can hold.
    #[error("line {line}: the value of {key} cannot be written in an env file without changing it")]
    Unwritable {
        /// The key.
        key: String,
        /// The line.
        line: usize,
    },
    /// The engine says it is done and values are still in clear.
    #[error("Encryption did not take effect: still in plaintext: {}", keys.join(", "))]
    StillPlain {
        /// The keys.
        keys: Vec<String>,
    },
    /// The proof failed.
    #[error("the engine changed the value of {}", keys.join(", "))]
    Changed {
        /// The keys.
        keys: Vec<String>,
    },
    /// The values are right but the text around them is not what it was.
    #[error("the text around the values would not come back byte for byte")]
    Layout,
    /// The tool cannot be given a value exactly.
    #[error("line {line}: the dotenvx binary cannot encrypt {key} exactly: {why}")]
    Unrepresentable {
        /// The key.
        key: String,
        /// The line.
        line: usize,
        /// What stands in the way.
        why: &'static str,
    },
    /// The tool failed.
    #[error(transparent)]
    DotenvxTool(#[from] dotenvx::tool::DotenvxToolError),
    /// A file without SOPS metadata was to be decrypted with SOPS.
    #[error("sops metadata not found: the file is not encrypted with SOPS")]
    NoSopsMetadata,
    /// SOPS.
    #[error(transparent)]
    Sops(#[from] sops::error::SopsError),
    /// The sops binary.
    #[error(transparent)]
    SopsTool(#[from] sops::tool::SopsToolError),
    /// No randomness.
    #[error("the system gives no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

impl EngineError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingKey { name, store } => Some(format!(
                "put {name}=… into {} (ask a teammate, or your vault), or set it in the environment",
                store.display()
            )),
            Self::WrongKey { .. } => {
                Some("get the private key that belongs to the public key in the file's header".into())
            }
            Self::MalformedKey { .. } => Some(
                "restore the key from your vault or from a teammate, or remove the line if nothing needs it"
                    .into(),
            ),
            Self::Damaged { .. } => Some("restore the line from git".into()),
            Self::Unwritable { .. } => {
                Some("decrypt with --engine builtin and report this file's quoting".into())
            }
            Self::Unrepresentable { .. } => Some("encrypt this file with --engine builtin".into()),
            Self::StillPlain { .. } | Self::Changed { .. } | Self::Layout => {
                Some("nothing was written; try the other engine (--engine builtin or --engine tool)".into())
            }
            Self::DotenvxTool(error) => error.hint(),
            Self::NoSopsMetadata => Some("leave --backend out to let the file say its backend".into()),
            Self::Sops(error) => error.hint(),
            Self::SopsTool(error) => error.hint(),
            Self::Random(_) => None,
        }
    }

    /// A stable token for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingKey { .. } => "engine.missing_key",
            Self::WrongKey { .. } => "engine.wrong_key",
            Self::MalformedKey { .. } => "engine.malformed_key",
            Self::Damaged { .. } => "engine.damaged",
            Self::Unwritable { .. } => "engine.unwritable",
            Self::Unrepresentable { .. } => "engine.unrepresentable",
            Self::StillPlain { .. } => "engine.still_plain",
            Self::Changed { .. } => "engine.changed",
            Self::Layout => "engine.layout",
            Self::DotenvxTool(error) => error.code(),
            Self::NoSopsMetadata => "sops.no_metadata",
            Self::Sops(error) => error.code(),
            Self::SopsTool(error) => error.code(),
            Self::Random(_) => "engine.random",
        }
    }
}
