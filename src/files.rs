//! The one reader and the only writer of files.
//!
//! Reading never blocks and never guesses: what is not a regular file or not UTF-8 is an error that says so. A
//! write leaves the old file or the new one, never a mixture, also when the machine loses power in between, and
//! no temporary file when it fails. [`PrivateDir`] and [`memory_file`] hold what must not be seen by others,
//! [`Lock`] keeps two processes from changing one key store at a time.

mod draft;
mod lock;
mod private;
mod read;
mod temp;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use draft::{Draft, Link, Mode, Staged};
pub use lock::{Lock, canonical};
pub use private::{
    PrivateDir, create_private_folder, memory_file, refuse_read_only, remove_empty_folder, restrict,
};
pub use read::{read, read_text};
pub use write::{Write, append_lines, commit_all, remove, stage, stage_all, write_all, write_atomic};

/// What stands where a regular file was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device, or anything else that is not a regular file.
    Special,
}

impl Kind {
    /// The kind in words, with its article.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Folder => "a directory",
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::Special => "a special file",
        }
    }

    /// The kind of an entry that is no regular file.
    fn of(entry: &std::fs::Metadata) -> Self {
        #[cfg(unix)]
        {
            use std::os::unix::fs::FileTypeExt;
            if entry.file_type().is_fifo() {
                return Self::Fifo;
            }
            if entry.file_type().is_socket() {
                return Self::Socket;
            }
        }
        if entry.is_dir() { Self::Folder } else { Self::Special }
    }
}

/// Why a file could not be read, written or locked.
#[derive(Debug, Error)]
pub enum FileError {
    /// Nothing is there.
    #[error("No such file: {}", path.display())]
    Missing {
        /// The path as it was given.
        path: PathBuf,
    },
    /// Something is there, but no regular file.
    #[error("Not a file: {} is {}", path.display(), kind.describe())]
    NotAFile {
        /// The path as it was given.
        path: PathBuf,
        /// What it is instead.
        kind: Kind,
    },
    /// The bytes are not UTF-8.
    #[error("Could not read {} as UTF-8 text: line {line} is not UTF-8", path.display())]
    NotUtf8 {
        /// The path as it was given.
        path: PathBuf,
        /// The line of the first wrong byte, from 1.
        line: usize,
    },
    /// The system refused.
    #[error("Cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The path it was tried on.
        path: PathBuf,
        /// The answer of the system.
        source: io::Error,
    },
    /// Another process works on the same key store and did not finish in time.
    #[error("{} is in use by another envdrift process{} (waited {waited} s; lock file {})",
        store.display(), holder.map(|id| format!(" (process {id})")).unwrap_or_default(), lock.display())]
    Locked {
        /// The key store.
        store: PathBuf,
        /// The lock file that is held.
        lock: PathBuf,
        /// The process that holds it, where it could be read.
        holder: Option<u32>,
        /// Seconds waited.
        waited: u64,
    },
    /// Ctrl-C or SIGTERM came while waiting.
    #[error("Interrupted while waiting for {}", path.display())]
    Interrupted {
        /// What was waited for.
        path: PathBuf,
    },
}

impl FileError {
    fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { doing, path: path.to_path_buf(), source }
    }

    /// The path that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::NotAFile { path, .. }
            | Self::NotUtf8 { path, .. }
            | Self::Io { path, .. }
            | Self::Interrupted { path }
            | Self::Locked { store: path, .. } => path,
        }
    }

    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "file.missing",
            Self::NotAFile { .. } => "file.not_a_file",
            Self::NotUtf8 { .. } => "file.not_utf8",
            Self::Io { .. } => "file.io",
            Self::Locked { .. } => "file.locked",
            Self::Interrupted { .. } => "file.interrupted",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { .. } => Some("check the name and the folder you are in".into()),
            Self::NotAFile { .. } => Some("name a regular file".into()),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8 and run again".into()),
            Self::Io { source, .. } => io_hint(source).map(str::to_owned),
            Self::Locked { .. } => Some("wait for it to end, or end it, and run again".into()),
            Self::Interrupted { .. } => None,
        }
    }
}

fn io_hint(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Some("check the owner and the mode of the file and of its folder"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some("make room and run again; the file that was there is unchanged")
        }
        io::ErrorKind::ReadOnlyFilesystem => Some("the file system is mounted read-only"),
        io::ErrorKind::NotFound => Some("the folder does not exist; create it first"),
        _ if is_loop(error) => Some("the symbolic links point at each other; remove or mend them"),
        _ => None,
    }
}

#[cfg(unix)]
fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_loop(_: &io::Error) -> bool {
    false
}
