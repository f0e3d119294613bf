//! One process at a time on one key store.
//!
//! The lock is advisory: it keeps envdrift processes apart, not other programs. The lock file lives in the user's
//! state folder under a name made of the store's canonical path, so that nothing stray appears beside the store.
//! It stays there when the lock is given back: removing it would let two processes lock two different files.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::draft::{parent, resolve};
use super::private::{create_private_folder, is_private, temp_folder};
use super::{FileError, read};
use crate::env::{self, Env};
use crate::interrupt;

/// The exclusive right to change one key store; given back when dropped, and by the system when the process ends.
#[derive(Debug)]
#[must_use = "the store is locked only as long as this lives"]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock on `store`, which need not exist yet, at most for `patience`.
    ///
    /// Every spelling of the path (relative, through links) gives the same lock. A process that asks a second time
    /// for a lock that it holds waits in vain. Ctrl-C during the wait ends it when somebody holds the signal back.
    pub fn acquire(store: &Path, env: &Env, patience: Duration) -> Result<Self, FileError> {
        let canonical = canonical(&env.cwd().join(store))?;
        let folder = lock_folder(env)?;
        let path = folder.join(name_of(&canonical));
        let mut file = open(&path).map_err(|source| FileError::io("open the lock file", &path, source))?;
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => return Err(FileError::io("lock", &path, source)),
            }
            if interrupt::pressed() {
                return Err(FileError::Interrupted { path: store.to_path_buf() });
            }
            if start.elapsed() >= patience {
                let holder = holder(&path);
                return Err(FileError::Locked {
                    store: store.to_path_buf(),
                    lock: path,
                    holder,
                    waited: patience.as_secs(),
                });
            }
            std::thread::sleep(pause.min(patience.saturating_sub(start.elapsed())));
            pause = (pause * 2).min(Duration::from_millis(25));
        }
        // Only for the error text of the next one who waits.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}\n{}\n", std::process::id(), canonical.display()));
        Ok(Self { _file: file })
    }
}

/// The one path of the key store at `store`, whatever links lead to it; the store itself need not exist.
pub fn canonical(store: &Path) -> Result<PathBuf, FileError> {
    let target = resolve(store)?;
    let folder = std::fs::canonicalize(parent(&target))
        .map_err(|source| FileError::io("find the folder of", store, source))?;
    Ok(match target.file_name() {
        Some(name) => folder.join(name),
        None => folder,
    })
}

/// The user's own state folder, so that processes with different session variables still meet; where it cannot be
/// made (a container without a home), a folder of this user among the temporary files.
fn lock_folder(env: &Env) -> Result<PathBuf, FileError> {
    let state = match env.path(env::XDG_STATE_HOME) {
        Some(folder) if folder.is_absolute() => Some(folder.to_path_buf()),
        _ => env.home().map(|home| home.join(".local/state")),
    };
    if let Some(folder) = state.map(|state| state.join("envdrift/locks"))
        && create_private_folder(&folder).is_ok()
        && is_writable(&folder)
    {
        return Ok(folder);
    }
    let folder = temp_folder(env).join(format!("envdrift-locks-{}", user()));
    create_private_folder(&folder)?;
    if cfg!(unix) && !is_private(&folder) {
        let source = io::Error::new(io::ErrorKind::PermissionDenied, "it belongs to somebody else");
        return Err(FileError::io("use the lock folder", &folder, source));
    }
    Ok(folder)
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_writable(_: &Path) -> bool {
    true
}

#[cfg(unix)]
fn user() -> String {
    rustix::process::geteuid().as_raw().to_string()
}

#[cfg(not(unix))]
fn user() -> String {
    "user".into()
}

fn name_of(canonical: &Path) -> String {
    let digest = Sha256::digest(canonical.as_os_str().as_encoded_bytes());
    format!("{}.lock", hex::encode(&digest[..16]))
}

#[expect(clippy::disallowed_methods, reason = "files.rs is where files are opened")]
fn open(path: &Path) -> io::Result<File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A link planted in a shared temporary folder is not followed.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

fn holder(lock: &Path) -> Option<u32> {
    String::from_utf8(read(lock).ok()?).ok()?.lines().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(home: &Path, cwd: &Path) -> Env {
        Env::fixed(cwd, [("HOME", home.as_os_str())])
    }

    #[test]
    fn a_second_lock_on_the_same_store_waits_and_then_names_the_holder() {
        let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let env = env(home.path(), work.path());
        let store = work.path().join(".env.keys");
        let first = Lock::acquire(&store, &env, Duration::ZERO).unwrap();
        let start = Instant::now();
        let error = Lock::acquire(&store, &env, Duration::from_millis(60)).unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(60));
        let text = error.to_string();
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains(home.path().to_str().unwrap()), "{text}");
        drop(first);
        drop(Lock::acquire(&store, &env, Duration::ZERO).unwrap());
        assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "nothing stray beside the store");
    }

    #[cfg(unix)]
    #[test]
    fn every_spelling_of_a_store_gives_the_same_lock() {
        let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let env = env(home.path(), work.path());
        let link = home.path().join("link");
        std::os::unix::fs::symlink(work.path(), &link).unwrap();
        let file_link = home.path().join("keys");
        std::os::unix::fs::symlink(work.path().join(".env.keys"), &file_link).unwrap();
        let _first = Lock::acquire(Path::new(".env.keys"), &env, Duration::ZERO).unwrap();
        for spelling in [work.path().join("./.env.keys"), link.join(".env.keys"), file_link] {
            let error = Lock::acquire(&spelling, &env, Duration::ZERO).unwrap_err();
            assert_eq!(error.code(), "file.locked");
        }
        Lock::acquire(&work.path().join("other"), &env, Duration::ZERO).map(drop).unwrap();
    }

    #[test]
    fn a_waiting_thread_gets_the_lock_when_it_is_given_back() {
        let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let env = env(home.path(), work.path());
        let store = Path::new(".env.keys");
        let first = Lock::acquire(store, &env, Duration::ZERO).unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| Lock::acquire(store, &env, Duration::from_secs(20)).is_ok());
            std::thread::sleep(Duration::from_millis(30));
            drop(first);
            assert!(waiter.join().unwrap());
        });
    }

    #[test]
    fn without_a_home_the_temporary_folder_serves() {
        let (temp, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let env = Env::fixed(work.path(), [("TMPDIR", temp.path().as_os_str())]);
        let _lock = Lock::acquire(Path::new(".env.keys"), &env, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1);
    }
}
