//! Key stores stay out of git and out of other users' sight, before the first key is in them.

use std::path::Path;

use crate::env::Env;
use crate::error::Error;
use crate::files;
use crate::git::{self, KeyStoreExposure};

use super::key_stores::KeyStores;

/// Refuses to mint a key into a store that git tracks.
pub(super) fn refuse_tracked(store: &Path, env: &Env) -> Result<(), Error> {
    match git::is_tracked(store, env) {
        true => Err(Error::TrackedKeyStore(store.to_path_buf())),
        false => Ok(()),
    }
}

/// Git-ignores every key store of the run and makes it private; what was done goes into `warnings`.
pub(super) fn before_writing(stores: &KeyStores, env: &Env, warnings: &mut Vec<String>) -> Result<(), Error> {
    for store in stores.existing() {
        match git::ignore_key_store(store, env)? {
            KeyStoreExposure::Appended(entries) => warnings.push(format!(
                "Added {} to .gitignore — never commit your private keys (.env.keys).",
                entries.join(", ")
            )),
            KeyStoreExposure::Tracked => warnings.push(format!(
                "{} is tracked by git — never commit your private keys: run `git rm --cached {}`",
                store.display(),
                store.display()
            )),
            KeyStoreExposure::Ignored | KeyStoreExposure::NotInRepo => {}
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
