//! The real sops binary, a folder of its own, and identities.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Identity;
use envdrift::backend::sops::builtin::{self, DecryptRequest, EncryptRequest};
use envdrift::backend::sops::encrypt::Encrypted;
use envdrift::backend::sops::error::SopsError;
use envdrift::backend::sops::keep::Previous;
use envdrift::backend::sops::rules::Recipients;
use envdrift::env::Env;

/// The moment of every encryption here.
pub(super) const NOW: &str = "2026-11-24T21:59:42Z";

/// A folder, the binary, and an identity that both sides use.
pub(super) struct Bench {
    sops: PathBuf,
    home: tempfile::TempDir,
    pub(super) identity: Identity,
    /// Whether `--age` names the identity; otherwise `.sops.yaml` must.
    pub(super) with_flag: bool,
}

impl Bench {
    /// `None` when the binary is not installed.
    pub(super) fn new() -> Option<Self> {
        Self::of_version("3.13.3")
    }

    pub(super) fn of_version(version: &str) -> Option<Self> {
        let sops = crate::support::tool(&format!("bin/sops-{version}/sops"))?;
        let home = tempfile::tempdir().unwrap();
        Some(Self { sops, home, identity: Identity::new(), with_flag: true })
    }

    /// The folder.
    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the folder.
    pub(super) fn put(&self, name: &str, text: &str) -> PathBuf {
        crate::support::put(self.home(), name, text)
    }

    fn env(&self) -> Env {
        Env::fixed(
            self.home(),
            [("HOME", self.home().to_str().unwrap()), ("SOPS_AGE_KEY", &self.identity.secret)],
        )
    }

    /// Runs sops with `input` on stdin; the exit code on failure.
    #[expect(clippy::disallowed_methods, reason = "the real binary is the other side of these tests")]
    pub(super) fn run(&self, args: &[&str], input: &str) -> Result<String, i32> {
        let mut child = Command::new(&self.sops)
            .args(args)
            .current_dir(self.home())
            .env_clear()
            .env("HOME", self.home())
            .env("SOPS_AGE_KEY", &self.identity.secret)
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = input.to_owned();
        let writer = std::thread::spawn(move || {
            // sops may stop reading when it refuses.
            let _ = stdin.write_all(text.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        match output.status.code() {
            Some(0) => Ok(String::from_utf8(output.stdout).unwrap()),
            code => Err(code.unwrap_or(-1)),
        }
    }

    /// Encrypts with sops as a dotenv store.
    pub(super) fn sops_encrypt(&self, text: &str) -> Result<String, i32> {
        let mut args = vec![
            "encrypt",
            "--filename-override",
            ".env",
            "--input-type",
            "dotenv",
            "--output-type",
            "dotenv",
        ];
        if self.with_flag {
            args.extend(["--age", &self.identity.public]);
        }
        self.run(&args, text)
    }

    /// Decrypts with sops as a dotenv store.
    pub(super) fn sops_decrypt(&self, text: &str) -> Result<String, i32> {
        self.run(&["decrypt", "--input-type", "dotenv", "--output-type", "dotenv"], text)
    }

    /// Encrypts with the engine and proves the result.
    pub(super) fn encrypt(&self, text: &str) -> Result<Encrypted, SopsError> {
        self.encrypt_after(text, None)
    }

    /// The same, with the last encrypted form at hand.
    pub(super) fn encrypt_after(&self, text: &str, previous: Option<&str>) -> Result<Encrypted, SopsError> {
        let age = if self.with_flag { vec![self.identity.public.clone()] } else { Vec::new() };
        let request = EncryptRequest {
            text,
            name: &self.home().join(".env"),
            recipients: &Recipients { age, ..Recipients::default() },
            sops_config: None,
            env: &self.env(),
            now: NOW.parse().unwrap(),
            previous: previous.map(|text| Previous { text, age_key_file: None, run: None }),
        };
        let encrypted = builtin::encrypt(&request)?;
        builtin::prove(text, &encrypted).unwrap();
        Ok(encrypted)
    }

    /// Decrypts with the engine.
    pub(super) fn decrypt(&self, text: &str) -> Result<String, SopsError> {
        let request = DecryptRequest { text, age_key_file: None, env: &self.env(), run: None };
        builtin::decrypt(&request).map(|decrypted| decrypted.text)
    }
}
