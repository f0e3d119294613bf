//! The config file as it is written: every section and key that envdrift knows, with the type each must have.
//!
//! These structs are the one list of keys. Unknown-key warnings and the check of `envdrift.toml.example` read
//! their field names; nothing here has a default or a rule, `config.rs` and its siblings have those.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::leaf::{Leaf, Number, OneOrMany, Severity, Typed};

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawConfig {
    pub(super) envdrift: RawProject,
    pub(super) validation: RawValidation,
    pub(super) encryption: RawEncryption,
    pub(super) vault: RawVault,
    pub(super) precommit: RawPrecommit,
    pub(super) git_hook_check: RawHookCheck,
    pub(super) partial_encryption: RawPartial,
    pub(super) guard: RawGuard,
    pub(super) guardian: RawGuardian,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawProject {
    pub(super) schema: Leaf<String>,
    pub(super) environments: Leaf<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawValidation {
    pub(super) check_encryption: Leaf<bool>,
    pub(super) strict_extra: Leaf<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawEncryption {
    pub(super) backend: Leaf<String>,
    pub(super) engine: Leaf<String>,
    pub(super) files: Leaf<Vec<String>>,
    pub(super) smart_encryption: Leaf<bool>,
    pub(super) dotenvx: RawDotenvx,
    pub(super) sops: RawSops,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawDotenvx {
    pub(super) auto_install: Leaf<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawSops {
    pub(super) auto_install: Leaf<bool>,
    pub(super) config_file: Leaf<String>,
    pub(super) age_key_file: Leaf<String>,
    pub(super) age_recipients: Leaf<String>,
    pub(super) kms_arn: Leaf<String>,
    pub(super) gcp_kms: Leaf<String>,
    pub(super) azure_kv: Leaf<String>,
}

/// The provider tables are optional because a present one, even an empty one, chooses the provider.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawVault {
    pub(super) provider: Leaf<String>,
    // Accepted because existing files have it; its shape is checked, its contents have no effect.
    mappings: IgnoredAny,
    pub(super) azure: Option<Spanned<RawAzure>>,
    pub(super) aws: Option<Spanned<RawAws>>,
    pub(super) hashicorp: Option<Spanned<RawHashicorp>>,
    pub(super) gcp: Option<Spanned<RawGcp>>,
    pub(super) sync: Option<RawSync>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawAzure {
    pub(super) vault_url: Leaf<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawAws {
    pub(super) region: Leaf<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawHashicorp {
    pub(super) url: Leaf<String>,
    pub(super) mount: Leaf<String>,
    pub(super) namespace: Leaf<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawGcp {
    pub(super) project_id: Leaf<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawSync {
    pub(super) default_vault_name: Leaf<String>,
    pub(super) env_keys_filename: Leaf<String>,
    pub(super) max_workers: Leaf<NonZeroUsize>,
    pub(super) ephemeral_keys: Leaf<bool>,
    pub(super) mappings: Vec<Spanned<RawMapping>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawMapping {
    pub(super) secret_name: Leaf<String>,
    pub(super) folder_path: Leaf<String>,
    pub(super) vault_name: Leaf<String>,
    pub(super) environment: Leaf<String>,
    pub(super) env_file: Leaf<String>,
    pub(super) profile: Leaf<String>,
    pub(super) activate_to: Leaf<String>,
    pub(super) ephemeral_keys: Leaf<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawPrecommit {
    pub(super) files: Leaf<Vec<String>>,
    pub(super) schemas: BTreeMap<String, Spanned<Typed<String>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawHookCheck {
    pub(super) method: Leaf<String>,
    pub(super) precommit_config: Leaf<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawPartial {
    pub(super) enabled: Leaf<bool>,
    pub(super) environments: Vec<Spanned<RawPartialEnvironment>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawPartialEnvironment {
    pub(super) name: Leaf<String>,
    pub(super) clear_file: Leaf<String>,
    pub(super) secret_file: Leaf<String>,
    pub(super) combined_file: Leaf<String>,
    pub(super) secrets_only: Leaf<bool>,
    pub(super) secrets_dir: Leaf<String>,
    pub(super) pattern: Leaf<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawGuard {
    pub(super) scanners: Leaf<OneOrMany>,
    pub(super) auto_install: Leaf<bool>,
    pub(super) include_history: Leaf<bool>,
    pub(super) skip_clear_files: Leaf<bool>,
    pub(super) skip_encrypted_files: Leaf<bool>,
    pub(super) skip_duplicate: Leaf<bool>,
    pub(super) skip_gitignored: Leaf<bool>,
    pub(super) verify_secrets: Leaf<bool>,
    pub(super) check_entropy: Leaf<bool>,
    pub(super) entropy_threshold: Leaf<Number>,
    pub(super) fail_on_severity: Leaf<Severity>,
    pub(super) ignore_paths: Leaf<OneOrMany>,
    pub(super) ignore_rules: BTreeMap<String, Spanned<Typed<OneOrMany>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RawGuardian {
    pub(super) enabled: Leaf<bool>,
    pub(super) idle_timeout: Leaf<String>,
    pub(super) patterns: Leaf<Vec<String>>,
    pub(super) exclude: Leaf<Vec<String>>,
    pub(super) notify: Leaf<bool>,
}
