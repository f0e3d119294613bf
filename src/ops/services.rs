//! The work list of `lock` and `pull`: a service for each mapping of `[vault.sync]` and each file of
//! `[encryption] files`, with its env file or with the reason why there is none.
//!
//! A file that several services lead to is worked on once. Reads folders, not files.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use crate::backend::BackendKind;
use crate::env::Env;
use crate::error::Error;
use crate::files::{self, FileError};
use crate::workspace::resolve::{EnvFileError, Resolved, inside, is_companion, resolve};
use crate::workspace::target::Target;
use crate::workspace::{Config, Mapping, PartialMode};

/// One line of the work list.
#[derive(Debug)]
pub struct Service {
    /// The name of its secret; none for a file of `[encryption] files`.
    pub secret: Option<String>,
    /// Its folder, as rows show it.
    pub folder: String,
    /// Where its env file is.
    pub place: Place,
    /// What `activate_to` says, where the run has the profile of the mapping.
    pub activate: Option<Activate>,
}

/// The env file of a service.
#[derive(Debug)]
pub enum Place {
    /// Here.
    File(Target),
    /// An earlier service has the same file.
    Repeated(Target),
    /// Partial encryption owns the file.
    Partial(Target, PartialRole),
    /// Several files fit.
    Ambiguous(Vec<String>),
    /// Nothing is there; the path or the glob that was looked for.
    Absent(String),
    /// The folder of the mapping is not there.
    NoFolder,
    /// `env_file` leads out of the folder.
    Invalid(EnvFileError),
}

/// What partial encryption does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialRole {
    /// It generates it.
    Combined,
    /// It reads it and leaves it in plaintext.
    Clear,
}

impl PartialRole {
    /// The role in the words of a row.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Combined => "partial encryption combined file",
            Self::Clear => "partial encryption clear file",
        }
    }
}

/// Where the decrypted file is copied to.
#[derive(Debug)]
pub struct Activate {
    /// As the config says it.
    pub written: String,
    /// The path, or why there is none.
    pub path: Result<PathBuf, EnvFileError>,
}

/// Why a service is not worked on. The messages stand behind the path of a row.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// `env_file` leads out of the folder.
    #[error("invalid env_file: {0}")]
    EnvFile(EnvFileError),
    /// `folder_path` leads nowhere.
    #[error("folder does not exist or is not a directory (check folder_path in your sync config)")]
    NoFolder,
    /// The file is there and cannot be read.
    #[error("error reading file: {0}")]
    Unreadable(FileError),
    /// The file is of the other backend.
    #[error("encrypted with {found}, but config uses {wanted}")]
    Foreign {
        /// The backend whose ciphertext it holds.
        found: BackendKind,
        /// The backend of the config.
        wanted: BackendKind,
    },
}

impl ServiceError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::EnvFile(_) => Some("name a file below folder_path".into()),
            Self::NoFolder => Some("folder_path starts from the folder of the config file".into()),
            Self::Unreadable(error) => error.hint(),
            Self::Foreign { found, .. } => Some(format!(
                "run `envdrift decrypt --backend {found}` on it first, or change [encryption] backend"
            )),
        }
    }

    /// A stable token for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EnvFile(_) => "service.env_file",
            Self::NoFolder => "service.no_folder",
            Self::Unreadable(error) => error.code(),
            Self::Foreign { .. } => "service.other_backend",
        }
    }
}

/// Makes the work list of a run with `--profile profile`; empty where no mapping is in the profile.
pub fn list(config: &Config, profile: Option<&str>, env: &Env) -> Result<Vec<Service>, Error> {
    let mut maker = Maker { config, profile, env, partial: partial_files(config), seen: HashSet::new() };
    let mappings = config.vault.sync.mappings.iter().filter(|mapping| mapping.in_profile(profile));
    let mut services: Vec<Service> = mappings.map(|mapping| maker.mapping(mapping)).collect();
    for pattern in &config.encryption.files {
        services.extend(maker.globbed(pattern)?);
    }
    Ok(services)
}

struct Maker<'a> {
    config: &'a Config,
    profile: Option<&'a str>,
    env: &'a Env,
    partial: BTreeMap<PathBuf, PartialRole>,
    seen: HashSet<PathBuf>,
}

