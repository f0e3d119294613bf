//! What envdrift asks git: is a path ignored, is it tracked, what was committed.
//!
//! Nothing here spawns: the calls go through a [`GitRunner`], and the questions that come with every encryption are
//! first put to the files that git would read, because starting git costs more than all the rest of an encryption.
//! Where those files leave a doubt git decides. No answer (git missing, too slow, an error) is "no". Paths travel as
//! bytes; a global ignore file of the user never counts, since it does not protect the next clone.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

mod blobs;
mod ignore;
mod index;
mod key_store;
mod many;
mod runner;

pub use ignore::appended;
pub use key_store::KeyStoreExposure;
pub use runner::Git;

/// Runs `git` for [`WorkTree`]; the adapter over the process module sets the deadline and the environment.
pub trait GitRunner: Sync {
    /// The standard output of `git` with `args`, started in `dir` with `input`; `None` unless it ends with exit code 0.
    fn run(&self, dir: &Path, args: &[&OsStr], input: &[u8]) -> Option<Vec<u8>>;
}

/// Which recorded state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// The last commit.
    Head,
    /// What is staged.
    Index,
}

/// The root of the work tree that holds `dir`, found without starting git, or `None` outside of any.
///
/// It looks for `.git` (a repository, or the file that worktrees and submodules have) from `dir` upwards. Symlinks are
/// resolved. `GIT_DIR`, `GIT_WORK_TREE` and `core.worktree` are not considered.
pub fn work_tree(dir: &Path) -> Option<PathBuf> {
    let dir = dunce::canonicalize(dir).ok()?;
    dir.ancestors().find(|dir| git_dir(dir).is_some()).map(Path::to_path_buf)
}

/// The repository of the work tree at `root`, if there is one.
fn git_dir(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    if dot_git.join("HEAD").is_file() {
        return Some(dot_git);
    }
    let link = fs::read_to_string(&dot_git).ok()?;
    Some(root.join(link.strip_prefix("gitdir:")?.trim()))
}

/// A work tree and the git to ask about it.
pub struct WorkTree<'a> {
    root: PathBuf,
    git: &'a dyn GitRunner,
}

impl<'a> WorkTree<'a> {
    /// The work tree that holds `dir`; see [`work_tree`].
    pub fn find(dir: &Path, git: &'a dyn GitRunner) -> Option<Self> {
        Some(Self { root: work_tree(dir)?, git })
    }

    /// The top folder, symlinks resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The ignore file that envdrift appends to; it need not exist.
    pub fn gitignore(&self) -> PathBuf {
        self.root.join(".gitignore")
    }

    /// Whether the repository's own rules ignore `path`, which need not exist. It may be tracked all the same.
    pub fn is_ignored(&self, path: &Path) -> bool {
        self.relative(path).is_some_and(|path| self.ignores(&path))
    }

    /// Whether `path` is in the index: committed, or staged to be.
    pub fn is_tracked(&self, path: &Path) -> bool {
        self.relative(path).is_some_and(|path| !self.tracked_like(&path, "").is_empty())
    }

    /// The bytes of each of `paths` as recorded in `revision`, before any filter or line-end conversion of a checkout.
    ///
    /// `None` for a path that is not recorded there. A symlink inside the work tree is followed first. One git for all.
    pub fn blobs(&self, paths: &[&Path], revision: Revision) -> Vec<Option<Vec<u8>>> {
        let objects: Vec<Option<OsString>> = paths.iter().map(|path| self.object(path, revision)).collect();
        let mut input = Vec::new();
        for object in objects.iter().flatten() {
            input.extend_from_slice(object.as_encoded_bytes());
            input.push(b'\n');
        }
        let output = if input.is_empty() { None } else { self.run(&["cat-file", "--batch"], &[], &input) };
        let mut answers = blobs::split(output.as_deref().unwrap_or_default());
        objects.into_iter().map(|object| object.and_then(|_| answers.next().flatten())).collect()
    }

    /// The name of `path` in `revision`; `None` where the index rules out that it is tracked, or git could not read it.
    fn object(&self, path: &Path, revision: Revision) -> Option<OsString> {
        let path = self.relative(path).filter(|path| !path.as_encoded_bytes().contains(&b'\n'))?;
        if !self.index().may_hold(&path) {
            return None;
        }
        let mut object = OsString::from(match revision {
            Revision::Head => "HEAD:",
            Revision::Index => ":0:",
        });
        object.push(path);
        Some(object)
    }

    /// The lines that [`WorkTree::gitignore`] lacks so that each of `paths` is ignored: the path from the root.
    ///
    /// Skipped are paths outside the work tree, paths that are ignored, and lines that are there already. Key stores
    /// need more than that: see [`WorkTree::key_store_exposure`].
    pub fn missing_entries(&self, paths: &[&Path]) -> Vec<String> {
        let existing = fs::read(self.gitignore()).unwrap_or_default();
        let wanted = paths.iter().filter_map(|path| Some((*path, ignore::entry(&self.relative(path)?))));
        let missing = wanted.filter(|(_, entry)| !ignore::has_effective_line(&existing, entry));
        let (paths, wanted): (Vec<&Path>, Vec<String>) = missing.unzip();
        let mut entries = Vec::new();
        for (entry, ignored) in wanted.into_iter().zip(self.ignored(&paths)) {
            if !ignored && !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        entries
    }

    fn ignores(&self, path: &OsStr) -> bool {
        ignore::surely_ignored(&self.root, Path::new(path))
            || self
                .run(
                    &["-c", "core.excludesfile=/dev/null", "check-ignore", "--no-index", "--quiet", "--"],
                    &[path],
                    &[],
                )
                .is_some()
    }

    /// The tracked paths that are `path`, or that start with `path` and `more` in its folder. No match is told by the
    /// bytes of the index alone.
    fn tracked_like(&self, path: &OsStr, more: &str) -> Vec<String> {
        if !self.index().may_hold_start(path) {
            return Vec::new();
        }
        let mut exact = OsString::from(":(top,literal)");
        exact.push(path);
        let mut pathspecs = vec![exact];
        if !more.is_empty() {
            pathspecs.push(format!(":(top,glob){}{more}*", ignore::escaped(path)).into());
        }
        let pathspecs: Vec<&OsStr> = pathspecs.iter().map(OsString::as_os_str).collect();
        let listed = self.run(&["ls-files", "-z", "--"], &pathspecs, &[]).unwrap_or_default();
        let names = listed.split(|&byte| byte == 0).filter(|name| !name.is_empty());
        names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    fn run(&self, args: &[&str], paths: &[&OsStr], input: &[u8]) -> Option<Vec<u8>> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).chain(paths.iter().copied()).collect();
        self.git.run(&self.root, &args, input)
    }

    /// `path` from the root with `/` between its parts, symlinks resolved; `None` outside the work tree. It need not
    /// exist, nor do the folders above it.
    fn relative(&self, path: &Path) -> Option<OsString> {
        let (folder, rest) = path.ancestors().find_map(|folder| {
            let folder_path = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            Some((dunce::canonicalize(folder_path).ok()?, path.strip_prefix(folder).ok()?))
        })?;
        let resolved = if rest.as_os_str().is_empty() { folder } else { folder.join(rest) };
        let parts: Vec<&OsStr> = resolved.strip_prefix(&self.root).ok()?.iter().collect();
        Some(parts.join(OsStr::new("/"))).filter(|path| !path.is_empty())
    }
}

#[cfg(test)]
mod tests;
