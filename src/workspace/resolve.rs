//! Which env file a mapping means.
//!
//! The named file, else `.env.<environment>`, else the one file whose name says the environment, else `.env`. A lone
//! file of another environment is never taken, and of two that fit none is: guessing would put a secret under the
//! wrong key. [`choose`] decides on names alone; [`resolve`] asks the disk. Source: spec/encrypt-decrypt.md 2.7.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::mapping::Mapping;
use crate::keys::KEY_STORE;

/// What a mapping leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// The file.
    Found(PathBuf),
    /// The folder does not exist or is no folder.
    NoFolder,
    /// Several files fit; their names, sorted.
    Ambiguous(Vec<String>),
    /// Nothing fits; the path that was looked for first.
    Absent(PathBuf),
    /// `env_file` breaks a rule.
    Invalid(EnvFileError),
}

/// A name below the folder of a mapping that leads out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileError {
    /// `/etc/env`.
    #[error("env_file must be relative to folder_path")]
    Absolute,
    /// `../.env`.
    #[error("env_file must not contain '..'")]
    Parent,
    /// A symbolic link to somewhere else.
    #[error("env_file must stay inside folder_path")]
    Outside,
}

/// Finds the env file of `mapping`. `key_store`: the name of the key files, never an env file.
pub fn resolve(mapping: &Mapping, key_store: &str) -> Resolved {
    let folder = &mapping.folder_path.resolved;
    if !folder.is_dir() {
        return Resolved::NoFolder;
    }
    if let Some(name) = &mapping.env_file {
        return match inside(folder, name) {
            Err(error) => Resolved::Invalid(error),
            Ok(path) if path.is_file() => Resolved::Found(path),
            Ok(path) => Resolved::Absent(path),
        };
    }
    let environment = mapping.effective_environment();
    let exact = format!(".env.{environment}");
    let is_env_file = is_plain_name(&exact) && !is_companion(&exact, key_store);
    if is_env_file && folder.join(&exact).is_file() {
        return Resolved::Found(folder.join(exact));
    }
    match choose(&files_of(folder, key_store), environment) {
        Choice::One(name) => Resolved::Found(folder.join(name)),
        Choice::Several(names) => Resolved::Ambiguous(names),
        Choice::None => Resolved::Absent(folder.join(if is_plain_name(&exact) { &exact } else { ".env" })),
    }
}

/// The path of `name` below `folder`, which it must not leave, not even through a link.
pub fn inside(folder: &Path, name: &str) -> Result<PathBuf, EnvFileError> {
    let relative = Path::new(name);
    if relative.has_root() || matches!(relative.components().next(), Some(Component::Prefix(_))) {
        return Err(EnvFileError::Absolute);
    }
    if relative.components().any(|part| part == Component::ParentDir) {
        return Err(EnvFileError::Parent);
    }
    let path: PathBuf = folder.join(relative).components().collect();
    // What does not exist yet is judged by the part of its path that does.
    let existing = path.ancestors().find_map(|part| dunce::canonicalize(part).ok());
    match (existing, dunce::canonicalize(folder)) {
        (Some(real), Ok(root)) if !real.starts_with(&root) => Err(EnvFileError::Outside),
        _ => Ok(path),
    }
}

/// The outcome of looking at names alone.
#[derive(Debug, PartialEq, Eq)]
enum Choice {
    One(String),
    Several(Vec<String>),
    None,
}

/// Chooses among `names`, none of which is `.env.<environment>` or a companion.
#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "the contract says so")]
fn choose(names: &BTreeSet<String>, environment: &str) -> Choice {
    let endings = [".env.", "-", ".", "_"].map(|before| match before {
        ".env." => format!(".env.{environment}"),
        _ => format!("{before}{environment}.env"),
    });
    let whole = format!("{environment}.env");
    let says_so = |name: &&String| {
        **name == whole
            || endings.iter().any(|ending| name.ends_with(ending))
            || (environment == "production" && name.ends_with(".env"))
    };
    match one(names.iter().filter(says_so)) {
        Choice::None => {}
        chosen => return chosen,
    }
    if names.contains(".env") {
        return Choice::One(".env".to_owned());
    }
    match one(names.iter().filter(|name| name.starts_with(".env."))) {
        Choice::One(other) if other != format!(".env.{environment}") => Choice::None,
        chosen => chosen,
    }
}

