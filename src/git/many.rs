//! The same question about many paths, for one start of git, or none where the files that git would read answer it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::index::Index;
use super::{WorkTree, git_dir, ignore};

/// How many paths one command line takes; far below every system's limit.
const PATHS_PER_CALL: usize = 500;

impl WorkTree<'_> {
    /// Whether the repository's own rules ignore each of `paths`, in order; see [`WorkTree::is_ignored`].
    pub fn ignored(&self, paths: &[&Path]) -> Vec<bool> {
        let paths: Vec<Option<OsString>> = paths.iter().map(|path| self.relative(path)).collect();
        let surely = |path: &OsString| ignore::surely_ignored(self.root(), Path::new(path));
        let in_doubt: Vec<&OsString> = paths.iter().flatten().filter(|path| !surely(path)).collect();
        let listed = if in_doubt.is_empty() {
            Vec::new()
        } else {
            let args = ["-c", "core.excludesfile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin"];
            self.run(&args, &[], &null_separated(&in_doubt)).unwrap_or_default()
        };
        let listed: Vec<&[u8]> = listed.split(|&byte| byte == 0).collect();
        let is_ignored = |path: &OsString| surely(path) || listed.contains(&path.as_encoded_bytes());
        paths.iter().map(|path| path.as_ref().is_some_and(is_ignored)).collect()
    }

    /// Whether each of `paths` is in the index, in order.
    pub fn tracked(&self, paths: &[&Path]) -> Vec<bool> {
        let paths: Vec<Option<OsString>> = paths.iter().map(|path| self.relative(path)).collect();
        let marks = self.marks(&paths);
        marks.into_iter().map(|mark| mark.is_some()).collect()
    }

    /// Makes git overlook what happens to `paths` (skip-worktree), so that `git add` and `git status` pass them by.
    ///
    /// Tells for each, in order, whether it is so now: only a tracked file can be marked.
    pub fn hide(&self, paths: &[&Path]) -> Vec<bool> {
        let paths: Vec<Option<OsString>> = paths.iter().map(|path| self.relative(path)).collect();
        let marks = self.marks(&paths);
        let visible = marked(&paths, &marks, Mark::Seen);
        let hidden = self.mark("--skip-worktree", &visible);
        let is_hidden = |mark: &Option<Mark>| match mark {
            Some(Mark::Hidden) => true,
            Some(Mark::Seen) => hidden,
            None => false,
        };
        marks.iter().map(is_hidden).collect()
    }

    /// Takes back what [`WorkTree::hide`] did; false where git refused for any of them.
    pub fn unhide(&self, paths: &[&Path]) -> bool {
        if !self.index().may_skip_worktree() {
            return true;
        }
        let paths: Vec<Option<OsString>> = paths.iter().map(|path| self.relative(path)).collect();
        let marks = self.marks(&paths);
        self.mark("--no-skip-worktree", &marked(&paths, &marks, Mark::Hidden))
    }

    pub(super) fn index(&self) -> Index {
        git_dir(self.root()).map_or(Index::Missing, |git_dir| Index::read(&git_dir.join("index")))
    }

    /// How git sees each of `paths`; none for one that is not tracked.
    fn marks(&self, paths: &[Option<OsString>]) -> Vec<Option<Mark>> {
        let index = self.index();
        let in_doubt: Vec<&OsString> = paths.iter().flatten().filter(|path| index.may_hold(path)).collect();
        let mut listed = Vec::new();
        for chunk in in_doubt.chunks(PATHS_PER_CALL) {
            let literal = |path: &&OsString| {
                let mut spec = OsString::from(":(top,literal)");
                spec.push(path);
                spec
            };
            let specs: Vec<OsString> = chunk.iter().map(literal).collect();
            let specs: Vec<&OsStr> = specs.iter().map(OsString::as_os_str).collect();
            listed.extend(self.run(&["ls-files", "-v", "-z", "--"], &specs, &[]).unwrap_or_default());
        }
        let listed: Vec<&[u8]> = listed.split(|&byte| byte == 0).collect();
        let mark = |path: &OsString| {
            let path = path.as_encoded_bytes();
            let line = listed.iter().find(|line| line.get(2..).is_some_and(|name| name == path))?;
            // An `s` is a hidden file that git also believes to be unchanged.
            Some(if line[0].eq_ignore_ascii_case(&b'S') { Mark::Hidden } else { Mark::Seen })
        };
        paths.iter().map(|path| path.as_ref().and_then(mark)).collect()
    }

    fn mark(&self, flag: &str, paths: &[&OsString]) -> bool {
        paths.is_empty()
            || self.run(&["update-index", "-z", flag, "--stdin"], &[], &null_separated(paths)).is_some()
    }
}

/// How git sees a tracked file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Seen,
    Hidden,
}

/// The paths that git sees as `wanted`.
fn marked<'p>(paths: &'p [Option<OsString>], marks: &[Option<Mark>], wanted: Mark) -> Vec<&'p OsString> {
    let pairs = paths.iter().zip(marks);
    pairs.filter(|(_, mark)| **mark == Some(wanted)).filter_map(|(path, _)| path.as_ref()).collect()
}

fn null_separated(paths: &[&OsString]) -> Vec<u8> {
    paths.iter().flat_map(|path| [path.as_encoded_bytes(), b"\0"].concat()).collect()
}
