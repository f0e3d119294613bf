//! The age identities at hand, from every place where SOPS looks.
//!
//! `SOPS_AGE_KEY`, the key file (`--age-key-file`, `[encryption.sops] age_key_file`, else `SOPS_AGE_KEY_FILE`) and
//! `sops/age/keys.txt` below the user's configuration folder; SSH keys from `SOPS_AGE_SSH_PRIVATE_KEY_FILE`,
//! `~/.ssh/id_ed25519` and `~/.ssh/id_rsa`; and last what `SOPS_AGE_KEY_CMD` and `SOPS_AGE_SSH_PRIVATE_KEY_CMD` print.
//! All count; a place that cannot be used matters only when nothing else opens the file. Nobody is ever asked for a
//! passphrase. Each group of places is read at most once, and only when the one before it did not do.

#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use zeroize::Zeroizing;

use crate::env::{self, Env};
use crate::secret::Secret;

/// Runs a command line and gives what it prints; the second argument goes to it as `SOPS_AGE_RECIPIENT`.
pub type KeyCommand<'a> = dyn Fn(&str, &str) -> Result<Secret, String> + 'a;

/// Where to look.
#[derive(Clone, Copy)]
pub struct IdentitySources<'a> {
    /// The environment.
    pub env: &'a Env,
    /// A key file named by flag or config; takes the place of `SOPS_AGE_KEY_FILE`.
    pub age_key_file: Option<&'a Path>,
    /// Runs the key commands; without it they are reported as not run.
    pub run: Option<&'a KeyCommand<'a>>,
}

/// A group of places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// age identities in variables and files.
    Native,
    /// SSH keys in files.
    Ssh,
    /// What the key commands print.
    Command,
}

/// Why a place gave no identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is protected by a passphrase.
    Passphrase,
    /// An SSH key protected by a passphrase.
    SshPassphrase,
    /// Anything else, in words.
    Unusable(String),
}

/// A place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A variable's name or a path.
    pub name: String,
    /// The public parts of the identities found there.
    pub public: Vec<String>,
    /// What was wrong with it.
    pub problem: Option<Problem>,
}

#[derive(Default)]
struct Loaded {
    identities: Vec<Box<dyn age::Identity>>,
    places: Vec<Place>,
}

/// The identities of one run.
pub struct Identities<'a> {
    sources: IdentitySources<'a>,
    native: OnceCell<Loaded>,
    ssh: OnceCell<Loaded>,
}

impl<'a> Identities<'a> {
    /// Prepares to look; reads nothing yet.
    pub fn new(sources: IdentitySources<'a>) -> Self {
        Self { sources, native: OnceCell::new(), ssh: OnceCell::new() }
    }

    /// Hands the identities of `stage` to `try_open`, when there are any.
    pub(super) fn with<T, E>(
        &self,
        stage: Stage,
        recipient: &str,
        try_open: impl FnOnce(&[Box<dyn age::Identity>]) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let commands;
        let loaded = match stage {
            Stage::Native => self.native.get_or_init(|| self.sources.native()),
            Stage::Ssh => self.ssh.get_or_init(|| self.sources.ssh()),
            Stage::Command => {
                commands = self.sources.commands(recipient);
                &commands
            }
        };
        if loaded.identities.is_empty() { Ok(None) } else { try_open(&loaded.identities) }
    }

    /// Every place with what was found there, in the order of the module page; `recipient` is for the commands.
    pub fn places(&self, recipient: &str) -> Vec<Place> {
        let native = self.native.get_or_init(|| self.sources.native());
        let ssh = self.ssh.get_or_init(|| self.sources.ssh());
        let commands = self.sources.commands(recipient);
        native.places.iter().chain(&ssh.places).chain(&commands.places).cloned().collect()
    }
}

