//! What stands in the way of partial encryption.

use std::path::PathBuf;

use crate::backend::Refusal;
use crate::error::Error;
use crate::report::Verb;
use crate::workspace::ConfigError;

/// Why an environment, or the whole command, was given up.
#[derive(Debug, thiserror::Error)]
pub enum PartialError {
    /// The config cannot be loaded.
    #[error("Failed to load configuration: {0}")]
    Load(ConfigError),
    /// `[partial_encryption] enabled` is not true.
    #[error("Partial encryption is not enabled in configuration")]
    NotEnabled,
    /// It is enabled and there is nothing to work on.
    #[error("Partial encryption is enabled, but no environment is configured")]
    NoEnvironments,
    /// `--env` names none.
    #[error("No partial encryption configuration found for environment '{name}'")]
    UnknownEnvironment {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The project encrypts with SOPS.
    #[error(
        "Partial encryption works with dotenvx only, and [encryption] backend is sops; nothing was touched"
    )]
    SopsBackend,
    /// Two paths of the config that must differ lead to the same file.
    #[error("partial_encryption: {one} and {other} are the same file ({path})")]
    SamePath {
        /// Role, environment and path of one.
        one: String,
        /// Role, environment and path of the other.
        other: String,
        /// Where both lead.
        path: String,
    },
    /// A path of the config lies below another that is to be a file.
    #[error("partial_encryption: {inner} lies inside {outer}, which is a file")]
    NestedPath {
        /// Role, environment and path of the inner one.
        inner: String,
        /// Role, environment and path of the outer one.
        outer: String,
    },
    /// A path that cannot stand in the comments of a combined file.
    #[error("partial_encryption environment '{environment}': {role} has a line break in its name")]
    LineBreak {
        /// The environment.
        environment: String,
        /// The key of the config.
        role: &'static str,
    },
    /// A glob that is not one, or that leads out of its folder.
    #[error("partial_encryption environment '{environment}': pattern '{pattern}' {why}")]
    Pattern {
        /// The environment.
        environment: String,
        /// The glob.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// Neither source of a combined file is there.
    #[error(
        "Neither clear file ({clear}) nor secret file ({secret}) exists; refusing to overwrite {combined} with an \
         empty scaffold. Restore the source files or fix the paths in envdrift.toml."
    )]
    NoSources {
        /// The clear file.
        clear: String,
        /// The secret file.
        secret: String,
        /// The combined file.
        combined: String,
    },
    /// The secret file to decrypt is not there.
    #[error("Secret file not found: {path}")]
    NoSecret {
        /// The secret file.
        path: String,
    },
    /// The folder of a secrets-only environment is not there.
    #[error("secrets_dir not found or not a directory: {dir}")]
    NoFolder {
        /// The folder.
        dir: String,
    },
    /// The folder cannot be searched.
    #[error("Cannot list {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The answer of the system.
        source: std::io::Error,
    },
    /// A secrets-only environment without files.
    #[error("No file in {dir} matches '{pattern}'")]
    NothingMatches {
        /// The folder.
        dir: String,
        /// The glob.
        pattern: String,
    },
    /// A secret file that was encrypted with the other backend.
    #[error("{path} is encrypted with SOPS; partial encryption uses dotenvx")]
    SopsFile {
        /// The secret file.
        path: String,
    },
    /// Something of the pipeline failed for a file.
    #[error("Failed to {} {path}: {}", infinitive(*verb), cause(source))]
    Failed {
        /// What was to be done.
        verb: Verb,
        /// The file.
        path: String,
        /// Why it was not.
        source: Box<Error>,
    },
}

fn infinitive(verb: Verb) -> &'static str {
    match verb {
        Verb::Encrypt => "encrypt",
        Verb::Decrypt => "decrypt",
        Verb::Generate => "generate",
        Verb::Delete => "delete",
    }
}

/// The cause without what the message around it says already.
fn cause(error: &Error) -> String {
    match error {
        Error::Engine { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

impl PartialError {
    /// Puts the words of this feature around an error of the pipeline; refusals speak for themselves.
    pub(super) fn wrap(verb: Verb, path: &str, error: Error) -> Error {
        match error {
            Error::Refusal(Refusal::OtherBackend { path, .. }) => Self::SopsFile { path }.into(),
            Error::Refusal(_) | Error::Partial(_) => error,
            other => Self::Failed { verb, path: path.to_owned(), source: Box::new(other) }.into(),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Load(error) => error.hint(),
            Self::NotEnabled => Some("set enabled = true in [partial_encryption]".into()),
            Self::NoEnvironments => Some("add an entry [[partial_encryption.environments]]".into()),
            Self::UnknownEnvironment { known, .. } => Some(format!("environments: {}", known.join(", "))),
            Self::SopsBackend => Some(
                "set backend = \"dotenvx\", or encrypt whole files with SOPS: its rules leave names readable that \
                 you choose"
                    .into(),
            ),
            Self::SamePath { .. } | Self::NestedPath { .. } | Self::LineBreak { .. } => {
                Some("give each its own path in the config".into())
            }
            Self::Pattern { .. } => Some("write a glob relative to secrets_dir, such as .env* or **/.env*".into()),
            Self::NoSources { .. } => None,
            Self::NoSecret { .. } => Some("restore it from git, or fix secret_file in the config".into()),
            Self::NoFolder { .. } => Some("create it, or fix secrets_dir in the config".into()),
            Self::Folder { .. } => Some("check the owner and the mode of the folder".into()),
            Self::NothingMatches { .. } => Some("add a secret file, or fix pattern in the config".into()),
            Self::SopsFile { path } => Some(format!("run `envdrift decrypt {path} --backend sops` first")),
            Self::Failed { source, .. } => source.hint(),
        }
    }

    /// A stable token for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Load(error) => error.code(),
            Self::NotEnabled => "partial.not_enabled",
            Self::NoEnvironments => "partial.no_environments",
            Self::UnknownEnvironment { .. } => "partial.unknown_environment",
            Self::SopsBackend => "partial.sops_backend",
            Self::SamePath { .. } => "partial.same_path",
            Self::NestedPath { .. } => "partial.nested_path",
            Self::LineBreak { .. } => "partial.line_break",
            Self::Pattern { .. } => "partial.pattern",
            Self::NoSources { .. } => "partial.no_sources",
            Self::NoSecret { .. } => "partial.no_secret",
            Self::NoFolder { .. } => "partial.no_folder",
            Self::Folder { .. } => "partial.folder",
            Self::NothingMatches { .. } => "partial.nothing_matches",
            Self::SopsFile { .. } => "partial.sops_file",
            Self::Failed { source, .. } => source.code(),
        }
    }
}
