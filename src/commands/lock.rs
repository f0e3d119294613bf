//! `envdrift lock`.

use crate::error::Error;
use crate::ops::lock::{self, Plan};
use crate::ops::partial::lock::{self as phase, Locked};
use crate::ops::partial::{self, Environment};
use crate::ops::service_rows::ServiceRow;
use crate::report::Outcome;

use super::Session;
use super::provider_args::ProviderArgs;
use super::service_run::{
    NOT_ENABLED, Project, VaultUse, print_json, print_panel, print_rows, print_step, title,
};

/// Encrypt the env files of all services
///
/// The services are the mappings of [vault.sync] and the files of [encryption] files. All checks and proofs come before
/// the first write; a service that fails leaves the others to it, and every service is wholly old or wholly new.
///
/// Examples:
///   envdrift lock                 asks before each file
///   envdrift lock --force         does not ask
///   envdrift lock --check         exit 1 while a file needs encryption; writes nothing
///   envdrift lock --all           also the secret files of partial encryption; deletes its combined files
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::struct_excessive_bools, reason = "these are the flags of the contract")]
pub struct Args {
    /// Encrypt without asking
    #[arg(long, short)]
    force: bool,
    /// Only report what would be encrypted; write nothing
    #[arg(long)]
    check: bool,
    /// Also encrypt the secret files of partial encryption and delete its combined files, without asking
    #[arg(long)]
    all: bool,
    /// Also the mappings tagged with this profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Compare the keys at hand with those in the vault first (dotenvx only)
    #[arg(long)]
    verify_vault: bool,
    /// Also fetch the keys that differ; implies --verify-vault (dotenvx only)
    #[arg(long)]
    sync_keys: bool,
    #[command(flatten)]
    provider: ProviderArgs,
}

impl Args {
    fn mode(&self) -> &'static str {
        match (self.check, self.force) {
            (true, _) => "CHECK",
            (_, true) => "FORCE",
            _ => "Interactive",
        }
    }

    fn vault(&self) -> VaultUse {
        match (self.sync_keys, self.verify_vault) {
            (true, _) => VaultUse::By("lock --sync-keys"),
            (_, true) => VaultUse::By("lock --verify-vault"),
            _ => VaultUse::None,
        }
    }
}

/// Checks in the order of the contract, plans, asks, encrypts and reports.
pub fn run(args: &Args, session: &mut Session) -> Result<u8, Error> {
    let project = Project::load(&args.provider, args.vault(), session)?;
    if !args.check {
        session.verify_hooks(&project.config)?;
    }
    let profile = args.profile.as_deref();
    let Some(services) = project.services("lock", profile, session)? else { return Ok(1) };
    let environments = if args.all { partial::select(&project.config, None)? } else { None };
    let rules = project.rules(&session.env)?;
    let (with_partial, env) = (args.all, &session.env);
    let mut plan = lock::plan(&lock::Request { services: &services, with_partial, rules: &rules, env });
    let heading = title("Lock - Verifying keys and encrypting env files", profile);
    session.ui.answer(&heading);
    let mode = args.mode();
    let suffix = if args.all { " | Including partial encryption" } else { "" };
    session.ui.answer(&format!("{} | Mode: {mode} | Services: {}{suffix}", project.label(), services.len()));
    session.ui.answer("");
    session.ui.answer("Step 1: Encrypting environment files...");
    let declined = if args.check { 0 } else { encrypt(args, &mut plan, &project, session)? };
    print_rows(&plan.rows, session);
    let report = lock_partial(args, &project, environments.as_deref(), session)?;
    let tally = Tally { declined, ..Tally::of(&plan.rows) }.with_partial(report.as_ref());
    tally.print(args, &plan.rows, report.as_ref(), session);
    let is_ok = tally.is_ok();
    print_json("lock", is_ok, &plan.rows, report.as_ref(), session);
    conclude(args, &tally, session);
    Ok(u8::from(!is_ok))
}

