//! `decrypt`: ciphertext becomes values again, for one file or many, or only in memory.

use std::collections::BTreeSet;

use crate::backend::classify::{Evidence, Evidences, ValueClass};
use crate::backend::{BackendKind, EngineError, Job, Refusal};
use crate::cipher::Cipher;
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files::Mode;
use crate::keys::KeyRing;
use crate::parallel;
use crate::report::{Outcome, Report, Row, Verb};
use crate::secret::Secret;
use crate::workspace::target::Target;

use super::batch::Batch;
use super::key_stores::{Access, KeyStores};

/// What to do with the plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Write it into the file.
    InPlace,
    /// Give it back.
    InMemory,
    /// Only say whether there is one.
    Check,
}

/// What to decrypt, and with what.
pub struct Request<'a> {
    /// The files, in argument order.
    pub targets: &'a [Target],
    /// The backend of the command line; else each file says its own.
    pub backend: Option<BackendKind>,
    /// The backend of a file that does not say.
    pub default: BackendKind,
    /// Gives the cipher of a backend.
    pub open: &'a Opener<'a>,
    /// What to do with the plaintext.
    pub output: Output,
    /// The environment.
    pub env: &'a Env,
}

/// Gives the cipher of a backend.
pub type Opener<'a> = dyn Fn(BackendKind) -> Result<Cipher, Error> + Sync + 'a;

/// A report, the plaintexts that were asked for, and the backend of each file where it was detected.
pub struct Decrypted {
    /// One row a file.
    pub report: Report,
    /// With [`Output::InMemory`]: the text of every file, in argument order.
    pub texts: Vec<Secret>,
    /// The backends that the files themselves said.
    pub detected: BTreeSet<BackendKind>,
}

/// Decrypts every target, or none.
pub fn run(request: &Request<'_>) -> Decrypted {
    run_batch(request, Batch::whole(request.targets))
}

/// Decrypts every target for itself: one that fails leaves the others to it. All are decrypted in memory before the
/// first is written.
pub(super) fn run_each(request: &Request<'_>) -> Decrypted {
    run_batch(request, Batch::apart(request.targets))
}

fn run_batch<'a>(request: &Request<'a>, batch: Batch<'a>) -> Decrypted {
    let with =
        With { backend: request.backend, default: request.default, open: request.open, env: request.env };
    let mut run = Run::start(batch, with);
    run.load();
    run.open();
    if request.output == Output::InPlace {
        run.write(Mode::Keep);
    }
    let detected = std::mem::take(&mut run.detected);
    let texts = if request.output == Output::InMemory { run.texts() } else { Vec::new() };
    let done = if request.output == Output::Check { Outcome::WouldChange } else { Outcome::Changed };
    Decrypted { report: Report { command: "decrypt", rows: run.finish(done) }, texts, detected }
}

/// The backend that a file says it was encrypted with; none where it does not say or cannot be read.
pub fn detect(target: &Target) -> Option<BackendKind> {
    let text = crate::files::read_text(target.path()).ok()?;
    Evidences::of(&EnvFile::parse(text)).backend()
}

/// What a decryption needs besides its files.
#[derive(Clone, Copy)]
pub(super) struct With<'a> {
    /// The backend of all files; else each file says its own.
    pub(super) backend: Option<BackendKind>,
    /// The backend of a file that does not say.
    pub(super) default: BackendKind,
    /// Gives the cipher of a backend.
    pub(super) open: &'a Opener<'a>,
    /// The environment.
    pub(super) env: &'a Env,
}

/// One file that was read.
struct Work {
    file: EnvFile,
    kind: BackendKind,
    plain: Option<Secret>,
}

/// One decryption of a batch, step by step: `start`, `load`, `open`, perhaps `write`, `finish`.
pub(super) struct Run<'a> {
    batch: Batch<'a>,
    with: With<'a>,
    work: Vec<Option<Work>>,
    ciphers: Vec<Cipher>,
    detected: BTreeSet<BackendKind>,
}

impl<'a> Run<'a> {
    /// A run that has done nothing yet.
    pub(super) fn start(batch: Batch<'a>, with: With<'a>) -> Self {
        let work = batch.targets().iter().map(|_| None).collect();
        Self { batch, with, work, ciphers: Vec::new(), detected: BTreeSet::new() }
    }

