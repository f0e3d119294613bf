//! dotenvx by its own binary, used as a machine that encrypts and decrypts *values*.
//!
//! The user's file never goes near it: values are put into a made-up file under made-up names, in a private folder,
//! with an environment of its own, so that nothing the tool does to text can reach the user. What
//! is secret goes to the child through memory where the system can do that. What comes back is checked for number,
//! form and length; what the tool printed is never repeated, because it can hold values and parts of keys.

mod error;
mod text;
mod version;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

pub use error::{DotenvxToolError, Reason};

use super::{SealedEntry, SealedValues, ValueEngine};
use crate::backend::EngineError;
use crate::backend::Verb;
use crate::env::{self, Env};
use crate::files::PrivateDir;
use crate::keys::{PrivateKey, PublicKey};
use crate::parallel;
use crate::process::{Cmd, Output, Tool, ToolError};
use crate::secret::Secret;
use text::Line;

/// Switches off everything that asks a server, a key store of the system or another program for help. The same
/// names serve all versions; those that a version does not know it ignores.
const ALONE: [(&str, &str); 5] = [
    ("CI", "1"),
    ("DOTENVX_NO_ARMOR", "true"),
    ("DOTENVX_NO_NATIVE", "true"),
    ("DOTENVX_NO_1PASSWORD", "true"),
    ("DOTENVX_NO_BITWARDEN", "true"),
];
/// What a child needs to find its interpreter.
const PASSED: [&str; 3] = [env::PATH, "SystemRoot", "PATHEXT"];
/// The base name that makes every version use the plain `DOTENV_PUBLIC_KEY` and `DOTENV_PRIVATE_KEY`.
const FILE: &str = ".env";
const KEYS_FILE: &str = ".env.keys";
/// How many binaries run at once; each takes 90 MB.
const WORKERS: usize = 4;
/// A value costs the binary about 10 ms and its start 300 ms.
const WORTH_A_CALL: usize = 60;
/// Far from what the deadline allows.
const MOST_IN_A_CALL: usize = 1000;
/// From this length on a value may be too long for version 1.
const LONG: usize = 16 << 10;
const VERSION_DEADLINE: Duration = Duration::from_secs(10);

/// Encrypts and decrypts values by running a dotenvx binary, of any version from 1.75 on.
pub struct DotenvxTool {
    tool: Tool,
    env: Env,
    deadline: Duration,
    version: OnceLock<Option<String>>,
}

impl DotenvxTool {
    /// Wraps a binary that was looked up; nothing is run yet.
    pub fn new(tool: Tool, env: Env) -> Self {
        Self { tool, env, deadline: Duration::from_mins(2), version: OnceLock::new() }
    }

    /// Sets how long one call of the binary may take; without it, two minutes.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The engine for people: `dotenvx 2.38.2 (/usr/bin/dotenvx)`.
    pub fn label(&self) -> String {
        let path = self.tool.path.display();
        self.version()
            .map_or_else(|| format!("dotenvx ({path})"), |version| format!("dotenvx {version} ({path})"))
    }

    /// The version, read beside the binary where its package lies there, else asked of the binary once.
    pub fn version(&self) -> Option<&str> {
        self.version.get_or_init(|| version::beside(&self.tool).or_else(|| self.asked_version())).as_deref()
    }

