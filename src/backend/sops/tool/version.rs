//! The version of a sops binary: from where it lies, or from what it says.

use std::path::Path;

/// The oldest version whose answers are taken. Older ones read no ssh keys, cannot read from standard input, or panic
/// on key groups.
pub(super) const MINIMUM: &str = "3.11.0";

/// The version in the name of a folder around the binary: `sops-3.13.3/sops`, `Cellar/sops/3.13.3/bin/sops`.
///
/// Good enough to be shown; before anything is refused for it, the binary itself is asked.
pub(super) fn in_path(path: &Path) -> Option<String> {
    let path = std::fs::canonicalize(path).ok()?;
    path.ancestors().skip(1).find_map(|folder| {
        let name = folder.file_name()?.to_str()?;
        let named = name.rsplit_once("sops-").map(|(_, version)| version);
        let below = (folder.parent()?.file_name()? == "sops").then_some(name);
        named.or(below).filter(|version| numbers(version).is_some()).map(str::to_owned)
    })
}

/// The version in what `sops --version` prints: `sops 3.13.3 (latest)`.
pub(super) fn in_text(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let version = words.find(|word| *word == "sops").and_then(|_| words.next())?;
    numbers(version)?;
    Some(version.chars().take(32).filter(|c| c.is_ascii_alphanumeric() || ".-+".contains(*c)).collect())
}

/// Whether `version` is older than [`MINIMUM`]; one that cannot be read is not.
pub(super) fn is_too_old(version: &str) -> bool {
    numbers(version).is_some_and(|version| Some(version) < numbers(MINIMUM))
}

fn numbers(version: &str) -> Option<[u32; 3]> {
    let mut parts = version.splitn(3, '.');
    let mut next = || parts.next();
    let (major, minor, patch) = (next()?, next()?, next()?);
    let digits = patch.bytes().take_while(u8::is_ascii_digit).count();
    Some([major.parse().ok()?, minor.parse().ok()?, patch[..digits].parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_word_after_sops() {
        for (text, version) in [
            ("sops 3.13.3\n", Some("3.13.3")),
            ("sops 3.9.4 (latest)", Some("3.9.4")),
            ("[warning] sops 3.14.0-rc.1", Some("3.14.0-rc.1")),
            ("3.13.3", None),
            ("sops is not here", None),
            ("", None),
        ] {
            assert_eq!(in_text(text).as_deref(), version, "{text:?}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        for (version, too_old) in [
            ("3.8.1", true),
            ("3.9.4", true),
            ("3.10.2", true),
            ("3.11.0", false),
            ("3.11.0-rc.1", false),
            ("3.13.3", false),
            ("4.0.0", false),
            ("unknown", false),
        ] {
            assert_eq!(is_too_old(version), too_old, "{version}");
        }
    }

    #[test]
    fn the_folder_tells_the_version() {
        let root = tempfile::tempdir().unwrap();
        for (folder, version) in [
            ("tools/sops-3.13.3", Some("3.13.3")),
            ("Cellar/sops/3.12.1/bin", Some("3.12.1")),
            ("store/abc-sops-3.11.0/bin", Some("3.11.0")),
            ("sops/bin", None),
            ("my-sops-fork", None),
        ] {
            let folder = root.path().join(folder);
            crate::files::create_private_folder(&folder).unwrap();
            let path = folder.join("sops");
            crate::files::write_atomic(&path, b"", crate::files::Mode::Executable).unwrap();
            assert_eq!(in_path(&path).as_deref(), version, "{}", folder.display());
        }
    }
}
