//! The temporary file that becomes the real one.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use super::temp::Temp;
use super::write::sync_folder;
use super::{FileError, Kind};
use crate::interrupt::{self, Hold};

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
    /// The owner alone: what the owner could do with the file that is replaced; a new file gets 0600.
    OwnerOnly,
    /// Everyone may read and run it, the owner may write it (0755).
    Executable,
}

/// What happens to a symbolic link at the place that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It stays, and the file that it names is written.
    Follow,
    /// It is replaced.
    Replace,
}

/// A file that is being written under an unpredictable name beside its target; dropping it removes it.
#[derive(Debug)]
pub struct Draft {
    file: File,
    temp: Temp,
    path: PathBuf,
    target: PathBuf,
    hold: Hold,
}

impl Draft {
    /// Creates the temporary file with its final mode and owner, still empty.
    pub fn beside(path: &Path, mode: Mode, link: Link) -> Result<Self, FileError> {
        let target = match link {
            Link::Follow => resolve(path)?,
            Link::Replace => path.to_path_buf(),
        };
        let old = existing(path, &target, link)?;
        let hold = interrupt::hold();
        let (file, temp) = Temp::create(&target, mode, old.as_ref())
            .map_err(|source| FileError::io("create a temporary file beside", path, source))?;
        grant(&file, mode, old.as_ref())
            .map_err(|source| FileError::io("set the mode of the temporary file beside", path, source))?;
        Ok(Self { file, temp, path: path.to_path_buf(), target, hold })
    }

    /// The file to write into.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Flushes it to disk.
    pub fn finish(self) -> Result<Staged, FileError> {
        self.file.sync_all().map_err(|source| FileError::io("write", &self.path, source))?;
        Ok(Staged { temp: self.temp, target: self.target, _hold: self.hold })
    }
}

/// A file that is safe on disk under a temporary name; dropping it removes it, [`Staged::commit`] puts it in place.
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
    pub(super) fn swap(self) -> Result<PathBuf, FileError> {
        let replace = |temp: Temp| rename(temp.into_path(&self.target)?, &self.target);
        replace(self.temp).map_err(|source| FileError::io("replace", &self.target, source))?;
        Ok(parent(&self.target).to_path_buf())
    }
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

fn existing(path: &Path, target: &Path, link: Link) -> Result<Option<Metadata>, FileError> {
    match std::fs::symlink_metadata(target) {
        Ok(entry) if entry.is_file() => Ok(Some(entry)),
        Ok(entry) if entry.is_symlink() && link == Link::Replace => Ok(None),
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
        (Mode::Private, _) | (Mode::OwnerOnly, None) => 0o600,
        (Mode::OwnerOnly, Some(old)) => old.mode() & 0o600,
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
