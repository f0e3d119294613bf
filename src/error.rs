//! The one error at the edge: what happened, what to do next, a stable token, and where in a file.
//!
//! The narrow enums below say what went wrong in their part; this one adds the file and gives the four answers
//! that `ui` and `report` need. Every match names every variant, so a new error does not compile without
//! its hint and its code. No message holds a value.

use std::path::{Path, PathBuf};

use crate::backend::dotenvx::key_choice::NoKey;
use crate::backend::kind::{UnknownBackend, UnknownEngine};
use crate::backend::{BackendKind, EngineError, Refusal};
use crate::files::FileError;
use crate::install::InstallError;
use crate::ops::hooks::HookError;
use crate::ops::partial::PartialError;
use crate::ops::services::ServiceError;
use crate::process::ToolError;
use crate::report::Verb;
use crate::schema::SchemaError;
use crate::snippet::Snippet;
use crate::workspace::ConfigError;

/// Everything that can end a command or a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the command line is not there.
    #[error("ENV file not found: {}", .0.display())]
    MissingFile(PathBuf),
    /// A file could not be read, written or locked.
    #[error(transparent)]
    File(#[from] FileError),
    /// The config is broken.
    #[error("{}", config_message(.0))]
    Config(#[from] ConfigError),
    /// `--backend` names no backend.
    #[error(transparent)]
    UnknownBackend(#[from] UnknownBackend),
    /// `--engine` or `ENVDRIFT_ENGINE` names no engine.
    #[error(transparent)]
    UnknownEngine(#[from] UnknownEngine),
    /// The file is not touched.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// An engine, or the proof of what it did, failed.
    #[error("{} failed: {path}: {source}", verb_noun(*verb))]
    Engine {
        /// What was to be done.
        verb: Verb,
        /// The file as the user named it.
        path: String,
        /// Why it was not.
        source: EngineError,
    },
    /// The engine `tool` was asked for and there is no tool.
    #[error("{}", not_installed(*backend, cause.as_ref()))]
    NotInstalled {
        /// The backend.
        backend: BackendKind,
        /// Why it could not be installed, where that was tried.
        cause: Option<InstallError>,
    },
    /// A tool was found and cannot be used.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// `--schema` cannot be read.
    #[error("Could not load schema: {0}")]
    Schema(#[from] SchemaError),
    /// The key store is tracked by git, and a new key would be committed.
    #[error("{} is tracked by git: a new private key would be committed", .0.display())]
    TrackedKeyStore(PathBuf),
    /// The key store would be committed although `.gitignore` names it.
    #[error("{} is not ignored by git although .gitignore names it: a new private key would be committed", .0.display())]
    ExposedKeyStore(PathBuf),
    /// Partial encryption was given up, for an environment or as a whole.
    #[error(transparent)]
    Partial(#[from] PartialError),
    /// A git hook that the config asks for is not armed.
    #[error(transparent)]
    Hooks(#[from] HookError),
    /// The error of another file, which stands in the way of this one too.
    #[error("{message}")]
    Repeated {
        /// The message.
        message: String,
        /// What to do.
        hint: Option<String>,
        /// The stable token.
        code: &'static str,
    },
    /// A service of `lock` or `pull` is not worked on.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Another program wrote the file between reading and writing it.
    #[error("{} was changed by another program meanwhile; it is as that program left it", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// Ctrl-C or SIGTERM came before the first file was replaced.
    #[error("Interrupted: nothing was written")]
    Interrupted,
    /// Options that exclude each other, or that belong to another command.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
        /// The stable token.
        code: &'static str,
    },
    /// The current folder cannot be determined.
    #[error("Cannot determine the current folder: {0}")]
    CurrentFolder(std::io::Error),
    /// Standard output is gone.
    #[error("Cannot write to standard output: {0}")]
    Output(std::io::Error),
}

/// True where the file has to be mended before any command runs; its message says so in a second line.
fn is_broken_file(error: &ConfigError) -> bool {
    matches!(error, ConfigError::Unreadable { .. } | ConfigError::Syntax { .. } | ConfigError::Invalid { .. })
}

fn config_message(error: &ConfigError) -> String {
    match error.hint().filter(|_| is_broken_file(error)) {
        Some(hint) => format!("{error}\n{hint}"),
        None => error.to_string(),
    }
}

fn not_installed(backend: BackendKind, cause: Option<&InstallError>) -> String {
    match cause {
        None => format!("{backend} is not installed"),
        Some(cause) => format!("{cause}\n{backend} is not installed"),
    }
}

fn verb_noun(verb: Verb) -> &'static str {
    match verb {
        Verb::Encrypt => "Encryption",
        Verb::Decrypt => "Decryption",
        Verb::Generate => "Generation",
        Verb::Delete => "Deletion",
    }
}

impl Error {
    /// Words a file error for a file of the command line.
    pub fn on_argument(shown: &Path, error: FileError) -> Self {
        match error {
            FileError::Missing { .. } => Self::MissingFile(shown.to_path_buf()),
            other => Self::File(other),
        }
    }

    /// Words the outcome of the choice of a key.
    pub fn no_key(path: &str, error: NoKey) -> Self {
        match error {
            NoKey::Refusal(refusal) => Self::Refusal(refusal),
            NoKey::Engine(source) => Self::Engine { verb: Verb::Encrypt, path: path.to_owned(), source },
        }
    }

    /// The same error for another file.
    #[must_use]
    pub fn repeated(&self) -> Self {
        Self::Repeated { message: self.to_string(), hint: self.hint(), code: self.code() }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingFile(_) => Some("check the name and the folder you are in".into()),
            Self::File(error) => error.hint(),
            Self::Config(error) => error.hint(),
            Self::UnknownBackend(_) => Some("use --backend dotenvx or --backend sops".into()),
            Self::UnknownEngine(_) => Some("use --engine auto, tool or builtin".into()),
            Self::Refusal(refusal) => Some(refusal.hint()),
            Self::Engine { source, .. } => source.hint(),
            Self::NotInstalled { cause, .. } => {
                let own = "or let envdrift do it by itself: --engine builtin".to_owned();
                Some(
                    cause
                        .as_ref()
                        .and_then(InstallError::hint)
                        .map_or(own.clone(), |hint| format!("{hint}; {own}")),
                )
            }
            Self::Tool(error) => error.hint(),
            Self::Schema(error) => error.hint(),
            Self::TrackedKeyStore(path) => {
                Some(format!("run `git rm --cached {}` and commit that first", path.display()))
            }
            Self::ExposedKeyStore(_) => {
                Some("look for a `!` rule below it, and that .gitignore is a regular file".into())
            }
            Self::Partial(error) => error.hint(),
            Self::Hooks(error) => error.hint(),
            Self::Repeated { hint, .. } => hint.clone(),
            Self::Service(error) => error.hint(),
            Self::ChangedMeanwhile(_) => Some("run again".into()),
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::CurrentFolder(_) => Some("change to a folder that exists".into()),
            Self::Interrupted | Self::Output(_) => None,
        }
    }

    /// A stable token for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingFile(_) => "file.missing",
            Self::File(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::UnknownBackend(_) => "usage.backend",
            Self::UnknownEngine(_) => "usage.engine",
            Self::Refusal(refusal) => refusal.code(),
            Self::Engine { source, .. } => source.code(),
            Self::NotInstalled { cause, .. } => {
                cause.as_ref().map_or("tool.not_installed", InstallError::code)
            }
            Self::Tool(error) => error.code(),
            Self::Schema(error) => error.code(),
            Self::TrackedKeyStore(_) => "git.tracked_key_store",
            Self::ExposedKeyStore(_) => "git.exposed_key_store",
            Self::Partial(error) => error.code(),
            Self::Hooks(error) => error.code(),
            Self::Service(error) => error.code(),
            Self::ChangedMeanwhile(_) => "file.changed_meanwhile",
            Self::Interrupted => "interrupted",
            Self::Repeated { code, .. } | Self::Usage { code, .. } => code,
            Self::CurrentFolder(_) => "env.current_folder",
            Self::Output(_) => "output.closed",
        }
    }

    /// The place in a config file, where there is one. A file of another name may be an env file that was taken for a
    /// config, and its lines are not shown.
    pub fn snippet(&self) -> Option<Snippet> {
        match self {
            Self::Config(error) | Self::Partial(PartialError::Load(error)) => {
                error.snippet().filter(|at| at.path.extension().is_some_and(|extension| extension == "toml"))
            }
            _ => None,
        }
    }
}
