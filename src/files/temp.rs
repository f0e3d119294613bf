//! The place of a new content between being written and being put in place.
//!
//! On Linux it has no name: the system frees it when the process ends, however it ends, so that a killed envdrift
//! leaves no copy of a secret behind. It gets a name for the moment of the rename. Where the file system cannot do
//! that, and where many are open, it has an unpredictable name from the start.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::{Builder, TempPath};

use super::draft::{Mode, parent};

/// Leaves room for the random part and the suffix in a name of 255 bytes.
const NAME_LIMIT: usize = 200;

/// One of these. Dropping it removes the file.
#[derive(Debug)]
pub(super) enum Temp {
    /// A name beside the target.
    Named(TempPath),
    /// An open file without a name.
    #[cfg(target_os = "linux")]
    Unnamed(Unnamed),
}

impl Temp {
    /// Makes an empty one beside `target`, open for writing.
    pub(super) fn create(target: &Path, mode: Mode, old: Option<&Metadata>) -> io::Result<(File, Self)> {
        // The system takes the umask off; nobody can be asked for it without changing it.
        let permissions = if mode == Mode::Keep && old.is_none() { 0o666 } else { 0o600 };
        #[cfg(target_os = "linux")]
        if let Some((file, unnamed)) = Unnamed::create(parent(target), permissions) {
            return Ok((file, Self::Unnamed(unnamed)));
        }
        let prefix = prefix(target);
        let mut builder = named(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(permissions));
        }
        #[cfg(not(unix))]
        let _ = permissions;
        let (file, path) = builder.tempfile_in(parent(target))?.into_parts();
        Ok((file, Self::Named(path)))
    }

    /// Its name beside `target`; it gets one now where it had none.
    pub(super) fn into_path(self, target: &Path) -> io::Result<TempPath> {
        match self {
            Self::Named(path) => Ok(path),
            #[cfg(target_os = "linux")]
            Self::Unnamed(unnamed) => {
                let prefix = prefix(target);
                let linked = named(&prefix).make_in(parent(target), |path| unnamed.link(path))?;
                Ok(linked.into_temp_path())
            }
        }
    }
}

/// How many may be open at a time: far below the number of files that a process may open.
#[cfg(target_os = "linux")]
const UNNAMED_LIMIT: usize = 128;

/// How many are.
#[cfg(target_os = "linux")]
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A file that no folder knows.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Unnamed {
    file: File,
    _slot: Slot,
}

/// One of those that may be open.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Slot(());

#[cfg(target_os = "linux")]
impl Slot {
    fn take() -> Option<Self> {
        let slot = Self(());
        // The slot is given back where it was one too many.
        (OPEN.fetch_add(1, Ordering::Relaxed) < UNNAMED_LIMIT).then_some(slot)
    }
}

#[cfg(target_os = "linux")]
impl Drop for Slot {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(target_os = "linux")]
impl Unnamed {
    /// None where the file system has no such thing, or too many are open.
    fn create(folder: &Path, permissions: u32) -> Option<(File, Self)> {
        use rustix::fs::{Mode, OFlags};

        // It is by way of this folder that the file gets its name.
        if !Path::new("/proc/self/fd").exists() {
            return None;
        }
        let slot = Slot::take()?;
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(folder, flags, Mode::from_raw_mode(permissions)).ok()?);
        let to_write = file.try_clone().ok()?;
        Some((to_write, Self { file, _slot: slot }))
    }

    fn link(&self, path: &Path) -> io::Result<()> {
        use std::os::fd::AsRawFd;

        use rustix::fs::{AtFlags, CWD, linkat};

        let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW).map_err(io::Error::from)
    }
}

fn named(prefix: &OsStr) -> Builder<'_, 'static> {
    let mut builder = Builder::new();
    builder.prefix(prefix).suffix(".envdrift-tmp").rand_bytes(12);
    builder
}

/// The target's own name, cut when it would make the temporary name too long.
fn prefix(target: &Path) -> OsString {
    let name = target.file_name().unwrap_or(OsStr::new("file"));
    let mut prefix = OsString::from(".");
    if name.len() <= NAME_LIMIT {
        prefix.push(name);
    } else {
        let text = name.to_string_lossy();
        prefix.push(&text[..text.floor_char_boundary(NAME_LIMIT)]);
    }
    prefix.push(".");
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_new_content_has_no_name_as_long_as_not_too_many_are_open() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join(".env");
        let many: Vec<Temp> =
            (0..UNNAMED_LIMIT + 3).map(|_| Temp::create(&target, Mode::Private, None).unwrap().1).collect();
        // Other tests have some open at the same time.
        let named = names(dir.path()).len();
        assert!((3..UNNAMED_LIMIT).contains(&named), "{named}");
        drop(many);
        assert_eq!(names(dir.path()).len(), 0);
    }

    #[test]
    fn its_name_is_beside_the_target_private_unpredictable_and_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join(".env");
        let name = || {
            let path = Temp::create(&target, Mode::Private, None).unwrap().1.into_path(&target).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
            }
            assert_eq!(names(dir.path()).len(), 1);
            names(dir.path()).remove(0)
        };
        let (one, two) = (name(), name());
        assert_ne!(one, two);
        assert!(one.starts_with("..env.") && one.ends_with(".envdrift-tmp"), "{one}");
        assert_eq!(names(dir.path()).len(), 0);
    }
}
