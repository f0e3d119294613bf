//! `envdrift encrypt`.

use std::path::{Path, PathBuf};

use crate::backend::BackendKind;
use crate::cipher::refuse_name;
use crate::error::Error;
use crate::ops::check::{self, Looked, Policy};
use crate::ops::previous::Reuse;
use crate::ops::{encrypt, open};
use crate::report::{Outcome, Report, Row};
use crate::schema::{self, Schema};
use crate::workspace::Config;
use crate::workspace::target::Target;

use super::Session;
use super::sops_args::{self, RecipientArgs, SopsArgs};

/// Encrypt the values of env files in place
///
/// Backend, engine, keys and recipients come from envdrift.toml/pyproject.toml or from flags.
/// Several files are one transaction: all refusals and all proofs come before the first write.
///
/// Examples:
///   envdrift encrypt .env.production
///   envdrift encrypt --backend sops
///   envdrift encrypt -b sops --age AGE_PUBLIC_KEY
///   envdrift encrypt --sops-config .sops.yaml
///   envdrift encrypt --check .env.production      exit 1 while a secret is in plaintext
///
/// As a pre-commit hook: entry `envdrift encrypt --check`, `pass_filenames: true`.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(
    clippy::doc_markdown,
    reason = "the comment is the help text, where AGE_PUBLIC_KEY stands for a key"
)]
pub struct Args {
    /// Files to encrypt [default: .env]
    #[arg(value_name = "ENV_FILES")]
    env_files: Vec<PathBuf>,
    /// Only report what is encrypted and what is not; write nothing
    #[arg(long)]
    check: bool,
    /// With --check: exit 1 while any value is left to encrypt, not only while one looks like a secret
    #[arg(long, requires = "check")]
    strict: bool,
    /// Encrypt every value anew, also those that did not change since the last encrypted form in git
    #[arg(long)]
    fresh: bool,
    /// dotenvx or sops
    #[arg(long, short)]
    backend: Option<String>,
    /// With --check: a settings class (module.path:Class) whose fields marked sensitive count as secrets
    #[arg(long, short, value_name = "MODULE:CLASS")]
    schema: Option<String>,
    /// Folder that the module of --schema is looked up in
    #[arg(long, short = 'd', value_name = "DIR")]
    service_dir: Option<PathBuf>,
    #[command(flatten)]
    recipients: RecipientArgs,
    #[command(flatten)]
    sops: SopsArgs,
    #[command(flatten)]
    moved: MovedToDecrypt,
}

/// Options that were once here; they end in a message that says where they went.
#[derive(Debug, clap::Args)]
struct MovedToDecrypt {
    #[arg(long, hide = true)]
    verify_vault: bool,
    #[arg(long, short, hide = true)]
    provider: Option<String>,
    #[arg(long, hide = true)]
    vault_url: Option<String>,
    #[arg(long, hide = true)]
    region: Option<String>,
    #[arg(long, hide = true)]
    secret: Option<String>,
}

impl MovedToDecrypt {
    fn check(&self) -> Result<(), Error> {
        let typed = [&self.provider, &self.vault_url, &self.region, &self.secret];
        if !self.verify_vault && typed.iter().all(|option| option.is_none()) {
            return Ok(());
        }
        Err(Error::Usage {
            message: "Vault verification moved to `envdrift decrypt --verify-vault ...`".into(),
            hint: "run `envdrift decrypt --verify-vault --provider <provider> --secret <name> <file>`".into(),
            code: "usage.moved",
        })
    }
}

/// Checks the arguments in a fixed order, then encrypts or reports.
pub fn run(args: &Args, session: &mut Session) -> Result<u8, Error> {
    let targets = session.targets(&args.env_files);
    if let Some(report) = missing(&targets) {
        return Ok(session.finish(&report));
    }
    if !args.check
        && let Some(report) = companions(&targets)
    {
        return Ok(session.finish(&report));
    }
    args.moved.check()?;
    let config = session.load_config()?;
    if !args.check {
        session.verify_hooks(&config)?;
    }
    let kind = super::backend(args.backend.as_deref(), &config)?;
    if args.check {
        return report(args, &targets, kind, session);
    }
    // Everything is encrypted, whatever a schema says of it; hooks pass one all the same.
    if let Err(error) = load_schema(args, session) {
        session.ui.warn(&error.to_string());
    }
    encrypt(args, &targets, kind, &config, session)
}

fn encrypt(
    args: &Args,
    targets: &[Target],
    kind: BackendKind,
    config: &Config,
    session: &mut Session,
) -> Result<u8, Error> {
    let choice = session.engine_choice(config)?;
    let sops = &sops_args::settings(&args.sops, &args.recipients, config, session);
    let cipher =
        open::open(kind, &open::Wish { choice, config, sops, env: &session.env, notify: &crate::ui::notice })
            .inspect_err(|error| super::instructions::print(error, &mut session.ui))?;
    let reuse = if args.fresh { Reuse::Nothing } else { Reuse::Unchanged };
    let done = encrypt::run(&encrypt::Request { targets, cipher: &cipher, reuse, env: &session.env });
    for warning in &done.warnings {
        session.ui.warn(warning);
    }
    Ok(session.finish(&done.report))
}

fn report(args: &Args, targets: &[Target], kind: BackendKind, session: &mut Session) -> Result<u8, Error> {
    let schema = load_schema(args, session)?;
    let policy = if args.strict { Policy::Everything } else { Policy::Secrets };
    let checked = check::run(&check::Request { targets, selected: kind, schema: schema.as_ref(), policy });
    for looked in &checked.0 {
        match looked {
            Looked::At(file) => session.ui.status(file),
            Looked::PastCompanion(path) => {
                session
                    .ui
                    .warn(&format!("Skipping {path}: it is a plaintext companion file, not a secret store."));
            }
            Looked::Failed(_, error) => session.ui.error(error),
        }
    }
    if session.ui.is_json() {
        session.ui.payload(checked.to_json().as_bytes());
    }
    Ok(u8::from(checked.blocks()))
}

/// The class of `--schema`, looked up in the service folder and in the current one.
fn load_schema(args: &Args, session: &mut Session) -> Result<Option<Schema>, Error> {
    let Some(name) = &args.schema else { return Ok(None) };
    let cwd = session.env.cwd();
    let service = args.service_dir.as_ref().map(|dir| cwd.join(dir));
    let folders: Vec<&Path> = service.iter().map(PathBuf::as_path).chain([cwd]).collect();
    let schema = schema::load(name, &folders)?;
    for base in schema.unread_bases() {
        session.ui.warn(&format!("{name}: fields inherited from {base} are not looked at"));
    }
    Ok(Some(schema))
}

/// One row for each file that is not there.
fn missing(targets: &[Target]) -> Option<Report> {
    let gone = targets.iter().filter(|target| !target.path().exists() && !target.path().is_symlink());
    let row = |target: &Target| {
        Row::new(target.to_string(), Outcome::Failed(Error::MissingFile(target.shown().to_path_buf())))
    };
    let rows: Vec<Row> = gone.map(row).collect();
    (!rows.is_empty()).then_some(Report { command: "encrypt", rows })
}

/// One row for each file that is refused by its name.
fn companions(targets: &[Target]) -> Option<Report> {
    let row = |target: &Target| {
        let refusal = refuse_name(target, "encrypt")?;
        Some(Row::new(target.to_string(), Outcome::Failed(refusal.into())))
    };
    let rows: Vec<Row> = targets.iter().filter_map(row).collect();
    (!rows.is_empty()).then_some(Report { command: "encrypt", rows })
}
