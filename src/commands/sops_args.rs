//! The SOPS flags of encrypt and decrypt, and what they make together with the config.

use std::path::PathBuf;

use super::Session;
use crate::backend::sops::engine::SopsSettings;
use crate::backend::sops::rules::Recipients;
use crate::workspace::{Config, comma_list};

/// Where SOPS finds its rules and identities.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "SOPS")]
pub struct SopsArgs {
    /// Creation rules to use instead of the nearest .sops.yaml
    #[arg(long, value_name = "FILE")]
    sops_config: Option<PathBuf>,
    /// File of age identities
    #[arg(long, value_name = "FILE")]
    age_key_file: Option<PathBuf>,
}

/// Who may read what is encrypted; each beats its key in the config.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "SOPS recipients")]
pub struct RecipientArgs {
    /// age or SSH recipients, separated by commas
    #[arg(long, value_name = "RECIPIENTS")]
    age: Option<String>,
    /// ARNs of AWS KMS keys, separated by commas
    #[arg(long, value_name = "ARNS")]
    kms: Option<String>,
    /// Resource ids of Google Cloud KMS keys, separated by commas
    #[arg(long, value_name = "IDS")]
    gcp_kms: Option<String>,
    /// URLs of Azure Key Vault keys, separated by commas
    #[arg(long, value_name = "URLS")]
    azure_kv: Option<String>,
}

/// Flags beat the config, each for itself.
pub fn settings(
    args: &SopsArgs,
    recipients: &RecipientArgs,
    config: &Config,
    session: &Session,
) -> SopsSettings {
    let sops = &config.encryption.sops;
    let list = |typed: &Option<String>, configured: &[String]| {
        typed.as_deref().map_or_else(|| configured.to_vec(), comma_list)
    };
    let path = |typed: &Option<PathBuf>, configured: Option<&crate::workspace::ConfigPath>| {
        let typed = typed.as_ref().map(|path| session.env.cwd().join(path));
        typed.or_else(|| configured.map(|path| path.resolved.clone()))
    };
    SopsSettings {
        recipients: Recipients {
            age: list(&recipients.age, &sops.age_recipients),
            kms: list(&recipients.kms, &sops.kms_arn),
            gcp_kms: list(&recipients.gcp_kms, &sops.gcp_kms),
            azure_kv: list(&recipients.azure_kv, &sops.azure_kv),
            hc_vault: Vec::new(),
        },
        sops_config: path(&args.sops_config, sops.config_file.as_ref()),
        age_key_file: path(&args.age_key_file, sops.age_key_file.as_ref()),
    }
}
