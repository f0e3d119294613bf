//! The checked config: every key has its type, its default and its path resolved.
//!
//! This file has the whole and the sections that decide how files are encrypted; the other sections are beside
//! it. What a flag or an environment variable says comes on top and is not known here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Spanned;

use super::diagnostic::{ConfigError, Deferred};
use super::guard::{GuardConfig, GuardianConfig};
use super::hooks::{HookCheck, read_hook_check};
use super::leaf::Leaf;
use super::partial::PartialConfig;
use super::raw::{RawConfig, RawEncryption, RawPrecommit, RawProject, RawSops, RawValidation};
use super::reader::{ConfigPath, Reader, Section};
use super::vault::VaultConfig;
use crate::backend::{BackendKind, EngineChoice};

/// Everything a config file can say, with defaults for what it does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The folder that relative paths in the file start from: the file's, or the working directory without one.
    pub dir: PathBuf,
    /// `[envdrift]`
    pub envdrift: ProjectConfig,
    /// `[validation]`
    pub validation: ValidationConfig,
    /// `[encryption]`
    pub encryption: EncryptionConfig,
    /// `[vault]`
    pub vault: VaultConfig,
    /// `[precommit]`
    pub precommit: PrecommitConfig,
    /// `[git_hook_check]`; `None` when no method is set.
    pub git_hook_check: Deferred<Option<HookCheck>>,
    /// `[partial_encryption]`
    pub partial_encryption: PartialConfig,
    /// `[guard]`
    pub guard: GuardConfig,
    /// `[guardian]`
    pub guardian: Deferred<GuardianConfig>,
}

impl Config {
    pub(super) fn read(reader: &Reader<'_>, raw: RawConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            dir: reader.base.to_path_buf(),
            envdrift: ProjectConfig::read(reader, raw.envdrift)?,
            validation: ValidationConfig::read(reader, raw.validation)?,
            encryption: EncryptionConfig::read(reader, raw.encryption)?,
            vault: VaultConfig::read(reader, raw.vault)?,
            precommit: PrecommitConfig::read(reader, raw.precommit)?,
            git_hook_check: read_hook_check(reader, raw.git_hook_check)?,
            partial_encryption: PartialConfig::read(reader, raw.partial_encryption),
            guard: GuardConfig::read(reader, raw.guard)?,
            guardian: Deferred(GuardianConfig::read(reader, raw.guardian)),
        })
    }
}

/// `[envdrift]`: the project.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectConfig {
    /// The schema that `validate` uses when none is named.
    pub schema: Option<String>,
    /// The names of the environments.
    pub environments: Vec<String>,
}

impl ProjectConfig {
    fn read(reader: &Reader<'_>, raw: RawProject) -> Result<Self, ConfigError> {
        let at = reader.section("envdrift");
        let usual = || ["development", "staging", "production"].map(str::to_owned).to_vec();
        Ok(Self {
            schema: at.text("schema", raw.schema)?,
            environments: at.value("environments", raw.environments)?.unwrap_or_else(usual),
        })
    }
}

/// `[validation]`: what `validate` checks.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidationConfig {
    /// Whether sensitive values must be encrypted.
    pub check_encryption: bool,
    /// Whether variables outside the schema are errors.
    pub strict_extra: bool,
}

impl ValidationConfig {
    fn read(reader: &Reader<'_>, raw: RawValidation) -> Result<Self, ConfigError> {
        let at = reader.section("validation");
        Ok(Self {
            check_encryption: at.flag("check_encryption", raw.check_encryption, true)?,
            strict_extra: at.flag("strict_extra", raw.strict_extra, true)?,
        })
    }
}

/// `[encryption]`: how files are encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct EncryptionConfig {
    /// The format; a name that does not exist is an error only where no flag replaces it.
    pub backend: Deferred<BackendKind>,
    /// Who does the work.
    pub engine: EngineChoice,
    /// Globs, relative to the config's folder, of the files that encrypt and decrypt work on when none is named.
    pub files: Vec<String>,
    /// Whether a file whose decrypted text is unchanged since the last commit keeps its committed ciphertext.
    pub smart_encryption: bool,
    /// `[encryption.dotenvx] auto_install`: whether a missing dotenvx is downloaded.
    pub dotenvx_auto_install: bool,
    /// `[encryption.sops]`
    pub sops: SopsConfig,
}

