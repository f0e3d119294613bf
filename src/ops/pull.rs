//! `pull --skip-sync`: decrypts the env files of the work list and activates those of a profile.
//!
//! Each service is for itself: one that fails leaves the others to it. All files are decrypted in memory before the
//! first is written. The keys are those at hand; no vault is asked.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::backend::BackendKind;
use crate::backend::classify::{Evidences, ValueClass};
use crate::cipher::refuse_name;
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::files;
use crate::parallel;
use crate::report::Outcome;
use crate::workspace::target::Target;

use super::activate;
use super::decrypt::{self, Opener, Output};
use super::service_rows::{ServiceRow, foreign};
use super::services::{Place, Service, ServiceError};

/// What to decrypt, and with what.
pub struct Request<'a> {
    /// The work list.
    pub services: &'a [Service],
    /// The backend of the config.
    pub backend: BackendKind,
    /// Gives the cipher of a backend.
    pub open: &'a Opener<'a>,
    /// The environment.
    pub env: &'a Env,
}

/// One row a service, in the order of the work list, and the warnings about copies in git.
pub struct Pulled {
    /// The rows.
    pub rows: Vec<ServiceRow>,
    /// About `.gitignore` and tracked copies.
    pub warnings: Vec<String>,
}

/// Why a file without ciphertext is skipped.
const NOT_ENCRYPTED: &str = "not encrypted";

/// Decrypts and activates.
///
/// # Errors
/// A cipher that cannot be opened ends the run before the first file, once and not once for each file.
pub fn run(request: &Request<'_>) -> Result<Pulled, crate::error::Error> {
    let settled = parallel::map(request.services.len(), parallel::cores(), |at| {
        settle(&request.services[at], request.backend)
    });
    let todo: Vec<usize> = (0..settled.len()).filter(|&at| settled[at].is_none()).collect();
    let targets: Vec<Target> = todo.iter().filter_map(|&at| target(&request.services[at]).cloned()).collect();
    let mut rows = settled;
    if !targets.is_empty() {
        (request.open)(request.backend)?;
        let done = decrypt::run_each(&decrypt::Request {
            targets: &targets,
            backend: Some(request.backend),
            default: request.backend,
            open: request.open,
            output: Output::InPlace,
            env: request.env,
        });
        for (&at, row) in todo.iter().zip(done.report.rows) {
            let mut service_row = ServiceRow::new(&request.services[at], row.path.clone(), not_encrypted());
            let is_plain = matches!(row.outcome, Outcome::Same(_));
            service_row.row = row;
            if is_plain {
                service_row.row.outcome = not_encrypted();
            }
            rows[at] = Some(service_row);
        }
    }
    let mut rows: Vec<ServiceRow> = rows.into_iter().flatten().collect();
    let mut warnings = Vec::new();
    activate_all(request, &mut rows, &mut warnings);
    Ok(Pulled { rows, warnings })
}

fn not_encrypted() -> Outcome {
    Outcome::Same(NOT_ENCRYPTED.to_owned())
}

fn target(service: &Service) -> Option<&Target> {
    match &service.place {
        Place::File(target) | Place::Repeated(target) => Some(target),
        _ => None,
    }
}

/// The row of a service without anything to decrypt; none where there is something.
fn settle(service: &Service, backend: BackendKind) -> Option<ServiceRow> {
    if let Place::Partial(target, role) = &service.place {
        let reason = role.describe().to_owned();
        return Some(ServiceRow::new(service, target.to_string(), Outcome::Skipped(reason)));
    }
    let Place::File(target) = &service.place else { return ServiceRow::without_file(service) };
    let row = |outcome| Some(ServiceRow::new(service, target.to_string(), outcome));
    if let Some(refusal) = refuse_name(target, "decrypt") {
        return row(Outcome::Failed(refusal.into()));
    }
    let file = match files::read_text(target.path()) {
        Ok(text) => EnvFile::parse(text),
        Err(error) => return row(Outcome::Failed(ServiceError::Unreadable(error).into())),
    };
    let found = Evidences::of(&file);
    // A ciphertext that was cut is the engine's to refuse: it must not pass for plaintext.
    let is_damaged = found.of_class(ValueClass::Damaged).next().is_some();
    match found.by_value() {
        Some(kind) if kind == backend => None,
        Some(other) => row(foreign(other, backend)),
        None if is_damaged => None,
        None => row(not_encrypted()),
    }
}

fn activate_all(request: &Request<'_>, rows: &mut [ServiceRow], warnings: &mut Vec<String>) {
    let taken: BTreeSet<PathBuf> = request
        .services
        .iter()
        .filter_map(|service| dunce::canonicalize(target(service)?.path()).ok())
        .collect();
    let failed: BTreeSet<PathBuf> = rows
        .iter()
        .zip(request.services)
        .filter(|(row, _)| row.row.error().is_some())
        .filter_map(|(_, service)| dunce::canonicalize(target(service)?.path()).ok())
        .collect();
    for (row, service) in rows.iter_mut().zip(request.services) {
        let (Some(to), Some(from)) = (&service.activate, target(service)) else { continue };
        let is_plain = match &row.row.outcome {
            Outcome::Changed(_) => true,
            Outcome::Same(reason) => reason == NOT_ENCRYPTED,
            // A file that an earlier mapping has was decrypted for that one, or not.
            Outcome::Skipped(_) => {
                matches!(service.place, Place::Repeated(_))
                    && dunce::canonicalize(from.path()).is_ok_and(|path| !failed.contains(&path))
            }
            Outcome::Restored | Outcome::WouldChange(_) | Outcome::Failed(_) => false,
        };
        if is_plain {
            let copy = activate::Copy { from, to, taken: &taken, env: request.env };
            row.activation = Some(activate::run(&copy, warnings));
        }
    }
}
