//! `[vault]`: which service keeps the keys, and how it is reached.
//!
//! Whether the chosen service has the settings it needs is for the command to say, which has flags for them too.

use std::ops::Range;

use toml::Spanned;

use super::diagnostic::{ConfigError, Deferred};
use super::mapping::SyncConfig;
use super::provider::ProviderKind;
use super::raw::RawVault;
use super::reader::Reader;

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
