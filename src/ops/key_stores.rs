//! The key stores of a run: locked, read once, added to, written before the files that need them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::backend::dotenvx;
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files::{self, FileError, Link, Lock, Mode, Staged, Write};
use crate::keys::{self, KeyName, KeyRing, PrivateKey, PublicKey};
use crate::workspace::target::Target;

use super::batch::Batch;

/// The key store that the header of `target` points at (`# -fk PATH`), if it is one.
///
/// Whoever may edit the file writes that note, so a path counts only where a private key is found.
pub fn noted(target: &Target) -> Option<PathBuf> {
    let text = files::read_text(target.path()).ok().filter(|text| text.contains("# -fk "))?;
    let file = EnvFile::parse(text);
    let path = target.folder().join(dotenvx::key_store_note(&file)?);
    let store = Zeroizing::new(files::read_text(&path).ok()?);
    (!KeyRing::collect(Some(&store), &Env::default()).is_empty()).then_some(path)
}

/// How long to wait for another envdrift that works on the same key store.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// One key store and the ring it makes together with the environment.
struct KeyStore {
    ring: KeyRing,
    text: Option<Zeroizing<String>>,
    minted: Vec<Minted>,
    _lock: Option<Lock>,
}

/// A pair made in this run.
struct Minted {
    name: KeyName,
    /// The file that it was made for.
    base_name: String,
    key: PrivateKey,
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
    /// Opens the stores beside `members`, in an order that is the same in every run.
    ///
    /// A store that cannot be opened gives up the groups of the members that need it.
    pub(super) fn open(batch: &mut Batch<'_>, members: &[usize], access: Access, env: &Env) -> Self {
        let mut by_path: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for &at in members {
            by_path.entry(batch.target(at).key_store()).or_default().push(at);
        }
        let mut stores = BTreeMap::new();
        for (path, members) in by_path {
            match KeyStore::open(&path, access, env) {
                Ok(store) => _ = stores.insert(path, store),
                Err(error) => batch.fail_all(members, error.into()),
            }
        }
        Self(stores)
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
        store.ring.insert(name.clone(), key.clone());
        store.minted.push(Minted { name: name.clone(), base_name: base_name.to_owned(), key });
        Ok(public)
    }

    /// True where the pair called `name` was made in this run.
    pub(super) fn is_minted(&self, path: &Path, name: &KeyName) -> bool {
        self.0.get(path).is_some_and(|store| store.minted.iter().any(|minted| &minted.name == name))
    }

    /// Forgets the pairs made in this run that no file of it needs after all.
    pub(super) fn retain(&mut self, is_needed: impl Fn(&Path, &KeyName) -> bool) {
        for (path, store) in &mut self.0 {
            store.minted.retain(|minted| is_needed(path, &minted.name));
        }
    }

    /// Writes the stores that got a key under temporary names; gives the path with each.
    pub(super) fn stage(&self) -> Vec<(PathBuf, Result<Staged, FileError>)> {
        let grown = self.0.iter().filter(|(_, store)| !store.minted.is_empty());
        let texts: Vec<(PathBuf, Zeroizing<String>)> =
            grown.filter_map(|(path, store)| Some((path.clone(), store.grown()?))).collect();
        let writes: Vec<Write<'_>> = texts
            .iter()
            .map(|(path, text)| Write {
                path,
                bytes: text.as_bytes(),
                mode: Mode::Private,
                link: Link::Follow,
            })
            .collect();
        let staged = files::stage_all(&writes);
        texts.iter().map(|(path, _)| path.clone()).zip(staged).collect()
    }

    /// Makes sure that the store at `path` still holds what was read: a key that another program put there meanwhile
    /// must not be lost.
    pub(super) fn check_unchanged(&self, path: &Path) -> Result<(), Error> {
        match self.0.get(path) {
            Some(store) if read(path)? != store.text => Err(Error::ChangedMeanwhile(path.to_path_buf())),
            Some(_) | None => Ok(()),
        }
    }

    /// The paths of the stores that exist or will exist.
    pub(super) fn existing(&self) -> Vec<PathBuf> {
        let exists = |store: &KeyStore| store.text.is_some() || !store.minted.is_empty();
        self.0.iter().filter(|(_, store)| exists(store)).map(|(path, _)| path.clone()).collect()
    }
}

impl KeyStore {
    fn open(path: &Path, access: Access, env: &Env) -> Result<Self, FileError> {
        let lock = (access == Access::Change).then(|| Lock::acquire(path, env, PATIENCE)).transpose()?;
        let text = read(path)?;
        let ring = KeyRing::collect(text.as_deref().map(String::as_str), env);
        Ok(Self { ring, text, minted: Vec::new(), _lock: lock })
    }

    /// The text with the pairs made in this run at its end.
    fn grown(&self) -> Option<Zeroizing<String>> {
        let mut text = self.text.clone();
        for Minted { name, base_name, key } in &self.minted {
            text = Some(keys::store_with(text.as_deref().map(String::as_str), base_name, name, key));
        }
        text
    }
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, FileError> {
    match files::read_text(path) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(FileError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
