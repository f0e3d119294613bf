//! What can go wrong when sops does the work, in our own words.

use std::path::PathBuf;

use thiserror::Error;

use super::cause::{Barrier, Cause};
use super::version::MINIMUM;
use crate::backend::Verb;
use crate::backend::sops::error::SopsError;
use crate::backend::sops::selection::Rule;
use crate::files::FileError;
use crate::process::ToolError;

/// Why the sops binary did not do what it was asked, or is not believed. Nothing was written.
#[derive(Debug, Error)]
pub enum SopsToolError {
    /// A refusal that the built-in engine shares.
    #[error(transparent)]
    Sops(Box<SopsError>),
    /// The binary is older than what envdrift can rely on.
    #[error("{} is sops {version}; envdrift needs {MINIMUM} or newer", path.display())]
    TooOld {
        /// The binary.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// sops named a failure by its exit code.
    #[error("SOPS {verb} failed: {cause}")]
    Failed {
        /// What it was asked to do.
        verb: Verb,
        /// The cause.
        cause: Cause,
    },
    /// No key opened the file.
    #[error("SOPS decryption failed: no key at hand opens the file, {barrier}; it is encrypted for {}", recipients.join(", "))]
    NoDataKey {
        /// What stood in the way.
        barrier: Barrier,
        /// Who could open the file.
        recipients: Vec<String>,
    },
    /// sops said that it encrypted, and a value or comment is still readable.
    #[error("line {line}: encryption did not take effect for {what}")]
    NotSealed {
        /// The line of the plain text, from 1.
        line: usize,
        /// The key, or `a comment`.
        what: String,
    },
    /// What sops gave back cannot be this value or comment.
    #[error("line {line}: sops changed {what}")]
    Changed {
        /// The line, from 1.
        line: usize,
        /// The key, or `a comment`.
        what: String,
    },
    /// The in-process reader finds other values than sops was given or gave.
    #[error("sops and the built-in reader do not agree on the value of {}", keys.join(", "))]
    Disagree {
        /// The keys; a comment or the text between is called so.
        keys: Vec<String>,
    },
    /// The answer has other lines than it must have.
    #[error("the answer of sops has other keys, comments or lines than the file")]
    Lines,
    /// The answer cannot be read at all.
    #[error("the answer of sops is not understood")]
    BadAnswer,
    /// sops applied another rule than envdrift finds in `.sops.yaml`.
    #[error("sops applied the rule {found}, but .sops.yaml says {expected}")]
    OtherRule {
        /// What envdrift reads.
        expected: Rule,
        /// What sops did.
        found: Rule,
    },
    /// sops encrypted for others than it should.
    #[error("sops did not encrypt for the recipients asked for ({})", differences(missing, extra))]
    OtherRecipients {
        /// Those that are not in the file.
        missing: Vec<String>,
        /// Those that are in the file unasked.
        extra: Vec<String>,
    },
    /// The binary could not be run to a good end.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The private folder could not be used.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<SopsError> for SopsToolError {
    fn from(error: SopsError) -> Self {
        Self::Sops(Box::new(error))
    }
}

fn differences(missing: &[String], extra: &[String]) -> String {
    let part = |what: &str, ids: &[String]| (!ids.is_empty()).then(|| format!("{what} {}", ids.join(", ")));
    let parts: Vec<String> =
        [part("missing:", missing), part("unasked:", extra)].into_iter().flatten().collect();
    if parts.is_empty() { "in other groups".to_owned() } else { parts.join("; ") }
}

const OTHER_ENGINE: &str = "nothing was written; --engine builtin does it in process";

impl SopsToolError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Sops(error) => return error.hint(),
            Self::Tool(error) => return error.hint(),
            Self::File(error) => return error.hint(),
            Self::TooOld { .. } => {
                "upgrade sops, point ENVDRIFT_SOPS at a newer one, or use --engine builtin"
            }
            Self::Failed { cause, .. } => return cause_hint(*cause).map(str::to_owned),
            Self::NoDataKey { barrier, .. } => return barrier_hint(*barrier).map(str::to_owned),
            Self::NotSealed { .. }
            | Self::Changed { .. }
            | Self::Disagree { .. }
            | Self::Lines
            | Self::BadAnswer
            | Self::OtherRule { .. }
            | Self::OtherRecipients { .. } => OTHER_ENGINE,
        };
        Some(hint.to_owned())
    }

    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sops(error) => error.code(),
            Self::Tool(error) => error.code(),
            Self::File(error) => error.code(),
            Self::TooOld { .. } => "sops.too_old",
            Self::Failed { cause, .. } => cause_code(*cause),
            Self::NoDataKey { barrier, .. } => barrier_code(*barrier),
            Self::NotSealed { .. } => "engine.not_encrypted",
            Self::Changed { .. } | Self::Disagree { .. } => "engine.changed_value",
            Self::Lines | Self::BadAnswer => "engine.bad_answer",
            Self::OtherRule { .. } => "sops.other_rule",
            Self::OtherRecipients { .. } => "sops.other_recipients",
        }
    }
}

