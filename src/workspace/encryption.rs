//! `[encryption]`: how files are encrypted, who does it and, for sops, for whom.

use super::diagnostic::{ConfigError, Deferred};
use super::leaf::Leaf;
use super::raw::{RawEncryption, RawSops};
use super::reader::{ConfigPath, Reader, Section};
use crate::backend::{BackendKind, EngineChoice};

/// `[encryption]`: how files are encrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct EncryptionConfig {
    /// The format; a name that does not exist is an error only where no flag replaces it.
    pub backend: Deferred<BackendKind>,
    /// Who does the work.
    pub engine: EngineChoice,
    /// Globs, relative to the config's folder, of files that `lock` and `pull` work on besides the mappings.
    pub files: Vec<String>,
    /// Whether a file whose decrypted text is unchanged since the last commit keeps its committed ciphertext.
    pub smart_encryption: bool,
    /// `[encryption.dotenvx] auto_install`: whether a missing dotenvx is downloaded.
    pub dotenvx_auto_install: bool,
    /// `[encryption.sops]`
    pub sops: SopsConfig,
}

impl EncryptionConfig {
    pub(super) fn read(reader: &Reader<'_>, raw: RawEncryption) -> Result<Self, ConfigError> {
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
