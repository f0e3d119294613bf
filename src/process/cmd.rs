//! One call of a tool: what it is given, and what it gave back.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::child::{self, Plumbing};
use super::{Stream, ToolError};
use crate::env::Env;
use crate::secret::Secret;

/// How long a tool may take unless it is told otherwise.
const DEADLINE: Duration = Duration::from_mins(2);
/// How much a tool may print unless it is told otherwise.
const OUTPUT_LIMIT: usize = 64 << 20;

/// What a child reads from its standard input.
#[derive(Debug, Default)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Null,
    /// These bytes, then the end.
    Bytes(Zeroizing<Vec<u8>>),
    /// An open file.
    File(File),
}

impl From<Option<File>> for Stdin {
    fn from(file: Option<File>) -> Self {
        file.map_or(Self::Null, Self::File)
    }
}

enum Value {
    Shown(OsString),
    Hidden(Secret),
}

/// A call of one tool, built up and then [run](Cmd::run). The child starts with an empty environment.
///
/// Its `Display` is the command line as a shell would take it, with every secret masked.
pub struct Cmd {
    path: PathBuf,
    args: Vec<OsString>,
    vars: Vec<(OsString, Value)>,
    dir: Option<PathBuf>,
    stdin: Stdin,
    stdout: Option<File>,
    deadline: Duration,
    limit: usize,
}

impl Cmd {
    /// Starts a call of the binary at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            vars: Vec::new(),
            dir: None,
            stdin: Stdin::Null,
            stdout: None,
            deadline: DEADLINE,
            limit: OUTPUT_LIMIT,
        }
    }

    /// Adds one argument. Arguments are visible to every user of the machine: no secret may be one.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_os_string());
        self
    }

    /// Adds arguments in order.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_os_string()));
        self
    }

    /// Sets a variable whose value may be shown.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.vars.push((name.as_ref().to_os_string(), Value::Shown(value.as_ref().to_os_string())));
        self
    }

    /// Sets a variable whose value must never be shown.
    #[must_use]
    pub fn secret_env(mut self, name: impl AsRef<OsStr>, value: &Secret) -> Self {
        self.vars.push((name.as_ref().to_os_string(), Value::Hidden(value.clone())));
        self
    }

    /// Hands the named variables of `env` on, those that are set. Their values are masked like secrets.
    #[must_use]
    pub fn pass<'a>(mut self, env: &Env, names: impl IntoIterator<Item = &'a str>) -> Self {
        for name in names {
            match env.raw(name).map(|value| (value, value.to_str())) {
                Some((_, Some(text))) => self.vars.push((name.into(), Value::Hidden(Secret::new(text)))),
                Some((raw, None)) => self.vars.push((name.into(), Value::Shown(raw.to_os_string()))),
                None => {}
            }
        }
        self
    }

    /// Sets the folder that the child starts in; without it, the current one.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Sets what the child reads from its standard input; without it, nothing.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Lets the child print into `file`, an empty one open for reading and writing, instead of a pipe.
    ///
    /// A Node program that exits right after printing loses what a full pipe (64 KiB) did not take; a file takes all.
    #[must_use]
    pub fn stdout_into(mut self, file: File) -> Self {
        self.stdout = Some(file);
        self
    }

    /// Sets how long the child may take; without it, two minutes.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how many bytes the child may print to its standard output; without it, 64 MiB.
    #[must_use]
    pub fn output_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the child to its end and collects what it printed.
    ///
    /// Any exit code is an [`Output`]; see [`Output::success`]. Everything else that can happen is an error, and then
    /// nothing of the child's process group is left running.
    pub fn run(self) -> Result<Output, ToolError> {
        let Self { path, args, vars, dir, stdin, stdout, deadline, limit } = self;
        let vars = vars.iter().map(|(name, value)| {
            let value = match value {
                Value::Shown(value) => value.as_os_str(),
                Value::Hidden(secret) => OsStr::new(secret.expose()),
            };
            (name.as_os_str(), value)
        });
        let command = child::command(&path, &args, vars, dir.as_deref());
        child::run(command, &path, Plumbing { stdin, stdout, limit }, deadline)
    }
}

impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.vars {
            let name = name.to_string_lossy();
            match value {
                Value::Shown(value) => write!(f, "{name}={} ", quoted(value))?,
                Value::Hidden(_) => write!(f, "{name}=*** ")?,
            }
        }
        f.write_str(&quoted(self.path.as_os_str()))?;
        self.args.iter().try_for_each(|arg| write!(f, " {}", quoted(arg)))
    }
}

impl fmt::Debug for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cmd({self})")
    }
}

/// What a child that ended by itself left: its exit code and what it printed, which is zeroed when dropped.
pub struct Output {
    pub(super) path: PathBuf,
    pub(super) code: i32,
    pub(super) stdout: Zeroizing<Vec<u8>>,
    pub(super) stderr: Zeroizing<Vec<u8>>,
}

impl Output {
    /// The exit code.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The standard output, byte for byte.
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// The standard output as text.
    pub fn text(&self) -> Result<&str, ToolError> {
        std::str::from_utf8(&self.stdout)
            .map_err(|_| ToolError::NotUtf8 { path: self.path.clone(), stream: Stream::Stdout })
    }

    /// The first MiB of the standard error; what is not UTF-8 is replaced. It may hold secrets.
    pub fn stderr(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.stderr).into_owned())
    }

    /// The binary that ran.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes an exit code other than 0 the error that it usually is.
    pub fn success(self) -> Result<Self, ToolError> {
        if self.code == 0 { Ok(self) } else { Err(ToolError::Exit { path: self.path, code: self.code }) }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (out, err) = (self.stdout.len(), self.stderr.len());
        write!(f, "Output({}: exit {}, {out} and {err} bytes)", self.path.display(), self.code)
    }
}

/// The word as a shell would take it.
fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
