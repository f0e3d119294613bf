//! Writing a file so that it is the old one or the new one at every moment.
//!
//! A write is *staged* (the bytes are on disk under an unpredictable name beside the target) and then *committed*
//! (renamed over it). Many writes are staged together, so that they share the cost of flushing the disk, and a
//! batch can be given up before its first commit. On Linux a staged file has no name until it is committed, so that
//! even a killed process leaves none behind; elsewhere it has a temporary one. Hard links to the old file, extended
//! attributes and access control lists do not survive; the mode, the owner and a symbolic link do.

use std::collections::BTreeSet;
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempPath;

use super::temp::Temp;
use super::{FileError, Kind, read};
use crate::interrupt::{self, Hold};

/// More threads than cores, because they wait for the disk and not for the processor.
const WRITERS: usize = 8;
/// As many links in a row as Linux follows.
const MAX_LINKS: usize = 40;

/// Who may read the written file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As the file that is replaced; a new file gets what the umask says.
    Keep,
    /// The owner alone (0600), whatever was there before; a file of another user is not replaced where it cannot stay
    /// that user's.
    Private,
    /// Everyone may read and run it, the owner may write it (0755).
    Executable,
}

/// One file to write.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// Where; a symbolic link is followed.
    pub path: &'a Path,
    /// The whole new content.
    pub bytes: &'a [u8],
    /// Who may read it.
    pub mode: Mode,
}

/// A file that is safe on disk beside its target; dropping it removes it, [`Staged::commit`] puts it in place.
#[derive(Debug)]
pub struct Staged {
    temp: Temp,
    target: PathBuf,
    _hold: Hold,
}

impl Staged {
    /// Replaces the target. The old content stays when this fails.
    pub fn commit(self) -> Result<(), FileError> {
        let folder = self.swap()?;
        sync_folder(&folder)
    }

    /// Replaces the target and gives the folder that is still to be flushed.
    fn swap(self) -> Result<PathBuf, FileError> {
        let replace = |temp: Temp| rename(temp.into_path(&self.target)?, &self.target);
        replace(self.temp).map_err(|source| FileError::io("replace", &self.target, source))?;
        Ok(parent(&self.target).to_path_buf())
    }
}

/// Replaces the content of one file, or creates it; on failure the old content is still there.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
    stage(Write { path, bytes, mode })?.commit()
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
    in_parallel(writes.len(), |at| stage(writes[at]))
}

/// Commits many staged files, flushing each folder once. Results come in order.
pub fn commit_all(staged: Vec<Staged>) -> Vec<Result<(), FileError>> {
    let swapped: Vec<Result<PathBuf, FileError>> = staged.into_iter().map(Staged::swap).collect();
    let folders: Vec<PathBuf> =
        swapped.iter().flatten().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let mut flushed = in_parallel(folders.len(), |at| sync_folder(&folders[at]));
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
    let target = resolve(write.path)?;
    let old = existing(write.path, &target)?;
    let hold = interrupt::hold();
    let (mut file, temp) = Temp::create(&target, write.mode, old.as_ref())
        .map_err(|source| FileError::io("create a temporary file beside", write.path, source))?;
    let mut write_out = || -> io::Result<()> {
        grant(&file, write.mode, old.as_ref())?;
        file.write_all(write.bytes)?;
        file.sync_all()
    };
    write_out().map_err(|source| FileError::io("write", write.path, source))?;
    Ok(Staged { temp, target, _hold: hold })
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

/// The path that a write to `path` ends up at: symbolic links are followed, also one whose target is missing.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    let mut at = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&at) {
            Ok(link) => at = parent(&at).join(link),
            // Not a link, or nothing there: both are the end of the chain.
            Err(_) => return Ok(at),
        }
    }
    let source = std::fs::metadata(path).err().unwrap_or_else(|| io::Error::other("too many symbolic links"));
    Err(FileError::io("follow the symbolic link", path, source))
}

/// The folder that holds `path`.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Runs `job` for every index below `count` on a few threads, giving the results in order.
fn in_parallel<T: Send>(count: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if count <= 1 {
        return (0..count).map(job).collect();
    }
    let next = AtomicUsize::new(0);
    let worker = || {
        let mine = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < count));
        mine.map(|at| (at, job(at))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count.min(WRITERS)).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn existing(path: &Path, target: &Path) -> Result<Option<Metadata>, FileError> {
    match std::fs::symlink_metadata(target) {
        Ok(entry) if entry.is_file() => Ok(Some(entry)),
        Ok(entry) => Err(FileError::NotAFile { path: path.to_path_buf(), kind: Kind::of(&entry) }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FileError::io("look at", path, source)),
    }
}

/// Gives the open, still empty file its owner and mode.
#[cfg(unix)]
fn grant(file: &File, mode: Mode, old: Option<&Metadata>) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    let mut bits = match (mode, old) {
        (Mode::Private, _) => 0o600,
        (Mode::Executable, _) => 0o755,
        (Mode::Keep, Some(old)) => old.mode() & 0o777,
        (Mode::Keep, None) => return Ok(()),
    };
    if let Some(old) = old {
        let new = file.metadata()?;
        if mode == Mode::Private && new.uid() != old.uid() && fchown(file, Some(old.uid()), None).is_err() {
            let reason = "it belongs to another user, who could not read it any more";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        if (new.uid(), new.gid()) != (old.uid(), old.gid())
            && fchown(file, Some(old.uid()), Some(old.gid())).is_err()
            && new.gid() != old.gid()
            && fchown(file, None, Some(old.gid())).is_err()
        {
            // What the old group could do must not go to another group.
            bits = (bits & 0o707) | (bits & (bits & 0o007) << 3);
        }
    }
    file.set_permissions(std::fs::Permissions::from_mode(bits))
}

#[cfg(not(unix))]
fn grant(_: &File, _: Mode, _: Option<&Metadata>) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), FileError> {
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
fn sync_folder(_: &Path) -> Result<(), FileError> {
    Ok(())
}

#[cfg(not(windows))]
fn rename(temp: TempPath, target: &Path) -> io::Result<()> {
    temp.persist(target).map_err(|failure| failure.error)
}

/// Windows refuses while a virus scanner or another writer has the target open, for some milliseconds.
#[cfg(windows)]
fn rename(mut temp: TempPath, target: &Path) -> io::Result<()> {
    let mut pause = std::time::Duration::from_millis(20);
    for _ in 0..10 {
        match temp.persist(target) {
            Ok(()) => return Ok(()),
            Err(failure) if failure.error.kind() == io::ErrorKind::PermissionDenied => temp = failure.path,
            Err(failure) => return Err(failure.error),
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(std::time::Duration::from_millis(500));
    }
    temp.persist(target).map_err(|failure| failure.error)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
