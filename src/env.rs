//! The one look at the process environment.
//!
//! `main` takes a snapshot; everything below receives it. Every variable that envdrift reads is a documented
//! constant here, so this file is also their list.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Engine choice: `auto`, `tool` or `builtin`. Beaten by `--engine`, beats the config.
pub const ENVDRIFT_ENGINE: &str = "ENVDRIFT_ENGINE";
/// Full path of the dotenvx binary to use.
pub const ENVDRIFT_DOTENVX: &str = "ENVDRIFT_DOTENVX";
/// Full path of the sops binary to use.
pub const ENVDRIFT_SOPS: &str = "ENVDRIFT_SOPS";
/// Base URL that replaces `https://github.com` for `auto_install`.
pub const ENVDRIFT_DOWNLOAD_BASE: &str = "ENVDRIFT_DOWNLOAD_BASE";
/// Skips the checksum of an installed tool when set to 1, true or yes.
pub const ENVDRIFT_INSECURE_SKIP_CHECKSUM: &str = "ENVDRIFT_INSECURE_SKIP_CHECKSUM";
/// Proxies for `auto_install` and the vaults, and the hosts that are reached without one; the lower-case names count too.
pub const HTTPS_PROXY: &str = "HTTPS_PROXY";
/// The proxy for plain `http://` addresses.
pub const HTTP_PROXY: &str = "HTTP_PROXY";
/// The proxy for every address that has none of its own.
pub const ALL_PROXY: &str = "ALL_PROXY";
/// Hosts that are reached without a proxy, in a comma list.
pub const NO_PROXY: &str = "NO_PROXY";
/// An activated Python environment; its `bin` is searched for the tools first.
pub const VIRTUAL_ENV: &str = "VIRTUAL_ENV";
/// Where commands are looked up.
pub const PATH: &str = "PATH";
/// The user's home folder.
pub const HOME: &str = "HOME";
/// Private, memory-backed folder of the session, where there is one.
pub const XDG_RUNTIME_DIR: &str = "XDG_RUNTIME_DIR";
/// Where installed tools live, below `envdrift/`.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// Where the lock files of the key stores live, below `envdrift/locks/`.
pub const XDG_STATE_HOME: &str = "XDG_STATE_HOME";
/// Where the version of a tool that was asked for it is kept, below `envdrift/`.
pub const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
/// Where sops looks for age identities, below `sops/age/`.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// Windows: where sops looks for age identities, below `sops/age/`.
pub const APPDATA: &str = "APPDATA";
/// age identities, one or several, as text.
pub const SOPS_AGE_KEY: &str = "SOPS_AGE_KEY";
/// A file of age identities.
pub const SOPS_AGE_KEY_FILE: &str = "SOPS_AGE_KEY_FILE";
/// A command that prints age identities.
pub const SOPS_AGE_KEY_CMD: &str = "SOPS_AGE_KEY_CMD";
/// An SSH private key to use as age identity.
pub const SOPS_AGE_SSH_PRIVATE_KEY_FILE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_FILE";
/// A command that prints an SSH private key.
pub const SOPS_AGE_SSH_PRIVATE_KEY_CMD: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";
/// age recipients of a new SOPS file; beats those of `.sops.yaml`.
pub const SOPS_AGE_RECIPIENTS: &str = "SOPS_AGE_RECIPIENTS";
/// AWS KMS keys of a new SOPS file.
pub const SOPS_KMS_ARN: &str = "SOPS_KMS_ARN";
/// Google Cloud KMS keys of a new SOPS file.
pub const SOPS_GCP_KMS_IDS: &str = "SOPS_GCP_KMS_IDS";
/// Azure Key Vault keys of a new SOPS file.
pub const SOPS_AZURE_KEYVAULT_URLS: &str = "SOPS_AZURE_KEYVAULT_URLS";
/// Vault transit keys of a new SOPS file.
pub const SOPS_VAULT_URIS: &str = "SOPS_VAULT_URIS";
/// PGP fingerprints of a new SOPS file.
pub const SOPS_PGP_FP: &str = "SOPS_PGP_FP";
/// Huawei Cloud KMS keys of a new SOPS file.
pub const SOPS_HUAWEICLOUD_KMS_IDS: &str = "SOPS_HUAWEICLOUD_KMS_IDS";
/// The `.sops.yaml` to use instead of searching for one.
pub const SOPS_CONFIG: &str = "SOPS_CONFIG";
/// The address of a HashiCorp Vault.
pub const VAULT_ADDR: &str = "VAULT_ADDR";
/// Folder for temporary files.
pub const TMPDIR: &str = "TMPDIR";
/// Prefix of the dotenvx private keys: the bare name and every `DOTENV_PRIVATE_KEY_<ENV>`.
pub const DOTENV_PRIVATE_KEY: &str = "DOTENV_PRIVATE_KEY";

/// A snapshot of the environment and the working directory.
#[derive(Clone, Default)]
pub struct Env {
    vars: BTreeMap<OsString, OsString>,
    cwd: PathBuf,
}

impl Env {
    /// Reads the real environment. Called once, by `main`.
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
    pub fn capture() -> std::io::Result<Self> {
        Ok(Self { vars: std::env::vars_os().collect(), cwd: std::env::current_dir()? })
    }

    /// Builds a snapshot by hand; tests use it.
    pub fn fixed<K: Into<OsString>, V: Into<OsString>>(
        cwd: impl Into<PathBuf>,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self { vars: vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect(), cwd: cwd.into() }
    }

    /// The working directory.
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// The value of `name` when it is set, not blank and UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(OsStr::new(name))?.to_str().filter(|value| !value.trim().is_empty())
    }

    /// The value of `name` as a path when it is set and not empty.
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.vars.get(OsStr::new(name)).filter(|value| !value.is_empty()).map(Path::new)
    }

    /// Every variable whose name starts with `prefix`; names and values that are not UTF-8 are left out.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.vars
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
            .filter(move |(name, _)| name.starts_with(prefix))
    }

    /// The user's home folder.
    pub fn home(&self) -> Option<&Path> {
        self.path(if cfg!(windows) { "USERPROFILE" } else { HOME })
    }

    /// The raw value of `name`, for handing it on to a child.
    pub fn raw(&self, name: &str) -> Option<&OsStr> {
        self.vars.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// `path` with a leading `~` replaced by the home folder, made absolute below `base`.
    pub fn resolve(&self, base: &Path, path: &str) -> PathBuf {
        match (path.strip_prefix('~'), self.home()) {
            (Some(""), Some(home)) => home.to_path_buf(),
            (Some(rest), Some(home)) if rest.starts_with(['/', '\\']) => home.join(&rest[1..]),
            _ => base.join(path),
        }
    }
}