fn cause_hint(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::Wrap(barrier) | Cause::NoDataKey(barrier) => return barrier_hint(barrier),
        Cause::Recipient => "check --age, --kms, --gcp-kms, --azure-kv and .sops.yaml for a typing error",
        Cause::NoRecipients => {
            "pass --age age1…, set age_recipients under [encryption.sops], or add a creation rule to .sops.yaml"
        }
        Cause::NoMatchingRule => "add a rule with a matching path_regex to .sops.yaml",
        Cause::Config => "check .sops.yaml",
        Cause::CommentRule => "encrypt again, or make the pattern longer so that no ciphertext matches it",
        Cause::Damaged | Cause::Metadata => "restore the file from git",
        Cause::MacMismatch | Cause::MacDamaged => {
            "restore the file from git, or find out who changed it before you trust its values"
        }
        Cause::DecryptionOrder => "correct SOPS_DECRYPTION_ORDER or unset it",
        Cause::AlreadyEncrypted => return None,
        Cause::Text | Cause::Values | Cause::Write | Cause::Call | Cause::Crash | Cause::Other(_) => {
            OTHER_ENGINE
        }
    })
}

fn cause_code(cause: Cause) -> &'static str {
    match cause {
        Cause::Wrap(_) => "sops.wrap",
        Cause::NoDataKey(barrier) => barrier_code(barrier),
        Cause::Recipient => "sops.recipient",
        Cause::NoRecipients => "sops.no_recipients",
        Cause::NoMatchingRule => "sops.no_matching_rule",
        Cause::Config => "sops.config_syntax",
        Cause::Text => "sops.line",
        Cause::Metadata => "sops.metadata",
        Cause::AlreadyEncrypted => "sops.already_encrypted",
        Cause::CommentRule => "sops.rule_matches_ciphertext",
        Cause::Damaged => "sops.value_damaged",
        Cause::MacMismatch => "sops.mac_mismatch",
        Cause::MacDamaged => "sops.mac_damaged",
        Cause::DecryptionOrder => "sops.decryption_order",
        Cause::Values | Cause::Write | Cause::Call | Cause::Crash | Cause::Other(_) => "sops.failed",
    }
}

fn barrier_hint(barrier: Barrier) -> Option<&'static str> {
    Some(match barrier {
        Barrier::NoIdentity | Barrier::WrongIdentity | Barrier::TooFewGroups => {
            "give the identity of one of the recipients in SOPS_AGE_KEY or with --age-key-file"
        }
        Barrier::KeyFile => "check --age-key-file, SOPS_AGE_KEY_FILE and SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        Barrier::BadIdentity => {
            "a file of identities holds AGE-SECRET-KEY-1… lines and # comments, nothing else"
        }
        Barrier::KeyCommand => "run the command of SOPS_AGE_KEY_CMD by hand to see why",
        Barrier::Passphrase => "unlock it first: decrypt it into a file only you can read, or start an agent",
        Barrier::Damaged => "restore the file from git",
        Barrier::PgpSecretKey => "import the secret key, or set GNUPGHOME to the folder that holds it",
        Barrier::PgpPublicKey => "import the public key with gpg --import",
        Barrier::MissingProgram => "install it, or set SOPS_GPG_EXEC; a plugin must be on PATH",
        Barrier::Credentials => "sign in to the cloud, or set its credential variables",
        Barrier::Denied => "have the key's owner grant you encrypt and decrypt",
        Barrier::NoSuchKey => "check the key's name, region and version",
        Barrier::Unreachable => "check the network, the proxy and the address of the key service",
        Barrier::Unknown => return None,
    })
}

fn barrier_code(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::NoIdentity => "sops.no_identity",
        Barrier::WrongIdentity => "sops.wrong_identity",
        Barrier::Passphrase => "sops.encrypted_identity",
        Barrier::TooFewGroups => "sops.too_few_groups",
        Barrier::Damaged => "sops.key_damaged",
        Barrier::KeyFile
        | Barrier::BadIdentity
        | Barrier::KeyCommand
        | Barrier::PgpSecretKey
        | Barrier::PgpPublicKey
        | Barrier::MissingProgram
        | Barrier::Credentials
        | Barrier::Denied
        | Barrier::NoSuchKey
        | Barrier::Unreachable
        | Barrier::Unknown => "sops.no_data_key",
    }
}
