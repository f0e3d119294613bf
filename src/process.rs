//! The one place that runs other programs.
//!
//! A [`Tool`] is a resolved binary, a [`Cmd`] one call of it. A child sees only the variables that it is given,
//! leads its own process group, has a deadline and is killed with its whole group when the deadline passes or
//! Ctrl-C comes. Every way it can end is a [`ToolError`] of its own; what it printed is in none of them.

mod child;
mod cmd;
mod lookup;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

pub use cmd::{Cmd, Output, Stdin};
pub use lookup::{Source, Tool, ToolName, tool_folder, version_numbers};

/// Which of a child's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    fn describe(self) -> &'static str {
        match self {
            Self::Stdout => "standard output",
            Self::Stderr => "standard error",
        }
    }
}

/// Why a tool could not be run to a good end.
#[derive(Debug, Error)]
pub enum ToolError {
    /// The variable that names the binary names nothing that is there.
    #[error("{variable} names a file that is not there: {}", path.display())]
    OverrideMissing {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
    /// The binary vanished between lookup and start, or the interpreter on its first line is missing.
    #[error("{} cannot be started: it or the interpreter it names is not there", path.display())]
    NotFound {
        /// The binary.
        path: PathBuf,
    },
    /// The binary may not be run by this user.
    #[error("{} is not executable", path.display())]
    NotExecutable {
        /// The binary.
        path: PathBuf,
    },
    /// The system could not start it or talk to it.
    #[error("cannot {doing} {}: {source}", path.display())]
    Spawn {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The binary.
        path: PathBuf,
        /// The answer of the system.
        source: io::Error,
    },
    /// It ended with an exit code other than 0.
    #[error("{} failed (exit {code})", path.display())]
    Exit {
        /// The binary.
        path: PathBuf,
        /// The exit code.
        code: i32,
    },
    /// It was killed by a signal that envdrift did not send.
    #[error("{} was killed by signal {signal}", path.display())]
    Signal {
        /// The binary.
        path: PathBuf,
        /// The number of the signal.
        signal: i32,
    },
    /// It did not end in time and was killed.
    #[error("{} command timed out after {}", path.display(), seconds(*after))]
    TimedOut {
        /// The binary.
        path: PathBuf,
        /// The deadline it was given.
        after: Duration,
    },
    /// Ctrl-C or SIGTERM came; it was killed.
    #[error("interrupted; {} was ended", path.display())]
    Interrupted {
        /// The binary.
        path: PathBuf,
    },
    /// It wanted to read from the terminal, which it is not given; it was killed.
    #[error("{} waits for an answer on the terminal", path.display())]
    WantsTerminal {
        /// The binary.
        path: PathBuf,
    },
    /// Its output is not UTF-8.
    #[error("the {} of {} is not UTF-8", stream.describe(), path.display())]
    NotUtf8 {
        /// The binary.
        path: PathBuf,
        /// Which output.
        stream: Stream,
    },
    /// It printed more than it may; it was killed.
    #[error("the {} of {} is larger than {limit} bytes", stream.describe(), path.display())]
    TooMuchOutput {
        /// The binary.
        path: PathBuf,
        /// Which output.
        stream: Stream,
        /// The limit in bytes.
        limit: usize,
    },
}

impl ToolError {
    /// The binary that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::OverrideMissing { path, .. }
            | Self::NotFound { path }
            | Self::NotExecutable { path }
            | Self::Spawn { path, .. }
            | Self::Exit { path, .. }
            | Self::Signal { path, .. }
            | Self::TimedOut { path, .. }
            | Self::Interrupted { path }
            | Self::WantsTerminal { path }
            | Self::NotUtf8 { path, .. }
            | Self::TooMuchOutput { path, .. } => path,
        }
    }

    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OverrideMissing { .. } => "tool.override_missing",
            Self::NotFound { .. } => "tool.not_found",
            Self::NotExecutable { .. } => "tool.not_executable",
            Self::Spawn { .. } => "tool.spawn",
            Self::Exit { .. } => "tool.exit",
            Self::Signal { .. } => "tool.signal",
            Self::TimedOut { .. } => "tool.timed_out",
            Self::Interrupted { .. } => "tool.interrupted",
            Self::WantsTerminal { .. } => "tool.wants_terminal",
            Self::NotUtf8 { .. } => "tool.not_utf8",
            Self::TooMuchOutput { .. } => "tool.too_much_output",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OverrideMissing { variable, .. } => Some(format!("correct {variable} or unset it")),
            Self::NotFound { .. } => Some("reinstall it; a Node script needs `node` on PATH".into()),
            Self::NotExecutable { path } => Some(format!("run `chmod +x {}`", path.display())),
            Self::Exit { code: 126 | 127, .. } => Some(
                "the launcher did not find the real program; point ENVDRIFT_DOTENVX or ENVDRIFT_SOPS at it"
                    .into(),
            ),
            Self::TimedOut { .. } => Some("see whether it waits for a network or a terminal".into()),
            Self::WantsTerminal { .. } => Some(
                "give it a key that needs no passphrase, or unlock the key first (agent, pinentry)".into(),
            ),
            Self::Spawn { .. }
            | Self::Exit { .. }
            | Self::Signal { .. }
            | Self::Interrupted { .. }
            | Self::NotUtf8 { .. }
            | Self::TooMuchOutput { .. } => None,
        }
    }
}

fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