impl EncryptionConfig {
    fn read(reader: &Reader<'_>, raw: RawEncryption) -> Result<Self, ConfigError> {
        let at = reader.section("encryption");
        let dotenvx = reader.section("encryption.dotenvx");
        Ok(Self {
            backend: backend(&at, raw.backend)?,
            engine: engine(&at, raw.engine)?,
            files: at.value("files", raw.files)?.unwrap_or_default(),
            smart_encryption: at.flag("smart_encryption", raw.smart_encryption, false)?,
            dotenvx_auto_install: dotenvx.flag("auto_install", raw.dotenvx.auto_install, false)?,
            sops: SopsConfig::read(reader, raw.sops)?,
        })
    }
}

fn backend(at: &Section<'_>, leaf: Leaf<String>) -> Result<Deferred<BackendKind>, ConfigError> {
    let Some(name) = at.spanned("backend", leaf)? else { return Ok(Deferred(Ok(BackendKind::Dotenvx))) };
    let kind = name.get_ref().parse();
    Ok(Deferred(
        kind.map_err(|source| ConfigError::Backend { source, at: at.reader.source.at(&name.span()) }),
    ))
}

fn engine(at: &Section<'_>, leaf: Leaf<String>) -> Result<EngineChoice, ConfigError> {
    let Some(name) = at.spanned("engine", leaf)? else { return Ok(EngineChoice::default()) };
    name.get_ref().parse().map_err(|_| {
        let detail = format!(
            "[encryption] engine must be auto, tool or builtin, got '{}'",
            name.get_ref().escape_debug()
        );
        at.reader.source.invalid(&name.span(), detail)
    })
}

/// `[encryption.sops]`: where sops finds its rules and keys, and whom it encrypts for.
#[derive(Debug, Clone, PartialEq)]
pub struct SopsConfig {
    /// Whether a missing sops is downloaded.
    pub auto_install: bool,
    /// The `.sops.yaml` to use; its existence is not checked here.
    pub config_file: Option<ConfigPath>,
    /// The file with the age identities; its existence is not checked here.
    pub age_key_file: Option<ConfigPath>,
    /// age public keys.
    pub age_recipients: Vec<String>,
    /// AWS KMS key ARNs.
    pub kms_arn: Vec<String>,
    /// Google Cloud KMS resource ids.
    pub gcp_kms: Vec<String>,
    /// Azure Key Vault key URLs.
    pub azure_kv: Vec<String>,
}

impl SopsConfig {
    fn read(reader: &Reader<'_>, raw: RawSops) -> Result<Self, ConfigError> {
        let at = reader.section("encryption.sops");
        let list =
            |key, leaf| Ok(at.value(key, leaf)?.map(|text: String| comma_list(&text)).unwrap_or_default());
        Ok(Self {
            auto_install: at.flag("auto_install", raw.auto_install, false)?,
            config_file: at.path("config_file", raw.config_file)?,
            age_key_file: at.path("age_key_file", raw.age_key_file)?,
            age_recipients: list("age_recipients", raw.age_recipients)?,
            kms_arn: list("kms_arn", raw.kms_arn)?,
            gcp_kms: list("gcp_kms", raw.gcp_kms)?,
            azure_kv: list("azure_kv", raw.azure_kv)?,
        })
    }
}

/// Splits a comma list; blanks around entries and empty entries are dropped. The flags for recipients use it too.
pub fn comma_list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// `[precommit]`: what the pre-commit hook checks.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecommitConfig {
    /// The env files to check.
    pub files: Vec<String>,
    /// The schema of each environment.
    pub schemas: BTreeMap<String, String>,
}

impl PrecommitConfig {
    fn read(reader: &Reader<'_>, raw: RawPrecommit) -> Result<Self, ConfigError> {
        let at = reader.section("precommit");
        let mut schemas = BTreeMap::new();
        for (name, value) in raw.schemas {
            let value = at.spanned(&format!("schemas.{}", name.escape_debug()), Some(value))?;
            schemas.extend(value.map(|value| (name, Spanned::into_inner(value))));
        }
        Ok(Self { files: at.value("files", raw.files)?.unwrap_or_default(), schemas })
    }
}
