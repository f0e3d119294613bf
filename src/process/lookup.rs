//! Finding a binary without trusting the folder one happens to stand in.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use super::ToolError;
use crate::env::{self, Env};

/// The programs that envdrift can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolName {
    /// dotenvx.
    Dotenvx,
    /// SOPS.
    Sops,
}

impl ToolName {
    /// The name of the binary, without `.exe`.
    pub fn binary(self) -> &'static str {
        match self {
            Self::Dotenvx => "dotenvx",
            Self::Sops => "sops",
        }
    }

    /// The variable that names the binary to use.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Dotenvx => env::ENVDRIFT_DOTENVX,
            Self::Sops => env::ENVDRIFT_SOPS,
        }
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.binary())
    }
}

/// Where a binary was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `ENVDRIFT_DOTENVX` or `ENVDRIFT_SOPS`.
    Override,
    /// The activated Python environment.
    VirtualEnv,
    /// The folder that envdrift installs into.
    Installed,
    /// `PATH`.
    Path,
}

/// A binary that was there and executable when it was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Which program it is taken for.
    pub name: ToolName,
    /// Its absolute path; links are not resolved.
    pub path: PathBuf,
    /// Where it was found.
    pub source: Source,
}

impl Tool {
    /// Finds `name`: its variable, the activated Python environment, the private tool folder, `PATH`.
    ///
    /// Nothing is taken from the current folder or its `.venv` unless the user named that place: empty and relative
    /// entries of `PATH` are passed over, and so are these two. Nothing is created. No binary is `Ok(None)`; a
    /// variable that names a missing or unusable file is an error.
    pub fn find(name: ToolName, env: &Env) -> Result<Option<Self>, ToolError> {
        if let Some(path) = env.path(name.variable()) {
            return named(name, env, path).map(Some);
        }
        let found = |path, source| Self { name, path, source };
        if let Some(venv) = env.path(env::VIRTUAL_ENV)
            && venv.is_absolute()
            && let Some(path) = in_folder(&bin_of(venv), name)
        {
            return Ok(Some(found(path, Source::VirtualEnv)));
        }
        if let Some(path) = installed(name, env) {
            return Ok(Some(found(path, Source::Installed)));
        }
        Ok(on_path(name, env).map(|path| found(path, Source::Path)))
    }

    /// The version of a tool that envdrift installed, as its folder tells it.
    pub fn installed_version(&self) -> Option<&str> {
        let folder = self.path.parent().filter(|_| self.source == Source::Installed)?;
        folder.file_name()?.to_str()?.strip_prefix(self.name.binary())?.strip_prefix('-')
    }
}

/// The folder that `auto_install` puts tools into: `envdrift/tools` in the user's data folder.
pub fn tool_folder(env: &Env) -> Option<PathBuf> {
    let data = match env.path(env::XDG_DATA_HOME) {
        Some(folder) if folder.is_absolute() => folder.to_path_buf(),
        _ => env.home()?.join(".local/share"),
    };
    Some(data.join("envdrift/tools"))
}

fn named(name: ToolName, env: &Env, path: &Path) -> Result<Tool, ToolError> {
    let path = env.cwd().join(path);
    if !path.is_file() {
        return Err(ToolError::OverrideMissing { variable: name.variable(), path });
    }
    if !is_executable(&path) {
        return Err(ToolError::NotExecutable { path });
    }
    Ok(Tool { name, path, source: Source::Override })
}

/// The newest `<name>-<version>/<name>` of the private tool folder.
fn installed(name: ToolName, env: &Env) -> Option<PathBuf> {
    let folder = tool_folder(env)?;
    let prefix = format!("{name}-");
    let mut versions: Vec<(Vec<u64>, PathBuf)> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| {
            let version = version_numbers(entry.file_name().to_str()?.strip_prefix(&prefix)?)?;
            Some((version, entry.path()))
        })
        .collect();
    versions.sort();
    versions.into_iter().rev().find_map(|(_, folder)| in_folder(&folder, name))
}

/// The parts of a version such as `2.20.1`, to be compared; `None` for anything else.
pub fn version_numbers(text: &str) -> Option<Vec<u64>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

fn on_path(name: ToolName, env: &Env) -> Option<PathBuf> {
    let local_venv = env.cwd().join(".venv");
    let trusted = std::env::split_paths(env.raw(env::PATH)?)
        .filter(|folder| folder.is_absolute() && folder != env.cwd() && !folder.starts_with(&local_venv));
    let list = std::env::join_paths(trusted).ok()?;
    which::which_in_global(name.binary(), Some(list)).ok()?.find(|path| path.is_absolute())
}

