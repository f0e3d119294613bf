//! Key stores stay out of git and out of other users' sight, before the first key is in them.

use std::path::Path;

use crate::env::Env;
use crate::error::Error;
use crate::files::{self, Lock};
use crate::git::{Git, KeyStoreExposure, WorkTree};

use super::key_stores::{KeyStores, PATIENCE};

/// Refuses to mint a key into a store that git would publish.
pub(super) fn refuse_published(store: &Path, env: &Env) -> Result<(), Error> {
    let git = Git::new(env);
    let Some(tree) = store.parent().and_then(|folder| WorkTree::find(folder, &git)) else { return Ok(()) };
    match exposure(&tree, store, env)?.0 {
        KeyStoreExposure::Tracked(_) => Err(Error::TrackedKeyStore(store.to_path_buf())),
        KeyStoreExposure::Exposed => Err(Error::ExposedKeyStore(store.to_path_buf())),
        KeyStoreExposure::NotInRepo | KeyStoreExposure::Ignored | KeyStoreExposure::Appended(_) => Ok(()),
    }
}

/// Git-ignores every key store of the run and makes it private; what was done goes into `warnings`.
pub(super) fn before_writing(stores: &KeyStores, env: &Env, warnings: &mut Vec<String>) -> Result<(), Error> {
    for store in stores.existing() {
        let git = Git::new(env);
        if let Some(tree) = store.parent().and_then(|folder| WorkTree::find(folder, &git)) {
            warnings.extend(ignore(&tree, store, env)?);
        }
        if store.exists()
            && let Err(error) = files::restrict(store)
        {
            // It belongs to somebody else, who let this user read it.
            warnings.push(format!("{error}: others may be able to read the private keys in it"));
        }
    }
    Ok(())
}

/// How `store` stands towards git. Where that depends on `.gitignore`, it is looked at and left locked while no other
/// envdrift changes that file: half seen, it would name a store that git does not ignore yet.
fn exposure(tree: &WorkTree<'_>, store: &Path, env: &Env) -> Result<(KeyStoreExposure, Option<Lock>), Error> {
    match tree.key_store_exposure(store) {
        KeyStoreExposure::Appended(_) | KeyStoreExposure::Exposed => {
            let lock = Lock::acquire(&tree.gitignore(), env, PATIENCE)?;
            Ok((tree.key_store_exposure(store), Some(lock)))
        }
        settled => Ok((settled, None)),
    }
}

/// Appends what is missing to `.gitignore`; gives the warning that tells of it, or of a store that git has already.
fn ignore(tree: &WorkTree<'_>, store: &Path, env: &Env) -> Result<Option<String>, Error> {
    let (exposure, _lock) = exposure(tree, store, env)?;
    Ok(match exposure {
        KeyStoreExposure::NotInRepo | KeyStoreExposure::Ignored => None,
        KeyStoreExposure::Appended(entries) => {
            let lines: Vec<&str> = entries.iter().map(String::as_str).collect();
            files::append_lines(&tree.gitignore(), &lines)?;
            let entries = entries.join(", ");
            Some(format!("Added {entries} to .gitignore — never commit your private keys (.env.keys)."))
        }
        KeyStoreExposure::Exposed => Some(format!(
            "{} is not ignored by git although .gitignore names it — never commit your private keys: look for a `!` rule",
            store.display()
        )),
        KeyStoreExposure::Tracked(paths) => Some(format!(
            "{} is tracked by git — never commit your private keys: run `git rm --cached {}` and make new keys",
            store.display(),
            paths.join(" ")
        )),
    })
}
