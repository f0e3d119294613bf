//! What git must not see: generated files and key stores in `.gitignore`, decrypted secret files marked to be
//! overlooked. One start of git for many files, none where its files answer the question.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::error::Error;
use crate::files::{self, Lock};
use crate::git::{Git, WorkTree, work_tree};
use crate::ops::key_stores::PATIENCE;
use crate::ops::protect;
use crate::workspace::target::Target;

use super::members::Members;
use super::{Environment, Files};

/// The warning where git could not be told to see an encrypted file again.
pub(super) const STILL_HIDDEN: &str =
    "git still overlooks an encrypted secret file: run `git update-index --no-skip-worktree` on it";

/// What was added to `.gitignore`, and what git has already although it should not.
#[derive(Debug, Default)]
pub struct Ignored {
    /// The lines that were added.
    pub added: Vec<String>,
    /// Key stores and combined files that git publishes all the same.
    pub warnings: Vec<String>,
}

/// Git-ignores the combined files and the key stores of `environments`.
pub fn ignore(environments: &[Environment<'_>], env: &Env) -> Result<Ignored, Error> {
    let mut ignored = Ignored { warnings: tracked_combined(environments, env), added: Vec::new() };
    let combined = combined_paths(environments);
    let stores = key_stores(environments);
    let paths: Vec<&Path> =
        combined.iter().map(|(path, _)| *path).chain(stores.iter().map(PathBuf::as_path)).collect();
    let git = Git::new(env);
    for (root, members) in by_tree(&paths) {
        let Some(tree) = WorkTree::find(&root, &git) else { continue };
        let (combined, stores) = members.into_iter().partition::<Vec<usize>, _>(|&at| at < combined.len());
        let combined: Vec<&Path> = combined.into_iter().map(|at| paths[at]).collect();
        let stores: Vec<&Path> = stores.into_iter().map(|at| paths[at]).collect();
        let (mut lacking, mut warnings) = lacking(&tree, &combined, &stores);
        if !lacking.is_empty() {
            // Another run may be about to add the same lines.
            let _lock = Lock::acquire(&tree.gitignore(), env, PATIENCE)?;
            (lacking, warnings) = self::lacking(&tree, &combined, &stores);
            if !lacking.is_empty() {
                let lines: Vec<&str> = lacking.iter().map(String::as_str).collect();
                files::append_lines(&tree.gitignore(), &lines)?;
            }
        }
        ignored.added.extend(lacking);
        ignored.warnings.extend(warnings);
    }
    Ok(ignored)
}

/// The lines that `.gitignore` lacks, and the warnings about key stores where ignoring does not help.
fn lacking(tree: &WorkTree<'_>, combined: &[&Path], stores: &[&Path]) -> (Vec<String>, Vec<String>) {
    let mut entries = tree.missing_entries(combined);
    let mut warnings = Vec::new();
    for store in stores {
        let (more, warning) = protect::exposure(tree, store);
        warnings.extend(warning);
        for entry in more {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    (entries, warnings)
}

/// One warning for each combined file that git tracks: it would be committed with every push.
pub(super) fn tracked_combined(environments: &[Environment<'_>], env: &Env) -> Vec<String> {
    let combined = combined_paths(environments);
    let paths: Vec<&Path> = combined.iter().map(|(path, _)| *path).collect();
    let tracked = ask(Question::Tracked, &paths, env);
    let warning = |(_, shown): &(&Path, &str)| {
        format!(
            "{shown} is tracked by git although it is generated: run `git rm --cached {shown}` and commit that"
        )
    };
    combined.iter().zip(tracked).filter(|(_, tracked)| *tracked).map(|(file, _)| warning(file)).collect()
}

/// Whether the repository ignores each of `paths`; false outside of any.
pub(super) fn ignored(paths: &[&Path], env: &Env) -> Vec<bool> {
    ask(Question::Ignored, paths, env)
}

/// Makes git overlook each of `paths`; tells for each whether it does now.
pub(super) fn hide(paths: &[&Path], env: &Env) -> Vec<bool> {
    ask(Question::Hidden, paths, env)
}

/// Lets git see `paths` again; false where it refused for any of them.
pub(super) fn unhide(paths: &[&Path], env: &Env) -> bool {
    let git = Git::new(env);
    by_tree(paths).into_iter().all(|(root, members)| {
        let paths: Vec<&Path> = members.into_iter().map(|at| paths[at]).collect();
        WorkTree::find(&root, &git).is_none_or(|tree| tree.unhide(&paths))
    })
}

/// What git is asked, or told.
#[derive(Clone, Copy)]
enum Question {
    Tracked,
    Ignored,
    Hidden,
}

fn ask(question: Question, paths: &[&Path], env: &Env) -> Vec<bool> {
    let git = Git::new(env);
    let mut answers = vec![false; paths.len()];
    for (root, members) in by_tree(paths) {
        let Some(tree) = WorkTree::find(&root, &git) else { continue };
        let asked: Vec<&Path> = members.iter().map(|&at| paths[at]).collect();
        let answered = match question {
            Question::Tracked => tree.tracked(&asked),
            Question::Ignored => tree.ignored(&asked),
            Question::Hidden => tree.hide(&asked),
        };
        for (at, answer) in members.into_iter().zip(answered) {
            answers[at] = answer;
        }
    }
    answers
}

/// The indices of `paths` by the work tree that holds them; those outside of any are left out.
fn by_tree(paths: &[&Path]) -> BTreeMap<PathBuf, Vec<usize>> {
    let mut folders: HashMap<&Path, Option<PathBuf>> = HashMap::new();
    let mut trees: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, path) in paths.iter().enumerate() {
        let folder = path.parent().unwrap_or(path);
        let root = folders.entry(folder).or_insert_with(|| work_tree(existing(folder)));
        if let Some(root) = root {
            trees.entry(root.clone()).or_default().push(at);
        }
    }
    trees
}

/// `folder`, or the nearest above it that is there.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(folder)
}

fn combined_paths<'e>(environments: &'e [Environment<'_>]) -> Vec<(&'e Path, &'e str)> {
    let combined = environments.iter().filter_map(|environment| match &environment.files {
        Files::Combine(files) => Some((files.combined.resolved.as_path(), files.combined.written.as_str())),
        Files::Folder(_) => None,
    });
    combined.collect()
}

/// The key stores beside the secret files, those that are not there yet included.
fn key_stores(environments: &[Environment<'_>]) -> BTreeSet<PathBuf> {
    let members = Members::collect(environments);
    let found = members.targets.iter().map(Target::key_store);
    let expected = environments.iter().filter_map(|environment| match &environment.files {
        Files::Combine(files) => Some(files.secret.key_store()),
        Files::Folder(_) => None,
    });
    found.chain(expected).collect()
}
