//! `decrypt`: ciphertext becomes values again, for one file or many, or only in memory.

use std::collections::BTreeSet;

use crate::backend::classify::{Evidence, Evidences, ValueClass};
use crate::backend::{BackendKind, EngineError, Job, Refusal};
use crate::cipher::Cipher;
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::keys::KeyRing;
use crate::parallel;
use crate::report::{Outcome, Report, Row, Verb};
use crate::secret::Secret;
use crate::workspace::target::Target;

use super::batch::{self, Loaded};
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
    pub open: &'a (dyn Fn(BackendKind) -> Result<Cipher, Error> + Sync),
    /// What to do with the plaintext.
    pub output: Output,
    /// The environment.
    pub env: &'a Env,
}

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
    let mut done = Decrypted {
        report: Report { command: "decrypt", rows: Vec::new() },
        texts: Vec::new(),
        detected: BTreeSet::new(),
    };
    done.report.rows = decrypt_all(request, &mut done).unwrap_or_else(|rows| rows);
    done
}

/// One file with the cipher that is to open it.
struct Work<'a> {
    loaded: Loaded<'a>,
    kind: BackendKind,
}

/// The backend that a file says it was encrypted with; none where it does not say or cannot be read.
pub fn detect(target: &Target) -> Option<BackendKind> {
    let text = crate::files::read_text(target.path()).ok()?;
    Evidences::of(&EnvFile::parse(text)).backend()
}

fn decrypt_all(request: &Request<'_>, done: &mut Decrypted) -> Result<Vec<Row>, Vec<Row>> {
    let targets = request.targets;
    let fail = |error: Error| batch::given_up(targets, error);
    let loaded = batch::load(targets)?;
    batch::all_or_rows(targets, loaded.iter().map(|one| refuse_other_backend(request, one)).enumerate())?;
    let work: Vec<Work<'_>> =
        loaded.into_iter().map(|loaded| choose_backend(request, loaded, done)).collect();
    let mut ciphers = Vec::new();
    for kind in [BackendKind::Dotenvx, BackendKind::Sops] {
        if work.iter().any(|one| one.kind == kind && !nothing_to_do(one)) {
            ciphers.push((request.open)(kind).map_err(fail)?);
        }
    }
    let needs_key = |one: &&Work<'_>| one.kind == BackendKind::Dotenvx && !nothing_to_do(one);
    let paths = work.iter().filter(needs_key).map(|one| one.loaded.target.key_store());
    let stores = KeyStores::open(paths, Access::Read, request.env).map_err(fail)?;
    let open = |one: &Work<'_>| {
        let path = || one.loaded.target.to_string();
        let failed = |source| Error::Engine { verb: Verb::Decrypt, path: path(), source };
        open_one(one, &ciphers, &stores).map_err(failed)
    };
    let texts = batch::all_or_rows(
        targets,
        parallel::map(work.len(), parallel::cores(), |at| open(&work[at])).into_iter().enumerate(),
    )?;
    finish(request, &work, &ciphers, texts, done)
}

/// A file that holds ciphertext of another backend than the one that was typed is not "nothing to decrypt".
fn refuse_other_backend(request: &Request<'_>, loaded: &Loaded<'_>) -> Result<(), Error> {
    let found = Evidences::of(&loaded.file).by_value();
    match (request.backend, found) {
        (Some(selected), Some(other)) if other != selected => {
            Err(Refusal::OtherBackend { path: loaded.target.to_string(), other, selected }.into())
        }
        _ => Ok(()),
    }
}

fn choose_backend<'a>(request: &Request<'_>, loaded: Loaded<'a>, done: &mut Decrypted) -> Work<'a> {
    let detected = || Evidences::of(&loaded.file).backend();
    let kind = request.backend.or_else(|| detected().inspect(|&kind| _ = done.detected.insert(kind)));
    Work { kind: kind.unwrap_or(request.default), loaded }
}

/// A dotenvx file without ciphertext needs neither engine nor key; SOPS says itself that it is none of its files.
fn nothing_to_do(work: &Work<'_>) -> bool {
    let meant_as_ciphertext =
        |line: &Evidence| matches!(line.class, ValueClass::Dotenvx | ValueClass::Damaged);
    work.kind == BackendKind::Dotenvx
        && !Evidences::of(&work.loaded.file).lines.iter().any(meant_as_ciphertext)
}

fn open_one(work: &Work<'_>, ciphers: &[Cipher], stores: &KeyStores) -> Result<Option<Secret>, EngineError> {
    let Some(cipher) = ciphers.iter().find(|cipher| cipher.backend.kind() == work.kind) else {
        return Ok(None);
    };
    if nothing_to_do(work) {
        return Ok(None);
    }
    let Loaded { target, file } = &work.loaded;
    let nothing = KeyRing::default();
    let ring = stores.ring(&target.key_store()).unwrap_or(&nothing);
    cipher
        .decrypt(&Job { target, file, ring, public: None, previous: None })
        .map(|text| Some(Secret::new(text)))
}

/// Writes, gives back or forgets the plaintexts, and says so.
fn finish(
    request: &Request<'_>,
    work: &[Work<'_>],
    ciphers: &[Cipher],
    texts: Vec<Option<Secret>>,
    done: &mut Decrypted,
) -> Result<Vec<Row>, Vec<Row>> {
    let mut written = match request.output {
        Output::InPlace => {
            let changed =
                texts.iter().enumerate().filter_map(|(at, text)| Some((at, text.as_ref()?.expose())));
            let staged = batch::stage(request.targets, changed)?;
            let written = texts.iter().zip(work).enumerate().filter(|(_, (text, _))| text.is_some());
            batch::unchanged(request.targets, written.map(|(at, (_, one))| (at, &one.loaded)))?;
            staged.commit().into_iter()
        }
        Output::InMemory | Output::Check => Vec::new().into_iter(),
    };
    let mut rows = Vec::with_capacity(work.len());
    for (one, text) in work.iter().zip(&texts) {
        let outcome = match (text, request.output) {
            (None, _) => {
                Outcome::Same(format!("Nothing to decrypt: {} has no encrypted values.", one.loaded.target))
            }
            (Some(_), Output::Check) => Outcome::WouldChange(Verb::Decrypt),
            (Some(_), _) => {
                let error = written.next().and_then(|(_, error)| error);
                error.map_or(Outcome::Changed(Verb::Decrypt), Outcome::Failed)
            }
        };
        let cipher = ciphers.iter().find(|cipher| cipher.backend.kind() == one.kind);
        let mut row = one.loaded.row(outcome);
        row.backend = Some(one.kind);
        row.engine = cipher.filter(|_| text.is_some()).map(|cipher| cipher.engine.label());
        rows.push(row);
    }
    if request.output == Output::InMemory {
        let own = |one: &Work<'_>| Secret::new(one.loaded.file.text());
        done.texts = work.iter().zip(texts).map(|(one, text)| text.unwrap_or_else(|| own(one))).collect();
    }
    Ok(rows)
}
