//! Why a sops process failed, told by its exit code and by phrases that sops always uses.
//!
//! What sops prints is never shown, because it can hold plaintext: the line it could not read, the value that does not
//! fit its type, a private key given as recipient. It breaks its longer texts into columns, so they are joined again
//! before a phrase is looked for. Source: `cmd/sops/codes/codes.go` of SOPS 3.13, and what it printed when run.

use std::fmt;

use zeroize::Zeroizing;

use crate::process::Output;

/// What stood between sops and a data key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barrier {
    /// There is no identity anywhere.
    NoIdentity,
    /// There are identities, and none belongs to the file.
    WrongIdentity,
    /// A key file could not be opened.
    KeyFile,
    /// What should be an identity is none.
    BadIdentity,
    /// A key command failed.
    KeyCommand,
    /// An identity is protected by a passphrase.
    Passphrase,
    /// Fewer key groups could be opened than are needed.
    TooFewGroups,
    /// The wrapped key in the file is damaged.
    Damaged,
    /// gpg has no such secret key.
    PgpSecretKey,
    /// gpg has no such public key, or it cannot encrypt.
    PgpPublicKey,
    /// gpg or an age plugin is not installed.
    MissingProgram,
    /// No credentials for the cloud.
    Credentials,
    /// The cloud says no.
    Denied,
    /// The cloud knows no such key.
    NoSuchKey,
    /// The cloud does not answer.
    Unreachable,
    /// Nothing that is known.
    Unknown,
}

/// Phrases in what sops prints about keys, from the most to the least telling.
const BARRIERS: &[(&str, Barrier)] = &[
    ("failed to open SOPS_AGE_KEY_FILE", Barrier::KeyFile),
    ("failed to open SOPS_AGE_SSH_PRIVATE_KEY_FILE", Barrier::KeyFile),
    ("failed to execute command", Barrier::KeyCommand),
    ("passphrase", Barrier::Passphrase),
    ("password protected", Barrier::Passphrase),
    ("failed to decrypt identity file", Barrier::Passphrase),
    ("No secret key", Barrier::PgpSecretKey),
    ("No public key", Barrier::PgpPublicKey),
    ("Unusable public key", Barrier::PgpPublicKey),
    ("executable file not found", Barrier::MissingProgram),
    ("couldn't start plugin", Barrier::MissingProgram),
    ("AccessDenied", Barrier::Denied),
    ("not authorized", Barrier::Denied),
    ("PermissionDenied", Barrier::Denied),
    ("permission denied", Barrier::Denied),
    ("Allowlist does not allow", Barrier::Denied),
    ("Forbidden", Barrier::Denied),
    ("Code: 403", Barrier::Denied),
    ("get credentials", Barrier::Credentials),
    ("could not find default credentials", Barrier::Credentials),
    ("DefaultAzureCredential", Barrier::Credentials),
    ("missing client token", Barrier::Credentials),
    ("ExpiredToken", Barrier::Credentials),
    ("UnrecognizedClientException", Barrier::Credentials),
    ("Unauthorized", Barrier::Credentials),
    ("NotFoundException", Barrier::NoSuchKey),
    ("KeyNotFound", Barrier::NoSuchKey),
    ("encryption key not found", Barrier::NoSuchKey),
    ("Code: 404", Barrier::NoSuchKey),
    ("connection refused", Barrier::Unreachable),
    ("no such host", Barrier::Unreachable),
    ("i/o timeout", Barrier::Unreachable),
    ("deadline exceeded", Barrier::Unreachable),
    ("network is unreachable", Barrier::Unreachable),
    ("x509:", Barrier::Unreachable),
    ("TLS handshake", Barrier::Unreachable),
    ("failed to parse 'SOPS_AGE", Barrier::BadIdentity),
    ("malformed SSH identity", Barrier::BadIdentity),
    ("age: failed to read header", Barrier::Damaged),
    // Of a group, so there are several, and this one could be opened.
    (": SUCCESS", Barrier::TooFewGroups),
    ("did not match any of the recipients", Barrier::WrongIdentity),
    ("failed to load age identities", Barrier::NoIdentity),
];

impl Barrier {
    fn told_by(said: &str) -> Self {
        first(BARRIERS, said).unwrap_or(Self::Unknown)
    }
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIdentity => "no age identity was found",
            Self::WrongIdentity => "none of the identities at hand belongs to it",
            Self::KeyFile => "the file of identities cannot be opened",
            Self::BadIdentity => "an identity cannot be read",
            Self::KeyCommand => "the key command failed",
            Self::Passphrase => "an identity is protected by a passphrase that was not given",
            Self::TooFewGroups => "fewer key groups could be opened than are needed",
            Self::Damaged => "the wrapped data key in the file is damaged",
            Self::PgpSecretKey => "gpg has no secret key for it",
            Self::PgpPublicKey => "gpg has no public key that can encrypt for it",
            Self::MissingProgram => "gpg or the age plugin is not installed",
            Self::Credentials => "there are no valid credentials for the key service",
            Self::Denied => "the key service denies the use of the key",
            Self::NoSuchKey => "the key service knows no such key",
            Self::Unreachable => "the key service cannot be reached",
            Self::Unknown => "sops gave no cause that is known",
        })
    }
}

