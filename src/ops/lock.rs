//! `lock`: encrypts the env files of the work list that are not encrypted yet.
//!
//! [`plan`] looks at every file and says what would be done; nothing is written. [`encrypt`] does it for the services
//! that were chosen, each for itself: one that fails leaves the others to it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::backend::dotenvx::key_choice::{self, KeyChoice};
use crate::backend::{BackendKind, Job, Refusal, State};
use crate::cipher::{Cipher, Step, refuse_name};
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::keys::{KeyName, KeyRing};
use crate::parallel;
use crate::report::{Outcome, Verb};
use crate::workspace::target::Target;

use super::batch::Batch;
use super::encrypt;
use super::key_stores::{Access, KeyStores};
use super::previous::{self, Reuse};
use super::service_rows::{Remark, ServiceRow, foreign};
use super::services::{PartialRole, Place, Service, ServiceError};

/// What to look at, and with what.
pub struct Request<'a> {
    /// The work list.
    pub services: &'a [Service],
    /// Whether the partial phase follows: then combined files are its business.
    pub with_partial: bool,
    /// The rules of the backend; its engine is not asked.
    pub rules: &'a Cipher,
    /// The environment.
    pub env: &'a Env,
}

/// One row a service, in the order of the work list; what is to be encrypted has [`Outcome::WouldChange`].
pub struct Plan {
    /// The rows.
    pub rows: Vec<ServiceRow>,
    targets: Vec<Option<Target>>,
}

impl Plan {
    /// The rows that wait to be encrypted.
    pub fn pending(&self) -> Vec<usize> {
        let waits = |at: &usize| matches!(self.rows[*at].row.outcome, Outcome::WouldChange(_));
        (0..self.rows.len()).filter(waits).collect()
    }

    /// Ends the row at `at` as one that is not encrypted after all.
    pub fn skip(&mut self, at: usize, reason: &str) {
        let row = &mut self.rows[at];
        row.row.outcome = Outcome::Skipped(reason.to_owned());
        row.remarks.clear();
        row.warning = Some(format!("{}: {reason}", row.row.path));
    }
}

/// Looks at every file.
pub fn plan(request: &Request<'_>) -> Plan {
    let mut rows: Vec<Option<ServiceRow>> =
        request.services.iter().map(|service| without_work(service, request.with_partial)).collect();
    let (at, targets): (Vec<usize>, Vec<Target>) = request
        .services
        .iter()
        .enumerate()
        .filter_map(|(at, service)| match &service.place {
            Place::File(target) => Some((at, target.clone())),
            _ => None,
        })
        .unzip();
    for (&at, row) in at.iter().zip(judge_all(request, &at, &targets)) {
        rows[at] = Some(row);
    }
    let mut planned = Plan { rows: rows.into_iter().flatten().collect(), targets: Vec::new() };
    planned.targets = planned.rows.iter().map(|_| None).collect();
    for (at, target) in at.into_iter().zip(targets) {
        planned.targets[at] = Some(target);
    }
    planned
}

/// Encrypts the rows at `chosen`; gives the warnings about key stores.
pub fn encrypt(plan: &mut Plan, chosen: &[usize], cipher: &Cipher, env: &Env) -> Vec<String> {
    let targets: Vec<Target> = chosen.iter().filter_map(|&at| plan.targets[at].clone()).collect();
    let reuse = Reuse::Unchanged;
    let done = encrypt::run_each(&encrypt::Request { targets: &targets, cipher, reuse, env });
    for (&at, mut row) in chosen.iter().zip(done.report.rows) {
        if matches!(row.outcome, Outcome::Same(_)) {
            row.outcome = already_encrypted();
        }
        plan.rows[at].row = row;
    }
    done.warnings
}

fn already_encrypted() -> Outcome {
    Outcome::Same("already encrypted".to_owned())
}

/// The row of a service whose file is none of lock's business; none where it is.
fn without_work(service: &Service, with_partial: bool) -> Option<ServiceRow> {
    let Place::Partial(target, role) = &service.place else { return ServiceRow::without_file(service) };
    let is_left_out = *role == PartialRole::Combined && !with_partial;
    let more = if is_left_out { ", use --all to include" } else { "" };
    let reason = format!("{}{more}", role.describe());
    let mut row = ServiceRow::new(service, target.to_string(), Outcome::Skipped(reason));
    row.warning = is_left_out
        .then(|| format!("{target}: use envdrift lock --all or envdrift push for partial encryption"));
    Some(row)
}

/// What is to be done with one file.
enum Verdict {
    Settled(Outcome),
    Encrypt(Vec<Remark>),
}

