//! `SOPS_AGE_KEY_CMD` and `SOPS_AGE_SSH_PRIVATE_KEY_CMD`: a program of the user's that prints an identity.

use std::ffi::OsStr;

use crate::env::{self, Env};
use crate::process::Cmd;
use crate::secret::Secret;

/// What the program gets of the environment, besides the recipient.
const PASSED: [&str; 4] = [env::PATH, env::HOME, env::XDG_CONFIG_HOME, env::XDG_RUNTIME_DIR];

/// Runs `command` by the shell with `SOPS_AGE_RECIPIENT` set; gives what it printed, or why there is nothing.
pub(super) fn run(command: &str, recipient: &str, env: &Env) -> Result<Secret, String> {
    let path = env.raw(env::PATH).unwrap_or(OsStr::new("/usr/bin:/bin"));
    let shell =
        which::which_in("sh", Some(path), env.cwd()).map_err(|_| "there is no shell to run it".to_owned())?;
    let output = Cmd::new(shell)
        .args(["-c", command])
        .pass(env, PASSED)
        .env("SOPS_AGE_RECIPIENT", recipient)
        .dir(env.cwd())
        .run()
        .and_then(crate::process::Output::success)
        .map_err(|error| error.to_string())?;
    output.text().map(Secret::new).map_err(|error| error.to_string())
}
