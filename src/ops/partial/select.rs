//! The environments of a run, from the config and `--env`, after everything that the config can get wrong.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::backend::BackendKind;
use crate::error::Error;
use crate::workspace::target::Target;
use crate::workspace::{Config, ConfigPath, PartialEnvironment, PartialMode};

use super::PartialError;
use super::glob::Pattern;

/// One environment to work on.
#[derive(Debug)]
pub struct Environment<'c> {
    /// Its name; several may have the same.
    pub name: &'c str,
    /// Its files.
    pub files: Files<'c>,
}

/// The files of an environment.
#[derive(Debug)]
pub enum Files<'c> {
    /// Two sources and the file that is made of them.
    Combine(Combine<'c>),
    /// All that match in a folder.
    Folder(Folder<'c>),
}

/// The three files of an environment in combine mode.
#[derive(Debug)]
pub struct Combine<'c> {
    /// Stays readable.
    pub clear: &'c ConfigPath,
    /// Is encrypted in place.
    pub secret: Target,
    /// The secret file as the config has it.
    pub secret_written: &'c str,
    /// Is generated.
    pub combined: &'c ConfigPath,
}

/// The folder of a secrets-only environment.
#[derive(Debug)]
pub struct Folder<'c> {
    /// The folder as the config has it, without a final separator.
    pub shown: String,
    dir: &'c ConfigPath,
    base: &'c Path,
    pattern: Pattern,
    /// Files that other environments keep readable or generate.
    managed: BTreeSet<PathBuf>,
}

impl Folder<'_> {
    /// The files that are meant, sorted by path.
    ///
    /// Companions are left out, and so are the clear and combined files of other environments.
    ///
    /// # Errors
    /// No such folder, or no file in it that matches: then nothing could be said of it.
    pub fn targets(&self) -> Result<Vec<Target>, PartialError> {
        if !self.dir.resolved.is_dir() {
            return Err(PartialError::NoFolder { dir: self.shown.clone() });
        }
        let files = self.pattern.files(&self.dir.resolved)?;
        let place = shown(self.dir);
        let targets = files.iter().map(|file| Target::new(self.base, &place.join(file)));
        let targets: Vec<Target> = targets
            .filter(|target| target.companion().is_none() && !self.managed.contains(&real(target.path())))
            .collect();
        if targets.is_empty() {
            return Err(PartialError::NothingMatches {
                dir: self.shown.clone(),
                pattern: self.pattern.written().to_owned(),
            });
        }
        Ok(targets)
    }
}

/// The environments called `wanted`, or all; none where partial encryption is not enabled.
///
/// # Errors
/// A mistake in the config that concerns one of them, a name that is not there, and nothing to work on: all before
/// any file is touched.
pub fn select<'c>(config: &'c Config, wanted: Option<&str>) -> Result<Option<Vec<Environment<'c>>>, Error> {
    let Some(configured) = config.partial_encryption.checked()? else { return Ok(None) };
    if *config.encryption.backend.checked()? == BackendKind::Sops {
        return Err(PartialError::SopsBackend.into());
    }
    if configured.is_empty() {
        return Err(PartialError::NoEnvironments.into());
    }
    let selected: Vec<&PartialEnvironment> =
        configured.iter().copied().filter(|one| is_wanted(one, wanted)).collect();
    if let (true, Some(name)) = (selected.is_empty(), wanted) {
        let known = configured.iter().map(|one| one.name.clone()).collect();
        return Err(PartialError::UnknownEnvironment { name: name.to_owned(), known }.into());
    }
    check_paths(&configured, wanted)?;
    let managed = managed(&configured);
    let environments = selected.into_iter().map(|one| environment(one, config, &managed));
    Ok(Some(environments.collect::<Result<_, _>>()?))
}

fn is_wanted(environment: &PartialEnvironment, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| environment.name == wanted)
}

fn environment<'c>(
    one: &'c PartialEnvironment,
    config: &'c Config,
    managed: &BTreeSet<PathBuf>,
) -> Result<Environment<'c>, PartialError> {
    let base = config.dir.as_path();
    let files = match &one.mode {
        PartialMode::Combine { clear_file, secret_file, combined_file } => Files::Combine(Combine {
            clear: clear_file,
            secret: Target::new(base, &shown(secret_file)),
            secret_written: &secret_file.written,
            combined: combined_file,
        }),
        PartialMode::SecretsOnly { secrets_dir, pattern } => {
            let wrong =
                |why| PartialError::Pattern { environment: one.name.clone(), pattern: pattern.clone(), why };
            Files::Folder(Folder {
                shown: secrets_dir.written.trim_end_matches(['/', '\\']).to_owned(),
                dir: secrets_dir,
                base,
                pattern: Pattern::parse(pattern).map_err(wrong)?,
                managed: managed.clone(),
            })
        }
    };
    Ok(Environment { name: &one.name, files })
}

