//! What lock and pull share: the checks before, in the order of the contract, and how rows are printed.

use crate::backend::sops::engine::SopsSettings;
use crate::backend::{BackendKind, EngineChoice};
use crate::cipher::Cipher;
use crate::env::Env;
use crate::error::Error;
use crate::ops::open;
use crate::ops::partial::Report;
use crate::ops::service_rows::{self, Remark, ServiceRow};
use crate::ops::services::{self, Service};
use crate::report::Outcome;
use crate::workspace::{Config, ProviderKind};

use super::Session;
use super::provider_args::ProviderArgs;
use super::sops_args::{self, RecipientArgs, SopsArgs};

/// What a run works with, once all checks are passed.
pub struct Project {
    /// The config.
    pub config: Config,
    /// Its backend.
    pub backend: BackendKind,
    /// The vault of the mappings; none where there are only files.
    pub provider: Option<ProviderKind>,
    choice: EngineChoice,
    sops: SopsSettings,
}

/// What a run asks of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultUse {
    /// Nothing.
    None,
    /// What the flag or command of this name asks.
    By(&'static str),
}

impl Project {
    /// Loads the config and checks it; refuses what only a vault can do.
    pub fn load(args: &ProviderArgs, vault: VaultUse, session: &mut Session) -> Result<Self, Error> {
        let config = session.load_config()?;
        let has_mappings = !config.vault.sync.mappings.is_empty();
        if !has_mappings && config.encryption.files.is_empty() {
            return Err(no_work_list());
        }
        let backend = *config.encryption.backend.checked()?;
        if let (VaultUse::By(name), BackendKind::Sops) = (vault, backend) {
            return Err(dotenvx_only(name));
        }
        let provider = has_mappings.then(|| args.checked(&config, &session.env)).transpose()?;
        if let VaultUse::By(name) = vault {
            return Err(unavailable(name));
        }
        let choice = session.engine_choice(&config)?;
        let sops = sops_args::settings(&SopsArgs::default(), &RecipientArgs::default(), &config, session);
        Ok(Self { config, backend, provider, choice, sops })
    }

    /// The work list of `command`; none, after a warning, where no mapping is untagged.
    pub fn services(
        &self,
        command: &str,
        profile: Option<&str>,
        session: &mut Session,
    ) -> Result<Option<Vec<Service>>, Error> {
        let services = services::list(&self.config, profile, &session.env)?;
        match (services.is_empty(), profile) {
            (false, _) => Ok(Some(services)),
            (true, Some(profile)) => Err(Error::Usage {
                message: format!("No mappings found for profile '{}'", profile.escape_debug()),
                hint: "profile is a key of the mappings in [vault.sync]".into(),
                code: "usage.profile",
            }),
            (true, None) => {
                session.ui.warn("No non-profile mappings found. Use --profile to specify one.");
                print_json::<()>(command, false, &[], None, session);
                Ok(None)
            }
        }
    }

    /// The rules of the backend and the engine that was chosen.
    pub fn open(&self, env: &Env) -> Result<Cipher, Error> {
        self.open_with(self.choice, env)
    }

    /// The rules of the backend, for looking at files: no binary is needed for that.
    pub fn rules(&self, env: &Env) -> Result<Cipher, Error> {
        self.open_with(EngineChoice::Builtin, env)
    }

    fn open_with(&self, choice: EngineChoice, env: &Env) -> Result<Cipher, Error> {
        let wish =
            open::Wish { choice, config: &self.config, sops: &self.sops, env, notify: &crate::ui::notice };
        open::open(self.backend, &wish)
    }

    /// `Provider: azure`, or the backend where no vault is needed.
    pub fn label(&self) -> String {
        match self.provider {
            Some(provider) => format!("Provider: {provider}"),
            None => format!("Backend: {}", self.backend),
        }
    }
}

/// Prints the document of `--json`: the rows of the services, then those of the partial phase.
pub fn print_json<E>(
    command: &str,
    is_ok: bool,
    rows: &[ServiceRow],
    phase: Option<&Report<E>>,
    session: &mut Session,
) {
    if session.ui.is_json() {
        let phase = phase.map(Report::json_rows).unwrap_or_default();
        session.ui.payload(format!("{}\n", service_rows::to_json(command, is_ok, rows, phase)).as_bytes());
    }
}

/// The title of a run.
pub fn title(text: &str, profile: Option<&str>) -> String {
    profile.map_or_else(|| text.to_owned(), |profile| format!("{text} (profile: {})", profile.escape_debug()))
}

/// Prints the rows: remarks first, then what happened, then the copy; with `-q` only what went wrong.
pub fn print_rows(rows: &[ServiceRow], session: &mut Session) {
    let ui = &mut session.ui;
    for row in rows {
        for remark in &row.remarks {
            match (remark, &row.row.outcome) {
                // The row itself says so.
                (Remark::Partly, Outcome::WouldChange(_)) => {}
                (Remark::Partly, _) => ui.answer(&format!("~ {} - {remark}", row.row.path)),
                _ => ui.answer(&format!("! {} - {remark}", row.row.path)),
            }
        }
        ui.answer(&row.line());
        if let Some(error) = row.row.error() {
            ui.phase_error(&row.row.path, error);
        }
        ui.row_notes(&row.row);
        if let Some(activation) = &row.activation {
            ui.answer(&activation.line());
        }
    }
}

/// What a step of partial encryption says where there is none.
pub const NOT_ENABLED: &str = "Partial encryption not enabled in config";

/// Prints the title of a further step.
pub fn print_step(step: &str, session: &mut Session) {
    session.ui.answer("");
    session.ui.answer(step);
}

/// Prints the title of a panel and its counters.
pub fn print_panel(title: &str, counters: &[(&str, usize)], session: &mut Session) {
    session.ui.answer("");
    session.ui.answer(title);
    for (name, count) in counters {
        session.ui.answer(&format!("  {name}: {count}"));
    }
}

fn no_work_list() -> Error {
    Error::Usage {
        message: "No sync configuration found. Provide one of:\n\
                  \x20 * [[vault.sync.mappings]] in envdrift.toml\n\
                  \x20 * [[tool.envdrift.vault.sync.mappings]] in pyproject.toml\n\
                  \x20 * --config FILE, a TOML file with mappings\n\
                  \x20 * [encryption] files = [\"services/*/.env.production\"], for files without a vault"
            .into(),
        hint: "docs/guides/monorepo.md has an example of each".into(),
        code: "config.no_mappings",
    }
}

fn dotenvx_only(name: &str) -> Error {
    Error::Usage {
        message: format!(
            "{name} is only supported with dotenvx backend: with SOPS no private key is shared, the KMS decides who can read"
        ),
        hint: match name {
            "pull" => "run `envdrift pull --skip-sync`: it decrypts with the identities and the KMS at hand".into(),
            _ => "run it without the flag; `envdrift decrypt --check` tells whether the keys at hand open a file".into(),
        },
        code: "vault.dotenvx_only",
    }
}

fn unavailable(name: &str) -> Error {
    Error::Usage {
        message: format!("This version of envdrift cannot reach vaults yet, and {name} needs one"),
        hint: match name {
            "pull" => {
                "run `envdrift pull --skip-sync` with the keys in .env.keys or in the environment".into()
            }
            _ => "run it without the flag: lock then uses the keys at hand".into(),
        },
        code: "vault.unavailable",
    }
}
