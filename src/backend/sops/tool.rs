//! SOPS by its own binary: from standard input to standard output, so that no plaintext touches the disk.
//!
//! The binary gets the lines of a file in the spelling that its dotenv store holds, never the file itself; comments,
//! empty lines, quotes and line ends stay with envdrift and come back through the layout, exactly as with the built-in
//! engine, so that each engine opens what the other wrote. It is told outright which `.sops.yaml` and which recipients
//! count, and sees no variable that is not listed. What it gives back is checked line by line, and by the built-in
//! reader where an identity is at hand. What it prints on its standard error is matched, never shown.

mod cause;
mod draft;
mod edits;
mod environment;
mod error;
mod keep;
mod recipients;
mod remembered;
mod sealed;
mod version;
mod witness;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use zeroize::Zeroizing;

pub use cause::{Barrier, Cause};
pub use error::SopsToolError;

use super::builtin::{DecryptRequest, Decrypted, EncryptRequest, LayoutUse};
use super::encrypt::PlainComment;
use super::error::SopsError;
use super::keep::Kept;
use super::metadata::Metadata;
use super::other_store::{self, OtherStore};
use super::typed::ValueType;
use crate::backend::Verb;
use crate::env::Env;
use crate::process::{Cmd, Output, Stdin, Tool};
use draft::Draft;
use sealed::SealedFile;
use witness::Testimony;

const VERSION_DEADLINE: Duration = Duration::from_secs(10);
const DOTENV: [&str; 4] = ["--input-type", "dotenv", "--output-type", "dotenv"];
const BINARY: [&str; 4] = ["--input-type", "binary", "--output-type", "binary"];

/// How far a new file was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It was opened in process, and is the original byte for byte.
    Opened,
    /// No identity at hand opens it: recipients, rule, keys, lengths and everything that stays in clear were compared.
    Form,
}

/// An encrypted file, and what of it stays readable.
pub struct Encrypted {
    /// The text to write.
    pub text: String,
    /// Keys whose value stays in clear, by the rule or by their suffix.
    pub left_plain: Vec<String>,
    /// Commented-out assignments that stay in clear.
    pub plain_comments: Vec<PlainComment>,
    /// Lines whose text before the `=` is no key name.
    pub odd_names: Vec<usize>,
    /// What was taken over from the last encrypted form.
    pub kept: Kept,
    /// How far it was checked.
    pub checked: Checked,
}

/// Encrypts and decrypts by running a sops binary, 3.11.0 or newer.
pub struct SopsTool {
    tool: Tool,
    env: Env,
    deadline: Duration,
    /// What the binary says.
    asked: OnceLock<Option<String>>,
    /// What it wrote into a new file.
    written: OnceLock<String>,
}

impl SopsTool {
    /// Wraps a binary that was looked up; nothing is run yet.
    pub fn new(tool: Tool, env: Env) -> Self {
        Self { tool, env, deadline: Duration::from_mins(2), asked: OnceLock::new(), written: OnceLock::new() }
    }

    /// Sets how long one call of the binary may take; without it, two minutes.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The engine for people: `sops 3.13.3 (/usr/bin/sops)`.
    ///
    /// After an encryption, and for a binary that told its version before, nothing is run for it.
    pub fn label(&self) -> String {
        let path = self.tool.path.display();
        let known = version::in_path(&self.tool.path).or_else(|| self.written.get().cloned());
        let version = known.or_else(|| remembered::recall(&self.tool.path, &self.env)).or_else(|| {
            let version = self.version()?;
            remembered::keep(&self.tool.path, &self.env, version);
            Some(version.to_owned())
        });
        version.map_or_else(|| format!("sops ({path})"), |version| format!("sops {version} ({path})"))
    }

    /// The version, asked of the binary once.
    pub fn version(&self) -> Option<&str> {
        self.asked
            .get_or_init(|| {
                let cmd = environment::pass(Cmd::new(&self.tool.path), &self.env);
                let cmd = cmd.args(["--version", "--disable-version-check"]).deadline(VERSION_DEADLINE);
                version::in_text(cmd.run().ok()?.text().ok()?)
            })
            .as_deref()
    }

