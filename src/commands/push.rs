//! `envdrift push`.

use crate::backend::BackendKind;
use crate::error::Error;
use crate::ops::open;
use crate::ops::partial::{self, PartialError, check, push};
use crate::workspace::Config;

use super::Session;
use super::sops_args::{self, RecipientArgs, SopsArgs};

/// Encrypt secret files and generate combined files (partial encryption)
///
/// Combine mode: encrypts the secret file of each environment and writes the combined file, which is the clear file
/// and the encrypted secret file after each other. Secrets-only mode: encrypts every file of the folder that matches.
/// An environment is written as a whole or not at all, and one that fails does not stop the others.
///
/// Examples:
///   envdrift push
///   envdrift push --env production
///   envdrift push --check            exit 1 while a push would change something; writes nothing
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Only the environments of this name
    #[arg(long, short, value_name = "NAME")]
    env: Option<String>,
    /// Only look whether everything is encrypted and up to date; write nothing
    #[arg(long)]
    check: bool,
}

/// Selects the environments, then pushes or checks them.
pub fn run(args: &Args, session: &mut Session) -> Result<u8, Error> {
    let config = super::partial_config(session)?;
    let Some(environments) = partial::select(&config, args.env.as_deref())? else {
        session.ui.partial_sample();
        return Err(PartialError::NotEnabled.into());
    };
    if args.check {
        session.ui.partial_head("Push --check - Verifying env files are up to date", environments.len());
        let report = check::run(&check::Request { environments: &environments, env: &session.env });
        session.ui.push_checked(&report);
        return Ok(u8::from(!report.is_ok() || report.stale() > 0));
    }
    push(&environments, &config, session)
}

fn push(
    environments: &[partial::Environment<'_>],
    config: &Config,
    session: &mut Session,
) -> Result<u8, Error> {
    let choice = session.engine_choice(config)?;
    let sops = sops_args::settings(&SopsArgs::default(), &RecipientArgs::default(), config, session);
    let wish = open::Wish { choice, config, sops: &sops, env: &session.env, notify: &crate::ui::notice };
    let cipher = open::open(BackendKind::Dotenvx, &wish)
        .inspect_err(|error| super::instructions::print(error, &mut session.ui))?;
    let ignored = partial::ignore(environments, &session.env)?;
    session.ui.partial_ignored(&ignored.added);
    session.ui.partial_head("Push - Encrypting and combining env files", environments.len());
    let mut report = push::run(&push::Request { environments, cipher: &cipher, env: &session.env });
    report.add_warnings(ignored.warnings);
    session.ui.pushed(&report);
    Ok(u8::from(!report.is_ok()))
}