/// The phase of partial encryption; none without `--all` and where it is not enabled.
fn lock_partial(
    args: &Args,
    project: &Project,
    environments: Option<&[Environment<'_>]>,
    session: &mut Session,
) -> Result<Option<partial::Report<Locked>>, Error> {
    if !args.all {
        return Ok(None);
    }
    print_step("Step 2: Processing partial encryption files...", session);
    let Some(environments) = environments else {
        session.ui.answer(NOT_ENABLED);
        return Ok(None);
    };
    let env = &session.env;
    let report = if args.check {
        phase::run(&phase::Request { environments, action: phase::Action::Check, env })
    } else {
        let cipher =
            project.open(env).inspect_err(|error| super::instructions::print(error, &mut session.ui))?;
        phase::run(&phase::Request { environments, action: phase::Action::Lock(&cipher), env })
    };
    session.ui.lock_phase(&report);
    Ok(Some(report))
}

/// Encrypts what is pending and was not declined; gives the number of those that were.
fn encrypt(args: &Args, plan: &mut Plan, project: &Project, session: &mut Session) -> Result<usize, Error> {
    let pending = plan.pending();
    if pending.is_empty() {
        return Ok(0);
    }
    let chosen = if args.force { pending.clone() } else { ask(plan, &pending, session)? };
    if !chosen.is_empty() {
        let cipher = project
            .open(&session.env)
            .inspect_err(|error| super::instructions::print(error, &mut session.ui))?;
        for warning in lock::encrypt(plan, &chosen, &cipher, &session.env) {
            session.ui.warn(&warning);
        }
    }
    for &at in pending.iter().filter(|at| !chosen.contains(at)) {
        plan.skip(at, "user declined");
    }
    Ok(pending.len() - chosen.len())
}

/// The pending rows that the user agrees to; nothing is written before the last answer.
fn ask(plan: &Plan, pending: &[usize], session: &mut Session) -> Result<Vec<usize>, Error> {
    let force = |message: String| Error::Usage {
        message,
        hint: "run `envdrift lock --force` to encrypt without asking".into(),
        code: "usage.no_terminal",
    };
    if !session.ui.can_ask() {
        let count = pending.len();
        return Err(force(format!(
            "lock asks before it encrypts ({count} file(s) to encrypt), and this is no terminal; use --force"
        )));
    }
    let mut chosen = Vec::new();
    for &at in pending {
        let row = &plan.rows[at];
        for remark in &row.remarks {
            session.ui.conversation(&format!("{} - {remark}", row.row.path));
        }
        match session.ui.confirm(&format!("  Encrypt {}? (y/N): ", row.row.path)) {
            Some(true) => chosen.push(at),
            Some(false) => {}
            None => return Err(force("Aborted.".to_owned())),
        }
    }
    Ok(chosen)
}

/// How many services ended how.
#[derive(Default)]
struct Tally {
    encrypted: usize,
    pending: usize,
    already: usize,
    skipped: usize,
    errors: usize,
    ambiguous: usize,
    declined: usize,
    /// Readable files of secrets-only environments, which are not this command's to encrypt.
    left_to_push: usize,
    /// Secret files of partial encryption that would be encrypted.
    secrets: usize,
}

impl Tally {
    fn of(rows: &[ServiceRow]) -> Self {
        let mut tally = Self::default();
        for row in rows {
            match &row.row.outcome {
                Outcome::Changed(_) => tally.encrypted += 1,
                Outcome::WouldChange(_) => tally.pending += 1,
                Outcome::Restored | Outcome::Same(_) => tally.already += 1,
                Outcome::Skipped(_) => tally.skipped += 1,
                Outcome::Failed(_) => tally.errors += 1,
            }
            tally.ambiguous += usize::from(row.is_ambiguous());
        }
        tally
    }

    fn with_partial(mut self, report: Option<&partial::Report<Locked>>) -> Self {
        if let Some(report) = report {
            self.errors += report.failed();
            self.secrets = report.counts().readable;
            self.left_to_push = report.pending_folders().1;
        }
        self
    }

    /// True where every file that is there is encrypted now.
    fn is_ok(&self) -> bool {
        self.errors + self.pending + self.ambiguous + self.declined + self.secrets + self.left_to_push == 0
    }

    fn print(
        &self,
        args: &Args,
        rows: &[ServiceRow],
        partial: Option<&partial::Report<Locked>>,
        session: &mut Session,
    ) {
        let first = if args.check { ("Would encrypt", self.pending) } else { ("Encrypted", self.encrypted) };
        let mut counters = vec![
            first,
            ("Already encrypted", self.already),
            ("Skipped", self.skipped),
            ("Errors", self.errors),
        ];
        counters.extend(partial.map(crate::ui::lock_counts).unwrap_or_default());
        print_panel("Lock Summary", &counters, session);
        let warnings: Vec<&String> = rows.iter().filter_map(|row| row.warning.as_ref()).collect();
        let of_phase = partial.iter().flat_map(|report| &report.environments).flat_map(|one| &one.rows);
        let errors: Vec<String> = rows
            .iter()
            .map(|row| &row.row)
            .chain(of_phase)
            .filter_map(|row| Some(format!("{}: {}", row.path, row.error()?)))
            .collect();
        list("Warnings:", warnings.into_iter(), session);
        list("Errors:", errors.iter(), session);
    }
}

fn list<'a>(title: &str, items: impl Iterator<Item = &'a String>, session: &mut Session) {
    for (number, item) in items.enumerate() {
        if number == 0 {
            session.ui.answer("");
            session.ui.answer(title);
        }
        session.ui.answer(&format!("  * {item}"));
    }
}

/// The last line: green only where everything that was looked at is encrypted.
fn conclude(args: &Args, tally: &Tally, session: &mut Session) {
    let ui = &mut session.ui;
    ui.answer("");
    if tally.errors > 0 {
        ui.warn("Some files could not be encrypted or had issues");
    }
    if tally.ambiguous > 0 {
        ui.warn(&format!(
            "{} service(s) were not looked at: several env files fit (set environment or env_file)",
            tally.ambiguous
        ));
    }
    if tally.declined > 0 {
        ui.warn(&format!("{} file(s) were left in plaintext", tally.declined));
    }
    let pending = tally.pending + tally.secrets;
    if args.check && pending > 0 {
        let command = if args.all { "envdrift lock --all" } else { "envdrift lock" };
        ui.warn(&format!("Found {pending} file(s) that need encryption. Run '{command}' to encrypt them."));
    }
    match (tally.is_ok(), args.check) {
        (false, _) => {}
        (true, true) => ui.ok("Check complete! All files are already encrypted."),
        (true, false) => {
            ui.ok("Lock complete! Your environment files are encrypted and ready to commit.");
        }
    }
}