    /// Encrypts `values` for the holder of the private key that belongs to `public_key` (66 hex digits).
    ///
    /// Gives one `encrypted:…` for each value, in order. A value that no version can be given exactly is refused by
    /// its index before anything is run. One call of the binary encrypts all of them; many are shared among several
    /// calls at once, and of the rare ones that must be last in their file each has a call of its own.
    pub fn seal(&self, public_key: &str, values: &[Secret]) -> Result<Vec<String>, DotenvxToolError> {
        if !text::is_public_key(public_key) {
            return Err(DotenvxToolError::BadPublicKey);
        }
        let lines = values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                let why = |why| DotenvxToolError::Unrepresentable { index, why };
                Line::holding(value.expose()).map(|line| (index, line)).map_err(why)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let (last, together): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(_, line)| line.must_be_last());
        let mut calls: Vec<Vec<_>> = together.chunks(share(together.len())).map(<[_]>::to_vec).collect();
        for (at, line) in last.into_iter().enumerate() {
            match calls.get_mut(at) {
                Some(call) => call.push(line),
                None => calls.push(vec![line]),
            }
        }
        let done = parallel::map(calls.len(), WORKERS, |at| self.seal_lines(public_key, &calls[at]));
        let mut sealed = vec![String::new(); values.len()];
        for (index, text) in done.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            sealed[index] = text;
        }
        Ok(sealed)
    }

    /// Decrypts `sealed` with whichever of `private_keys` (64 hex digits each) opens it.
    ///
    /// Gives the plaintexts in order. Nothing in them is expanded or executed.
    pub fn open(&self, private_keys: &[Secret], sealed: &[String]) -> Result<Vec<Secret>, DotenvxToolError> {
        if let Some(index) = private_keys.iter().position(|key| !text::is_private_key(key.expose())) {
            return Err(DotenvxToolError::BadPrivateKey { index });
        }
        let lengths = sealed
            .iter()
            .enumerate()
            .map(|(index, text)| text::plaintext_len(text).ok_or(DotenvxToolError::BadCiphertext { index }))
            .collect::<Result<Vec<_>, _>>()?;
        let size = share(sealed.len());
        let calls: Vec<_> = sealed.chunks(size).zip(lengths.chunks(size)).collect();
        let opened = parallel::map(calls.len(), WORKERS, |at| {
            let (sealed, lengths) = calls[at];
            self.open_lines(private_keys, sealed, lengths).map_err(|error| error.moved(at * size))
        });
        Ok(opened.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    fn open_lines(
        &self,
        private_keys: &[Secret],
        sealed: &[String],
        lengths: &[usize],
    ) -> Result<Vec<Secret>, DotenvxToolError> {
        let name = text::fresh_name()?;
        let folder = PrivateDir::new(&self.env)?;
        folder.write(FILE, text::sealed_file(&name, sealed).as_bytes())?;
        let stdin = folder.share(KEYS_FILE, text::keys_file(private_keys).as_bytes())?;
        let args = ["get", "-f", FILE, "-fk", KEYS_FILE];
        let output = self.cmd(&folder).args(args).stdin(stdin.into()).stdout_into(folder.scratch()?).run()?;
        drop(folder);
        opened(&output, &name, sealed, lengths)
    }

    fn seal_lines(
        &self,
        public_key: &str,
        lines: &[(usize, Line<'_>)],
    ) -> Result<Vec<(usize, String)>, DotenvxToolError> {
        let name = text::fresh_name()?;
        let folder = PrivateDir::new(&self.env)?;
        let stdin = folder.share(FILE, text::plain_file(public_key, &name, lines).as_bytes())?;
        let args = ["encrypt", "--stdout", "-f", FILE, "-fk", KEYS_FILE];
        let output = self.cmd(&folder).args(args).stdin(stdin.into()).stdout_into(folder.scratch()?).run()?;
        drop(folder);
        if let Some(failure) = sealing_failure(&output, lines) {
            return Err(failure);
        }
        let output = output.success()?;
        let text = output.text()?;
        let find = |(index, line): &(usize, Line<'_>)| {
            Ok((*index, text::find_sealed(text, &name, *index, line.plaintext)?))
        };
        lines.iter().map(find).collect()
    }

    /// A call of the binary in `folder`, which is also its home, with nothing of the user's environment but the path.
    fn cmd(&self, folder: &PrivateDir) -> Cmd {
        let cmd =
            Cmd::new(&self.tool.path).deadline(self.deadline).dir(folder.path()).env("HOME", folder.path());
        ALONE.iter().fold(cmd.pass(&self.env, PASSED), |cmd, (name, value)| cmd.env(name, value))
    }

    fn asked_version(&self) -> Option<String> {
        let folder = PrivateDir::new(&self.env).ok()?;
        let output = self.cmd(&folder).arg("--version").deadline(VERSION_DEADLINE).run().ok()?;
        version::in_text(output.text().ok()?)
    }
}

/// How many of `count` values go into one call: all of them, unless there are enough to keep several cores busy.
fn share(count: usize) -> usize {
    count.div_ceil(parallel::cores().min(WORKERS)).clamp(WORTH_A_CALL, MOST_IN_A_CALL)
}

/// The failure that the tool speaks of, whatever its exit code.
fn sealing_failure(output: &Output, lines: &[(usize, Line<'_>)]) -> Option<DotenvxToolError> {
    let stderr = output.stderr();
    // It makes a pattern of the whole value, which has a limit: 1.x between 30 and 50 thousand characters, 2.x later.
    // 2.x says so and prints the value with it; 1.x prints the missing result and exits 0.
    let too_long = memchr::memmem::find(stderr.as_bytes(), b"Invalid regular expression").is_some();
    let longest = lines.iter().max_by_key(|(_, line)| line.plaintext.len())?;
    if too_long || (output.stdout().trim_ascii() == b"undefined" && longest.1.plaintext.len() >= LONG) {
        let why = "it is too long for this version of dotenvx";
        return Some(DotenvxToolError::Unrepresentable { index: longest.0, why });
    }
    let reason = Reason::told_by(&[output.stdout(), stderr.as_bytes()])?;
    Some(DotenvxToolError::Failed { verb: Verb::Encryption, reason })
}

/// Reads the answer of `get`, judging each value by itself: version 1 exits 0 whatever happened, and version 2 exits 1
/// for a good value that only looks like a ciphertext.
fn opened(
    output: &Output,
    name: &str,
    sealed: &[String],
    lengths: &[usize],
) -> Result<Vec<Secret>, DotenvxToolError> {
    let stderr = output.stderr();
    let told = Reason::told_by(&[stderr.as_bytes()]);
    let Ok(mut answer) = serde_json::from_slice::<HashMap<String, String>>(output.stdout()) else {
        return Err(match told {
            Some(reason) => DotenvxToolError::Failed { verb: Verb::Decryption, reason },
            None if output.code() != 0 => {
                ToolError::Exit { path: output.path().to_path_buf(), code: output.code() }.into()
            }
            None => DotenvxToolError::BadAnswer,
        });
    };
    let mut values = Vec::with_capacity(sealed.len());
    for (index, (text, length)) in sealed.iter().zip(lengths).enumerate() {
        let value = answer.remove(&text::key(name, index)).map(Secret::new);
        let value = value.ok_or(DotenvxToolError::BadAnswer)?;
        if value.expose() == text {
            return Err(DotenvxToolError::NotOpened { index, reason: told.unwrap_or(Reason::Unknown) });
        }
        if value.expose().len() != *length {
            return Err(DotenvxToolError::Changed { index });
        }
        values.push(value);
    }
    let looks_sealed = |value: &Secret| value.expose().starts_with(text::PREFIX);
    match (told, output.code()) {
        _ if values.iter().any(looks_sealed) => Ok(values),
        (Some(reason), _) => Err(DotenvxToolError::Failed { verb: Verb::Decryption, reason }),
        (None, 0) => Ok(values),
        (None, code) => Err(ToolError::Exit { path: output.path().to_path_buf(), code }.into()),
    }
}

impl ValueEngine for DotenvxTool {
    const IN_PROCESS: bool = false;

    fn label(&self) -> String {
        self.label()
    }

    fn seal(&self, public: &PublicKey, values: &[Secret]) -> Result<SealedValues, EngineError> {
        let values = self.seal(&public.to_string(), values)?;
        Ok(SealedValues { values, keys: None })
    }

    fn open(&self, keys: &[&PrivateKey], sealed: &[SealedEntry<'_>]) -> Result<Vec<Secret>, EngineError> {
        let keys: Vec<Secret> = keys.iter().map(|key| Secret::new(key.to_hex().as_str())).collect();
        let sealed: Vec<String> = sealed.iter().map(|entry| entry.value.to_owned()).collect();
        Ok(self.open(&keys, &sealed)?)
    }
}
