//! Whether git could publish the private keys that lie in a key store.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::{WorkTree, ignore};

/// The name that dotenvx gives its key store, and that every rule of the ecosystem knows.
const USUAL_NAME: &str = ".env.keys";
/// What stands between the name of a key store and the time in the name of its backup.
const BACKUP: &str = ".backup.";

/// How a key store and its backups stand towards git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyStoreExposure {
    /// No work tree holds it.
    NotInRepo,
    /// It and its backups are ignored.
    Ignored,
    /// These lines must be appended to [`WorkTree::gitignore`], and then it is.
    Appended(Vec<String>),
    /// It is not ignored although the lines are there: a deeper `.gitignore` re-includes it, or the one at the root is a
    /// symlink, which git does not read. A person must look.
    Exposed,
    /// These files, paths from the root, are in the index, so the next push publishes them. Ignoring would not help;
    /// `git rm --cached` and new keys do.
    Tracked(Vec<String>),
}

impl WorkTree<'_> {
    /// Tells how `store` stands towards git; it need not exist yet. Nothing is written.
    ///
    /// The usual name is covered at every depth of the repository, since other key stores may follow; a store of another
    /// name by its path. Backups (`<name>.backup.<time>`) hold the same keys and are covered as well.
    pub fn key_store_exposure(&self, store: &Path) -> KeyStoreExposure {
        let Some(path) = self.relative(store) else { return KeyStoreExposure::NotInRepo };
        let tracked = self.tracked_like(&path, BACKUP);
        if !tracked.is_empty() {
            return KeyStoreExposure::Tracked(tracked);
        }
        let mut backup = path.clone();
        backup.push(BACKUP);
        backup.push("20000101_000000_000000");

        let usual = Path::new(&path).file_name().is_some_and(|name| name == USUAL_NAME);
        let entry = if usual { USUAL_NAME.to_owned() } else { ignore::entry(&path) };
        let wanted: [(OsString, String); 2] = [(backup, format!("{entry}{BACKUP}*")), (path, entry)];
        let exposed = wanted.into_iter().rev().filter(|(path, _)| !self.ignores(path));
        let entries: Vec<String> = exposed.map(|(_, entry)| entry).collect();
        if entries.is_empty() {
            return KeyStoreExposure::Ignored;
        }
        let existing = fs::read(self.gitignore()).unwrap_or_default();
        if entries.iter().any(|entry| ignore::has_effective_line(&existing, entry)) {
            return KeyStoreExposure::Exposed;
        }
        KeyStoreExposure::Appended(entries)
    }
}
