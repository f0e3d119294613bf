//! Backend and engine by name: the one place that knows them all.

use jiff::Timestamp;

use crate::backend::dotenvx::builtin::Builtin;
use crate::backend::dotenvx::tool::DotenvxTool;
use crate::backend::dotenvx::{Dotenvx, DotenvxRules};
use crate::backend::sops::engine::{SopsBuiltin, SopsRules, SopsSettings};
use crate::backend::{BackendKind, Engine, EngineChoice};
use crate::cipher::Cipher;
use crate::env::Env;
use crate::error::Error;
use crate::install;
use crate::process::{Tool, ToolName};
use crate::workspace::Config;

/// What the user wants to work with.
pub struct Wish<'a> {
    /// Which engine.
    pub choice: EngineChoice,
    /// The config.
    pub config: &'a Config,
    /// Recipients and identities for SOPS, from flags and config.
    pub sops: &'a SopsSettings,
    /// The environment.
    pub env: &'a Env,
}

/// The rules of `kind` and the engine of the wish.
pub fn open(kind: BackendKind, wish: &Wish<'_>) -> Result<Cipher, Error> {
    match kind {
        BackendKind::Dotenvx => {
            let engine: Box<dyn Engine> = match tool(kind, wish)? {
                Some(tool) => Box::new(Dotenvx(DotenvxTool::new(tool, wish.env.clone()))),
                None => Box::new(Dotenvx(Builtin)),
            };
            Ok(Cipher { backend: Box::new(DotenvxRules), engine })
        }
        BackendKind::Sops => {
            let settings = wish.sops.clone();
            let rules = SopsRules::new(settings.clone(), wish.env.clone());
            let engine = SopsBuiltin::new(settings, wish.env.clone(), Timestamp::now);
            Ok(Cipher { backend: Box::new(rules), engine: Box::new(engine) })
        }
    }
}

/// The binary that does the work; none where the built-in engine does.
///
/// `auto` takes a binary that is there and never installs one; `tool` insists, and installs it where the config says so.
fn tool(kind: BackendKind, wish: &Wish<'_>) -> Result<Option<Tool>, Error> {
    let name = match kind {
        BackendKind::Dotenvx => ToolName::Dotenvx,
        BackendKind::Sops => ToolName::Sops,
    };
    if wish.choice == EngineChoice::Builtin {
        return Ok(None);
    }
    let found = Tool::find(name, wish.env)?;
    if found.is_some() || wish.choice == EngineChoice::Auto {
        return Ok(found);
    }
    let auto_install = match kind {
        BackendKind::Dotenvx => wish.config.encryption.dotenvx_auto_install,
        BackendKind::Sops => wish.config.encryption.sops.auto_install,
    };
    if !auto_install {
        return Err(Error::NotInstalled { backend: kind, cause: None });
    }
    install::install(name, wish.env)
        .map(Some)
        .map_err(|cause| Error::NotInstalled { backend: kind, cause: Some(cause) })
}
