//! One file a command: its arguments on top (their doc comments are the help), below them how arguments become a
//! request and a report becomes an exit code.

pub mod completions;
pub mod decrypt;
pub mod encrypt;
mod instructions;
pub mod lock;
pub mod man;
pub mod provider_args;
pub mod pull;
pub mod pull_partial;
pub mod push;
pub mod service_run;
pub mod sops_args;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::backend::{BackendKind, EngineChoice};
use crate::cli::Global;
use crate::env::{ENVDRIFT_ENGINE, Env};
use crate::error::Error;
use crate::files;
use crate::ops::partial::PartialError;
use crate::ops::{hooks, key_stores};
use crate::report::Report;
use crate::ui::Ui;
use crate::workspace::target::Target;
use crate::workspace::{self, Config};

/// What every command gets.
pub struct Session {
    /// The environment.
    pub env: Env,
    /// The streams.
    pub ui: Ui,
    /// The global flags.
    pub global: Global,
}

impl Session {
    /// Loads the config and prints its warnings.
    pub fn load_config(&mut self) -> Result<Config, Error> {
        let loaded = workspace::load(&self.env, self.global.config.as_deref())?;
        for warning in &loaded.warnings {
            self.ui.plain_warning(warning);
        }
        if let Some(path) = &loaded.path {
            self.ui.detail(&format!("config: {}", path.display()));
        }
        Ok(loaded.config)
    }

    /// Stops a run that changes files while the git hooks of `[git_hook_check]` are not armed.
    pub fn verify_hooks(&self, config: &Config) -> Result<(), Error> {
        match config.git_hook_check.checked()? {
            Some(check) => Ok(hooks::verify(check, &config.dir, &self.env)?),
            None => Ok(()),
        }
    }

    /// The engine of this run: flag, environment, config.
    pub fn engine_choice(&self, config: &Config) -> Result<EngineChoice, Error> {
        match (self.global.engine, self.env.get(ENVDRIFT_ENGINE)) {
            (Some(choice), _) => Ok(choice),
            (None, Some(name)) => Ok(name.trim().parse()?),
            (None, None) => Ok(config.encryption.engine),
        }
    }

    /// The files that were typed, each once, or `.env`.
    pub fn targets(&self, typed: &[PathBuf]) -> Vec<Target> {
        let default = [PathBuf::from(".env")];
        let typed = if typed.is_empty() { &default[..] } else { typed };
        let mut seen = HashSet::new();
        let typed = typed.iter().map(|file| Target::new(self.env.cwd(), file));
        let once = typed.filter(|target| seen.insert(target.path().to_path_buf()));
        once.map(|target| {
            // Links that lead to one store must be one store: two keys written to it would each replace the other.
            let store = key_stores::noted(&target).unwrap_or_else(|| target.key_store());
            let store = files::canonical(&store).unwrap_or(store);
            target.with_key_store(store)
        })
        .collect()
    }

    /// Prints a report; gives the exit code.
    pub fn finish(&mut self, report: &Report) -> u8 {
        self.ui.report(report);
        u8::from(!report.is_ok())
    }
}

/// Loads the config for partial encryption, whose commands say so when that fails.
fn partial_config(session: &mut Session) -> Result<Config, Error> {
    session.load_config().map_err(|error| match error {
        Error::Config(error) => PartialError::Load(error).into(),
        other => other,
    })
}

/// The backend that was typed, if any.
pub fn typed_backend(name: Option<&str>) -> Result<Option<BackendKind>, Error> {
    Ok(name.map(str::parse).transpose()?)
}

/// The backend of this run: flag, config.
pub fn backend(typed: Option<&str>, config: &Config) -> Result<BackendKind, Error> {
    match typed_backend(typed)? {
        Some(kind) => Ok(kind),
        None => Ok(*config.encryption.backend.checked()?),
    }
}

/// Prints the version.
pub fn version(ui: &mut Ui) -> u8 {
    ui.payload(concat!("envdrift ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    0
}
