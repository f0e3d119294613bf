//! `encrypt`: values become ciphertext, for one file or many.

use std::path::PathBuf;

use crate::backend::dotenvx::key_choice::{self, KeyChoice};
use crate::backend::{BackendKind, Job, Kept};
use crate::cipher::{Cipher, Proven, Step};
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::keys::{KeyName, KeyRing, PublicKey};
use crate::parallel;
use crate::report::{Outcome, Report, Row, Verb};
use crate::workspace::target::Target;

use super::batch::{self, Loaded};
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
    let mut warnings = Vec::new();
    let rows = encrypt_all(request, &mut warnings).unwrap_or_else(|rows| rows);
    Encrypted { report: Report { command: "encrypt", rows }, warnings }
}

fn encrypt_all(request: &Request<'_>, warnings: &mut Vec<String>) -> Result<Vec<Row>, Vec<Row>> {
    let Request { targets, cipher, env, .. } = *request;
    let fail = |error: Error| batch::given_up(targets, error);
    // Locked before the files are read, so that of two runs on one file the second sees what the first wrote.
    let stores = key_store_paths(cipher, targets);
    let mut stores = KeyStores::open(stores.into_iter(), Access::Change, env).map_err(fail)?;
    let loaded = batch::load(targets)?;
    let steps = examine(cipher, targets, &loaded)?;
    let previous = find_previous(request, &steps);
    let keys = choose_keys(request, &loaded, &steps, &previous, &mut stores)?;
    let nothing = KeyRing::default();
    let work: Vec<(usize, Job<'_>)> = loaded
        .iter()
        .enumerate()
        .filter(|(at, _)| steps[*at] == Step::Encrypt)
        .map(|(at, Loaded { target, file })| {
            let ring = stores.ring(&target.key_store()).unwrap_or(&nothing);
            (at, Job { target, file, ring, public: keys[at].clone(), previous: previous[at].as_ref() })
        })
        .collect();
    let encrypt = |(at, job): &(usize, Job<'_>)| {
        let path = || job.target.to_string();
        let failed = |source| Error::Engine { verb: Verb::Encrypt, path: path(), source };
        (*at, cipher.encrypt(job).map(|one| (*at, one)).map_err(failed))
    };
    let proven = batch::all_or_rows(
        targets,
        parallel::map(work.len(), parallel::cores(), |at| encrypt(&work[at])).into_iter(),
    )?;
    let written = write(&Writes { request, loaded: &loaded, stores: &stores, proven: &proven }, warnings)?;
    Ok(rows(cipher, &loaded, proven, written))
}

/// Refuses what must not be encrypted; all refusals of the batch together.
fn examine(cipher: &Cipher, targets: &[Target], loaded: &[Loaded<'_>]) -> Result<Vec<Step>, Vec<Row>> {
    let examine = |one: &Loaded<'_>| cipher.examine(one.target, &one.file).map_err(Error::from);
    batch::all_or_rows(targets, loaded.iter().map(examine).enumerate())
}

fn key_store_paths(cipher: &Cipher, targets: &[Target]) -> Vec<PathBuf> {
    match cipher.backend.kind() {
        BackendKind::Dotenvx => targets.iter().map(Target::key_store).collect(),
        BackendKind::Sops => Vec::new(),
    }
}

/// The last encrypted form of every file that is to be encrypted, unless all is to be fresh.
fn find_previous(request: &Request<'_>, steps: &[Step]) -> Vec<Option<EnvFile>> {
    let mut previous: Vec<Option<EnvFile>> = steps.iter().map(|_| None).collect();
    if request.reuse == Reuse::Unchanged {
        let at: Vec<usize> = (0..steps.len()).filter(|&at| steps[at] == Step::Encrypt).collect();
        let targets: Vec<&Target> = at.iter().map(|&at| &request.targets[at]).collect();
        let found = previous::find(&targets, request.cipher.backend.as_ref(), request.env);
        for (at, file) in at.into_iter().zip(found) {
            previous[at] = file;
        }
    }
    previous
}

/// The key of every file that is to be encrypted; new pairs are minted once for each store and name.
fn choose_keys(
    request: &Request<'_>,
    loaded: &[Loaded<'_>],
    steps: &[Step],
    previous: &[Option<EnvFile>],
    stores: &mut KeyStores,
) -> Result<Vec<Option<(KeyName, PublicKey)>>, Vec<Row>> {
    let kind = request.cipher.backend.kind();
    let mut choose = |(at, Loaded { target, file }): (usize, &Loaded<'_>)| match kind {
        BackendKind::Dotenvx if steps[at] == Step::Encrypt => {
            choose_key(target, file, previous[at].as_ref(), stores, request.env).map(Some)
        }
        BackendKind::Dotenvx | BackendKind::Sops => Ok(None),
    };
    let chosen: Vec<_> = loaded.iter().enumerate().map(&mut choose).collect();
    batch::all_or_rows(request.targets, chosen.into_iter().enumerate())
}

fn choose_key(
    target: &Target,
    file: &EnvFile,
    previous: Option<&EnvFile>,
    stores: &mut KeyStores,
    env: &Env,
) -> Result<(KeyName, PublicKey), Error> {
    let path = target.key_store();
    let nothing = KeyRing::default();
    let ring = stores.ring(&path).unwrap_or(&nothing);
    let job = Job { target, file, ring, public: None, previous };
    match key_choice::choose(&job).map_err(|error| Error::no_key(&target.to_string(), error))? {
        KeyChoice::Use(name, public) => Ok((name, public)),
        KeyChoice::Mint(name) => {
            protect::refuse_published(&path, env)?;
            let public = stores.mint(&path, &target.base_name(), &name)?;
            Ok((name, public))
        }
    }
}

/// What a run writes, and what it was made of.
struct Writes<'a> {
    request: &'a Request<'a>,
    loaded: &'a [Loaded<'a>],
    stores: &'a KeyStores,
    proven: &'a [(usize, Proven)],
}

/// Writes the key stores, then the files. Everything is on disk under other names before anything is replaced, and the
/// key stores are out of git's and of other users' sight before one of them gets a key.
fn write(writes: &Writes<'_>, warnings: &mut Vec<String>) -> Result<Vec<(usize, Option<Error>)>, Vec<Row>> {
    let Request { targets, env, .. } = *writes.request;
    let fail = |error: Error| batch::given_up(targets, error);
    let texts = writes.proven.iter().map(|(at, one)| (*at, one.encrypted.text.as_str()));
    let staged = batch::stage(targets, texts)?;
    let key_stores = writes.stores.stage().map_err(fail)?;
    batch::unchanged(targets, writes.proven.iter().map(|(at, _)| (*at, &writes.loaded[*at])))?;
    writes.stores.unchanged().map_err(fail)?;
    protect::before_writing(writes.stores, env, warnings).map_err(fail)?;
    for key_store in key_stores {
        key_store.commit().map_err(|error| fail(error.into()))?;
    }
    Ok(staged.commit())
}

fn rows(
    cipher: &Cipher,
    loaded: &[Loaded<'_>],
    proven: Vec<(usize, Proven)>,
    written: Vec<(usize, Option<Error>)>,
) -> Vec<Row> {
    let kind = cipher.backend.kind();
    let label = cipher.engine.label();
    let mut rows: Vec<Row> = loaded
        .iter()
        .map(|one| one.row(Outcome::Same(format!("{} is already encrypted (no change)", one.target))))
        .collect();
    for ((at, one), (_, error)) in proven.into_iter().zip(written) {
        let row = &mut rows[at];
        let done = if one.encrypted.kept == Kept::File {
            Outcome::Restored
        } else {
            Outcome::Changed(Verb::Encrypt)
        };
        row.outcome = error.map_or(done, Outcome::Failed);
        row.proved = Some(one.proved);
        row.engine = Some(label.clone());
        row.notes = one.encrypted.readable;
        if one.proved == crate::backend::Proved::Structure {
            row.notes
                .push("no private key is at hand, so only the structure of the result was checked".into());
        }
    }
    for row in &mut rows {
        row.backend = Some(kind);
    }
    rows
}