    /// Encrypts the text of `request`; its `now` is not used, since sops reads the clock itself.
    ///
    /// Decrypting the result, with either engine, gives the text back byte for byte, or this refuses.
    pub fn encrypt(&self, request: &EncryptRequest<'_>) -> Result<Encrypted, SopsToolError> {
        let draft = Draft::of(request)?;
        let flags = recipients::flags(request, &draft.plan)?;
        self.refuse_old_by_path()?;
        let mut kept = Kept::Nothing;
        if let Some(previous) = &request.previous {
            match self.keep(request, &draft, previous) {
                Ok((text, kept)) => return Ok(Self::encrypted(draft, text, kept, Checked::Opened)),
                Err(reason) => kept = Kept::Unusable(reason),
            }
        }
        let output = self
            .cmd(&recipients::config(request))
            .arg("encrypt")
            .args(flags)
            .args(DOTENV)
            .arg("--filename-override")
            .arg(request.name)
            .stdin(Stdin::Bytes(draft.input()))
            .run()?;
        if output.code() != 0 {
            return Err(self.failure(Verb::Encryption, &output, None));
        }
        let (text, metadata) = draft.complete(output.text()?)?;
        self.refuse_old(&metadata.version)?;
        if let Some(version) = version::in_text(&format!("sops {}", metadata.version)) {
            self.written.get_or_init(|| version);
        }
        let checked = check_opens(request, &text)?;
        Ok(Self::encrypted(draft, text, kept, checked))
    }

    /// Decrypts the text of `request`, a dotenv-store or binary-store file; sops checks its MAC.
    pub fn decrypt(&self, request: &DecryptRequest<'_>) -> Result<Decrypted, SopsToolError> {
        match other_store::detect(request.text) {
            Some(OtherStore::Binary) => return self.decrypt_binary(request),
            Some(other) => return Err(SopsError::OtherStore(other).into()),
            None => {}
        }
        let file = SealedFile::of(request.text)?;
        self.refuse_old_by_path()?;
        let input = Zeroizing::new(file.input());
        let (output, testimony) = self.run_decrypt(request, &DOTENV, input)?;
        if output.code() != 0 {
            return Err(self.decrypt_failure(&output, &file.metadata, testimony));
        }
        let decrypted = file.complete(output.stdout())?;
        agree(decrypted, testimony)
    }

    fn decrypt_binary(&self, request: &DecryptRequest<'_>) -> Result<Decrypted, SopsToolError> {
        let file = other_store::read_binary(request.text).map_err(SopsError::from)?;
        let sealed = draft::shape(&file.data).filter(|shape| shape.value_type == ValueType::Str);
        self.refuse_old_by_path()?;
        let input = Zeroizing::new(request.text.as_bytes().to_vec());
        let (output, testimony) = self.run_decrypt(request, &BINARY, input)?;
        if output.code() != 0 {
            return Err(self.decrypt_failure(&output, &file.metadata, testimony));
        }
        if sealed.is_some_and(|shape| shape.length != output.stdout().len()) {
            return Err(SopsToolError::Changed { line: 1, what: "data".to_owned() });
        }
        let text = std::str::from_utf8(output.stdout())
            .map_err(|_| SopsError::NotUtf8 { line: 1, key: "data".to_owned() })?;
        agree(Decrypted { text: text.to_owned(), layout: LayoutUse::None }, testimony)
    }