/// Why sops did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Exit 1: the data key could not be wrapped for a recipient.
    Wrap(Barrier),
    /// Exit 128: no key opened the file.
    NoDataKey(Barrier),
    /// Exit 1: a recipient is none.
    Recipient,
    /// Exit 1: nobody was named.
    NoRecipients,
    /// Exit 1: no creation rule matches.
    NoMatchingRule,
    /// Exit 1: `.sops.yaml` cannot be read.
    Config,
    /// Exit 1 or 2: the text is not what sops takes for a dotenv file.
    Text,
    /// Exit 1: no metadata, or not all of it.
    Metadata,
    /// Exit 203: metadata where there should be none.
    AlreadyEncrypted,
    /// Exit 21 or 23: a value or comment could not be encrypted.
    Values,
    /// Exit 23: the rule about comments takes an encrypted comment for a plain one.
    CommentRule,
    /// Exit 25: a value could not be decrypted.
    Damaged,
    /// Exit 51: the values are not those that were encrypted.
    MacMismatch,
    /// Exit 51: the MAC itself cannot be decrypted.
    MacDamaged,
    /// Exit 112: `SOPS_DECRYPTION_ORDER` names a kind of key twice.
    DecryptionOrder,
    /// Exit 3 or 4: the result could not be written.
    Write,
    /// Exit 6, 7, 8, 91, 100 or usage: it does not know the way it was called.
    Call,
    /// Exit 2 with a trace: sops crashed.
    Crash,
    /// Any other exit code.
    Other(i32),
}

/// Phrases with exit code 1.
const GENERIC: &[(&str, Cause)] = &[
    ("sops metadata not found", Cause::Metadata),
    ("no matching creation rules found", Cause::NoMatchingRule),
    ("no keys provided through command line", Cause::NoRecipients),
    ("error loading config", Cause::Config),
    ("failed to parse input", Cause::Recipient),
    ("invalid dotenv input line", Cause::Text),
    ("flag provided but not defined", Cause::Call),
    ("No keys found in file", Cause::Metadata),
    ("Version string empty", Cause::Metadata),
    ("parsing time", Cause::Metadata),
];

impl Cause {
    /// Reads the exit code and the known phrases of `output`.
    pub(super) fn of(output: &Output) -> Self {
        let said = joined(&output.stderr());
        let says = |phrase: &str| said.contains(phrase);
        match output.code() {
            1 if says("Could not generate data key") => Self::Wrap(Barrier::told_by(&said)),
            1 => first(GENERIC, &said).unwrap_or(Self::Other(1)),
            2 if says("panic:") || says("fatal error:") => Self::Crash,
            2 => Self::Text,
            3 | 4 => Self::Write,
            6 | 7 | 8 | 91 | 92 | 100 => Self::Call,
            23 if says("UnencryptedCommentRegex") => Self::CommentRule,
            21 | 23 => Self::Values,
            25 => Self::Damaged,
            51 if says("Cannot decrypt MAC") => Self::MacDamaged,
            51 => Self::MacMismatch,
            112 => Self::DecryptionOrder,
            128 => Self::NoDataKey(Barrier::told_by(&said)),
            203 => Self::AlreadyEncrypted,
            code => Self::Other(code),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrap(barrier) => return write!(f, "the data key could not be wrapped for a recipient: {barrier}"),
            Self::NoDataKey(barrier) => return write!(f, "no key at hand opens the file: {barrier}"),
            Self::Recipient => "a recipient is not valid",
            Self::NoRecipients => "no recipients were given",
            Self::NoMatchingRule => "no creation rule matches the file",
            Self::Config => "sops cannot read .sops.yaml",
            Self::Text => "sops cannot read a line of the file",
            Self::Metadata => "the file has no complete SOPS metadata",
            Self::AlreadyEncrypted => "the file already has SOPS metadata",
            Self::Values => "sops cannot encrypt a value",
            Self::CommentRule => "unencrypted_comment_regex matches an encrypted comment, so the file could not be read back",
            Self::Damaged => {
                "a value cannot be decrypted: it was changed, moved here from another key, or given another type"
            }
            Self::MacMismatch => "a value was changed, added, deleted or moved after the file was encrypted",
            Self::MacDamaged => "the MAC cannot be decrypted",
            Self::DecryptionOrder => "SOPS_DECRYPTION_ORDER names a kind of key twice",
            Self::Write => "sops could not write its result",
            Self::Call => "sops does not know the way envdrift called it",
            Self::Crash => "sops crashed",
            Self::Other(code) => return write!(f, "exit code {code}, with no cause that is known"),
        })
    }
}

fn first<T: Copy>(phrases: &[(&str, T)], said: &str) -> Option<T> {
    phrases.iter().find(|(phrase, _)| said.contains(phrase)).map(|(_, found)| *found)
}

/// The text without the line breaks and bars of its columns.
fn joined(said: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(said.len() + 1));
    for word in said.split_whitespace().filter(|word| *word != "|") {
        out.push_str(word);
        out.push(' ');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_across_the_columns_of_sops() {
        let said = "  age1x: FAILED\n    - | failed to create reader for decrypting sops data key with\n      \
                    | age: identity did not match any of the\n      | recipients: incorrect\n";
        assert_eq!(Barrier::told_by(&joined(said)), Barrier::WrongIdentity);
        assert_eq!(Barrier::told_by("something new"), Barrier::Unknown);
    }

    #[test]
    fn the_most_telling_phrase_wins() {
        let said = "failed to load age identities. Errors while loading age identities: failed to open \
                    SOPS_AGE_KEY_FILE file: open x: no such file or directory";
        assert_eq!(Barrier::told_by(said), Barrier::KeyFile);
    }
}
