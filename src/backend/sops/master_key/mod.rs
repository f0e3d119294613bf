//! Master keys: who may open a file, and how each wraps the data key.
//!
//! A file or a rule names seven kinds. [`open`] gives the one that can do the work in process; every other kind
//! says why it cannot and that the sops binary can. A new kind is one new file and one new arm there.

pub mod age;
pub mod identities;
pub mod refs;

use thiserror::Error;
use zeroize::Zeroizing;

pub use identities::{Identities, IdentitySources};
pub use refs::{KeyKind, KeyRef, WrappedKey};

/// A data key, or a share of one, in the clear.
pub type KeyPart = Zeroizing<Vec<u8>>;

/// Wraps and unwraps data keys.
pub trait MasterKey {
    /// Encrypts `part`; the text goes into the file as it is.
    fn wrap(&self, part: &[u8]) -> Result<String, MasterKeyError>;

    /// Decrypts what [`MasterKey::wrap`] made.
    fn unwrap(&self, wrapped: &str) -> Result<KeyPart, MasterKeyError>;
}

/// Why a master key could not do its work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// No identity at hand belongs to it.
    #[error("no identity at hand opens it")]
    NoIdentity,
    /// The wrapped key in the file is damaged.
    #[error("the wrapped key of {recipient} is damaged")]
    Damaged {
        /// Whose it is.
        recipient: String,
    },
    /// The built-in engine has no such kind of key.
    #[error("{reason}")]
    NeedsTool {
        /// Which key and why.
        reason: String,
    },
    /// The recipient cannot be read.
    #[error("{recipient} is not a usable age recipient: {reason}")]
    Recipient {
        /// As given; never a private key.
        recipient: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A private key was given where a recipient belongs.
    #[error("a private key (AGE-SECRET-KEY-…) was given as recipient")]
    SecretAsRecipient,
    /// Wrapping failed.
    #[error("the data key could not be wrapped for {recipient}")]
    Wrap {
        /// For whom.
        recipient: String,
    },
}

/// The master key behind `key`, which looks for private parts in `identities`.
pub fn open<'a>(
    key: &'a KeyRef,
    identities: &'a Identities<'a>,
) -> Result<Box<dyn MasterKey + 'a>, MasterKeyError> {
    match key {
        KeyRef::Age { recipient } => Ok(Box::new(age::AgeKey::new(recipient, identities)?)),
        KeyRef::Pgp { .. }
        | KeyRef::Kms { .. }
        | KeyRef::GcpKms { .. }
        | KeyRef::AzureKv { .. }
        | KeyRef::HcVault { .. }
        | KeyRef::HcKms { .. } => {
            Err(MasterKeyError::NeedsTool { reason: key.tool_reason().unwrap_or_default() })
        }
    }
}
