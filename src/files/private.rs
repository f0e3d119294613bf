//! Places that nobody else can look into, for what a child process must be given as a file.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::FileError;
use crate::env::{self, Env};
use crate::interrupt::{self, Hold};

/// A folder that only this user can enter (0700), removed with everything in it when dropped.
#[derive(Debug)]
pub struct PrivateDir {
    // Removed before the hold ends, so that Ctrl-C leaves nothing behind.
    dir: TempDir,
    _hold: Hold,
}

impl PrivateDir {
    /// Makes a new folder in the session's runtime folder, which is in memory and goes with the session, or else
    /// in the folder for temporary files.
    pub fn new(env: &Env) -> Result<Self, FileError> {
        let hold = interrupt::hold();
        let runtime = env.path(env::XDG_RUNTIME_DIR).filter(|folder| is_private(folder));
        if let Some(dir) = runtime.and_then(|folder| create_in(folder).ok()) {
            return Ok(Self { dir, _hold: hold });
        }
        let folder = temp_folder(env);
        let dir = create_in(&folder)
            .map_err(|source| FileError::io("create a private folder in", &folder, source))?;
        Ok(Self { dir, _hold: hold })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Puts a file that only this user can read (0600) into the folder and gives its path.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, FileError> {
        let path = self.path().join(name);
        create_new(&path, bytes).map_err(|source| FileError::io("write", &path, source))?;
        Ok(path)
    }

    /// Gives `bytes` to a child under `name` without letting them touch the disk where the system can do that.
    ///
    /// Then the answer is a file that must become the child's standard input, and the name in the folder leads there;
    /// elsewhere it is `None` and the bytes lie in the folder, as [`PrivateDir::write`] puts them.
    pub fn share(&self, name: &str, bytes: &[u8]) -> Result<Option<File>, FileError> {
        #[cfg(unix)]
        if let Ok(Some(file)) = memory_file(bytes) {
            let path = self.path().join(name);
            std::os::unix::fs::symlink("/proc/self/fd/0", &path)
                .map_err(|source| FileError::io("link", &path, source))?;
            return Ok(Some(file));
        }
        self.write(name, bytes)?;
        Ok(None)
    }

    /// An empty file without a name for a child to print into: in memory where the system can do that.
    pub fn scratch(&self) -> Result<File, FileError> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Ok(file) = rustix::fs::memfd_create("envdrift", rustix::fs::MemfdFlags::CLOEXEC) {
            return Ok(File::from(file));
        }
        tempfile::tempfile_in(self.path())
            .map_err(|source| FileError::io("create a file in", self.path(), source))
    }
}

/// Makes a folder that only this user can enter (0700), and those above it that are missing; one that is there stays
/// as it is.
pub fn create_private_folder(folder: &Path) -> Result<(), FileError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder).map_err(|source| FileError::io("create the folder", folder, source))
}

/// Removes a folder if nothing is in it.
pub fn remove_empty_folder(folder: &Path) {
    // A folder that is in use, or gone already, is none of the caller's business.
    let _ = std::fs::remove_dir(folder);
}

/// A file that exists in memory only and cannot be changed any more; `None` where the system has no such thing.
///
/// Given to a child as its standard input, the child opens it as `/proc/self/fd/0`, as often as it likes.
pub fn memory_file(bytes: &[u8]) -> io::Result<Option<File>> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if Path::new("/proc/self/fd").exists() {
        return sealed(bytes).map(Some);
    }
    let _ = bytes;
    Ok(None)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn sealed(bytes: &[u8]) -> io::Result<File> {
    use std::io::{Seek, Write};

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let mut file = File::from(memfd_create("envdrift", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    file.write_all(bytes)?;
    file.rewind()?;
    fcntl_add_seals(&file, SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE)?;
    Ok(file)
}

/// The folder for temporary files: `TMPDIR` when it is absolute, else the system's.
pub(super) fn temp_folder(env: &Env) -> PathBuf {
    match env.path(env::TMPDIR) {
        Some(folder) if folder.is_absolute() => folder.to_path_buf(),
        _ => std::env::temp_dir(),
    }
}

fn create_in(folder: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(OsStr::new("envdrift-")).rand_bytes(12);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir_in(folder)
}

/// Whether `folder` is what the XDG specification promises: absolute, this user's, closed to everyone else.
#[cfg(unix)]
pub(super) fn is_private(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    folder.is_absolute()
        && std::fs::metadata(folder).is_ok_and(|entry| {
            entry.is_dir()
                && entry.mode().trailing_zeros() >= 6
                && entry.uid() == rustix::process::geteuid().as_raw()
        })
}

#[cfg(not(unix))]
pub(super) fn is_private(_: &Path) -> bool {
    false
}

#[expect(clippy::disallowed_methods, reason = "files.rs is where files are opened")]
fn create_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;

    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)?.write_all(bytes)
}

/// Refuses a file whose mode says that nobody may write it. Replacing it would succeed all the same, and its owner
/// meant otherwise. A file that is not there is no matter.
pub fn refuse_read_only(path: &Path) -> Result<(), FileError> {
    let read_only = std::fs::metadata(path).is_ok_and(|entry| entry.permissions().readonly());
    if !read_only {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only");
    Err(FileError::io("write", path, source))
}

/// Takes a file away from everyone but its owner (0600).
pub fn restrict(path: &Path) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let failed = |source| FileError::io("restrict the mode of", path, source);
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &Path)]) -> Env {
        Env::fixed("/", vars.iter().map(|(name, path)| (*name, path.as_os_str())))
    }

    #[test]
    fn a_private_folder_goes_with_everything_in_it() {
        let base = tempfile::tempdir().unwrap();
        let dir = PrivateDir::new(&env(&[("TMPDIR", base.path())])).unwrap();
        dir.write(".env.keys", b"secret").unwrap();
        assert!(dir.path().starts_with(base.path()));
        drop(dir);
        assert_eq!(std::fs::read_dir(base.path()).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_enter_it_and_read_its_files() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let dir = PrivateDir::new(&env(&[("TMPDIR", base.path())])).unwrap();
        let file = dir.write("f", b"x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(dir.path()), mode(&file)), (0o700, 0o600));
        assert!(dir.write("f", b"y").is_err(), "a name is given once");
    }

    #[cfg(unix)]
    #[test]
    fn a_runtime_folder_that_others_can_enter_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let (runtime, temp) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let vars = env(&[("XDG_RUNTIME_DIR", runtime.path()), ("TMPDIR", temp.path())]);
        std::fs::set_permissions(runtime.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
        assert!(PrivateDir::new(&vars).unwrap().path().starts_with(runtime.path()));
        std::fs::set_permissions(runtime.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(PrivateDir::new(&vars).unwrap().path().starts_with(temp.path()));
    }

    #[cfg(unix)]
    #[test]
    fn a_read_only_file_is_refused_and_a_missing_one_is_not() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join(".env.keys");
        assert!(refuse_read_only(&file).is_ok());
        create_new(&file, b"x").unwrap();
        assert!(refuse_read_only(&file).is_ok());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o444)).unwrap();
        let error = refuse_read_only(&file).unwrap_err();
        assert!(error.to_string().ends_with("it is read-only"), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_missing_temporary_folder_is_named() {
        let error = PrivateDir::new(&env(&[("TMPDIR", Path::new("/nowhere/at/all"))])).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_memory_file_can_be_read_and_not_changed() {
        use std::io::{Read, Write};
        let mut file = memory_file(b"A=1\n").unwrap().unwrap();
        assert!(file.write_all(b"x").is_err());
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "A=1\n");
    }
}