    /// The batch.
    pub(super) fn batch(&self) -> &Batch<'a> {
        &self.batch
    }

    /// The batch, for errors of the caller.
    pub(super) fn batch_mut(&mut self) -> &mut Batch<'a> {
        &mut self.batch
    }

    /// Reads the files and finds the backend of each.
    pub(super) fn load(&mut self) {
        let files = self.batch.load();
        for (at, file) in files.into_iter().enumerate() {
            let Some(file) = file else { continue };
            let found = Evidences::of(&file);
            // Ciphertext of another backend than the one that was typed is not "nothing to decrypt".
            if let (Some(selected), Some(other)) = (self.with.backend, found.by_value())
                && other != selected
            {
                let path = self.batch.target(at).to_string();
                self.batch.fail(at, Refusal::OtherBackend { path, other, selected }.into());
                continue;
            }
            let said = || found.backend();
            let kind = self.with.backend.or_else(|| said().inspect(|&kind| _ = self.detected.insert(kind)));
            self.work[at] = Some(Work { kind: kind.unwrap_or(self.with.default), file, plain: None });
        }
    }

    /// Decrypts in memory.
    pub(super) fn open(&mut self) {
        let todo: Vec<usize> = self.batch.good().into_iter().filter(|&at| self.is_encrypted(at)).collect();
        self.open_ciphers(&todo);
        let dotenvx = |at: &usize| self.batch.is_good(*at) && self.is_of(*at, BackendKind::Dotenvx);
        let members: Vec<usize> = todo.iter().copied().filter(dotenvx).collect();
        let stores = KeyStores::open(&mut self.batch, &members, Access::Read, self.with.env);
        let jobs: Vec<(usize, &Work, &Cipher)> = todo.iter().filter_map(|&at| self.job(at)).collect();
        let opened = parallel::map(jobs.len(), parallel::cores(), |job| {
            let (at, work, cipher) = jobs[job];
            let target = self.batch.target(at);
            let failed = |source| Error::Engine { verb: Verb::Decrypt, path: target.to_string(), source };
            (at, open(target, work, cipher, &stores).map_err(failed))
        });
        for (at, plain) in self.batch.keep(opened) {
            if let Some(work) = &mut self.work[at] {
                work.plain = Some(plain);
            }
        }
    }

    /// The readable text of the file at `at`, its own where it had nothing to decrypt; none where its group failed.
    pub(super) fn plaintext(&self, at: usize) -> Option<&str> {
        let work = self.work[at].as_ref().filter(|_| self.batch.is_good(at))?;
        Some(work.plain.as_ref().map_or(work.file.text(), Secret::expose))
    }

    /// Writes the plaintexts into the files; all are on disk before the first file is replaced.
    pub(super) fn write(&mut self, mode: Mode) {
        let texts: Vec<(usize, &str)> = self
            .work
            .iter()
            .enumerate()
            .filter_map(|(at, work)| Some((at, work.as_ref()?.plain.as_ref()?.expose())))
            .collect();
        let staged = self.batch.stage(&texts, mode);
        let written = self.work.iter().enumerate().filter_map(|(at, work)| Some((at, work.as_ref()?)));
        let written: Vec<(usize, &EnvFile)> =
            written.filter(|(_, work)| work.plain.is_some()).map(|(at, work)| (at, &work.file)).collect();
        self.batch.check_unchanged(&written);
        self.batch.commit(staged);
    }

    /// One row a file; `done` is how a file ended that had something to decrypt.
    pub(super) fn finish(self, done: impl Fn(Verb) -> Outcome) -> Vec<Row> {
        let Self { batch, work, ciphers, .. } = self;
        let targets = batch.targets();
        batch.into_rows(|at| {
            let target = &targets[at];
            let nothing = || Outcome::Same(format!("Nothing to decrypt: {target} has no encrypted values."));
            let work = work[at].as_ref();
            let opened = work.filter(|work| work.plain.is_some());
            let mut row = Row::new(target.to_string(), opened.map_or_else(nothing, |_| done(Verb::Decrypt)));
            row.backend = work.map(|work| work.kind);
            let cipher =
                opened.and_then(|work| ciphers.iter().find(|cipher| cipher.backend.kind() == work.kind));
            row.engine = cipher.map(|cipher| cipher.engine.label());
            row
        })
    }

    /// The text of every file, its own where it had nothing to decrypt.
    fn texts(&self) -> Vec<Secret> {
        let text = |work: &Work| work.plain.clone().unwrap_or_else(|| Secret::new(work.file.text()));
        self.work.iter().flatten().map(text).collect()
    }

    fn is_of(&self, at: usize, kind: BackendKind) -> bool {
        self.work[at].as_ref().is_some_and(|work| work.kind == kind)
    }

    /// A dotenvx file without ciphertext needs neither engine nor key; SOPS says itself that it is none of its files.
    fn is_encrypted(&self, at: usize) -> bool {
        let meant_as_ciphertext =
            |line: &Evidence| matches!(line.class, ValueClass::Dotenvx | ValueClass::Damaged);
        self.work[at].as_ref().is_some_and(|work| {
            work.kind == BackendKind::Sops || Evidences::of(&work.file).lines.iter().any(meant_as_ciphertext)
        })
    }

    fn open_ciphers(&mut self, todo: &[usize]) {
        for kind in [BackendKind::Dotenvx, BackendKind::Sops] {
            let members: Vec<usize> = todo.iter().copied().filter(|&at| self.is_of(at, kind)).collect();
            if members.is_empty() {
                continue;
            }
            match (self.with.open)(kind) {
                Ok(cipher) => self.ciphers.push(cipher),
                Err(error) => self.batch.fail_all(members, error),
            }
        }
    }

    /// A file of a good group with the cipher that opens it.
    fn job(&self, at: usize) -> Option<(usize, &Work, &Cipher)> {
        let work = self.work[at].as_ref().filter(|_| self.batch.is_good(at))?;
        Some((at, work, self.ciphers.iter().find(|cipher| cipher.backend.kind() == work.kind)?))
    }
}

fn open(target: &Target, work: &Work, cipher: &Cipher, stores: &KeyStores) -> Result<Secret, EngineError> {
    let nothing = KeyRing::default();
    let ring = stores.ring(&target.key_store()).unwrap_or(&nothing);
    cipher.decrypt(&Job { target, file: &work.file, ring, public: None, previous: None }).map(Secret::new)
}
