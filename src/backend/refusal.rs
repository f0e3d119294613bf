//! Why a file is not encrypted or decrypted, and what to do instead.

use super::BackendKind;

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
