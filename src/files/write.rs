//! Writing a file so that it is the old one or the new one at every moment.
//!
//! A write is *staged* (the bytes are on disk under an unpredictable name beside the target) and then *committed*
//! (renamed over it). Many writes are staged together, so that they share the cost of flushing the disk, and a
//! batch can be given up before its first commit. On Linux a staged file has no name until it is committed, so that
//! even a killed process leaves none behind; elsewhere it has a temporary one. Hard links to the old file, extended
//! attributes and access control lists do not survive; the mode, the owner and a symbolic link do.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::draft::{Draft, Link, Mode, Staged};
use super::{FileError, read};
use crate::parallel;

/// More threads than cores, because they wait for the disk and not for the processor.
const WRITERS: usize = 8;
/// One file to write.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// Where.
    pub path: &'a Path,
    /// The whole new content.
    pub bytes: &'a [u8],
    /// Who may read it.
    pub mode: Mode,
    /// What happens to a symbolic link there.
    pub link: Link,
}

/// Replaces the content of one file, or creates it; on failure the old content is still there.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    stage(Write { path, bytes, mode, link: Link::Follow })?.commit()
}

/// Writes many files, each as [`write_atomic`] would, sharing the cost of flushing. Results come in order.
///
/// A file that cannot be written does not keep the others from being written; to give a batch up as a whole, use
/// [`stage_all`] and look at its results before [`commit_all`].
pub fn write_all(writes: &[Write<'_>]) -> Vec<Result<(), FileError>> {
    let mut results = Vec::with_capacity(writes.len());
    let (mut order, mut ready) = (Vec::new(), Vec::new());
    for (at, outcome) in stage_all(writes).into_iter().enumerate() {
        results.push(outcome.map(|staged| {
            order.push(at);
            ready.push(staged);
        }));
    }
    for (at, result) in order.into_iter().zip(commit_all(ready)) {
        results[at] = result;
    }
    results
}

/// Stages many files with a few threads. Results come in order; nothing in place has changed yet.
pub fn stage_all(writes: &[Write<'_>]) -> Vec<Result<Staged, FileError>> {
    parallel::map(writes.len(), WRITERS, |at| stage(writes[at]))
}

/// Commits many staged files, flushing each folder once. Results come in order.
pub fn commit_all(staged: Vec<Staged>) -> Vec<Result<(), FileError>> {
    let swapped: Vec<Result<PathBuf, FileError>> = staged.into_iter().map(Staged::swap).collect();
    let folders: Vec<PathBuf> =
        swapped.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let mut flushed = parallel::map(folders.len(), WRITERS, |at| sync_folder(&folders[at]));
    swapped
        .into_iter()
        .map(|result| {
            let folder = result?;
            let at = folders.binary_search(&folder).unwrap_or_default();
            // The first file of the folder carries the failure, which is not clonable; it names the folder.
            std::mem::replace(&mut flushed[at], Ok(()))
        })
        .collect()
}

/// Writes one file under a temporary name beside its target and flushes it to disk.
pub fn stage(write: Write<'_>) -> Result<Staged, FileError> {
    let mut draft = Draft::beside(write.path, write.mode, write.link)?;
    let written = draft.file().write_all(write.bytes);
    written.map_err(|source| FileError::io("write", write.path, source))?;
    draft.finish()
}

/// Deletes a file; of a symbolic link the link, not what it leads to.
#[expect(clippy::disallowed_methods, reason = "files.rs is where files are deleted")]
pub fn remove(path: &Path) -> Result<(), FileError> {
    std::fs::remove_file(path).map_err(|source| FileError::io("delete", path, source))
}

/// Adds whole lines to the end of a text file, in the line end that it uses, creating it when it is missing.
///
/// A last line that was not ended is ended first. The file need not be UTF-8.
pub fn append_lines(path: &Path, lines: &[&str]) -> Result<(), FileError> {
    let mut bytes = match read(path) {
        Err(FileError::Missing { .. }) => Vec::new(),
        other => other?,
    };
    let end: &[u8] = if bytes.windows(2).any(|pair| pair == b"\r\n") { b"\r\n" } else { b"\n" };
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.extend_from_slice(end);
    }
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(end);
    }
    write_atomic(path, &bytes, Mode::Keep)
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network file systems cannot flush a folder; the files in it are flushed.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        // A folder that may be written but not listed cannot be opened, only flushed by the system in its time.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(source) => Err(FileError::io("flush the folder", folder, source)),
        Ok(()) => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> Result<(), FileError> {
    Ok(())
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
