//! Which files of a folder a secrets-only environment means.
//!
//! `*` matches also a leading dot and never a `/`, `**` any number of folders; braces and backslashes are plain
//! characters. Results are sorted. Companions (`.env.example`, `.env.keys`) and envdrift's temporary files are
//! never meant, nor is anything in `.git`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use glob::MatchOptions;

use super::PartialError;

/// `*` stops at a `/` and takes a leading dot.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// A glob that stays inside its folder.
#[derive(Debug)]
pub(super) struct Pattern {
    written: String,
    glob: glob::Pattern,
    /// How deep files can lie; none with `**`.
    depth: Option<usize>,
}

impl Pattern {
    /// Reads `written`, or says what is wrong with it.
    pub(super) fn parse(written: &str) -> Result<Self, String> {
        if written.trim().is_empty() {
            return Err("is empty".into());
        }
        let mut parts = Vec::new();
        for part in Path::new(written).components() {
            match part {
                Component::Normal(part) => parts.push(part.to_string_lossy()),
                Component::CurDir => {}
                Component::ParentDir => return Err("leads out of secrets_dir".into()),
                Component::RootDir | Component::Prefix(_) => {
                    return Err("must be relative to secrets_dir".into());
                }
            }
        }
        let depth = (!parts.iter().any(|part| part == "**")).then_some(parts.len());
        let glob =
            glob::Pattern::new(&parts.join("/")).map_err(|error| format!("is not a glob: {}", error.msg))?;
        Ok(Self { written: written.to_owned(), glob, depth })
    }

    /// The glob as the config has it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// The files below `folder` that match, sorted, relative to it.
    pub(super) fn files(&self, folder: &Path) -> Result<Vec<PathBuf>, PartialError> {
        let mut found = Vec::new();
        self.search(folder, Path::new(""), 1, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn search(
        &self,
        root: &Path,
        inside: &Path,
        depth: usize,
        found: &mut Vec<PathBuf>,
    ) -> Result<(), PartialError> {
        let folder = root.join(inside);
        let failed = |source| PartialError::Folder { path: folder.clone(), source };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = inside.join(entry.file_name());
            let kind = entry.file_type().map_err(failed)?;
            // Links are followed only on a path that the pattern spells out, so that no loop can catch `**`.
            let is_folder =
                kind.is_dir() || (self.depth.is_some() && kind.is_symlink() && entry.path().is_dir());
            if is_folder {
                if self.depth.is_none_or(|deepest| depth < deepest) && entry.file_name() != OsStr::new(".git")
                {
                    self.search(root, &path, depth + 1, found)?;
                }
            } else if self.glob.matches_path_with(&path, OPTIONS)
                && !is_temporary(&path)
                && entry.path().is_file()
            {
                found.push(path);
            }
        }
        Ok(())
    }
}

fn is_temporary(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "envdrift-tmp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Mode, write_atomic};

    #[expect(clippy::disallowed_methods, reason = "the test lays out the folder that is searched")]
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write_atomic(&path, b"A=1", Mode::Keep).unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, pattern: &str) -> Vec<String> {
        let files = Pattern::parse(pattern).unwrap().files(folder.path()).unwrap();
        files.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn patterns_mean_what_they_mean_to_the_python_tool() {
        let files = [".env", ".env.b", ".env.a", "x.env", "sub/.env", "sub/deep/.env.c", ".git/.env", "{a}"];
        let folder = folder(&files);
        assert_eq!(found(&folder, ".env*"), [".env", ".env.a", ".env.b"]);
        assert_eq!(found(&folder, "*"), [".env", ".env.a", ".env.b", "x.env", "{a}"]);
        assert_eq!(found(&folder, "*env"), [".env", "x.env"]);
        assert_eq!(found(&folder, "**/.env*"), [".env", ".env.a", ".env.b", "sub/.env", "sub/deep/.env.c"]);
        assert_eq!(found(&folder, "sub/.env*"), ["sub/.env"]);
        assert_eq!(found(&folder, "./*/*/.env.?"), ["sub/deep/.env.c"]);
        assert_eq!(found(&folder, "{a}"), ["{a}"]);
        assert_eq!(found(&folder, ".env.[!a]"), [".env.b"]);
    }

    #[test]
    fn patterns_that_lead_out_or_mean_nothing_are_refused() {
        for (pattern, why) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("/etc/*", "must be relative to secrets_dir"),
            ("../.env*", "leads out of secrets_dir"),
            ("a/../../b", "leads out of secrets_dir"),
            ("[a", "is not a glob: invalid range pattern"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap_err(), why, "{pattern}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_does_not_catch_the_search() {
        let folder = folder(&["sub/.env"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("sub/up")).unwrap();
        assert_eq!(found(&folder, "**/.env"), ["sub/.env"]);
        assert_eq!(found(&folder, "sub/up/sub/.env"), ["sub/up/sub/.env"]);
    }
}
