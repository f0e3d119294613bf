//! What goes wrong in engines and in proofs, whatever the backend.

use std::fmt;
use std::path::PathBuf;

use super::{dotenvx, sops};

/// What a tool was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// To encrypt.
    Encryption,
    /// To decrypt.
    Decryption,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encryption => "encryption",
            Self::Decryption => "decryption",
        })
    }
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
