//! Rules out things about the tracked paths by looking at the bytes of git's index, without starting git.
//!
//! Versions 2 and 3 of the index store every path in full, so a path whose bytes are nowhere in the file is not
//! tracked. Whatever could hide a path makes the answer "maybe": version 4 (shared prefixes), a split index, a sparse
//! index, and names outside ASCII, which file systems may spell in two ways. A version 2 index cannot hold the
//! skip-worktree mark.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use memchr::memmem;

/// The index of a repository, as bytes.
pub(super) enum Index {
    /// There is none: nothing is tracked.
    Missing,
    /// It is there and cannot be read.
    Unreadable,
    /// What is in it.
    Bytes(Vec<u8>),
}

impl Index {
    /// Reads the index at `path`.
    pub(super) fn read(path: &Path) -> Self {
        match std::fs::read(path) {
            Ok(bytes) => Self::Bytes(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::Missing,
            Err(_) => Self::Unreadable,
        }
    }

    /// Whether it may hold `path` or a path that continues it; `false` is certain.
    pub(super) fn may_hold_start(&self, path: &OsStr) -> bool {
        self.may_hold_bytes(path.as_encoded_bytes())
    }

    /// Whether it may hold `path`; `false` is certain.
    pub(super) fn may_hold(&self, path: &OsStr) -> bool {
        // Every path in the file is followed by at least one zero byte.
        self.may_hold_bytes(&[path.as_encoded_bytes(), b"\0"].concat())
    }

    /// Whether any path may carry the skip-worktree mark; `false` is certain.
    pub(super) fn may_skip_worktree(&self) -> bool {
        match self {
            Self::Missing => false,
            Self::Unreadable => true,
            Self::Bytes(bytes) => !bytes.starts_with(b"DIRC\0\0\0\x02") || is_extended(bytes),
        }
    }

    fn may_hold_bytes(&self, path: &[u8]) -> bool {
        let bytes = match self {
            Self::Missing => return false,
            Self::Unreadable => return true,
            Self::Bytes(bytes) => bytes,
        };
        let full_paths = bytes.starts_with(b"DIRC\0\0\0\x02") || bytes.starts_with(b"DIRC\0\0\0\x03");
        !full_paths || !path.is_ascii() || memmem::find(bytes, path).is_some() || is_extended(bytes)
    }
}

/// Whether part of the index is elsewhere. The names of the two extensions, each with the first byte of a length below
/// 16 MiB.
fn is_extended(bytes: &[u8]) -> bool {
    [b"link\0", b"sdir\0"].iter().any(|name| memmem::find(bytes, *name).is_some())
}
