//! What the tests of both SOPS engines share.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

use std::path::{Path, PathBuf};

/// An age identity made for one test; it protects nothing.
pub(crate) struct Identity {
    pub(crate) secret: String,
    pub(crate) public: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let identity = age::x25519::Identity::generate();
        let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        Self { secret, public: identity.to_public().to_string() }
    }
}

/// Writes a file below `folder`.
#[expect(clippy::disallowed_methods, reason = "tests prepare their own folder")]
pub(crate) fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

/// A line of a creation rule for each way to select values.
pub(crate) const RULES: [&str; 8] = [
    "",
    "unencrypted_suffix: _plain",
    "encrypted_suffix: _KEY",
    "unencrypted_regex: ^(EMPTY|C)$",
    "encrypted_regex: (?i)^secret",
    "encrypted_regex: ^[\\w]+_[\\D]+$|^P$",
    "unencrypted_comment_regex: plain",
    "encrypted_comment_regex: one|sops:enc|plain",
];

/// Files in which those rules differ.
pub(crate) const RULED: [&str; 3] = [
    "# one\n# plain: x\n# two\nA=1\n# three\nSECRET_KEY=s\\nt\nEMPTY=\nB_unencrypted=2\n",
    "SECRET_A=x\nSECRET_A=y\n#\n# SECRET_OLD=z\n\n  # sops:enc\nC=3\nsecret=4\n",
    "P=\"a\nb\"\r\nSECRET_Q='c\n\nd'\r\n# plain\nR=1",
];
