//! `push`: secret files become ciphertext, and combined files are made of the result.

use crate::cipher::{Cipher, refuse_name};
use crate::env::Env;
use crate::ops::batch::Batch;
use crate::ops::encrypt::{Run, With};
use crate::ops::previous::Reuse;
use crate::report::{Outcome, Row, Verb};

use super::members::Members;
use super::product::{self, Product};
use super::secret::{self, Owner, SOPS_NOTE};
use super::{Environment, EnvironmentReport, Files, PartialError, Report, protect};

/// What to push, and with what.
pub struct Request<'a> {
    /// The environments, in the order of the config.
    pub environments: &'a [Environment<'a>],
    /// dotenvx and its engine.
    pub cipher: &'a Cipher,
    /// The environment variables.
    pub env: &'a Env,
}

/// How an environment was pushed.
#[derive(Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The combined file is what its sources make.
    Combined {
        /// The combined file.
        combined: String,
        /// Lines of the clear file.
        clear_lines: usize,
        /// Encrypted variables of the secret file.
        secret_variables: usize,
    },
    /// Every file of the folder is encrypted.
    Folder {
        /// The folder.
        dir: String,
        /// How many files were encrypted now.
        encrypted: usize,
        /// How many were before.
        already: usize,
    },
}

/// Pushes every environment; one that fails is left as it is and does not stop the others.
pub fn run(request: &Request<'_>) -> Report<Pushed> {
    let Request { environments, cipher, env } = *request;
    let members = Members::collect(environments);
    let batch = Batch::grouped(&members.targets, members.groups.clone());
    let mut run = Run::start(batch, With { cipher, reuse: Reuse::Unchanged, env });
    run.load();
    let of_sops = sort_out(&mut run);
    run.seal();
    let mut products = make_all(environments, &members, &mut run);
    run.write();
    product::commit_all(&mut products, |at| {
        members.of[at].iter().flatten().all(|&at| run.batch().is_done(at))
    });
    let encrypted = run.batch().done();
    let lifted = protect::unhide(&members.paths(encrypted), env);
    let (mut rows, mut warnings) = run.finish();
    for at in of_sops {
        rows[at].notes.push(SOPS_NOTE.to_owned());
    }
    warnings.extend((!lifted).then(|| protect::STILL_HIDDEN.to_owned()));
    let rows = members.into_rows(environments, Verb::Encrypt, rows);
    let all = environments.iter().zip(rows).zip(products);
    Report { environments: all.map(|((one, rows), product)| report(one, rows, product)).collect(), warnings }
}

/// Refuses what the pipeline would take, and leaves alone what SOPS encrypted; gives the latter.
pub(super) fn sort_out(run: &mut Run<'_>) -> Vec<usize> {
    let mut of_sops = Vec::new();
    for at in run.batch().good() {
        let target = run.batch().target(at);
        let Some(file) = run.file(at) else { continue };
        match (refuse_name(target, "encrypt"), secret::owner(target, file)) {
            (Some(refusal), _) => run.batch_mut().fail(at, refusal.into()),
            (None, Err(error)) => run.batch_mut().fail(at, error.into()),
            (None, Ok(Owner::Sops)) => {
                run.leave_alone(at);
                of_sops.push(at);
            }
            (None, Ok(Owner::Ours)) => {}
        }
    }
    of_sops
}

/// The combined files, on disk beside their places. An environment whose combined file fails is given up as a whole.
fn make_all<'e>(
    environments: &'e [Environment<'_>],
    members: &Members,
    run: &mut Run<'_>,
) -> Vec<Option<Product<'e>>> {
    let make = |(environment, of): (&'e Environment<'_>, &Result<Vec<usize>, PartialError>)| {
        let (Files::Combine(files), Ok(of)) = (&environment.files, of) else { return None };
        match of.first() {
            None => Some(Product::make(files, None)),
            Some(&secret) => run.text(secret).map(|text| Product::make(files, Some(text))),
        }
    };
    let mut products: Vec<_> = environments.iter().zip(&members.of).map(make).collect();
    product::stage_all(&mut products);
    for (group, product) in products.iter().enumerate() {
        if product.as_ref().is_some_and(Product::has_failed) {
            run.batch_mut().give_up(group);
        }
    }
    products
}

fn report(
    environment: &Environment<'_>,
    mut rows: Vec<Row>,
    product: Option<Product<'_>>,
) -> EnvironmentReport<Pushed> {
    let (mut warnings, mut end) = (Vec::new(), None);
    if let Some(mut product) = product {
        warnings = std::mem::take(&mut product.remarks);
        let (clear_lines, secret_variables) = (product.clear_lines, product.secret_variables);
        if let Some(row) = product.into_row() {
            end = Some(Pushed::Combined { combined: row.path.clone(), clear_lines, secret_variables });
            rows.push(row);
        }
    } else if let Files::Folder(folder) = &environment.files {
        let already = rows.iter().filter(|row| matches!(row.outcome, Outcome::Same(_))).count();
        end = Some(Pushed::Folder { dir: folder.shown.clone(), encrypted: rows.len() - already, already });
    }
    EnvironmentReport { end, warnings, ..EnvironmentReport::new(environment.name, rows) }.or_given_up()
}
