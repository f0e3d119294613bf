//! `[vault.sync]`: which secret belongs to which folder.
//!
//! A mapping is complete or an error: the message names every key that is missing, or every one of a wrong type.

use std::num::NonZeroUsize;
use std::ops::Range;

use toml::Spanned;

use super::diagnostic::ConfigError;
use super::leaf::{Leaf, Typed};
use super::raw::{RawMapping, RawSync};
use super::reader::{ConfigPath, Reader};

/// `[vault.sync]`: which secrets go where.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncConfig {
    /// For people; it routes nothing.
    pub default_vault_name: Option<String>,
    /// The name of the key files.
    pub env_keys_filename: String,
    /// The most files that are worked on at a time.
    pub max_workers: Option<NonZeroUsize>,
    /// Whether keys stay in memory, for the mappings that do not say; each mapping has the answer.
    pub ephemeral_keys: bool,
    /// In the order of the file.
    pub mappings: Vec<Mapping>,
}

impl SyncConfig {
    pub(super) fn read(reader: &Reader<'_>, raw: RawSync) -> Result<Self, ConfigError> {
        let at = reader.section("vault.sync");
        let ephemeral_keys = at.flag("ephemeral_keys", raw.ephemeral_keys, false)?;
        let numbered = raw.mappings.into_iter().zip(1..);
        let mappings = numbered.map(|(entry, number)| Mapping::read(reader, entry, number, ephemeral_keys));
        Ok(Self {
            default_vault_name: at.text("default_vault_name", raw.default_vault_name)?,
            env_keys_filename: at
                .text("env_keys_filename", raw.env_keys_filename)?
                .unwrap_or_else(|| ".env.keys".to_owned()),
            max_workers: at.value("max_workers", raw.max_workers)?,
            ephemeral_keys,
            mappings: mappings.collect::<Result<_, _>>()?,
        })
    }
}

/// One secret and the folder whose key it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    /// The secret's name in the vault, not blank.
    pub secret_name: String,
    /// The folder with the env file and the key file.
    pub folder_path: ConfigPath,
    /// For people; it routes nothing.
    pub vault_name: Option<String>,
    /// The environment as written.
    pub environment: Option<String>,
    /// The env file's name below the folder, not empty; that it stays inside is checked where it is resolved.
    pub env_file: Option<String>,
    /// The profile that this mapping is tagged with.
    pub profile: Option<String>,
    /// The file below the folder that an activated profile is copied to, not empty.
    pub activate_to: Option<String>,
    /// Whether the key stays in memory.
    pub ephemeral_keys: bool,
}

impl Mapping {
    /// The environment that file and key are named after: `environment`, else `profile`, else `production`.
    pub fn effective_environment(&self) -> &str {
        self.environment.as_deref().or(self.profile.as_deref()).unwrap_or("production")
    }

    /// Whether a run with `--profile wanted` works on this mapping: it is untagged, or tagged exactly so.
    pub fn in_profile(&self, wanted: Option<&str>) -> bool {
        self.profile.is_none() || self.profile.as_deref() == wanted
    }

    fn read(
        reader: &Reader<'_>,
        entry: Spanned<RawMapping>,
        number: usize,
        inherited: bool,
    ) -> Result<Self, ConfigError> {
        let place = entry.span();
        let raw = entry.into_inner();
        let required = [
            ("secret_name", raw.secret_name.as_ref().is_none_or(|name| is_blank(name.get_ref()))),
            ("folder_path", raw.folder_path.is_none()),
        ];
        let missing: Vec<_> = required.into_iter().filter_map(|(key, is)| is.then_some(key)).collect();
        if !missing.is_empty() {
            let detail =
                format!("vault.sync.mappings entry {number}: missing required key(s) {}", missing.join(", "));
            return Err(reader.source.invalid(&place, detail));
        }
        let mut wrong = Wrong::default();
        let mapping = Self {
            secret_name: wrong.take("secret_name", raw.secret_name).unwrap_or_default(),
            folder_path: reader.path(wrong.take("folder_path", raw.folder_path).unwrap_or_default()),
            vault_name: wrong.take("vault_name", raw.vault_name),
            environment: wrong.take("environment", raw.environment),
            env_file: wrong.take("env_file", raw.env_file).filter(|name| !name.is_empty()),
            profile: wrong.take("profile", raw.profile),
            activate_to: wrong.take("activate_to", raw.activate_to).filter(|name| !name.is_empty()),
            ephemeral_keys: wrong.take("ephemeral_keys", raw.ephemeral_keys).unwrap_or(inherited),
        };
        let Some(first) = wrong.first else { return Ok(mapping) };
        let keys = wrong.keys.join(", ");
        let detail = format!("vault.sync.mappings entry {number}: wrong value type(s) for {keys}");
        Err(reader.source.invalid(&first, detail))
    }
}

fn is_blank(text: &Typed<String>) -> bool {
    match text {
        Typed::Is(text) => text.trim().is_empty(),
        Typed::Not(_) => false,
    }
}

/// Collects the values of a wrong type, so that one message names them all.
#[derive(Default)]
struct Wrong {
    keys: Vec<&'static str>,
    first: Option<Range<usize>>,
}

impl Wrong {
    fn take<T>(&mut self, key: &'static str, leaf: Leaf<T>) -> Option<T> {
        let leaf = leaf?;
        let span = leaf.span();
        match leaf.into_inner() {
            Typed::Is(value) => Some(value),
            Typed::Not(_) => {
                self.keys.push(key);
                self.first.get_or_insert(span);
                None
            }
        }
    }
}
