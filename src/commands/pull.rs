//! `envdrift pull`.

use crate::error::Error;
use crate::ops::partial::{self, pull as phase};
use crate::ops::pull;
use crate::ops::service_rows::{Activation, ServiceRow};
use crate::report::Outcome;

use super::Session;
use super::provider_args::ProviderArgs;
use super::service_run::{
    NOT_ENABLED, Project, VaultUse, print_json, print_panel, print_rows, print_step, title,
};

/// Decrypt the env files of all services
///
/// The services are the mappings of [vault.sync] and the files of [encryption] files. All files are decrypted in memory
/// before the first is written; a service that fails leaves the others to it. Then the secret files of partial
/// encryption, where it is enabled.
///
/// Examples:
///   envdrift pull --skip-sync                    decrypt with the keys at hand, ask no vault
///   envdrift pull --skip-sync --profile local    also the mappings of a profile, and activate them
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Use the keys at hand; ask no vault
    #[arg(long)]
    skip_sync: bool,
    /// Overwrite keys that differ from the vault's without asking
    #[arg(long, short)]
    force: bool,
    /// Also the mappings tagged with this profile; activates their files
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Make readable combined files of partial encryption too
    #[arg(long, short)]
    merge: bool,
    #[command(flatten)]
    provider: ProviderArgs,
}

/// Checks in the order of the contract, decrypts, activates and reports.
pub fn run(args: &Args, session: &mut Session) -> Result<u8, Error> {
    let vault = if args.skip_sync { VaultUse::None } else { VaultUse::By("pull") };
    let project = Project::load(&args.provider, vault, session)?;
    session.verify_hooks(&project.config)?;
    let profile = args.profile.as_deref();
    let Some(services) = project.services("pull", profile, session)? else { return Ok(1) };
    let environments = partial::select(&project.config, None)?;
    let ignored = match &environments {
        Some(environments) if args.merge => partial::ignore(environments, &session.env)?,
        _ => partial::Ignored::default(),
    };
    let heading = title("Pull - Decrypting env files", profile);
    session.ui.answer(&heading);
    session.ui.answer(&format!("{} | Services: {}", project.label(), services.len()));
    session.ui.answer("");
    session.ui.answer("Step 1: Skipped (--skip-sync)");
    session.ui.answer("");
    session.ui.answer("Step 2: Decrypting environment files...");
    let request = pull::Request {
        services: &services,
        backend: project.backend,
        open: &|_| project.open(&session.env),
        env: &session.env,
    };
    let done = pull::run(&request).inspect_err(|error| super::instructions::print(error, &mut session.ui))?;
    for warning in &done.warnings {
        session.ui.warn(warning);
    }
    print_rows(&done.rows, session);
    let tally = Tally::of(&done.rows);
    tally.print(session);
    let report = pull_partial(args, &project, environments.as_deref(), ignored, session);
    let is_ok = tally.is_ok() && report.as_ref().is_none_or(partial::Report::is_ok);
    print_json("pull", is_ok, &done.rows, report.as_ref(), session);
    if report.is_none() {
        session.ui.answer("");
    }
    if tally.errors > 0 {
        session.ui.warn("Some files could not be decrypted");
    }
    if tally.activation_errors > 0 {
        session.ui.warn("Some profile files could not be activated");
    }
    if is_ok {
        session.ui.ok("Setup complete! Your environment files are ready to use.");
    }
    Ok(u8::from(!is_ok))
}

/// The phase of partial encryption; none where it is not enabled.
fn pull_partial(
    args: &Args,
    project: &Project,
    environments: Option<&[partial::Environment<'_>]>,
    ignored: partial::Ignored,
    session: &mut Session,
) -> Option<partial::Report<phase::Pulled>> {
    const STEP: &str = "Step 3: Processing partial encryption files...";
    let Some(environments) = environments else {
        if args.merge {
            print_step(STEP, session);
            session.ui.answer(NOT_ENABLED);
        }
        return None;
    };
    print_step(STEP, session);
    session.ui.partial_ignored(&ignored.added);
    let merge = if args.merge { phase::Merge::Yes } else { phase::Merge::No };
    let mut report = phase::run(&phase::Request {
        environments,
        open: &|_| project.open(&session.env),
        missing: phase::Missing::Nothing,
        merge,
        env: &session.env,
    });
    report.add_warnings(ignored.warnings);
    session.ui.pull_phase(&report, merge);
    Some(report)
}

/// How many services ended how.
#[derive(Default)]
struct Tally {
    decrypted: usize,
    skipped: usize,
    errors: usize,
    activated: usize,
    activation_errors: usize,
}

impl Tally {
    fn of(rows: &[ServiceRow]) -> Self {
        let mut tally = Self::default();
        for row in rows {
            match &row.row.outcome {
                Outcome::Changed(_) => tally.decrypted += 1,
                Outcome::Failed(_) => tally.errors += 1,
                Outcome::Restored | Outcome::Same(_) | Outcome::WouldChange(_) | Outcome::Skipped(_) => {
                    tally.skipped += 1;
                }
            }
            match row.activation.as_ref().map(Activation::is_done) {
                Some(true) => tally.activated += 1,
                Some(false) => tally.activation_errors += 1,
                None => {}
            }
        }
        tally
    }

    fn is_ok(&self) -> bool {
        self.errors + self.activation_errors == 0
    }

    fn print(&self, session: &mut Session) {
        let mut counters =
            vec![("Decrypted", self.decrypted), ("Skipped", self.skipped), ("Errors", self.errors)];
        let optional = [("Activated", self.activated), ("Activation errors", self.activation_errors)];
        counters.extend(optional.into_iter().filter(|(_, count)| *count > 0));
        print_panel("Decrypt Summary", &counters, session);
    }
}
