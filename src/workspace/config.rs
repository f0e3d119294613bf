//! The checked config: every key has its type, its default and its path resolved.
//!
//! This file has the whole and the small sections; the others are beside it. What a flag or an environment
//! variable says comes on top and is not known here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::Spanned;

use super::diagnostic::{ConfigError, Deferred};
use super::encryption::EncryptionConfig;
use super::guard::{GuardConfig, GuardianConfig};
use super::hooks::{HookCheck, read_hook_check};
use super::partial::PartialConfig;
use super::raw::{RawConfig, RawPrecommit, RawProject, RawValidation};
use super::reader::Reader;
use super::vault::VaultConfig;

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
