//! `encrypt`: values become ciphertext, for one file or many.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::backend::dotenvx::key_choice::{self, KeyChoice};
use crate::backend::{BackendKind, Job, Kept, Proved};
use crate::cipher::{Cipher, Proven, Step};
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::keys::{KeyName, KeyRing, PublicKey};
use crate::parallel;
use crate::report::{Outcome, Report, Row, Verb};
use crate::workspace::target::Target;

use super::batch::Batch;
use super::key_stores::{Access, KeyStores};
use super::previous::{self, Reuse};
use super::protect;

/// What to encrypt, and with what.
pub struct Request<'a> {
    /// The files, in argument order.
    pub targets: &'a [Target],
    /// The rules and the engine.
    pub cipher: &'a Cipher,
    /// Whether values that did not change keep their ciphertext.
    pub reuse: Reuse,
    /// The environment.
    pub env: &'a Env,
}

/// A report and the warnings about key stores that go with it.
pub struct Encrypted {
    /// One row a file.
    pub report: Report,
    /// About `.gitignore` and tracked key stores.
    pub warnings: Vec<String>,
}

/// Encrypts every target, or none: refusals, engines and proofs come before the first write.
pub fn run(request: &Request<'_>) -> Encrypted {
    run_batch(request, Batch::whole(request.targets))
}

/// Encrypts every target for itself: one that fails leaves the others to it. All refusals and proofs come before the
/// first write.
pub(super) fn run_each(request: &Request<'_>) -> Encrypted {
    run_batch(request, Batch::apart(request.targets))
}

fn run_batch<'a>(request: &Request<'a>, batch: Batch<'a>) -> Encrypted {
    let Request { cipher, reuse, env, .. } = *request;
    let mut run = Run::start(batch, With { cipher, reuse, env });
    run.load();
    run.seal();
    run.write();
    let (rows, warnings) = run.finish();
    Encrypted { report: Report { command: "encrypt", rows }, warnings }
}

/// What an encryption needs besides its files.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    /// The rules and the engine.
    pub(super) cipher: &'a Cipher,
    /// Whether values that did not change keep their ciphertext.
    pub(super) reuse: Reuse,
    /// The environment.
    pub(super) env: &'a Env,
}

/// One encryption of a batch, step by step: `start`, `load`, `seal`, `write`, `finish`.
///
/// The key stores are locked from `start` to `finish`, so what a caller writes between the two belongs to the same
/// transaction.
pub(super) struct Run<'a> {
    batch: Batch<'a>,
    with: With<'a>,
    stores: KeyStores,
    files: Vec<Option<EnvFile>>,
    left_alone: BTreeSet<usize>,
    keys: Vec<Option<(KeyName, PublicKey)>>,
    proven: Vec<Option<Proven>>,
    warnings: Vec<String>,
}

impl<'a> Run<'a> {
    /// Locks and reads the key stores of the batch.
    pub(super) fn start(mut batch: Batch<'a>, with: With<'a>) -> Self {
        let members = match with.cipher.backend.kind() {
            BackendKind::Dotenvx => batch.good(),
            BackendKind::Sops => Vec::new(),
        };
        let stores = KeyStores::open(&mut batch, &members, Access::Change, with.env);
        let none = || batch.targets().iter().map(|_| None);
        let (files, keys, proven) = (none().collect(), batch.spread(Vec::new()), batch.spread(Vec::new()));
        Self { batch, with, stores, files, left_alone: BTreeSet::new(), keys, proven, warnings: Vec::new() }
    }