fn one<'a>(names: impl Iterator<Item = &'a String>) -> Choice {
    let mut names: Vec<String> = names.cloned().collect();
    match names.len() {
        0 => Choice::None,
        1 => names.pop().map_or(Choice::None, Choice::One),
        _ => Choice::Several(names),
    }
}

/// The names of the regular files in `folder` that may be env files.
fn files_of(folder: &Path, key_store: &str) -> BTreeSet<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    entries
        .flatten()
        .filter(|entry| entry.path().is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !is_companion(name, key_store))
        .collect()
}

/// True for examples, for key stores and for the backups of key stores.
pub fn is_companion(name: &str, key_store: &str) -> bool {
    let lower = name.to_lowercase();
    let is_backup = [KEY_STORE, key_store]
        .iter()
        .any(|store| name.strip_prefix(store).is_some_and(|rest| rest.starts_with(".backup.")));
    is_backup
        || name == key_store
        || [".example", ".sample", ".template", ".keys"].iter().any(|suffix| lower.ends_with(suffix))
}

/// True for what names a file in the folder itself.
fn is_plain_name(name: &str) -> bool {
    !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::ConfigPath;

    fn choice(names: &[&str], environment: &str) -> Choice {
        choose(&names.iter().map(|&name| name.to_owned()).collect(), environment)
    }

    fn taken(names: &[&str], environment: &str) -> Option<String> {
        match choice(names, environment) {
            Choice::One(name) => Some(name),
            Choice::Several(_) | Choice::None => None,
        }
    }

    #[test]
    fn a_name_that_says_the_environment_is_taken() {
        for name in
            ["api.env.staging", "api-staging.env", "api.staging.env", "api_staging.env", "staging.env"]
        {
            assert_eq!(taken(&[name, "README.md"], "staging").as_deref(), Some(name));
        }
        for name in ["apistaging.env", "Staging.env", "staging.env.bak", "api-staging.ENV"] {
            assert_eq!(choice(&[name], "staging"), Choice::None, "{name}");
        }
    }

    #[test]
    fn only_production_takes_any_name_that_ends_in_env() {
        assert_eq!(taken(&["postgresql.env"], "production").as_deref(), Some("postgresql.env"));
        assert_eq!(choice(&["postgresql.env"], "prod"), Choice::None);
        let both = Choice::Several(vec![".env".to_owned(), "postgresql.env".to_owned()]);
        assert_eq!(choice(&["postgresql.env", ".env"], "production"), both);
    }

    #[test]
    fn of_two_that_fit_none_is_taken() {
        let both = Choice::Several(vec!["a-dev.env".to_owned(), "b-dev.env".to_owned()]);
        assert_eq!(choice(&["b-dev.env", "a-dev.env", ".env"], "dev"), both);
    }

    #[test]
    fn a_plain_env_serves_every_environment_and_a_lone_file_of_another_none() {
        assert_eq!(taken(&[".env", ".env.staging"], "dev").as_deref(), Some(".env"));
        assert_eq!(choice(&[".env.staging"], "dev"), Choice::None);
        assert_eq!(choice(&[".env.staging"], "production"), Choice::None);
        let both = Choice::Several(vec![".env.qa".to_owned(), ".env.staging".to_owned()]);
        assert_eq!(choice(&[".env.staging", ".env.qa"], "dev"), both);
        assert_eq!(choice(&[], "dev"), Choice::None);
    }

    #[test]
    fn examples_key_stores_and_their_backups_are_no_env_files() {
        for name in
            [".env.example", ".env.Sample", "a.TEMPLATE", ".env.keys", ".env.keys.backup.2026", ".my.keys2"]
        {
            assert!(is_companion(name, ".my.keys2"), "{name}");
        }
        assert!(is_companion(".my.keys2.backup.1", ".my.keys2"));
        for name in [".env", ".env.production", ".env.keys.old", "example.env"] {
            assert!(!is_companion(name, ".my.keys2"), "{name}");
        }
    }

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn with(names: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for name in names {
                let path = folder.0.path().join("service").join(name);
                crate::files::create_private_folder(path.parent().unwrap()).unwrap();
                crate::files::write_atomic(&path, b"A=1\n", crate::files::Mode::Keep).unwrap();
            }
            folder
        }

        fn mapping(&self, environment: Option<&str>, env_file: Option<&str>) -> Mapping {
            Mapping {
                secret_name: "s".into(),
                folder_path: ConfigPath {
                    written: "service".into(),
                    resolved: self.0.path().join("service"),
                },
                vault_name: None,
                environment: environment.map(str::to_owned),
                env_file: env_file.map(str::to_owned),
                profile: None,
                activate_to: None,
                ephemeral_keys: false,
            }
        }

        fn resolved(&self, environment: Option<&str>, env_file: Option<&str>) -> Resolved {
            resolve(&self.mapping(environment, env_file), ".env.keys")
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join("service").join(name)
        }
    }

    #[test]
    fn the_exact_name_wins_over_every_other() {
        let folder = Folder::with(&[".env.production", ".env", "api-production.env", ".env.keys"]);
        assert_eq!(folder.resolved(None, None), Resolved::Found(folder.path(".env.production")));
        assert_eq!(folder.resolved(Some("dev"), None), Resolved::Found(folder.path(".env")));
    }

    #[test]
    fn an_environment_that_is_no_name_leads_nowhere() {
        let folder = Folder::with(&[".env.a/x", ".env.keys"]);
        assert_eq!(folder.resolved(Some("a/x"), None), Resolved::Absent(folder.path(".env")));
        assert_eq!(folder.resolved(Some("keys"), None), Resolved::Absent(folder.path(".env.keys")));
    }

    #[test]
    fn a_named_file_must_stay_below_its_folder() {
        let folder = Folder::with(&["conf/db.env", ".env.production"]);
        let found = |name: &str| folder.resolved(None, Some(name));
        assert_eq!(found("./conf/db.env"), Resolved::Found(folder.path("conf/db.env")));
        assert_eq!(found("conf/other.env"), Resolved::Absent(folder.path("conf/other.env")));
        assert_eq!(found("/etc/hosts"), Resolved::Invalid(EnvFileError::Absolute));
        assert_eq!(found("conf/../.env.production"), Resolved::Invalid(EnvFileError::Parent));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_not_followed() {
        let folder = Folder::with(&[".env.production"]);
        std::os::unix::fs::symlink("/etc", folder.path("out")).unwrap();
        std::os::unix::fs::symlink(".env.production", folder.path("in")).unwrap();
        let found = |name: &str| folder.resolved(None, Some(name));
        assert_eq!(found("out/hosts"), Resolved::Invalid(EnvFileError::Outside));
        assert_eq!(found("out/new-file"), Resolved::Invalid(EnvFileError::Outside));
        assert_eq!(found("in"), Resolved::Found(folder.path("in")));
    }

    #[test]
    fn a_folder_that_is_not_there_or_is_a_file_is_told() {
        let folder = Folder::with(&["x"]);
        let mut mapping = folder.mapping(None, None);
        mapping.folder_path.resolved.push("x");
        assert_eq!(resolve(&mapping, ".env.keys"), Resolved::NoFolder);
        mapping.folder_path.resolved.push("y");
        assert_eq!(resolve(&mapping, ".env.keys"), Resolved::NoFolder);
    }
}