/// A path as messages name it: as it is written, with its home folder where it starts with `~`.
fn shown(path: &ConfigPath) -> PathBuf {
    if path.written.starts_with('~') { path.resolved.clone() } else { PathBuf::from(&path.written) }
}

/// The clear and combined files of all environments.
fn managed(configured: &[&PartialEnvironment]) -> BTreeSet<PathBuf> {
    let files = configured.iter().filter_map(|one| match &one.mode {
        PartialMode::Combine { clear_file, combined_file, .. } => Some([clear_file, combined_file]),
        PartialMode::SecretsOnly { .. } => None,
    });
    files.flatten().map(|path| real(&path.resolved)).collect()
}

/// What a path is to its environment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Clear,
    Secret,
    Combined,
}

impl Role {
    fn key(self) -> &'static str {
        match self {
            Self::Clear => "clear_file",
            Self::Secret => "secret_file",
            Self::Combined => "combined_file",
        }
    }
}

/// One path of one environment.
struct Claim<'c> {
    environment: &'c PartialEnvironment,
    role: Role,
    path: &'c ConfigPath,
}

impl Claim<'_> {
    fn describe(&self) -> String {
        format!("{} of '{}' ({})", self.role.key(), self.environment.name, self.path.written)
    }
}

/// Refuses paths that would overwrite or encrypt each other. Environments may share a clear or a secret file.
fn check_paths(configured: &[&PartialEnvironment], wanted: Option<&str>) -> Result<(), PartialError> {
    let mut claims: BTreeMap<PathBuf, Vec<Claim<'_>>> = BTreeMap::new();
    let mut folders = Folders::default();
    for environment in configured {
        let PartialMode::Combine { clear_file, secret_file, combined_file } = &environment.mode else {
            continue;
        };
        let paths = [(Role::Clear, clear_file), (Role::Secret, secret_file), (Role::Combined, combined_file)];
        for (role, path) in paths {
            if path.written.contains(['\n', '\r']) {
                let environment = environment.name.clone();
                return Err(PartialError::LineBreak { environment, role: role.key() });
            }
            // Generating replaces a symbolic link, encrypting and reading follow it.
            let place = match role {
                Role::Combined => folders.place(&path.resolved),
                Role::Clear | Role::Secret => folders.real(&path.resolved),
            };
            claims.entry(place).or_default().push(Claim { environment, role, path });
        }
    }
    let concerns = |claims: &[&Claim<'_>]| claims.iter().any(|claim| is_wanted(claim.environment, wanted));
    for (place, here) in &claims {
        let first = &here[0];
        for other in &here[1..] {
            let shared = first.role == other.role && first.role != Role::Combined;
            if !shared && concerns(&[first, other]) {
                let (one, other) = (first.describe(), other.describe());
                return Err(PartialError::SamePath { one, other, path: place.display().to_string() });
            }
        }
        let above = place.ancestors().skip(1).find_map(|folder| claims.get(folder));
        if let Some(outer) = above.map(|outer| &outer[0]).filter(|outer| concerns(&[first, outer])) {
            return Err(PartialError::NestedPath { inner: first.describe(), outer: outer.describe() });
        }
    }
    Ok(())
}

/// Where a file is, all links followed; a file that is not there is looked for in its real folder.
fn real(path: &Path) -> PathBuf {
    Folders::default().real(path)
}

/// Real folders, each looked up once.
#[derive(Default)]
pub(super) struct Folders(HashMap<PathBuf, PathBuf>);

impl Folders {
    /// The real folder of `path` and its own name in it.
    fn place(&mut self, path: &Path) -> PathBuf {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return path.to_path_buf() };
        let look_up = || dunce::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
        self.0.entry(folder.to_path_buf()).or_insert_with(look_up).join(name)
    }

    /// Where a file is, all links followed; a file that is not there is looked for in its real folder.
    pub(super) fn real(&mut self, path: &Path) -> PathBuf {
        let place = self.place(path);
        if place.is_symlink() { dunce::canonicalize(&place).unwrap_or(place) } else { place }
    }
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
