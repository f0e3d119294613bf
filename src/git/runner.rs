//! The git of the user, run through the process layer.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::GitRunner;
use crate::env::{self, Env};
use crate::process::{Cmd, Stdin};

/// How long one call may take; git answers these questions in milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);

/// What git needs: its helpers, and the settings that say which repositories are safe. No `GIT_*` variable: a hook sets
/// them to another index than the one the user sees.
const PASSED: [&str; 5] = [env::PATH, env::HOME, env::XDG_CONFIG_HOME, "SystemRoot", "USERPROFILE"];

/// The git on `PATH`.
pub struct Git<'a> {
    env: &'a Env,
}

impl<'a> Git<'a> {
    /// A git that is looked up when it is asked.
    pub fn new(env: &'a Env) -> Self {
        Self { env }
    }
}

impl GitRunner for Git<'_> {
    fn run(&self, dir: &Path, args: &[&OsStr], input: &[u8]) -> Option<Vec<u8>> {
        let git = which::which_in("git", self.env.raw(env::PATH), self.env.cwd()).ok()?;
        let stdin = if input.is_empty() { Stdin::Null } else { Stdin::Bytes(Zeroizing::new(input.to_vec())) };
        let output = Cmd::new(git)
            .args(args)
            .pass(self.env, PASSED)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .dir(dir)
            .stdin(stdin)
            .deadline(DEADLINE)
            .run()
            .ok()?;
        (output.code() == 0).then(|| output.stdout().to_vec())
    }
}
