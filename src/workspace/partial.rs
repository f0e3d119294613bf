//! `[partial_encryption]`: files that are encrypted in part.
//!
//! The section is read when the config loads and complained about when it is used, so that a mistake in it stops
//! `push` and `pull-partial` and no other command.

use toml::Spanned;

use super::diagnostic::{ConfigError, Deferred};
use super::raw::{RawPartial, RawPartialEnvironment};
use super::reader::{ConfigPath, Reader, Section};

/// `[partial_encryption]`, each part with its error if it has one.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialConfig {
    enabled: Deferred<bool>,
    environments: Vec<Deferred<PartialEnvironment>>,
}

/// One entry of `[[partial_encryption.environments]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PartialEnvironment {
    /// The environment's name, not blank.
    pub name: String,
    /// What is encrypted, and into what.
    pub mode: PartialMode,
}

/// The two ways to encrypt in part.
#[derive(Debug, Clone, PartialEq)]
pub enum PartialMode {
    /// Two sources make one generated file.
    Combine {
        /// The source that stays plaintext.
        clear_file: ConfigPath,
        /// The source that is encrypted in place.
        secret_file: ConfigPath,
        /// The generated file.
        combined_file: ConfigPath,
    },
    /// Every matching file of a folder is encrypted in place.
    SecretsOnly {
        /// The folder.
        secrets_dir: ConfigPath,
        /// A glob over file names.
        pattern: String,
    },
}

impl PartialConfig {
    /// The environments, or `None` when partial encryption is not enabled; the first mistake, if there is one.
    pub fn checked(&self) -> Result<Option<Vec<&PartialEnvironment>>, ConfigError> {
        if !*self.enabled.checked()? {
            return Ok(None);
        }
        self.environments.iter().map(Deferred::checked).collect::<Result<_, _>>().map(Some)
    }

    /// The environments without a mistake, for commands that only have to know these files; none when partial
    /// encryption is not enabled.
    pub fn usable(&self) -> impl Iterator<Item = &PartialEnvironment> {
        let enabled = self.enabled.checked().is_ok_and(|enabled| *enabled);
        self.environments.iter().filter_map(|entry| entry.0.as_ref().ok()).filter(move |_| enabled)
    }

    pub(super) fn read(reader: &Reader<'_>, raw: RawPartial) -> Self {
        Self {
            enabled: Deferred(reader.deferred("partial_encryption").flag("enabled", raw.enabled, false)),
            environments: raw
                .environments
                .into_iter()
                .map(|entry| Deferred(PartialEnvironment::read(reader, entry)))
                .collect(),
        }
    }
}

impl PartialEnvironment {
    fn read(reader: &Reader<'_>, entry: Spanned<RawPartialEnvironment>) -> Result<Self, ConfigError> {
        let at = reader.deferred("partial_encryption.environments");
        let place = reader.source.at(&entry.span());
        let error = |detail: String| ConfigError::Section { detail, at: place };
        let mut raw = entry.into_inner();
        let name = at.value("name", raw.name.take())?.filter(|name| !name.trim().is_empty());
        let Some(name) = name else {
            return Err(error("partial_encryption environment is missing the required 'name' field".into()));
        };
        let secrets_only = at.flag("secrets_only", raw.secrets_only.take(), false)?;
        let mode = if secrets_only { secrets_only_mode(&at, raw) } else { combine_mode(&at, raw) }?;
        let mode = mode.map_err(|rest| error(format!("partial_encryption environment '{name}': {rest}")))?;
        Ok(Self { name, mode })
    }
}

/// A mode, or what it lacks.
type Mode = Result<PartialMode, String>;

fn secrets_only_mode(at: &Section<'_>, raw: RawPartialEnvironment) -> Result<Mode, ConfigError> {
    let pattern = at.value("pattern", raw.pattern)?.unwrap_or_else(|| ".env*".to_owned());
    Ok(match at.path("secrets_dir", raw.secrets_dir)? {
        Some(secrets_dir) => Ok(PartialMode::SecretsOnly { secrets_dir, pattern }),
        None => Err("secrets_dir is required when secrets_only=true".to_owned()),
    })
}

fn combine_mode(at: &Section<'_>, raw: RawPartialEnvironment) -> Result<Mode, ConfigError> {
    let clear = at.path("clear_file", raw.clear_file)?;
    let secret = at.path("secret_file", raw.secret_file)?;
    let combined = at.path("combined_file", raw.combined_file)?;
    let missing = [("clear_file", &clear), ("secret_file", &secret), ("combined_file", &combined)]
        .into_iter()
        .filter_map(|(key, path)| path.is_none().then_some(key))
        .collect::<Vec<_>>()
        .join(", ");
    let (Some(clear_file), Some(secret_file), Some(combined_file)) = (clear, secret, combined) else {
        return Ok(Err(format!("missing required field(s) for combine mode: {missing}")));
    };
    Ok(Ok(PartialMode::Combine { clear_file, secret_file, combined_file }))
}
