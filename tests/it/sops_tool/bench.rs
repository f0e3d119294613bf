//! A folder, an identity, and both SOPS engines on the same requests.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

use std::path::{Path, PathBuf};

use crate::support::Identity;
use envdrift::backend::sops::builtin::{self, DecryptRequest, EncryptRequest};
use envdrift::backend::sops::rules::Recipients;
use envdrift::backend::sops::tool::{Checked, Encrypted, SopsTool, SopsToolError};
use envdrift::env::Env;
use envdrift::process::{Source, Tool, ToolName};

/// Which engine does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Tool,
    Builtin,
}

pub(super) const BOTH: [By; 2] = [By::Tool, By::Builtin];

/// The folder and what every request starts from.
pub(super) struct Bench {
    pub(super) sops: PathBuf,
    home: tempfile::TempDir,
    pub(super) identity: Identity,
    /// Variables beside PATH, HOME and the identity.
    pub(super) vars: Vec<(String, String)>,
    /// Whether `SOPS_AGE_KEY` holds the identity.
    pub(super) with_identity: bool,
    pub(super) recipients: Recipients,
    /// The file's name below the folder.
    pub(super) name: &'static str,
}

impl Bench {
    /// `None` when the binary is not installed.
    pub(super) fn new() -> Option<Self> {
        crate::support::tool("bin/sops-3.13.3/sops").map(Self::with)
    }

    /// Over the binary at `sops`.
    pub(super) fn with(sops: PathBuf) -> Self {
        let identity = Identity::new();
        let recipients = Recipients { age: vec![identity.public.clone()], ..Recipients::default() };
        let home = tempfile::tempdir().unwrap();
        Self { sops, home, identity, vars: Vec::new(), with_identity: true, recipients, name: ".env" }
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the folder.
    pub(super) fn put(&self, name: &str, text: &str) -> PathBuf {
        crate::support::put(self.home(), name, text)
    }

    /// Makes the rule of `.sops.yaml` the only source of recipients.
    pub(super) fn rule(&mut self, rule: &str) {
        self.recipients = Recipients::default();
        self.put(".sops.yaml", &format!("creation_rules:\n  - {}\n", rule.replace('\n', "\n    ")));
    }

    pub(super) fn env(&self) -> Env {
        let mut vars = vec![
            ("HOME".to_owned(), self.home().display().to_string()),
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ];
        if self.with_identity {
            vars.push(("SOPS_AGE_KEY".to_owned(), self.identity.secret.clone()));
        }
        vars.extend(self.vars.iter().cloned());
        Env::fixed(self.home(), vars)
    }

    pub(super) fn engine(&self) -> SopsTool {
        let tool = Tool { name: ToolName::Sops, path: self.sops.clone(), source: Source::Path };
        SopsTool::new(tool, self.env())
    }

    /// Encrypts with the binary.
    pub(super) fn encrypt(&self, text: &str) -> Result<Encrypted, SopsToolError> {
        self.with_request(text, |request| self.engine().encrypt(request))
    }

    /// Why the binary did not encrypt.
    pub(super) fn refusal(&self, text: &str) -> SopsToolError {
        self.encrypt(text).err().unwrap()
    }

    pub(super) fn with_request<T>(&self, text: &str, run: impl FnOnce(&EncryptRequest<'_>) -> T) -> T {
        run(&EncryptRequest {
            text,
            name: &self.home().join(self.name),
            recipients: &self.recipients,
            sops_config: None,
            env: &self.env(),
            now: "2026-11-24T21:59:42Z".parse().unwrap(),
            previous: None,
        })
    }

    /// Encrypts with either engine, to the text or the code of the refusal.
    pub(super) fn encrypt_by(&self, by: By, text: &str) -> Result<String, SopsToolError> {
        match by {
            By::Tool => self.encrypt(text).map(|encrypted| {
                assert!(encrypted.checked == Checked::Opened || !self.with_identity);
                encrypted.text
            }),
            By::Builtin => Ok(self.with_request(text, builtin::encrypt).map(|encrypted| encrypted.text)?),
        }
    }

    /// Decrypts with either engine.
    pub(super) fn decrypt_by(&self, by: By, text: &str) -> Result<String, SopsToolError> {
        let request = DecryptRequest { text, age_key_file: None, env: &self.env(), run: None };
        match by {
            By::Tool => self.engine().decrypt(&request).map(|decrypted| decrypted.text),
            By::Builtin => Ok(builtin::decrypt(&request)?.text),
        }
    }

    /// Each engine opens what each engine encrypted, or both refuse alike. Gives whether they took it.
    pub(super) fn cross(&self, text: &str, what: &str) -> bool {
        let mut shapes = Vec::new();
        for alice in BOTH {
            let encrypted = match self.encrypt_by(alice, text) {
                Ok(encrypted) => encrypted,
                Err(error) => {
                    shapes.push(format!("refused: {} {error}", error.code()));
                    continue;
                }
            };
            for bob in BOTH {
                let opened = self.decrypt_by(bob, &encrypted);
                let opened =
                    opened.unwrap_or_else(|error| panic!("{what}: {alice:?}, {bob:?}: {error}\n{encrypted}"));
                assert!(opened == text, "{what}: {alice:?}, {bob:?}: {text:?} came back as {opened:?}");
            }
            shapes.push(without_randomness(&encrypted));
        }
        assert_eq!(shapes[0], shapes[1], "{what}: the engines do not write the same file");
        !shapes[0].starts_with("refused")
    }
}

/// The text with everything that differs from one encryption to the next taken out.
pub(super) fn without_randomness(encrypted: &str) -> String {
    let random = regex::Regex::new(
        r"data:([A-Za-z0-9+/]*)(=*),iv:[^,]{44},tag:[^,]{24},|(sops_\S*(?:enc|lastmodified|created_at))=.*",
    )
    .unwrap();
    let replaced = random.replace_all(encrypted, |found: &regex::Captures<'_>| match found.get(3) {
        Some(name) => format!("{}=", name.as_str()),
        None => format!("data:{}{}", found[1].len(), &found[2]),
    });
    replaced.into_owned()
}
