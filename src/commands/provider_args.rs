//! The vault flags of lock and pull, and the settings that the chosen vault needs before anything starts.

use crate::env::{self, Env};
use crate::error::Error;
use crate::workspace::{Config, ProviderKind};

/// Which vault; each beats its key in the config.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Vault")]
pub struct ProviderArgs {
    /// azure, aws, hashicorp or gcp
    #[arg(long, short)]
    pub provider: Option<String>,
    /// URL of the vault (azure, hashicorp)
    #[arg(long)]
    vault_url: Option<String>,
    /// Region of the vault (aws)
    #[arg(long)]
    region: Option<String>,
    /// Project of the vault (gcp)
    #[arg(long)]
    project_id: Option<String>,
}

impl ProviderArgs {
    /// The provider of this run, once it has the setting that it cannot do without.
    pub fn checked(&self, config: &Config, env: &Env) -> Result<ProviderKind, Error> {
        let vault = &config.vault;
        let kind = match &self.provider {
            Some(name) => name.parse().map_err(|error: crate::workspace::UnknownProvider| {
                wrong(error.to_string(), "use --provider azure, aws, hashicorp or gcp", "vault.provider")
            })?,
            None => *vault.provider.checked()?,
        };
        let is_given = |typed: &Option<String>, configured: &Option<String>| {
            typed.as_ref().is_some_and(|typed| !typed.trim().is_empty()) || configured.is_some()
        };
        let missing = match kind {
            ProviderKind::Aws => None,
            ProviderKind::Azure if is_given(&self.vault_url, &vault.azure_vault_url) => {
                return self.azure_is_https(config).map(|()| kind);
            }
            ProviderKind::Azure => {
                Some("Azure provider requires --vault-url (or [vault.azure] vault_url in config)")
            }
            ProviderKind::Hashicorp
                if is_given(&self.vault_url, &vault.hashicorp_url) || env.get(env::VAULT_ADDR).is_some() =>
            {
                None
            }
            ProviderKind::Hashicorp => Some(
                "HashiCorp provider requires --vault-url (or [vault.hashicorp] url in config, or the VAULT_ADDR environment variable)",
            ),
            ProviderKind::Gcp if is_given(&self.project_id, &vault.gcp_project_id) => None,
            ProviderKind::Gcp => {
                Some("GCP provider requires --project-id (or [vault.gcp] project_id in config)")
            }
        };
        match missing {
            None => Ok(kind),
            Some(message) => Err(wrong(
                message.to_owned(),
                "or list the files in [encryption] files instead of [vault.sync]: then no vault is needed",
                "vault.setting",
            )),
        }
    }

    fn azure_is_https(&self, config: &Config) -> Result<(), Error> {
        let typed = self.vault_url.as_deref().map(str::trim).filter(|typed| !typed.is_empty());
        let url = typed.or(config.vault.azure_vault_url.as_deref()).unwrap_or_default();
        if url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://")) {
            return Ok(());
        }
        let message = format!("Azure vault_url must start with https:// (got '{}')", url.escape_debug());
        Err(wrong(message, "it looks like https://my-vault.vault.azure.net", "vault.setting"))
    }
}

fn wrong(message: String, hint: &str, code: &'static str) -> Error {
    Error::Usage { message, hint: hint.into(), code }
}
