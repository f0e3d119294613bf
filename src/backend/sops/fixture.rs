//! What the tests of this backend share: a folder, identities, and the engine called with little ado.

use std::path::{Path, PathBuf};

use super::builtin::{self, DecryptRequest, Decrypted, EncryptRequest};
use super::encrypt::Encrypted;
use super::error::SopsError;
use super::keep::Previous;
use super::rules::Recipients;
use crate::env::Env;

/// The moment of every encryption in tests.
pub(super) const NOW: &str = "2026-11-24T21:59:42Z";

/// An age identity made on the spot.
pub(super) struct Identity {
    pub(super) secret: String,
    pub(super) public: String,
}

impl Identity {
    pub(super) fn new() -> Self {
        let identity = age::x25519::Identity::generate();
        let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        Self { secret, public: identity.to_public().to_string() }
    }
}

/// A folder that is home, working directory and place of the file at once.
pub(super) struct Folder {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
    pub(super) recipients: Recipients,
}

impl Folder {
    /// An empty folder without identities or recipients.
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let home = root.path().display().to_string();
        Self { root, variables: vec![("HOME".into(), home)], recipients: Recipients::default() }
    }

    /// A folder where `identity` can read what is encrypted.
    pub(super) fn of(identity: &Identity) -> Self {
        let mut folder = Self::new();
        folder.set("SOPS_AGE_KEY", &identity.secret);
        folder.recipients.age = vec![identity.public.clone()];
        folder
    }

    pub(super) fn path(&self) -> &Path {
        self.root.path()
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.into(), value.into()));
    }

    /// Writes a file.
    #[expect(clippy::disallowed_methods, reason = "tests prepare their own folder")]
    pub(super) fn put(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(super) fn env(&self) -> Env {
        Env::fixed(self.path(), self.variables.clone())
    }

    /// Encrypts the file `.env`, and proves it.
    pub(super) fn encrypt(&self, text: &str) -> Result<Encrypted, SopsError> {
        self.encrypt_after(text, None)
    }

    pub(super) fn encrypt_after(&self, text: &str, previous: Option<&str>) -> Result<Encrypted, SopsError> {
        let encrypted = builtin::encrypt(&EncryptRequest {
            text,
            name: &self.path().join(".env"),
            recipients: &self.recipients,
            sops_config: None,
            env: &self.env(),
            now: NOW.parse().unwrap(),
            previous: previous.map(|text| Previous { text, age_key_file: None, run: None }),
        })?;
        builtin::prove(text, &encrypted).unwrap();
        Ok(encrypted)
    }

    pub(super) fn open(&self, text: &str) -> Result<Decrypted, SopsError> {
        builtin::decrypt(&DecryptRequest { text, age_key_file: None, env: &self.env(), run: None })
    }

    pub(super) fn decrypt(&self, text: &str) -> Result<String, SopsError> {
        self.open(text).map(|decrypted| decrypted.text)
    }
}
