//! What can go wrong when dotenvx does the work, in our own words.

use std::fmt;

use thiserror::Error;

use crate::backend::Verb;
use crate::files::FileError;
use crate::process::ToolError;

/// The cause that the tool named, found by its error words. Its own text is never shown: it can hold values, and
/// version 1 prints the beginning of the private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No private key was found.
    MissingPrivateKey,
    /// The private key does not open the value.
    WrongPrivateKey,
    /// The private key is not one.
    InvalidPrivateKey,
    /// The public key is not one, or not that of the private key.
    PublicKey,
    /// The value could not be decrypted, whatever the cause.
    CouldNotDecrypt,
    /// The tool said nothing that is known.
    Unknown,
}

/// The words that count as failure, also when the tool exits 0; from the most to the least telling.
const WORDS: [(&str, Reason); 13] = [
    ("invalid_private_key", Reason::InvalidPrivateKey),
    ("wrong_private_key", Reason::WrongPrivateKey),
    ("missing_private_key", Reason::MissingPrivateKey),
    ("missing_dotenv_key", Reason::MissingPrivateKey),
    ("private key not found", Reason::MissingPrivateKey),
    ("invalid_public_key", Reason::PublicKey),
    ("does not match the existing public key", Reason::PublicKey),
    ("mispaired_private_key", Reason::PublicKey),
    ("second arg must be public key", Reason::PublicKey),
    ("decryption_failed", Reason::CouldNotDecrypt),
    ("decryption failed", Reason::CouldNotDecrypt),
    ("could not decrypt", Reason::CouldNotDecrypt),
    ("encryption failed", Reason::Unknown),
];

impl Reason {
    /// The most telling cause that one of the texts names, in any case.
    pub(super) fn told_by(texts: &[&[u8]]) -> Option<Self> {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.to_ascii_lowercase()).collect();
        let told =
            |word: &str| texts.iter().any(|text| memchr::memmem::find(text, word.as_bytes()).is_some());
        WORDS.iter().find(|(word, _)| told(word)).map(|(_, reason)| *reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingPrivateKey => "no private key for it was found",
            Self::WrongPrivateKey => "the private key does not open it",
            Self::InvalidPrivateKey => "the private key is not a valid one",
            Self::PublicKey => "the public key is not valid or does not match",
            Self::CouldNotDecrypt => "it could not be decrypted with the keys at hand",
            Self::Unknown => "no cause was given",
        })
    }
}

/// Why dotenvx did not do what it was asked. Values are named by their index in the call, from 0.
#[derive(Debug, Error)]
pub enum DotenvxToolError {
    /// No version of the tool can be given this value exactly.
    #[error("the dotenvx binary cannot encrypt value {index} exactly: {why}")]
    Unrepresentable {
        /// Which value.
        index: usize,
        /// What stands in the way.
        why: &'static str,
    },
    /// The public key is not one.
    #[error("the public key is not a compressed secp256k1 point in 66 hex digits")]
    BadPublicKey,
    /// A private key is not 64 hex digits.
    #[error("private key {index} is not 64 hex digits")]
    BadPrivateKey {
        /// Which key.
        index: usize,
    },
    /// What should be decrypted is not a ciphertext.
    #[error("value {index} is not a well-formed ciphertext")]
    BadCiphertext {
        /// Which value.
        index: usize,
    },
    /// The tool named a failure.
    #[error("dotenvx {verb} failed: {reason}")]
    Failed {
        /// What it was asked to do.
        verb: Verb,
        /// The cause it named.
        reason: Reason,
    },
    /// The tool gave a value back as it was: encrypted.
    #[error("dotenvx decryption failed for value {index}: {reason}")]
    NotOpened {
        /// Which value.
        index: usize,
        /// The cause it named.
        reason: Reason,
    },
    /// The tool gave a value back as it was: in plain text.
    #[error("dotenvx encryption did not take effect for value {index}")]
    NotSealed {
        /// Which value.
        index: usize,
    },
    /// What the tool gave back cannot be this value.
    #[error("dotenvx changed value {index}: what it gave back has another length")]
    Changed {
        /// Which value.
        index: usize,
    },
    /// The tool exited well, but its answer lacks what was asked for.
    #[error("the answer of dotenvx is not understood")]
    BadAnswer,
    /// The tool could not be run to a good end.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The private folder could not be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

impl DotenvxToolError {
    /// The error with its index counted from the beginning of the whole call, `by` values earlier.
    pub(super) fn moved(mut self, by: usize) -> Self {
        if let Self::NotOpened { index, .. } | Self::Changed { index } = &mut self {
            *index += by;
        }
        self
    }

    /// The value that the error is about, by its index in the call.
    pub fn index(&self) -> Option<usize> {
        match self {
            Self::Unrepresentable { index, .. }
            | Self::BadCiphertext { index }
            | Self::NotOpened { index, .. }
            | Self::NotSealed { index }
            | Self::Changed { index } => Some(*index),
            Self::BadPublicKey
            | Self::BadPrivateKey { .. }
            | Self::Failed { .. }
            | Self::BadAnswer
            | Self::Tool(_)
            | Self::File(_)
            | Self::NoRandomness => None,
        }
    }

    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unrepresentable { .. } => "engine.unrepresentable",
            Self::BadPublicKey => "engine.bad_public_key",
            Self::BadPrivateKey { .. } | Self::Failed { reason: Reason::InvalidPrivateKey, .. } => {
                "engine.bad_private_key"
            }
            Self::BadCiphertext { .. } => "engine.bad_ciphertext",
            Self::Failed { reason, .. } | Self::NotOpened { reason, .. } => match reason {
                Reason::MissingPrivateKey => "engine.missing_key",
                Reason::WrongPrivateKey | Reason::CouldNotDecrypt => "engine.wrong_key",
                Reason::InvalidPrivateKey => "engine.bad_private_key",
                Reason::PublicKey => "engine.bad_public_key",
                Reason::Unknown => "engine.failed",
            },
            Self::NotSealed { .. } => "engine.not_encrypted",
            Self::Changed { .. } => "engine.changed_value",
            Self::BadAnswer => "engine.bad_answer",
            Self::Tool(error) => error.code(),
            Self::File(error) => error.code(),
            Self::NoRandomness => "engine.no_randomness",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unrepresentable { .. }
            | Self::NotSealed { .. }
            | Self::Changed { .. }
            | Self::BadAnswer
            | Self::Failed { reason: Reason::Unknown, .. }
            | Self::NotOpened { reason: Reason::Unknown, .. } => {
                Some("use the built-in engine: --engine builtin".into())
            }
            Self::BadPublicKey | Self::Failed { reason: Reason::PublicKey, .. } => {
                Some("check the DOTENV_PUBLIC_KEY line of the file".into())
            }
            Self::BadPrivateKey { .. } => Some("check the DOTENV_PRIVATE_KEY lines of the key store".into()),
            Self::BadCiphertext { .. } => Some("the value was cut or edited; restore it from git".into()),
            Self::Failed { .. } | Self::NotOpened { .. } => {
                Some("get the private key that belongs to the file's DOTENV_PUBLIC_KEY".into())
            }
            Self::Tool(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::NoRandomness => None,
        }
    }
}
