//! Rules out that a path is tracked by looking at the bytes of git's index, without starting git.
//!
//! Versions 2 and 3 of the index store every path in full, so a path whose bytes are nowhere in the file is not
//! tracked. Whatever could hide a path makes the answer "maybe": version 4 (shared prefixes), a split index, a sparse
//! index, and names outside ASCII, which file systems may spell in two ways.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::Path;

use memchr::memmem;

/// Whether the index at `index` may hold `path` or a path that continues it; `false` is certain.
pub(super) fn may_hold(index: &Path, path: &OsStr) -> bool {
    let bytes = match std::fs::read(index) {
        Ok(bytes) => bytes,
        Err(error) => return error.kind() != ErrorKind::NotFound,
    };
    let path = path.as_encoded_bytes();
    let full_paths = bytes.starts_with(b"DIRC\0\0\0\x02") || bytes.starts_with(b"DIRC\0\0\0\x03");
    // The names of the two extensions, each with the first byte of a length below 16 MiB.
    let extended = || [b"link\0", b"sdir\0"].iter().any(|name| memmem::find(&bytes, *name).is_some());
    !full_paths || !path.is_ascii() || memmem::find(&bytes, path).is_some() || extended()
}
