//! `[git_hook_check]`: which git hooks have to be in place before files are touched.

use super::diagnostic::{ConfigError, Deferred};
use super::raw::RawHookCheck;
use super::reader::{ConfigPath, Reader};

/// Where the hooks have to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookCheck {
    /// In a pre-commit configuration.
    Precommit {
        /// That file.
        config: ConfigPath,
    },
    /// In git's hooks folder.
    Direct,
}

const PRECOMMIT: [&str; 6] = [
    "precommit",
    "pre-commit",
    "precommit.yaml",
    "precommit.yml",
    ".pre-commit-config.yaml",
    "pre-commit-config.yaml",
];
const DIRECT: [&str; 6] = ["direct", "direct git hook", "direct git hooks", "git", "git hook", "git hooks"];

pub(super) fn read_hook_check(
    reader: &Reader<'_>,
    raw: RawHookCheck,
) -> Result<Deferred<Option<HookCheck>>, ConfigError> {
    let at = reader.section("git_hook_check");
    let method = at.spanned("method", raw.method)?;
    let config = at.path("precommit_config", raw.precommit_config)?;
    let Some(method) = method else { return Ok(Deferred(Ok(None))) };
    let error = |detail: &str| {
        Deferred(Err(ConfigError::Section {
            detail: detail.to_owned(),
            at: reader.source.at(&method.span()),
        }))
    };
    let name = method.get_ref().trim().to_lowercase();
    Ok(match (name.as_str(), config) {
        ("", _) => Deferred(Ok(None)),
        (name, _) if DIRECT.contains(&name) => Deferred(Ok(Some(HookCheck::Direct))),
        (name, Some(config)) if PRECOMMIT.contains(&name) => {
            Deferred(Ok(Some(HookCheck::Precommit { config })))
        }
        (name, None) if PRECOMMIT.contains(&name) => {
            error("git_hook_check.precommit_config is required for precommit checks.")
        }
        _ => error("Unknown git_hook_check.method value. Use 'precommit.yaml' or 'direct git hook'."),
    })
}
