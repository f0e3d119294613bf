//! `envdrift decrypt`.

use std::path::PathBuf;

use crate::backend::BackendKind;
use crate::cipher::refuse_name;
use crate::error::Error;
use crate::ops::decrypt::{self, Output};
use crate::ops::open;
use crate::report::{Outcome, Report, Row};
use crate::workspace::target::Target;

use super::Session;
use super::provider_args::ProviderArgs;
use super::sops_args::{self, RecipientArgs, SopsArgs};

/// Decrypt env files in place
///
/// The backend is read from each file. Several files are one transaction: all are decrypted in
/// memory before the first is written.
///
/// Examples:
///   envdrift decrypt .env.production
///   envdrift decrypt --stdout .env.production     print it, leave the file alone
///   envdrift decrypt --check .env.production      can it be decrypted? prints nothing secret
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Files to decrypt [default: .env]
    #[arg(value_name = "ENV_FILES")]
    env_files: Vec<PathBuf>,
    /// Only say whether the keys at hand open the files; write nothing
    #[arg(long, conflicts_with = "stdout")]
    check: bool,
    /// Print the plaintext of one file and leave the file alone
    #[arg(long, conflicts_with = "json")]
    stdout: bool,
    /// dotenvx or sops [default: what the file says, else the config]
    #[arg(long, short)]
    backend: Option<String>,
    #[command(flatten)]
    sops: SopsArgs,
    #[command(flatten)]
    vault: VaultArgs,
    /// Only to say that they do not belong here.
    #[command(flatten)]
    recipients: NoRecipients,
}

/// The recipient flags of encrypt, hidden.
#[derive(Debug, clap::Args)]
struct NoRecipients {
    #[arg(long, hide = true)]
    age: Option<String>,
    #[arg(long, hide = true)]
    kms: Option<String>,
    #[arg(long, hide = true)]
    gcp_kms: Option<String>,
    #[arg(long, hide = true)]
    azure_kv: Option<String>,
}

impl NoRecipients {
    /// Decryption has no recipients: the file names them.
    fn refuse(&self) -> Result<(), Error> {
        let typed = [
            ("--age", &self.age),
            ("--kms", &self.kms),
            ("--gcp-kms", &self.gcp_kms),
            ("--azure-kv", &self.azure_kv),
        ];
        match typed.iter().find(|(_, value)| value.is_some()) {
            None => Ok(()),
            Some((flag, _)) => Err(Error::Usage {
                message: format!(
                    "{flag} names a recipient, and decrypt has none: the file says who may read it"
                ),
                hint: "to say where the identity is, use --age-key-file or SOPS_AGE_KEY_FILE".into(),
                code: "usage.recipient",
            }),
        }
    }
}

/// `--verify-vault` and what it needs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Vault verification (dotenvx only)")]
struct VaultArgs {
    /// Check that the key in the vault opens the file; write nothing
    #[arg(long)]
    verify_vault: bool,
    /// Leave out the progress lines of --verify-vault
    #[arg(long)]
    ci: bool,
    #[command(flatten)]
    provider: ProviderArgs,
    /// Name of the secret
    #[arg(long)]
    secret: Option<String>,
}

/// Checks the arguments in a fixed order, then decrypts.
pub fn run(args: &Args, session: &mut Session) -> Result<u8, Error> {
    let targets = session.targets(&args.env_files);
    if let Some(report) = refused(&targets) {
        return Ok(session.finish(&report));
    }
    if args.stdout && targets.len() > 1 {
        return Err(Error::Usage {
            message: "--stdout takes one file".into(),
            hint: "run it once for each file".into(),
            code: "usage.stdout_files",
        });
    }
    args.recipients.refuse()?;
    let config = session.load_config()?;
    if !args.check && !args.stdout && !args.vault.verify_vault {
        session.verify_hooks(&config)?;
    }
    let typed = super::typed_backend(args.backend.as_deref())?;
    let default = match typed {
        Some(kind) => kind,
        None => *config.encryption.backend.checked()?,
    };
    let choice = session.engine_choice(&config)?;
    if args.vault.verify_vault {
        return verify_vault(args, &targets, typed, default);
    }
    let env = session.env.clone();
    let sops = sops_args::settings(&args.sops, &RecipientArgs::default(), &config, session);
    let output = match (args.stdout, args.check) {
        (true, _) => Output::InMemory,
        (_, true) => Output::Check,
        _ => Output::InPlace,
    };
    let done = decrypt::run(&decrypt::Request {
        targets: &targets,
        backend: typed,
        default,
        open: &|kind| {
            open::open(
                kind,
                &open::Wish { choice, config: &config, sops: &sops, env: &env, notify: &crate::ui::notice },
            )
        },
        output,
        env: &env,
    });
    if output == Output::InMemory && done.report.is_ok() {
        for text in &done.texts {
            session.ui.payload(text.expose().as_bytes());
        }
        return Ok(0);
    }
    if output != Output::InMemory {
        for kind in &done.detected {
            session.ui.answer(&format!("Auto-detected encryption backend: {kind}"));
        }
    }
    for row in &done.report.rows {
        if let Outcome::Failed(error) = &row.outcome {
            super::instructions::print(error, &mut session.ui);
        }
    }
    Ok(session.finish(&done.report))
}

fn refused(targets: &[Target]) -> Option<Report> {
    let row = |target: &Target| {
        let missing = !target.path().exists() && !target.path().is_symlink();
        let error = if missing {
            Error::MissingFile(target.shown().to_path_buf())
        } else {
            refuse_name(target, "decrypt")?.into()
        };
        Some(Row::new(target.to_string(), Outcome::Failed(error)))
    };
    let rows: Vec<Row> = targets.iter().filter_map(row).collect();
    (!rows.is_empty()).then_some(Report { command: "decrypt", rows })
}

/// The checks of `--verify-vault` that need no vault.
fn verify_vault(
    args: &Args,
    targets: &[Target],
    typed: Option<BackendKind>,
    default: BackendKind,
) -> Result<u8, Error> {
    let usage =
        |message: &str, hint: &str, code| Error::Usage { message: message.into(), hint: hint.into(), code };
    let kind = typed.or_else(|| decrypt::detect(targets.first()?)).unwrap_or(default);
    if kind != BackendKind::Dotenvx {
        return Err(usage(
            "Vault verification is only supported with dotenvx backend",
            "SOPS has no portable key: its KMS decides who can read; use `envdrift decrypt --check`",
            "vault.dotenvx_only",
        ));
    }
    if args.vault.provider.provider.is_none() {
        let hint = "one of azure, aws, hashicorp, gcp";
        return Err(usage("--verify-vault requires --provider", hint, "vault.provider"));
    }
    if args.vault.secret.is_none() {
        let hint = "name the secret that holds the private key";
        return Err(usage("--verify-vault requires --secret (vault secret name)", hint, "vault.secret"));
    }
    Err(usage(
        "This version of envdrift cannot reach vaults yet",
        "compare the keys by hand: `envdrift decrypt --check` with the vault's key in the environment",
        "vault.unavailable",
    ))
}
