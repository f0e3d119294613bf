//! The last encrypted form of each file, from git's index or its last commit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::backend::{Backend, State};
use crate::env::Env;
use crate::envfile::EnvFile;
use crate::git::{Git, Revision, WorkTree, work_tree};
use crate::workspace::target::Target;

/// Whether the ciphertext of values that did not change is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It is, so that a diff shows what changed.
    Unchanged,
    /// Every value is encrypted anew.
    Nothing,
}

/// For each target its last encrypted form: the staged one, else the committed one; none where neither is encrypted.
pub(super) fn find(targets: &[&Target], backend: &dyn Backend, env: &Env) -> Vec<Option<EnvFile>> {
    let mut trees: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
    for (at, target) in targets.iter().enumerate() {
        if let Some(root) = work_tree(target.folder()) {
            trees.entry(root).or_default().push(at);
        }
    }
    let mut found: Vec<Option<EnvFile>> = targets.iter().map(|_| None).collect();
    let git = Git::new(env);
    for (root, members) in trees {
        let Some(tree) = WorkTree::find(&root, &git) else { continue };
        for revision in [Revision::Index, Revision::Head] {
            let missing: Vec<usize> = members.iter().copied().filter(|&at| found[at].is_none()).collect();
            let paths: Vec<_> = missing.iter().map(|&at| targets[at].path()).collect();
            for (at, blob) in missing.iter().zip(tree.blobs(&paths, revision)) {
                found[*at] = blob.and_then(|bytes| encrypted_form(bytes, backend));
            }
        }
    }
    found
}

fn encrypted_form(bytes: Vec<u8>, backend: &dyn Backend) -> Option<EnvFile> {
    let file = EnvFile::parse(String::from_utf8(bytes).ok()?);
    matches!(backend.state(&file), State::Encrypted | State::Mixed { .. }).then_some(file)
}
