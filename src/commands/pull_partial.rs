//! `envdrift pull-partial`.

use crate::error::Error;
use crate::ops::open;
use crate::ops::partial::{self, PartialError, pull};

use super::Session;
use super::sops_args::{self, RecipientArgs, SopsArgs};

/// Decrypt secret files for editing (partial encryption)
///
/// Decrypts the secret file of each environment, or every file of a secrets-only folder that matches, in place. Git is
/// told to overlook the readable files (skip-worktree) until `envdrift push` encrypts them again.
///
/// Examples:
///   envdrift pull-partial
///   envdrift pull-partial --env production
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Only the environments of this name
    #[arg(long, short, value_name = "NAME")]
    env: Option<String>,
}

/// Selects the environments, then decrypts them.
pub fn run(args: &Args, session: &mut Session) -> Result<u8, Error> {
    let config = super::partial_config(session)?;
    let environments = partial::select(&config, args.env.as_deref())?.ok_or(PartialError::NotEnabled)?;
    let choice = session.engine_choice(&config)?;
    let sops = sops_args::settings(&SopsArgs::default(), &RecipientArgs::default(), &config, session);
    let env = &session.env;
    let wish = open::Wish { choice, config: &config, sops: &sops, env, notify: &crate::ui::notice };
    let ignored = partial::ignore(&environments, env)?;
    session.ui.partial_ignored(&ignored.added);
    session.ui.partial_head("Pull - Decrypting secret files", environments.len());
    let mut report = pull::run(&pull::Request {
        environments: &environments,
        open: &|kind| open::open(kind, &wish),
        missing: pull::Missing::Failure,
        merge: pull::Merge::No,
        env,
    });
    report.add_warnings(ignored.warnings);
    session.ui.pulled(&report);
    Ok(u8::from(!report.is_ok()))
}