fn judge_all(request: &Request<'_>, at: &[usize], targets: &[Target]) -> Vec<ServiceRow> {
    let mut batch = Batch::apart(targets);
    let names: Vec<_> = targets.iter().map(|target| refuse_name(target, "encrypt")).enumerate().collect();
    for (at, refusal) in names {
        if let Some(refusal) = refusal {
            batch.fail(at, refusal.into());
        }
    }
    let files = batch.load();
    let verdicts = parallel::map(targets.len(), parallel::cores(), |at| {
        Some((at, judge(request.rules, &targets[at], files[at].as_ref()?)))
    });
    let verdicts = batch.keep(verdicts.into_iter().flatten());
    let mut verdicts = batch.spread(verdicts);
    if request.rules.backend.kind() == BackendKind::Dotenvx {
        remark_on_keys(request, &mut batch, &files, &mut verdicts);
    }
    let kind = request.rules.backend.kind();
    let mut remarks: Vec<Vec<Remark>> = targets.iter().map(|_| Vec::new()).collect();
    let rows = batch.into_rows(|at| {
        let outcome = match verdicts[at].take() {
            Some(Verdict::Settled(outcome)) => outcome,
            Some(Verdict::Encrypt(found)) => {
                remarks[at] = found;
                Outcome::WouldChange(Verb::Encrypt)
            }
            None => already_encrypted(),
        };
        crate::report::Row {
            backend: Some(kind),
            ..crate::report::Row::new(targets[at].to_string(), outcome)
        }
    });
    let service = |((at, row), remarks): ((&usize, crate::report::Row), Vec<Remark>)| {
        let outcome = unreadable(row.outcome);
        let mut service_row = ServiceRow::new(&request.services[*at], row.path, outcome);
        service_row.row.backend = row.backend;
        let warnings: Vec<String> =
            remarks.iter().filter(|remark| **remark != Remark::Partly).map(ToString::to_string).collect();
        let path = &service_row.row.path;
        service_row.warning =
            warnings.first().map(|warning| format!("{path}: {}", warning.trim_start_matches("warning: ")));
        service_row.remarks = remarks;
        service_row
    };
    at.iter().zip(rows).zip(remarks).map(service).collect()
}

/// Says of a file that could not be read that this is what went wrong.
pub(super) fn unreadable(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Failed(Error::File(error)) => Outcome::Failed(ServiceError::Unreadable(error).into()),
        other => other,
    }
}

fn judge(rules: &Cipher, target: &Target, file: &EnvFile) -> Result<Verdict, Error> {
    match rules.examine(target, file) {
        Err(Refusal::OtherBackend { other, selected, .. }) => Ok(Verdict::Settled(foreign(other, selected))),
        Err(refusal) => Err(refusal.into()),
        Ok(Step::Nothing) => Ok(Verdict::Settled(already_encrypted())),
        Ok(Step::Encrypt) => {
            let is_partly = matches!(rules.backend.state(file), State::Mixed { .. });
            Ok(Verdict::Encrypt(if is_partly { vec![Remark::Partly] } else { Vec::new() }))
        }
    }
}

/// Refuses where two keys fight for a file, and tells where a new one would be made.
fn remark_on_keys(
    request: &Request<'_>,
    batch: &mut Batch<'_>,
    files: &[Option<EnvFile>],
    verdicts: &mut [Option<Verdict>],
) {
    let waits = |at: &usize| matches!(verdicts[*at], Some(Verdict::Encrypt(_)));
    let todo: Vec<usize> = (0..verdicts.len()).filter(waits).collect();
    let stores = KeyStores::open(batch, &todo, Access::Read, request.env);
    let without_history: Vec<Option<EnvFile>> = files.iter().map(|_| None).collect();
    let new = choose(batch, &stores, files, &without_history, &todo);
    // Only a file that would get a new key is worth the question whether git knows its old one.
    let at: BTreeSet<usize> = new.iter().map(|(at, _)| *at).collect();
    let asked: Vec<&Target> = at.iter().map(|&at| batch.target(at)).collect();
    let found = previous::find(&asked, request.rules.backend.as_ref(), request.env);
    let history: Vec<(usize, EnvFile)> =
        at.iter().copied().zip(found).filter_map(|(at, file)| Some((at, file?))).collect();
    let history = batch.spread(history);
    let at: Vec<usize> = at.into_iter().collect();
    for (at, name) in choose(batch, &stores, files, &history, &at) {
        let store = batch.target(at).key_store();
        if let Some(Verdict::Encrypt(remarks)) = &mut verdicts[at] {
            remarks.insert(0, new_key(&store, &name));
        }
    }
}

fn new_key(store: &std::path::Path, name: &KeyName) -> Remark {
    let store_name = PathBuf::from(store.file_name().unwrap_or_default()).display().to_string();
    if store.exists() {
        Remark::NoKey { key: name.private(), store: store_name }
    } else {
        Remark::NoKeyStore(store_name)
    }
}

/// The files among `todo` for which a key would be made, with its name; fails those that must not get one.
fn choose(
    batch: &mut Batch<'_>,
    stores: &KeyStores,
    files: &[Option<EnvFile>],
    history: &[Option<EnvFile>],
    todo: &[usize],
) -> Vec<(usize, KeyName)> {
    let nothing = KeyRing::default();
    let mut chosen = Vec::with_capacity(todo.len());
    for &at in todo {
        let target = batch.target(at);
        let (Some(file), true) = (&files[at], batch.is_good(at)) else { continue };
        let ring = stores.ring(&target.key_store()).unwrap_or(&nothing);
        let job = Job { target, file, ring, public: None, previous: history[at].as_ref() };
        let choice = key_choice::choose(&job).map_err(|error| Error::no_key(&target.to_string(), error));
        chosen.push((at, choice));
    }
    let kept = batch.keep(chosen);
    kept.into_iter()
        .filter_map(|(at, choice)| match choice {
            KeyChoice::Mint(name) => Some((at, name)),
            KeyChoice::Use(..) => None,
        })
        .collect()
}
