//! Backend and engine by name: the one place that knows them all.

use jiff::Timestamp;

use crate::backend::dotenvx::builtin::Builtin;
use crate::backend::dotenvx::tool::DotenvxTool;
use crate::backend::dotenvx::{Dotenvx, DotenvxRules};
use crate::backend::sops::engine::{SopsBuiltin, SopsByTool, SopsRules, SopsSettings};
use crate::backend::sops::tool::SopsTool;
use crate::backend::{BackendKind, Engine, EngineChoice};
use crate::cipher::Cipher;
use crate::env::Env;
use crate::error::Error;
use crate::install::{self, AutoInstall, EnsureError};
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
    /// Tells the user what takes long.
    pub notify: &'a (dyn Fn(&str) + Sync),
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
            let engine: Box<dyn Engine> = match tool(kind, wish)? {
                Some(tool) => {
                    let tool = SopsTool::new(tool, wish.env.clone());
                    Box::new(SopsByTool::new(settings, wish.env.clone(), tool))
                }
                None => Box::new(SopsBuiltin::new(settings, wish.env.clone(), Timestamp::now)),
            };
            Ok(Cipher { backend: Box::new(rules), engine })
        }
    }
}

/// The binary that does the work; none where the built-in engine does.
///
/// `auto` takes a binary that is there and never installs one; `tool` insists, and installs it where the config says so.
fn tool(kind: BackendKind, wish: &Wish<'_>) -> Result<Option<Tool>, Error> {
    let encryption = &wish.config.encryption;
    let (name, may_install) = match kind {
        BackendKind::Dotenvx => (ToolName::Dotenvx, encryption.dotenvx_auto_install),
        BackendKind::Sops => (ToolName::Sops, encryption.sops.auto_install),
    };
    let auto = match wish.choice {
        EngineChoice::Builtin => return Ok(None),
        EngineChoice::Tool if may_install => AutoInstall::On,
        EngineChoice::Auto | EngineChoice::Tool => AutoInstall::Off,
    };
    match install::ensure(name, wish.env, auto, &mut |notice| (wish.notify)(&notice.to_string())) {
        Ok(None) if wish.choice == EngineChoice::Tool => {
            Err(Error::NotInstalled { backend: kind, cause: None })
        }
        Ok(found) => Ok(found),
        Err(EnsureError::Lookup(error)) => Err(error.into()),
        Err(EnsureError::Install(cause)) => Err(Error::NotInstalled { backend: kind, cause: Some(cause) }),
    }
}
