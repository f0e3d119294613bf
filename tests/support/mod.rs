//! What the integration tests share.

#[cfg(unix)]
mod sandbox;
mod sops;

use std::env;
use std::path::{Path, PathBuf};

/// Whether this run must do everything: all tools, and sweeps at their full size.
#[expect(clippy::disallowed_methods, reason = "tests are told what to do by the environment")]
pub(crate) fn thorough() -> bool {
    env::var_os("ENVDRIFT_REQUIRE_TOOLS").is_some_and(|required| required == "1")
}
#[cfg(unix)]
pub(crate) use sandbox::{Kind, Run, Running, Sandbox, Tree, skipped};
pub(crate) use sops::{Identity, RULED, RULES, put};

/// The program at `path` below the folder that `tests/tools.sh` fills, or `None` after a line that names what is
/// missing, so that the caller can skip its test.
///
/// # Panics
/// Where `ENVDRIFT_REQUIRE_TOOLS=1` says that every tool must be there, a missing one fails the test.
#[expect(clippy::disallowed_methods, reason = "tests are told where the tools are by the environment")]
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn tool(path: &str) -> Option<PathBuf> {
    let folder = env::var_os("ENVDRIFT_TOOLS_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from);
    let program = folder.join(path);
    if program.exists() {
        return Some(program);
    }
    let missing = format!("skipped: {} is missing; tests/tools.sh installs it", program.display());
    assert!(!thorough(), "{missing}");
    eprintln!("{missing}");
    None
}