impl Maker<'_> {
    fn mapping(&mut self, mapping: &Mapping) -> Service {
        let folder = &mapping.folder_path.resolved;
        let place = match resolve(mapping, self.key_store_name()) {
            Resolved::Found(path) => self.file(&path),
            Resolved::NoFolder => Place::NoFolder,
            Resolved::Ambiguous(names) => Place::Ambiguous(names),
            Resolved::Absent(path) => Place::Absent(shown(&path, self.env)),
            Resolved::Invalid(error) => Place::Invalid(error),
        };
        let is_asked_for = self.profile.is_some() && mapping.profile.as_deref() == self.profile;
        let activate = mapping.activate_to.as_ref().filter(|_| is_asked_for);
        Service {
            secret: Some(mapping.secret_name.clone()),
            folder: shown(folder, self.env),
            place,
            activate: activate.map(|to| Activate { written: to.clone(), path: inside(folder, to) }),
        }
    }

    /// The files that `pattern` matches and no mapping has, companions left out.
    fn globbed(&mut self, pattern: &str) -> Result<Vec<Service>, Error> {
        let mut services = Vec::new();
        let mut is_matched = false;
        for path in matches(&self.config.dir, pattern)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !path.is_file() || is_companion(&name, self.key_store_name()) {
                continue;
            }
            is_matched = true;
            let folder = shown(path.parent().unwrap_or(&path), self.env);
            match self.file(&path) {
                Place::Repeated(_) => {}
                place => services.push(Service { secret: None, folder, place, activate: None }),
            }
        }
        if !is_matched {
            let place = Place::Absent(pattern.to_owned());
            services.push(Service { secret: None, folder: pattern.to_owned(), place, activate: None });
        }
        Ok(services)
    }

    fn file(&mut self, path: &Path) -> Place {
        let target = Target::new(self.env.cwd(), Path::new(&shown(path, self.env)));
        let real = dunce::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if let Some(&role) = self.partial.get(path).or_else(|| self.partial.get(&real)) {
            return Place::Partial(target, role);
        }
        // Links that lead to one store must be one store: two keys written to it would each replace the other.
        let store = target.folder().join(self.key_store_name());
        let store = files::canonical(&store).unwrap_or(store);
        let target = target.with_key_store(store);
        if self.seen.insert(real) { Place::File(target) } else { Place::Repeated(target) }
    }

    fn key_store_name(&self) -> &str {
        &self.config.vault.sync.env_keys_filename
    }
}

/// The files that partial encryption makes or reads, by path and by what the path leads to.
fn partial_files(config: &Config) -> BTreeMap<PathBuf, PartialRole> {
    let mut files = BTreeMap::new();
    for environment in config.partial_encryption.usable() {
        let PartialMode::Combine { clear_file, combined_file, .. } = &environment.mode else { continue };
        for (path, role) in [(clear_file, PartialRole::Clear), (combined_file, PartialRole::Combined)] {
            files.extend(dunce::canonicalize(&path.resolved).map(|real| (real, role)));
            files.insert(path.resolved.clone(), role);
        }
    }
    files
}

/// What `pattern` matches below `folder`, sorted.
fn matches(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let wrong = |detail: &str| Error::Usage {
        message: format!("[encryption] files: '{}' is no glob: {detail}", pattern.escape_debug()),
        hint: "write paths below the config's folder, such as services/*/.env.production".into(),
        code: "config.files",
    };
    let root = folder.to_str().ok_or_else(|| wrong("the path of the config is not UTF-8"))?;
    let whole = Path::new(&glob::Pattern::escape(root)).join(pattern);
    let whole = whole.to_str().ok_or_else(|| wrong("it is not UTF-8"))?;
    let found = glob::glob(whole).map_err(|error| wrong(error.msg))?;
    let mut paths = Vec::new();
    for path in found {
        let unreadable =
            |error: &glob::GlobError| wrong(&format!("{} cannot be read", error.path().display()));
        paths.push(path.map_err(|error| unreadable(&error))?);
    }
    paths.sort();
    Ok(paths)
}

/// `path` as a user in the current folder would type it.
pub(super) fn shown(path: &Path, env: &Env) -> String {
    match path.strip_prefix(env.cwd()) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}
