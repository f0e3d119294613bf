//! A file that a command works on.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::keys::KEY_STORE;

/// An env file: how the user named it, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    shown: PathBuf,
    path: PathBuf,
    key_store: Option<PathBuf>,
}

impl Target {
    /// A file named `shown` on a command line that was typed in `cwd`.
    pub fn new(cwd: &Path, shown: &Path) -> Self {
        Self { shown: shown.to_path_buf(), path: cwd.join(shown), key_store: None }
    }

    /// The same file with its keys in another place than beside it.
    #[must_use]
    pub fn with_key_store(self, path: PathBuf) -> Self {
        Self { key_store: Some(path), ..self }
    }

    /// The file as the user named it.
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last part of the path; dotenvx derives the key name from it.
    pub fn base_name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    /// The key store: `.env.keys` beside the file, unless another was set.
    pub fn key_store(&self) -> PathBuf {
        self.key_store.clone().unwrap_or_else(|| self.folder().join(KEY_STORE))
    }

    /// True for names that are never env files: `*.keys`, `*.example`, `*.sample`, `*.template`.
    pub fn companion(&self) -> Option<Companion> {
        let name = self.base_name().to_lowercase();
        if name.strip_suffix(".keys").is_some() {
            return Some(Companion::KeyStore);
        }
        let plain = [".example", ".sample", ".template"].iter().any(|suffix| name.ends_with(suffix));
        plain.then_some(Companion::Plaintext)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.shown.display())
    }
}

/// A file that stands beside env files and is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Companion {
    /// Private keys, which must stay readable.
    KeyStore,
    /// An example without secrets.
    Plaintext,
}