fn bin_of(venv: &Path) -> PathBuf {
    venv.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

fn in_folder(folder: &Path, name: ToolName) -> Option<PathBuf> {
    let suffixes: &[&str] = if cfg!(windows) { &[".exe", ".cmd"] } else { &[""] };
    suffixes.iter().map(|suffix| folder.join(with_suffix(name, suffix))).find(|path| is_executable(path))
}

fn with_suffix(name: ToolName, suffix: &str) -> OsString {
    let mut file = OsStr::new(name.binary()).to_os_string();
    file.push(suffix);
    file
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::files::{Mode, create_private_folder, write_atomic};

    fn plant(folder: &Path, name: &str, mode: u32) -> PathBuf {
        create_private_folder(folder).unwrap();
        let path = folder.join(name);
        write_atomic(&path, b"#!/bin/sh\n", Mode::Executable).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn find(root: &Path, vars: &[(&str, &str)]) -> Result<Option<Tool>, ToolError> {
        let root_text = root.to_str().unwrap();
        let vars = vars.iter().map(|(name, value)| (*name, value.replace('@', root_text)));
        Tool::find(ToolName::Dotenvx, &Env::fixed(root.join("cwd"), vars))
    }

    #[test]
    fn the_order_is_variable_then_python_environment_then_private_folder_then_path() {
        let root = tempfile::tempdir().unwrap();
        let at = |rest: &str| root.path().join(rest);
        let all = [
            ("ENVDRIFT_DOTENVX", "@/named"),
            ("VIRTUAL_ENV", "@/venv"),
            ("XDG_DATA_HOME", "@/data"),
            ("PATH", "@/none:@/bin"),
        ];
        assert_eq!(find(root.path(), &all[1..]).unwrap(), None);
        let on_path = plant(&at("bin"), "dotenvx", 0o755);
        let found =
            |from: usize| find(root.path(), &all[from..]).unwrap().map(|tool| (tool.path, tool.source));
        assert_eq!(found(1), Some((on_path, Source::Path)));
        plant(&at("data/envdrift/tools/dotenvx-2.9.0"), "dotenvx", 0o755);
        let newest = plant(&at("data/envdrift/tools/dotenvx-2.20.1"), "dotenvx", 0o755);
        plant(&at("data/envdrift/tools/dotenvx-3.0.0"), "other", 0o755);
        assert_eq!(found(1), Some((newest, Source::Installed)));
        let in_venv = plant(&at("venv/bin"), "dotenvx", 0o755);
        assert_eq!(found(1), Some((in_venv, Source::VirtualEnv)));
        let named = plant(root.path(), "named", 0o755);
        assert_eq!(found(0), Some((named, Source::Override)));
    }

    #[test]
    fn a_variable_that_names_nothing_usable_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        let vars = [("ENVDRIFT_DOTENVX", "@/gone"), ("PATH", "@/bin")];
        plant(&root.path().join("bin"), "dotenvx", 0o755);
        let error = find(root.path(), &vars).unwrap_err();
        assert_eq!(error.code(), "tool.override_missing");
        assert!(error.to_string().contains("ENVDRIFT_DOTENVX"), "{error}");
        plant(root.path(), "gone", 0o644);
        assert_eq!(find(root.path(), &vars).unwrap_err().code(), "tool.not_executable");
    }

    #[test]
    fn the_current_folder_and_its_venv_are_never_searched() {
        let root = tempfile::tempdir().unwrap();
        plant(&root.path().join("cwd"), "dotenvx", 0o755);
        plant(&root.path().join("cwd/.venv/bin"), "dotenvx", 0o755);
        for path in ["", ".", ":", "cwd", "@/cwd", "@/cwd/.venv/bin", ".venv/bin", "~/cwd"] {
            assert_eq!(find(root.path(), &[("PATH", path), ("HOME", "@")]).unwrap(), None, "PATH={path}");
        }
        assert_eq!(find(root.path(), &[("VIRTUAL_ENV", ".venv")]).unwrap(), None);
        let asked_for = find(root.path(), &[("VIRTUAL_ENV", "@/cwd/.venv")]).unwrap().unwrap();
        assert_eq!(asked_for.source, Source::VirtualEnv);
    }

    #[test]
    fn a_file_that_cannot_be_run_is_passed_over_and_nothing_is_created() {
        let root = tempfile::tempdir().unwrap();
        create_private_folder(&root.path().join("bin/dotenvx")).unwrap();
        plant(&root.path().join("plain"), "dotenvx", 0o644);
        assert_eq!(find(root.path(), &[("PATH", "@/bin:@/plain"), ("HOME", "@/home")]).unwrap(), None);
        assert!(!root.path().join("home").exists());
    }
}
