//! Everything the built-in SOPS engine can refuse with.
//!
//! SOPS itself prints plaintext in several of its errors; these never hold a value, only key names, line numbers,
//! recipients and places.

use thiserror::Error;

use super::data_key::DataKeyError;
use super::metadata::MetadataError;
use super::other_store::OtherStore;
use super::random::RandomError;
use super::rules::RulesError;
use super::selection::{Rule, SelectionError};
use super::store::StoreError;
use super::value::ValueError;

/// Why a file was not encrypted or decrypted. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SopsError {
    /// A line does not fit the dotenv store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The metadata cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// There is no usable rule or recipient.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The selection rule cannot be used.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The data key could not be wrapped or recovered.
    #[error(transparent)]
    DataKey(#[from] DataKeyError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The file to encrypt has SOPS metadata.
    #[error("the file is already encrypted with SOPS")]
    AlreadyEncrypted,
    /// The file is one of another store.
    #[error("the file is {}, not a dotenv file", .0.describe())]
    OtherStore(OtherStore),
    /// The rule leaves every value in clear.
    #[error("{rule} leaves every value in clear, so nothing would be encrypted")]
    NothingEncrypted {
        /// The rule.
        rule: Rule,
    },
    /// The ciphertext of a comment always sets off the rule that leaves comments in clear.
    #[error("line {line}: {rule} matches every encrypted comment, so the file could not be read back")]
    RuleMatchesCiphertext {
        /// The comment's line, from 1.
        line: usize,
        /// The rule.
        rule: Rule,
    },
    /// A value that the rule encrypts stands in clear.
    #[error("line {line}: the value of {key} should be encrypted, but stands in clear")]
    ValueInClear {
        /// Line from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// An encrypted value is malformed or does not open.
    #[error("line {line}: the value of {key} cannot be decrypted: {source}")]
    Value {
        /// Line from 1.
        line: usize,
        /// The key.
        key: String,
        /// What is wrong with it.
        source: ValueError,
    },
    /// The content is not of the type that stands beside it.
    #[error("line {line}: the value of {key} does not fit its type, so the type was changed")]
    TypeChanged {
        /// Line from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// The content is not UTF-8, so the file would not be either.
    #[error("line {line}: the value of {key} is not UTF-8 text")]
    NotUtf8 {
        /// Line from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// An encrypted comment is malformed, does not open, or is no single line of text.
    #[error("line {line}: the encrypted comment cannot be decrypted: {source}")]
    Comment {
        /// Line from 1.
        line: usize,
        /// What is wrong with it.
        source: ValueError,
    },
    /// The file has no MAC.
    #[error("the file has no MAC (sops_mac), so nothing shows that it is unchanged")]
    MacMissing,
    /// The MAC itself cannot be decrypted.
    #[error("the MAC cannot be decrypted: sops_mac or sops_lastmodified was changed")]
    MacDamaged,
    /// The values are not those that were encrypted.
    #[error("MAC mismatch: a value was changed, added, deleted or moved after the file was encrypted")]
    MacMismatch,
}

impl SopsError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Store(error) => return error.hint(),
            Self::Metadata(error) => return error.hint(),
            Self::Rules(error) => return error.hint(),
            Self::DataKey(error) => return error.hint(),
            Self::Random(_) | Self::AlreadyEncrypted => return None,
            Self::Selection(_) => "mend the rule in .sops.yaml",
            Self::OtherStore(OtherStore::Binary) => {
                "decrypt opens it; encrypt the result again to get a dotenv file"
            }
            Self::OtherStore(OtherStore::Json | OtherStore::Yaml) => {
                "decrypt it with the sops binary and its --input-type"
            }
            Self::NothingEncrypted { .. } | Self::RuleMatchesCiphertext { .. } => {
                "change the rule so that it picks the keys that hold secrets"
            }
            Self::ValueInClear { .. } => {
                "if the value was added by hand, take it out, decrypt, add it again and encrypt"
            }
            Self::NotUtf8 { .. } => "decrypt it with the sops binary",
            Self::Value { .. } | Self::TypeChanged { .. } | Self::Comment { .. } => {
                "restore the line from git"
            }
            Self::MacMissing | Self::MacDamaged | Self::MacMismatch => {
                "restore the file from git, or find out who changed it before you trust its values"
            }
        };
        Some(hint.to_owned())
    }

    /// The stable token of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Metadata(error) => error.code(),
            Self::Rules(error) => error.code(),
            Self::DataKey(error) => error.code(),
            Self::Random(_) => "sops.random",
            Self::Selection(_) => "sops.regex",
            Self::AlreadyEncrypted => "sops.already_encrypted",
            Self::OtherStore(_) => "sops.other_store",
            Self::NothingEncrypted { .. } => "sops.nothing_encrypted",
            Self::RuleMatchesCiphertext { .. } => "sops.rule_matches_ciphertext",
            Self::ValueInClear { .. } => "sops.value_in_clear",
            Self::Value { .. } => "sops.value_damaged",
            Self::TypeChanged { .. } => "sops.type_changed",
            Self::NotUtf8 { .. } => "sops.not_utf8",
            Self::Comment { .. } => "sops.comment_damaged",
            Self::MacMissing => "sops.mac_missing",
            Self::MacDamaged => "sops.mac_damaged",
            Self::MacMismatch => "sops.mac_mismatch",
        }
    }
}
