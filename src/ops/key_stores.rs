//! The key stores of a run: locked, read once, added to, written before the files that need them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::env::Env;
use crate::error::Error;
use crate::files::{self, FileError, Lock, Mode, Staged, Write};
use crate::keys::{self, KeyName, KeyRing, PrivateKey, PublicKey};

/// How long to wait for another envdrift that works on the same key store.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// One key store and the ring it makes together with the environment.
pub(super) struct KeyStore {
    /// Its keys and those of the environment.
    pub(super) ring: KeyRing,
    text: Option<Zeroizing<String>>,
    /// The text with the keys that were made in this run.
    grown: Option<Zeroizing<String>>,
    _lock: Option<Lock>,
}

/// Whether a run will change key stores.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Only read.
    Read,
    /// Locked against other runs until this one is over.
    Change,
}

/// The key stores of a run, by path.
pub(super) struct KeyStores(BTreeMap<PathBuf, KeyStore>);

impl KeyStores {
    /// Opens the stores at `paths`, in an order that is the same in every run.
    pub(super) fn open(
        paths: impl Iterator<Item = PathBuf>,
        access: Access,
        env: &Env,
    ) -> Result<Self, Error> {
        let mut stores = BTreeMap::new();
        for path in paths.collect::<std::collections::BTreeSet<_>>() {
            let lock = (access == Access::Change).then(|| Lock::acquire(&path, env, PATIENCE)).transpose()?;
            let text = read(&path)?;
            let ring = KeyRing::collect(text.as_deref().map(String::as_str), env);
            stores.insert(path, KeyStore { ring, text, grown: None, _lock: lock });
        }
        Ok(Self(stores))
    }

    /// The store at `path`, one of those that were opened.
    pub(super) fn ring(&self, path: &Path) -> Option<&KeyRing> {
        self.0.get(path).map(|store| &store.ring)
    }

    /// Makes a pair called `name` for a file called `base_name`; only in memory.
    pub(super) fn mint(&mut self, path: &Path, base_name: &str, name: &KeyName) -> Result<PublicKey, Error> {
        let none = || Error::from(FileError::Missing { path: path.to_path_buf() });
        let store = self.0.get_mut(path).ok_or_else(none)?;
        let random = |source| Error::Engine {
            verb: crate::report::Verb::Encrypt,
            path: base_name.to_owned(),
            source: crate::backend::EngineError::Random(source),
        };
        let key = PrivateKey::generate().map_err(random)?;
        let public = key.public().ok_or_else(|| random(getrandom::Error::UNEXPECTED))?;
        let before = store.grown.as_ref().or(store.text.as_ref()).map(|text| text.as_str());
        store.grown = Some(keys::store_with(before, base_name, name, &key));
        store.ring.insert(name.clone(), key);
        Ok(public)
    }

    /// Writes the stores that got a key under temporary names.
    pub(super) fn stage(&self) -> Result<Vec<Staged>, Error> {
        let grown = self.0.iter().filter_map(|(path, store)| Some((path, store.grown.as_ref()?)));
        let stage = |(path, text): (&PathBuf, &Zeroizing<String>)| {
            files::stage(Write { path, bytes: text.as_bytes(), mode: Mode::Private }).map_err(Error::from)
        };
        grown.map(stage).collect()
    }

    /// Makes sure that the stores to be replaced still hold what was read: a key that another program put there
    /// meanwhile must not be lost.
    pub(super) fn unchanged(&self) -> Result<(), Error> {
        for (path, store) in self.0.iter().filter(|(_, store)| store.grown.is_some()) {
            if read(path)? != store.text {
                return Err(Error::ChangedMeanwhile(path.clone()));
            }
        }
        Ok(())
    }

    /// The paths of the stores that exist or will exist.
    pub(super) fn existing(&self) -> impl Iterator<Item = &Path> {
        self.0
            .iter()
            .filter(|(_, store)| store.text.is_some() || store.grown.is_some())
            .map(|(path, _)| path.as_path())
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, Error> {
    match files::read_text(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(FileError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
