//! The project that a command works in: its config file, found, read and checked.
//!
//! [`load`] finds the file (`discovery`), reads it as written (`raw`) and returns the [`Config`] that the rest of
//! the program uses, with the warnings that the caller prints. Nothing else looks at the file.

mod config;
mod diagnostic;
mod discovery;
mod encryption;
mod guard;
mod hooks;
mod known;
mod leaf;
mod mapping;
mod partial;
mod provider;
mod raw;
mod reader;
pub mod resolve;
mod source;
pub mod target;
mod unknown;
mod vault;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

pub use config::{Config, PrecommitConfig, ProjectConfig, ValidationConfig};
pub use diagnostic::{ConfigError, Deferred};
pub use encryption::{EncryptionConfig, SopsConfig, comma_list};
pub use guard::{GuardConfig, GuardianConfig};
pub use hooks::HookCheck;
pub use mapping::{Mapping, SyncConfig};
pub use partial::{PartialConfig, PartialEnvironment, PartialMode};
pub use provider::{ProviderKind, UnknownProvider};
pub use reader::ConfigPath;
pub use vault::VaultConfig;

use crate::env::Env;
use discovery::Found;
use raw::RawConfig;
use reader::Reader;
use source::{Form, Source};

/// A config with where it came from and what is odd about it.
#[derive(Debug)]
pub struct Loaded {
    /// The checked config, the defaults when there is no file.
    pub config: Config,
    /// The file: as given, or the absolute path of the one found.
    pub path: Option<PathBuf>,
    /// Complete lines for stderr, each once.
    pub warnings: Vec<String>,
}

/// Loads the config named by `explicit`, else the nearest at or above the working directory, else the defaults.
///
/// Errors are those of the file: missing, unreadable, not TOML, wrong type or rule. Settings that only some
/// commands use are checked when those ask for them, see [`Deferred`] and [`PartialConfig`].
pub fn load(env: &Env, explicit: Option<&Path>) -> Result<Loaded, ConfigError> {
    let found = match explicit {
        Some(path) => Some(discovery::explicit(env.cwd(), path)?),
        None => discovery::discover(env.cwd())?,
    };
    let Some(Found { path, dir, form, text }) = found else {
        let source = Source { path: Path::new("envdrift.toml"), text: "", form: Form::Own };
        let config = Config::read(&Reader { source: &source, base: env.cwd(), env }, RawConfig::default())?;
        return Ok(Loaded { config, path: None, warnings: Vec::new() });
    };
    let source = Source { path: &path, text: &text, form };
    let (config, warnings) = parse(&Reader { source: &source, base: &dir, env })?;
    Ok(Loaded { config, path: Some(path), warnings })
}

/// Reads the text as written, then checks it.
fn parse(reader: &Reader<'_>) -> Result<(Config, Vec<String>), ConfigError> {
    let Some(mut root) = reader.source.root()? else {
        return Ok((Config::read(reader, RawConfig::default())?, Vec::new()));
    };
    let warnings = unknown::check(reader.source, root.get_ref())?;
    let pyproject = reader.source.form == Form::Pyproject;
    if pyproject {
        // There the project's keys are at the top; a section of this name is unknown and may be anything.
        root.get_mut().remove("envdrift");
    }
    let mut raw: RawConfig = deserialize(reader.source, root.clone())?;
    if pyproject {
        raw.envdrift = deserialize(reader.source, root.clone())?;
    }
    if unknown::is_sync_file(root.get_ref()) {
        raw.vault.sync = Some(deserialize(reader.source, root)?);
    }
    Ok((Config::read(reader, raw)?, warnings))
}

fn deserialize<'de, T: Deserialize<'de>>(
    source: &Source<'de>,
    root: Spanned<DeTable<'de>>,
) -> Result<T, ConfigError> {
    T::deserialize(Deserializer::from(root)).map_err(|error| {
        source.invalid(&error.span().unwrap_or_default(), error.message().replace('\n', ", "))
    })
}