    /// Runs sops, and opens the file in process meanwhile.
    fn run_decrypt(
        &self,
        request: &DecryptRequest<'_>,
        types: &[&str],
        input: Zeroizing<Vec<u8>>,
    ) -> Result<(Output, Testimony), SopsToolError> {
        let cmd = environment::pass_key_file(self.opening_cmd(), &self.env, request.age_key_file);
        let cmd = cmd.arg("decrypt").args(types).stdin(Stdin::Bytes(input));
        let DecryptRequest { text, age_key_file, env, .. } = *request;
        std::thread::scope(|scope| {
            let hear = || witness::hear(text, age_key_file, env);
            let witness = std::thread::Builder::new().spawn_scoped(scope, hear);
            let output = cmd.run()?;
            let testimony = match witness.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(testimony)) => testimony,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                // No thread to be had.
                Err(_) => hear(),
            };
            Ok((output, testimony))
        })
    }

    /// A call of the binary with `config` as the only `.sops.yaml`, so that it can run in the user's folder, where
    /// relative paths in variables mean what they mean to the user.
    fn cmd(&self, config: &Path) -> Cmd {
        let cmd = Cmd::new(&self.tool.path).deadline(self.deadline).dir(self.env.cwd());
        environment::pass(cmd, &self.env).arg("--config").arg(config)
    }

    /// A call that needs identities and no `.sops.yaml`.
    fn opening_cmd(&self) -> Cmd {
        environment::pass_identities(self.cmd(Path::new(recipients::NO_CONFIG)), &self.env)
    }

    fn decrypt_failure(&self, output: &Output, metadata: &Metadata, testimony: Testimony) -> SopsToolError {
        self.failure(Verb::Decryption, output, Some((metadata, testimony)))
    }

    /// Why sops failed; an old version explains more than what it said.
    fn failure(&self, verb: Verb, output: &Output, file: Option<(&Metadata, Testimony)>) -> SopsToolError {
        if let Some(version) = self.version()
            && let Err(error) = self.refuse_old(version)
        {
            return error;
        }
        match (Cause::of(output), file) {
            // The built-in reader knows the line.
            (
                Cause::Damaged | Cause::MacMismatch | Cause::MacDamaged | Cause::Crash,
                Some((_, Testimony::Refused(error))),
            ) => error.into(),
            (Cause::MacMismatch, Some(_)) => SopsError::MacMismatch.into(),
            (Cause::MacDamaged, Some(_)) => SopsError::MacDamaged.into(),
            (Cause::NoDataKey(barrier), Some((metadata, _))) => {
                let recipients = metadata.groups.iter().flatten().map(|wrapped| wrapped.key.id()).collect();
                SopsToolError::NoDataKey { barrier, recipients }
            }
            (cause, _) => SopsToolError::Failed { verb, cause },
        }
    }

    fn refuse_old(&self, version: &str) -> Result<(), SopsToolError> {
        if !version::is_too_old(version) {
            return Ok(());
        }
        Err(SopsToolError::TooOld { path: self.tool.path.clone(), version: version.to_owned() })
    }

    /// Saves a call that is bound to fail. A folder's name is a hint only, so the binary is asked.
    fn refuse_old_by_path(&self) -> Result<(), SopsToolError> {
        match version::in_path(&self.tool.path) {
            Some(version) if version::is_too_old(&version) => {
                self.version().map_or(Ok(()), |version| self.refuse_old(version))
            }
            _ => Ok(()),
        }
    }
}

/// Opens a new file in process, where that can be done.
fn check_opens(request: &EncryptRequest<'_>, text: &str) -> Result<Checked, SopsToolError> {
    let age_key_file = request.previous.and_then(|previous| previous.age_key_file);
    match witness::hear(text, age_key_file, request.env) {
        Testimony::Opened(opened) if opened.expose() == request.text => Ok(Checked::Opened),
        Testimony::Opened(opened) => {
            Err(SopsToolError::Disagree { keys: witness::differing(request.text, opened.expose()) })
        }
        Testimony::Silent => Ok(Checked::Form),
        Testimony::Refused(error) => Err(error.into()),
    }
}

/// Gives out what sops opened unless the built-in reader says otherwise.
fn agree(decrypted: Decrypted, testimony: Testimony) -> Result<Decrypted, SopsToolError> {
    match testimony {
        Testimony::Opened(opened) if opened.expose() != decrypted.text => {
            Err(SopsToolError::Disagree { keys: witness::differing(&decrypted.text, opened.expose()) })
        }
        Testimony::Refused(error) => Err(error.into()),
        Testimony::Opened(_) | Testimony::Silent => Ok(decrypted),
    }
}
