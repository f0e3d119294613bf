//! The `[git_hook_check]` gate: are the git hooks of this repository armed? It only looks.
//!
//! `direct`: the `pre-commit` hook of the repository has envdrift's marked block. `precommit`: the configuration of the
//! pre-commit framework has the hook `envdrift-encryption`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::files::{self, FileError};
use crate::git::{Git, GitRunner, work_tree};
use crate::workspace::HookCheck;

/// The line that marks envdrift's block in a hook.
const MARK: &str = "# >>> envdrift hook: pre-commit";
/// The id of the hook in a pre-commit configuration.
const HOOK_ID: &str = "envdrift-encryption";

/// What is not armed.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// There is no repository, or git does not say where its hooks are.
    #[error("Git hooks directory not found; cannot verify direct hooks.")]
    NoHooksFolder,
    /// The hook is not there or lacks the block.
    #[error("Missing envdrift git hook(s) in {}: pre-commit", .0.display())]
    NotArmed(PathBuf),
    /// The pre-commit configuration lacks the hook.
    #[error("Missing envdrift hook id(s) in {}: {HOOK_ID}", .0.display())]
    NotConfigured(PathBuf),
    /// The hook or the configuration cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl HookError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHooksFolder => {
                Some("run it inside the repository, or take [git_hook_check] out of the config".into())
            }
            Self::NotArmed(_) | Self::NotConfigured(_) => {
                Some("docs/configuration.md has the hook to add, under [git_hook_check]".into())
            }
            Self::File(error) => error.hint(),
        }
    }

    /// A stable token for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoHooksFolder => "hooks.no_folder",
            Self::NotArmed(_) => "hooks.not_armed",
            Self::NotConfigured(_) => "hooks.not_configured",
            Self::File(error) => error.code(),
        }
    }
}

/// Checks that the hooks which the config asks for are armed. `folder` is the config's.
pub fn verify(check: &HookCheck, folder: &Path, env: &Env) -> Result<(), HookError> {
    match check {
        HookCheck::Direct => verify_direct(folder, env),
        HookCheck::Precommit { config } => verify_precommit(&config.resolved),
    }
}

fn verify_direct(folder: &Path, env: &Env) -> Result<(), HookError> {
    let root = work_tree(folder).ok_or(HookError::NoHooksFolder)?;
    let args = ["rev-parse", "--git-path", "hooks"].map(OsStr::new);
    let answer = Git::new(env).run(&root, &args, &[]).ok_or(HookError::NoHooksFolder)?;
    let hooks = root.join(String::from_utf8_lossy(&answer).trim_end_matches(['\r', '\n']));
    let hook = hooks.join("pre-commit");
    match files::read(&hook) {
        Ok(text) if memchr::memmem::find(&text, MARK.as_bytes()).is_some() => Ok(()),
        Ok(_) | Err(FileError::Missing { .. }) => Err(HookError::NotArmed(hooks)),
        Err(error) => Err(error.into()),
    }
}

fn verify_precommit(path: &Path) -> Result<(), HookError> {
    let text = files::read_text(path)?;
    let names_hook = |line: &str| {
        let value = line.trim().trim_start_matches("- ").strip_prefix("id:").map(str::trim);
        value.is_some_and(|value| value.trim_matches(['"', '\'']) == HOOK_ID)
    };
    if text.lines().any(names_hook) { Ok(()) } else { Err(HookError::NotConfigured(path.to_path_buf())) }
}
