//! Key stores stay out of git and out of other users' sight, before the first key is in them.

use std::path::Path;

use crate::env::Env;
use crate::error::Error;
use crate::files::{self, Lock};
use crate::git::{Git, KeyStoreExposure, WorkTree};

use super::key_stores::PATIENCE;

/// Refuses to mint a key into a store that git would publish.
pub(super) fn refuse_published(store: &Path, env: &Env) -> Result<(), Error> {
    let git = Git::new(env);
    let Some(tree) = store.parent().and_then(|folder| WorkTree::find(folder, &git)) else { return Ok(()) };
    match settled(&tree, store, env)?.0 {
        KeyStoreExposure::Tracked(_) => Err(Error::TrackedKeyStore(store.to_path_buf())),
        KeyStoreExposure::Exposed => Err(Error::ExposedKeyStore(store.to_path_buf())),
        KeyStoreExposure::NotInRepo | KeyStoreExposure::Ignored | KeyStoreExposure::Appended(_) => Ok(()),
    }
}

/// Git-ignores a key store and makes it private; what was done goes into `warnings`.
pub(super) fn before_writing(store: &Path, env: &Env, warnings: &mut Vec<String>) -> Result<(), Error> {
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
    Ok(())
}

/// Appends what is missing to `.gitignore`; gives the warning that tells of it, or of a store that git has already.
fn ignore(tree: &WorkTree<'_>, store: &Path, env: &Env) -> Result<Option<String>, Error> {
    let (exposure, _lock) = settled(tree, store, env)?;
    let (entries, warning) = in_words(exposure, store);
    if entries.is_empty() {
        return Ok(warning);
    }
    let lines: Vec<&str> = entries.iter().map(String::as_str).collect();
    files::append_lines(&tree.gitignore(), &lines)?;
    Ok(Some(format!(
        "Added {} to .gitignore — never commit your private keys (.env.keys).",
        entries.join(", ")
    )))
}

/// How `store` stands towards git. Where that depends on `.gitignore`, it is looked at and left locked while no other
/// envdrift changes that file: half seen, it would name a store that git does not ignore yet.
fn settled(tree: &WorkTree<'_>, store: &Path, env: &Env) -> Result<(KeyStoreExposure, Option<Lock>), Error> {
    match tree.key_store_exposure(store) {
        KeyStoreExposure::Appended(_) | KeyStoreExposure::Exposed => {
            let lock = Lock::acquire(&tree.gitignore(), env, PATIENCE)?;
            Ok((tree.key_store_exposure(store), Some(lock)))
        }
        settled => Ok((settled, None)),
    }
}

/// The lines that `.gitignore` lacks for a key store, and the warning where ignoring does not help.
pub(super) fn exposure(tree: &WorkTree<'_>, store: &Path) -> (Vec<String>, Option<String>) {
    in_words(tree.key_store_exposure(store), store)
}

fn in_words(exposure: KeyStoreExposure, store: &Path) -> (Vec<String>, Option<String>) {
    match exposure {
        KeyStoreExposure::NotInRepo | KeyStoreExposure::Ignored => (Vec::new(), None),
        KeyStoreExposure::Appended(entries) => (entries, None),
        KeyStoreExposure::Exposed => {
            let warning = format!(
                "{} is not ignored by git although .gitignore names it — never commit your private keys: look for a `!` rule",
                store.display()
            );
            (Vec::new(), Some(warning))
        }
        KeyStoreExposure::Tracked(paths) => {
            let warning = format!(
                "{} is tracked by git — never commit your private keys: run `git rm --cached {}` and make new keys",
                store.display(),
                paths.join(" ")
            );
            (Vec::new(), Some(warning))
        }
    }
}
