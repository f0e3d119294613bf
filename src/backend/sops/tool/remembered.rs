//! The version that a binary told last time, so that naming the engine does not cost a run of it.
//!
//! One line in the user's cache folder holds a fingerprint of the binary (path, length, time of change) and its version.
//! It is a convenience: no folder for it, or a broken line, only means that the binary is asked again.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::version;
use crate::env::{self, Env};
use crate::files::{self, Mode};

/// The version of the binary at `path`, when it is the one that was asked last.
pub(super) fn recall(path: &Path, env: &Env) -> Option<String> {
    let text = files::read_text(&file(env)?).ok()?;
    let (fingerprint, version) = text.trim_end().split_once(' ')?;
    (fingerprint == self::fingerprint(path)?).then(|| version::in_text(&format!("sops {version}")))?
}

/// Keeps `version` for the binary at `path`.
pub(super) fn keep(path: &Path, env: &Env, version: &str) {
    let (Some(file), Some(fingerprint)) = (file(env), fingerprint(path)) else { return };
    let Some(folder) = file.parent() else { return };
    // Losing it costs one more run of the binary the next time.
    let _ = files::create_private_folder(folder).and_then(|()| {
        files::write_atomic(&file, format!("{fingerprint} {version}\n").as_bytes(), Mode::Private)
    });
}

fn file(env: &Env) -> Option<PathBuf> {
    let cache = match env.path(env::XDG_CACHE_HOME) {
        Some(folder) if folder.is_absolute() => folder.to_path_buf(),
        // No home is made where there is none.
        _ => env.home().filter(|home| home.is_dir())?.join(".cache"),
    };
    Some(cache.join("envdrift/sops-version"))
}

fn fingerprint(path: &Path) -> Option<String> {
    let path = std::fs::canonicalize(path).ok()?;
    let entry = std::fs::metadata(&path).ok()?;
    let changed = entry.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let mut hash = Sha256::new();
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update([0]);
    hash.update(entry.len().to_le_bytes());
    hash.update(changed.to_le_bytes());
    Some(hex::encode(&hash.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_recalled_until_the_binary_changes() {
        let root = tempfile::tempdir().unwrap();
        let env = Env::fixed(root.path(), [("HOME", root.path())]);
        let write =
            |path: &Path, text: &str| files::write_atomic(path, text.as_bytes(), Mode::Executable).unwrap();
        let sops = root.path().join("sops");
        assert_eq!(recall(&sops, &env), None);
        keep(&sops, &env, "3.12.1");
        write(&sops, "one");
        assert_eq!(recall(&sops, &env), None);
        keep(&sops, &env, "3.12.1");
        assert_eq!(recall(&sops, &env).as_deref(), Some("3.12.1"));
        write(&sops, "newer");
        assert_eq!(recall(&sops, &env), None);
    }

    #[test]
    fn a_broken_line_or_no_home_is_as_good_as_nothing() {
        let root = tempfile::tempdir().unwrap();
        let env = Env::fixed(root.path(), [("XDG_CACHE_HOME", root.path())]);
        let sops = root.path().join("sops");
        files::write_atomic(&sops, b"x", Mode::Executable).unwrap();
        for line in ["", "x", "0 3.13.3", &format!("{} \u{1b}[31m", fingerprint(&sops).unwrap())] {
            files::create_private_folder(&root.path().join("envdrift")).unwrap();
            files::write_atomic(&file(&env).unwrap(), line.as_bytes(), Mode::Private).unwrap();
            assert_eq!(recall(&sops, &env), None, "{line:?}");
        }
        let nowhere = Env::fixed("/", [("HOME", root.path().join("none"))]);
        keep(&sops, &nowhere, "3.13.3");
        assert!(!root.path().join("none").exists());
    }
}
