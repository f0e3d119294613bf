//! Finds the config file: the one named, or the nearest one at or above the working directory.
//!
//! In each directory `envdrift.toml` comes before a `pyproject.toml` that has a `tool.envdrift` table. A broken
//! `envdrift.toml` is found and fails loudly; a `pyproject.toml` that cannot be read is somebody else's file and
//! is passed by.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::diagnostic::ConfigError;
use super::source::{Form, Source};

/// A config file that was read.
pub(super) struct Found {
    /// The file, spelled as the user knows it.
    pub(super) path: PathBuf,
    /// The folder it is in, absolute.
    pub(super) dir: PathBuf,
    pub(super) form: Form,
    pub(super) text: String,
}

/// Searches `cwd` and every directory above it, the root included.
pub(super) fn discover(cwd: &Path) -> Result<Option<Found>, ConfigError> {
    for dir in cwd.ancestors() {
        let own = dir.join("envdrift.toml");
        if own.is_file() {
            let text = read(&own, &own)?;
            return Ok(Some(Found { path: own, dir: dir.to_path_buf(), form: Form::Own, text }));
        }
        if let Some(found) = pyproject(dir) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn pyproject(dir: &Path) -> Option<Found> {
    let path = dir.join("pyproject.toml");
    if !path.is_file() {
        return None;
    }
    let text = read(&path, &path).ok()?;
    let source = Source { path: &path, text: &text, form: Form::Pyproject };
    match source.root() {
        // `envdrift = 5` below `[tool]` is meant for us, so it is found, and fails when it is loaded.
        Ok(Some(_)) | Err(ConfigError::Invalid { .. }) => {
            Some(Found { path, dir: dir.to_path_buf(), form: Form::Pyproject, text })
        }
        Ok(None) | Err(_) => None,
    }
}

/// Reads the file that the user named; a relative name starts from `cwd`.
pub(super) fn explicit(cwd: &Path, path: &Path) -> Result<Found, ConfigError> {
    let full = cwd.join(path);
    match fs::metadata(&full) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => return Err(ConfigError::NotAFile(path.to_path_buf())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(ConfigError::NotFound(path.to_path_buf()));
        }
        Err(error) => {
            return Err(ConfigError::Unreadable { path: path.to_path_buf(), why: error.to_string() });
        }
    }
    let is_pyproject = full.file_name().is_some_and(|name| name == "pyproject.toml");
    Ok(Found {
        path: path.to_path_buf(),
        text: read(&full, path)?,
        form: if is_pyproject { Form::Pyproject } else { Form::Own },
        dir: full.parent().unwrap_or(cwd).to_path_buf(),
    })
}

/// Reads the text of `full`, without a byte order mark; errors call the file `shown`.
fn read(full: &Path, shown: &Path) -> Result<String, ConfigError> {
    let unreadable = |why| ConfigError::Unreadable { path: shown.to_path_buf(), why };
    let bytes = fs::read(full).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = memchr::memchr_iter(b'\n', valid).count() + 1;
        unreadable(format!("line {line} is not UTF-8 text; save the file as UTF-8"))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
