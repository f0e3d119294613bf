//! What can be wrong with a config file, said with its place in the file.
//!
//! Most errors stop every command that loads the config. Those about a choice that only some commands use, or
//! that a flag may replace, wait in a [`Deferred`] until that command asks.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::provider::UnknownProvider;
use crate::backend::UnknownBackend;
use crate::snippet::Snippet;

/// A config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file named on the command line does not exist.
    #[error("Configuration file not found: {}", .0.display())]
    NotFound(PathBuf),
    /// The path named on the command line is a folder, a pipe or the like.
    #[error("Configuration path is not a file: {}", .0.display())]
    NotAFile(PathBuf),
    /// The file is there and cannot be read as text.
    #[error("Cannot read config file {}: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says, or where the text stops being UTF-8.
        why: String,
    },
    /// The text is not TOML.
    #[error("TOML syntax error in {}: {message} (at line {}, column {})", .at.path.display(), .at.line, .at.column)]
    Syntax {
        /// The parser's words.
        message: String,
        /// Where it gave up.
        at: Snippet,
    },
    /// A section or value has the wrong type or breaks a rule.
    #[error("Invalid config in {}: {detail}", .at.path.display())]
    Invalid {
        /// Which key, what it must be and what it is.
        detail: String,
        /// The value, or the table that lacks one.
        at: Snippet,
    },
    /// `[encryption] backend` names none.
    #[error("{source}")]
    Backend {
        /// The name, and those that exist.
        source: UnknownBackend,
        /// The value.
        at: Snippet,
    },
    /// `[vault] provider` names none.
    #[error("{source}")]
    Provider {
        /// The name, and those that exist.
        source: UnknownProvider,
        /// The value.
        at: Snippet,
    },
    /// A section that only some commands use breaks one of its rules.
    #[error("{detail}")]
    Section {
        /// The whole message.
        detail: String,
        /// The value, or the table that lacks one.
        at: Snippet,
    },
}

impl ConfigError {
    /// Where in the file it is, when it is in the file's text.
    pub fn snippet(&self) -> Option<Snippet> {
        match self {
            Self::NotFound(_) | Self::NotAFile(_) | Self::Unreadable { .. } => None,
            Self::Syntax { at, .. }
            | Self::Invalid { at, .. }
            | Self::Backend { at, .. }
            | Self::Provider { at, .. }
            | Self::Section { at, .. } => Some(at.clone()),
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound(_) | Self::NotAFile(_) => {
                "Check the path given with --config, or leave it out to use the \
                 nearest envdrift.toml or pyproject.toml."
                    .to_owned()
            }
            Self::Unreadable { path, .. } => fix(path),
            Self::Syntax { at, .. } | Self::Invalid { at, .. } => fix(&at.path),
            Self::Backend { at, .. } | Self::Provider { at, .. } | Self::Section { at, .. } => {
                format!("Change line {} of {}.", at.line, at.path.display())
            }
        })
    }

    /// The stable name of this kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "config.not_found",
            Self::NotAFile(_) => "config.not_a_file",
            Self::Unreadable { .. } => "config.unreadable",
            Self::Syntax { .. } => "config.syntax",
            Self::Invalid { .. } => "config.invalid",
            Self::Backend { .. } => "config.backend",
            Self::Provider { .. } => "config.provider",
            Self::Section { .. } => "config.section",
        }
    }
}

fn fix(path: &Path) -> String {
    format!("Fix (or remove) {} and re-run.", path.display())
}

/// A setting whose error belongs to the commands that use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferred<T>(pub(super) Result<T, ConfigError>);

impl<T> Deferred<T> {
    /// The setting, or what is wrong with it.
    pub fn checked(&self) -> Result<&T, ConfigError> {
        self.0.as_ref().map_err(Clone::clone)
    }
}
