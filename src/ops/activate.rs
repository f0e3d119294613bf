//! `activate_to`: a decrypted env file is copied to the name that an application reads.
//!
//! The copy is plaintext: it gets into `.gitignore` first, and the mode 0600. It never replaces a key store, an
//! example or the env file of a mapping.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::error::Error;
use crate::files::{self, Mode};
use crate::git::{Git, WorkTree};
use crate::workspace::target::Target;

use super::service_rows::Activation;
use super::services::{Activate, shown};

/// One file to copy.
pub(super) struct Copy<'a> {
    /// The env file.
    pub(super) from: &'a Target,
    /// Where to.
    pub(super) to: &'a Activate,
    /// The env files of the work list.
    pub(super) taken: &'a BTreeSet<PathBuf>,
    /// The environment.
    pub(super) env: &'a Env,
}

/// Copies; what was done to `.gitignore` goes into `warnings`.
pub(super) fn run(copy: &Copy<'_>, warnings: &mut Vec<String>) -> Activation {
    let Ok(to) = &copy.to.path else { return Activation::Escapes(copy.to.written.clone()) };
    let shown_path = to.display().to_string();
    match write(copy, to, warnings) {
        Ok(()) => Activation::Done { to: shown_path, from: copy.from.base_name() },
        Err(error) => Activation::Failed { to: shown_path, error },
    }
}

fn write(copy: &Copy<'_>, to: &Path, warnings: &mut Vec<String>) -> Result<(), Error> {
    let refused = |message: &str| Error::Usage {
        message: message.to_owned(),
        hint: "name a file of its own in activate_to, such as .env".into(),
        code: "service.activate_to",
    };
    if Target::new(copy.env.cwd(), to).companion().is_some() {
        return Err(refused("it is a key store or an example"));
    }
    if let Ok(real) = dunce::canonicalize(to) {
        if dunce::canonicalize(copy.from.path()).is_ok_and(|from| from == real) {
            return Ok(());
        }
        if copy.taken.contains(&real) {
            return Err(refused("it is the env file of another mapping"));
        }
    }
    let bytes = zeroize::Zeroizing::new(files::read(copy.from.path())?);
    keep_out_of_git(copy, to, warnings)?;
    Ok(files::write_atomic(to, &bytes, Mode::Private)?)
}

fn keep_out_of_git(copy: &Copy<'_>, to: &Path, warnings: &mut Vec<String>) -> Result<(), Error> {
    let git = Git::new(copy.env);
    let Some(tree) = to.parent().and_then(|folder| WorkTree::find(folder, &git)) else { return Ok(()) };
    let entries = tree.missing_entries(&[to]);
    if !entries.is_empty() {
        let lines: Vec<&str> = entries.iter().map(String::as_str).collect();
        files::append_lines(&tree.gitignore(), &lines)?;
        warnings.push(format!("Added {} to .gitignore: it holds plaintext.", entries.join(", ")));
    }
    if tree.is_tracked(to) {
        let name = shown(to, copy.env);
        warnings.push(format!("{name} holds plaintext and is tracked by git: run `git rm --cached {name}`"));
    }
    Ok(())
}