    /// The batch.
    pub(super) fn batch(&self) -> &Batch<'a> {
        &self.batch
    }

    /// The batch, for errors of the caller.
    pub(super) fn batch_mut(&mut self) -> &mut Batch<'a> {
        &mut self.batch
    }

    /// Reads the files.
    pub(super) fn load(&mut self) {
        self.files = self.batch.load();
    }

    /// The file at `at` as it was read; none where its group failed.
    pub(super) fn file(&self, at: usize) -> Option<&EnvFile> {
        self.files[at].as_ref()
    }

    /// Takes a file for encrypted without looking at it.
    pub(super) fn leave_alone(&mut self, at: usize) {
        self.left_alone.insert(at);
    }

    /// Refuses, chooses keys, encrypts and proves; nothing is written.
    pub(super) fn seal(&mut self) {
        let todo = self.examine();
        let previous = self.find_previous(&todo);
        let todo = self.choose_keys(&todo, &previous);
        let nothing = KeyRing::default();
        let job = |&at: &usize| {
            let target = self.batch.target(at);
            let ring = self.stores.ring(&target.key_store()).unwrap_or(&nothing);
            let (file, previous) = (self.files[at].as_ref()?, previous[at].as_ref());
            Some((at, Job { target, file, ring, public: self.keys[at].clone(), previous }))
        };
        let jobs: Vec<(usize, Job<'_>)> = todo.iter().filter_map(job).collect();
        let proven = parallel::map(jobs.len(), parallel::cores(), |index| {
            let (at, job) = &jobs[index];
            let failed = |source| Error::Engine { verb: Verb::Encrypt, path: job.target.to_string(), source };
            (*at, self.with.cipher.encrypt(job).map_err(failed))
        });
        let proven = self.batch.keep(proven);
        self.proven = self.batch.spread(proven);
    }

    /// The text that the file at `at` has when the run is over; none where its group failed.
    pub(super) fn text(&self, at: usize) -> Option<&str> {
        let new = self.proven[at].as_ref().map(|one| one.encrypted.text.as_str());
        new.or_else(|| self.files[at].as_ref().map(EnvFile::text)).filter(|_| self.batch.is_good(at))
    }

    /// Writes the key stores, then the files. Everything is on disk under other names before anything is replaced, and
    /// the key stores are out of git's and of other users' sight before one of them gets a key.
    pub(super) fn write(&mut self) {
        let texts: Vec<(usize, &str)> = self
            .proven
            .iter()
            .enumerate()
            .filter_map(|(at, one)| Some((at, one.as_ref()?.encrypted.text.as_str())))
            .collect();
        let staged = self.batch.stage(&texts, Mode::Keep);
        let read = texts.iter().filter_map(|(at, _)| Some((*at, self.files[*at].as_ref()?)));
        let read: Vec<(usize, &EnvFile)> = read.filter(|(at, _)| self.batch.is_good(*at)).collect();
        self.batch.check_unchanged(&read);
        self.protect_stores();
        self.write_stores();
        self.batch.commit(staged);
    }

    /// Writes the stores with a key that a file needs; one that cannot be written fails those files.
    fn write_stores(&mut self) {
        let needed = self.minted();
        let is_needed = |path: &Path, name: &KeyName| {
            needed.iter().any(|(_, store, used)| (store.as_path(), used) == (path, name))
        };
        self.stores.retain(is_needed);
        let (mut paths, mut staged) = (Vec::new(), Vec::new());
        let mut failed = Vec::new();
        for (path, one) in self.stores.stage() {
            match one.map_err(Error::from).and_then(|one| self.stores.check_unchanged(&path).map(|()| one)) {
                Ok(one) => {
                    paths.push(path);
                    staged.push(one);
                }
                Err(error) => failed.push((path, error)),
            }
        }
        let committed = paths.into_iter().zip(files::commit_all(staged));
        failed.extend(committed.filter_map(|(path, one)| Some((path, one.err()?.into()))));
        for (path, error) in failed {
            let members = needed.iter().filter(|(_, store, _)| *store == path).map(|(at, ..)| *at);
            self.batch.fail_all(members, error);
        }
    }

    /// One row a file, and the warnings about key stores; the key stores are free again.
    pub(super) fn finish(self) -> (Vec<Row>, Vec<String>) {
        let Self { batch, with, mut proven, warnings, .. } = self;
        let targets = batch.targets();
        let rows = batch.into_rows(|at| row(&targets[at], with.cipher, proven[at].take()));
        (rows, warnings)
    }

    /// Refuses what must not be encrypted; gives the files that have to be.
    fn examine(&mut self) -> Vec<usize> {
        let good = self.batch.good().into_iter().filter(|at| !self.left_alone.contains(at));
        let examine = |at: usize| {
            let step = self.with.cipher.examine(self.batch.target(at), self.files[at].as_ref()?);
            Some((at, step.map_err(Error::from)))
        };
        let steps: Vec<_> = good.filter_map(examine).collect();
        let steps = self.batch.keep(steps);
        steps.into_iter().filter(|(_, step)| *step == Step::Encrypt).map(|(at, _)| at).collect()
    }

    /// The last encrypted form of every file that is to be encrypted, unless all is to be fresh.
    fn find_previous(&self, todo: &[usize]) -> Vec<Option<EnvFile>> {
        if self.with.reuse == Reuse::Nothing {
            return self.batch.spread(Vec::new());
        }
        let targets: Vec<&Target> = todo.iter().map(|&at| self.batch.target(at)).collect();
        let found = previous::find(&targets, self.with.cipher.backend.as_ref(), self.with.env);
        let found = todo.iter().copied().zip(found);
        self.batch.spread(found.filter_map(|(at, file)| Some((at, file?))).collect())
    }

    /// The key of every file that is to be encrypted; new pairs are minted once for each store and name.
    fn choose_keys(&mut self, todo: &[usize], previous: &[Option<EnvFile>]) -> Vec<usize> {
        if self.with.cipher.backend.kind() == BackendKind::Sops {
            return todo.to_vec();
        }
        let mut private = BTreeSet::new();
        let mut chosen = Vec::with_capacity(todo.len());
        for &at in todo {
            if let Some(key) = self.choose_key(at, previous[at].as_ref(), &mut private) {
                chosen.push((at, key));
            }
        }
        let kept = self.batch.keep(chosen);
        let todo = kept.iter().map(|(at, _)| *at).collect();
        self.keys = self.batch.spread(kept);
        todo
    }

    /// `private`: the key stores that were found not to be published by git.
    fn choose_key(
        &mut self,
        at: usize,
        previous: Option<&EnvFile>,
        private: &mut BTreeSet<PathBuf>,
    ) -> Option<Result<(KeyName, PublicKey), Error>> {
        let target = self.batch.target(at);
        let path = target.key_store();
        let nothing = KeyRing::default();
        let ring = self.stores.ring(&path).unwrap_or(&nothing);
        let job = Job { target, file: self.files[at].as_ref()?, ring, public: None, previous };
        let choice = key_choice::choose(&job).map_err(|error| Error::no_key(&target.to_string(), error));
        Some(choice.and_then(|choice| match choice {
            KeyChoice::Use(name, public) => Ok((name, public)),
            KeyChoice::Mint(name) => {
                if !private.contains(&path) {
                    files::refuse_read_only(&path)?;
                    protect::refuse_published(&path, self.with.env)?;
                    private.insert(path.clone());
                }
                let public = self.stores.mint(&path, &target.base_name(), &name)?;
                Ok((name, public))
            }
        }))
    }

    /// Git-ignores the key stores and takes them away from other users.
    fn protect_stores(&mut self) {
        for store in self.stores.existing() {
            let uses = |at: &usize| self.batch.target(*at).key_store() == store;
            let members: Vec<usize> = self.batch.good().into_iter().filter(uses).collect();
            if members.is_empty() {
                continue;
            }
            if let Err(error) = protect::before_writing(&store, self.with.env, &mut self.warnings) {
                self.batch.fail_all(members, error);
            }
        }
    }

    /// The files of good groups whose pair was made in this run: index, key store and name.
    fn minted(&self) -> Vec<(usize, PathBuf, KeyName)> {
        let minted = |at: usize| {
            let (name, _) = self.keys[at].as_ref()?;
            let store = self.batch.target(at).key_store();
            self.stores.is_minted(&store, name).then(|| (at, store, name.clone()))
        };
        self.batch.good().into_iter().filter_map(minted).collect()
    }
}

fn row(target: &Target, cipher: &Cipher, proven: Option<Proven>) -> Row {
    let unchanged = || Outcome::Same(format!("{target} is already encrypted (no change)"));
    let mut row = Row::new(target.to_string(), unchanged());
    row.backend = Some(cipher.backend.kind());
    let Some(one) = proven else { return row };
    row.outcome =
        if one.encrypted.kept == Kept::File { Outcome::Restored } else { Outcome::Changed(Verb::Encrypt) };
    row.proved = Some(one.proved);
    row.engine = Some(cipher.engine.label());
    row.notes = one.encrypted.readable;
    if one.proved == Proved::Structure {
        row.notes.push("no private key is at hand, so only the structure of the result was checked".into());
    }
    row
}