impl IdentitySources<'_> {
    fn native(&self) -> Loaded {
        let mut loaded = Loaded::default();
        match self.env.get(env::SOPS_AGE_KEY) {
            Some(text) => loaded.age_keys(env::SOPS_AGE_KEY, text),
            None => loaded.absent(env::SOPS_AGE_KEY),
        }
        let named = self.age_key_file.map(Path::to_path_buf);
        let file = named.or_else(|| {
            self.env.get(env::SOPS_AGE_KEY_FILE).map(|text| self.env.resolve(self.env.cwd(), text))
        });
        match &file {
            Some(path) => match read(path) {
                Ok(text) => loaded.age_keys(&path.display().to_string(), &text),
                Err(reason) => loaded.unusable(&path.display().to_string(), reason),
            },
            None => loaded.absent(env::SOPS_AGE_KEY_FILE),
        }
        if let Some(path) = self.default_key_file().filter(|path| Some(path) != file.as_ref()) {
            let name = path.display().to_string();
            match read_optional(&path) {
                Ok(Some(text)) => loaded.age_keys(&name, &text),
                Ok(None) => loaded.absent(&name),
                Err(reason) => loaded.unusable(&name, reason),
            }
        }
        loaded
    }

    fn ssh(&self) -> Loaded {
        let mut loaded = Loaded::default();
        match self.env.get(env::SOPS_AGE_SSH_PRIVATE_KEY_FILE) {
            Some(text) => {
                let path = self.env.resolve(self.env.cwd(), text);
                match read(&path) {
                    Ok(text) => loaded.ssh_key(&path.display().to_string(), &text),
                    Err(reason) => loaded.unusable(&path.display().to_string(), reason),
                }
            }
            None => loaded.absent(env::SOPS_AGE_SSH_PRIVATE_KEY_FILE),
        }
        for name in ["id_ed25519", "id_rsa"] {
            let Some(path) = self.env.home().map(|home| home.join(".ssh").join(name)) else { continue };
            let place = path.display().to_string();
            match read_optional(&path) {
                Ok(Some(text)) => loaded.ssh_key(&place, &text),
                Ok(None) => loaded.absent(&place),
                Err(reason) => loaded.unusable(&place, reason),
            }
        }
        loaded
    }

    fn commands(&self, recipient: &str) -> Loaded {
        let mut loaded = Loaded::default();
        for (name, add) in [
            (env::SOPS_AGE_KEY_CMD, Loaded::age_keys as fn(&mut Loaded, &str, &str)),
            (env::SOPS_AGE_SSH_PRIVATE_KEY_CMD, Loaded::ssh_key),
        ] {
            match (self.env.get(name), self.run) {
                (None, _) => loaded.absent(name),
                (Some(_), None) => loaded.unusable(name, "the command was not run".to_owned()),
                (Some(command), Some(run)) => match run(command, recipient) {
                    Ok(text) => add(&mut loaded, name, text.expose()),
                    Err(reason) => loaded.unusable(name, reason),
                },
            }
        }
        loaded
    }

    fn default_key_file(&self) -> Option<PathBuf> {
        let config = if let Some(path) = self.env.path(env::XDG_CONFIG_HOME).filter(|_| !cfg!(windows)) {
            path.to_path_buf()
        } else if cfg!(windows) {
            self.env.path(env::APPDATA)?.to_path_buf()
        } else if cfg!(target_os = "macos") {
            self.env.home()?.join("Library/Application Support")
        } else {
            self.env.home()?.join(".config")
        };
        Some(config.join("sops").join("age").join("keys.txt"))
    }
}

impl Loaded {
    fn place(&mut self, name: &str, public: Vec<String>, problem: Option<Problem>) {
        self.places.push(Place { name: name.to_owned(), public, problem });
    }

    fn absent(&mut self, name: &str) {
        self.place(name, Vec::new(), None);
    }

    fn unusable(&mut self, name: &str, reason: String) {
        self.place(name, Vec::new(), Some(Problem::Unusable(reason)));
    }

    /// Reads identities, several on a line or one each, with comments and blank lines between them.
    fn age_keys(&mut self, name: &str, text: &str) {
        if text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----") || text.starts_with("age-encryption.org/") {
            return self.place(name, Vec::new(), Some(Problem::Passphrase));
        }
        let (mut public, mut problem) = (Vec::new(), None);
        for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            if line.trim_start().starts_with('#') {
                continue;
            }
            for word in line.split_whitespace() {
                match age::x25519::Identity::from_str(word) {
                    Ok(identity) => {
                        public.push(identity.to_public().to_string());
                        self.identities.push(Box::new(identity));
                    }
                    Err(_) => problem = problem.or_else(|| Some(unusable_word(number, word))),
                }
            }
        }
        self.place(name, public, problem);
    }

    fn ssh_key(&mut self, name: &str, text: &str) {
        use age::ssh::Identity;
        let text = Zeroizing::new(text.replace("\r\n", "\n"));
        let identity = match Identity::from_buffer(text.as_bytes(), None) {
            Ok(identity @ Identity::Unencrypted(_)) => identity,
            Ok(Identity::Encrypted(_)) => return self.place(name, Vec::new(), Some(Problem::SshPassphrase)),
            Ok(Identity::Unsupported(_)) => {
                return self.unusable(name, "of the SSH keys only ed25519 and RSA work".to_owned());
            }
            Err(_) => return self.unusable(name, "it is not a private SSH key".to_owned()),
        };
        let public = age::ssh::Recipient::try_from(identity.clone()).map(|recipient| recipient.to_string());
        self.place(name, public.into_iter().collect(), None);
        self.identities.push(Box::new(identity));
    }
}

fn unusable_word(line: usize, word: &str) -> Problem {
    let what = if word.starts_with("AGE-PLUGIN-") {
        "is an age plugin identity, which only the sops binary can use"
    } else if word.starts_with("AGE-SECRET-KEY-PQ-") {
        "is a post-quantum identity, which only the sops binary can use"
    } else if word.starts_with("-----BEGIN") || word.starts_with("ssh-") {
        "is an SSH key, which belongs in SOPS_AGE_SSH_PRIVATE_KEY_FILE"
    } else if word.starts_with("age1") {
        "is a recipient (public key), not an identity"
    } else {
        "is not an age identity (AGE-SECRET-KEY-1…)"
    };
    Problem::Unusable(format!("line {line} {what}"))
}

fn read(path: &Path) -> Result<Zeroizing<String>, String> {
    read_optional(path)?.ok_or_else(|| "there is no such file".to_owned())
}

fn read_optional(path: &Path) -> Result<Option<Zeroizing<String>>, String> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    if bytes.starts_with(b"age-encryption.org/") {
        // Binary age files are not UTF-8; their first line says enough.
        return Ok(Some(Zeroizing::new("age-encryption.org/".to_owned())));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16 text, as PowerShell's > writes it; save it as UTF-8".to_owned());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(Zeroizing::new(text.to_owned()))),
        Err(_) => Err("it is not text".to_owned()),
    }
}
