//! The version of a dotenvx binary, without running it where that is possible.

use std::path::Path;

use serde::Deserialize;

use crate::files;
use crate::process::Tool;

/// How far above the script its `package.json` may lie (`src/cli/dotenvx.js`, with room to spare).
const LEVELS: usize = 5;

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// Reads the version from the folder that envdrift installed into, or from the package around the script.
pub(super) fn beside(tool: &Tool) -> Option<String> {
    if let Some(version) = tool.installed_version() {
        return Some(version.to_owned());
    }
    // A `.cmd` launcher lies beside the node_modules that it starts.
    let beside_launcher = tool.path.parent()?.join("node_modules/@dotenvx/dotenvx/package.json");
    let script = std::fs::canonicalize(&tool.path).ok()?;
    let around_script = script.ancestors().skip(1).take(LEVELS).map(|folder| folder.join("package.json"));
    let launcher = cfg!(windows).then_some(beside_launcher);
    launcher.into_iter().chain(around_script).find_map(|path| version_in(&path))
}

/// The version in what `--version` prints.
pub(super) fn in_text(text: &str) -> Option<String> {
    let word = text
        .split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))?;
    Some(word.chars().take(32).filter(|c| c.is_ascii_alphanumeric() || ".-+".contains(*c)).collect())
}

fn version_in(package: &Path) -> Option<String> {
    let package: Package = serde_json::from_slice(&files::read(package).ok()?).ok()?;
    (package.name == "@dotenvx/dotenvx").then_some(package.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_among_words() {
        for (text, version) in [
            ("2.38.2\n", Some("2.38.2")),
            ("dotenvx v1.75.1", Some("1.75.1")),
            ("\u{1b}[31mno", None),
            ("", None),
        ] {
            assert_eq!(in_text(text).as_deref(), version, "{text:?}");
        }
    }
}
