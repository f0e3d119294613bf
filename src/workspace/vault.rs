//! `[vault]`: which service keeps the keys, and which secret belongs to which folder.

use std::num::NonZeroUsize;
use std::ops::Range;

use toml::Spanned;

use super::diagnostic::{ConfigError, Deferred};
use super::leaf::{Leaf, Typed};
use super::provider::ProviderKind;
use super::raw::{RawMapping, RawSync, RawVault};
use super::reader::{ConfigPath, Reader};

/// `[vault]` with its provider tables.
#[derive(Debug, Clone, PartialEq)]
pub struct VaultConfig {
    /// The named provider, else the one whose table is there, else Azure; an unknown name is an error at use.
    pub provider: Deferred<ProviderKind>,
    /// `[vault.azure] vault_url`, not blank.
    pub azure_vault_url: Option<String>,
    /// `[vault.aws] region`
    pub aws_region: String,
    /// `[vault.hashicorp] url`, not blank.
    pub hashicorp_url: Option<String>,
    /// `[vault.hashicorp] mount`: the path of the KV version 2 engine, without slashes at its ends.
    pub hashicorp_mount: String,
    /// `[vault.hashicorp] namespace`, not blank.
    pub hashicorp_namespace: Option<String>,
    /// `[vault.gcp] project_id`, not blank.
    pub gcp_project_id: Option<String>,
    /// `[vault.sync]`
    pub sync: SyncConfig,
}

impl VaultConfig {
    pub(super) fn read(reader: &Reader<'_>, raw: RawVault) -> Result<Self, ConfigError> {
        let provider = provider(reader, &raw)?;
        let azure = raw.azure.map(Spanned::into_inner).unwrap_or_default();
        let aws = raw.aws.map(Spanned::into_inner).unwrap_or_default();
        let hashicorp = raw.hashicorp.map(Spanned::into_inner).unwrap_or_default();
        let gcp = raw.gcp.map(Spanned::into_inner).unwrap_or_default();
        let at = reader.section("vault.hashicorp");
        let mount = at.text("mount", hashicorp.mount)?.map(|mount| mount.trim_matches('/').to_owned());
        Ok(Self {
            provider: match reader.section("vault").spanned("provider", raw.provider)? {
                None => Deferred(Ok(provider)),
                Some(name) => {
                    Deferred(name.get_ref().parse().map_err(|source| ConfigError::Provider {
                        source,
                        at: reader.source.at(&name.span()),
                    }))
                }
            },
            azure_vault_url: reader.section("vault.azure").text("vault_url", azure.vault_url)?,
            aws_region: reader
                .section("vault.aws")
                .text("region", aws.region)?
                .unwrap_or_else(|| "us-east-1".to_owned()),
            hashicorp_url: at.text("url", hashicorp.url)?,
            hashicorp_mount: mount.filter(|mount| !mount.is_empty()).unwrap_or_else(|| "secret".to_owned()),
            hashicorp_namespace: at.text("namespace", hashicorp.namespace)?,
            gcp_project_id: reader.section("vault.gcp").text("project_id", gcp.project_id)?,
            sync: SyncConfig::read(reader, raw.sync.unwrap_or_default())?,
        })
    }
}

/// The provider that the tables speak for; several of them need a `provider` key to choose.
fn provider(reader: &Reader<'_>, raw: &RawVault) -> Result<ProviderKind, ConfigError> {
    let tables: Vec<(ProviderKind, Range<usize>)> = [
        (ProviderKind::Azure, raw.azure.as_ref().map(Spanned::span)),
        (ProviderKind::Aws, raw.aws.as_ref().map(Spanned::span)),
        (ProviderKind::Hashicorp, raw.hashicorp.as_ref().map(Spanned::span)),
        (ProviderKind::Gcp, raw.gcp.as_ref().map(Spanned::span)),
    ]
    .into_iter()
    .filter_map(|(kind, span)| Some((kind, span?)))
    .collect();
    match tables.as_slice() {
        [] => Ok(ProviderKind::Azure),
        [(kind, _)] => Ok(*kind),
        [(kind, _), ..] if raw.provider.is_some() => Ok(*kind),
        [.., (_, last)] => {
            let names = tables.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(", ");
            let detail = format!(
                "[vault] provider is not set but multiple provider sections are configured ({names}); \
                 set provider to one of them"
            );
            Err(reader.source.invalid(last, detail))
        }
    }
}

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
    fn read(reader: &Reader<'_>, raw: RawSync) -> Result<Self, ConfigError> {
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
