mod many;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::env::{Env, PATH};

/// The real git, without any configuration of this machine; counts its calls.
#[derive(Default)]
struct RealGit {
    calls: AtomicUsize,
}

impl GitRunner for RealGit {
    fn run(&self, dir: &Path, args: &[&OsStr], input: &[u8]) -> Option<Vec<u8>> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let path = Env::capture().unwrap().raw(PATH).unwrap().to_owned();
        let env = Env::fixed(dir, [(PATH, path), ("HOME", "/nonexistent".into())]);
        Git::new(&env).run(dir, args, input)
    }
}

/// A git that is not installed.
struct NoGit;

impl GitRunner for NoGit {
    fn run(&self, _: &Path, _: &[&OsStr], _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests run the reference itself")]
fn git(dir: &Path, args: &[&OsStr]) -> Option<Vec<u8>> {
    let output = Command::new("git")
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env(PATH, Env::capture().unwrap().raw(PATH).unwrap())
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("HOME", "/nonexistent")])
        .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@b"), ("GIT_COMMITTER_NAME", "a")])
        .env("GIT_COMMITTER_EMAIL", "a@b")
        .stdin(Stdio::null())
        .output()
        .expect("these tests need git on PATH");
    output.status.success().then_some(output.stdout)
}

fn did(dir: &Path, args: &[&str]) {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    assert!(git(dir, &args).is_some(), "git {args:?}");
}

/// A repository with these files, none of them added.
fn repository(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    did(folder.path(), &["init", "-q", "--template="]);
    for (path, text) in files {
        write(&folder.path().join(path), text.as_bytes());
    }
    folder
}

#[expect(clippy::disallowed_methods, reason = "the tests lay out the repository that is asked about")]
fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn appended_to(existing: &str, entries: &[&str]) -> String {
    let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
    String::from_utf8(appended(existing.as_bytes(), &entries)).unwrap()
}

/// Follows what `key_store_exposure` says must be appended, and asks again.
fn exposure_after_appending(tree: &WorkTree<'_>, store: &Path) -> KeyStoreExposure {
    if let KeyStoreExposure::Appended(entries) = tree.key_store_exposure(store) {
        let existing = fs::read(tree.gitignore()).unwrap_or_default();
        write(&tree.gitignore(), &appended(&existing, &entries));
    }
    tree.key_store_exposure(store)
}

#[test]
fn the_work_tree_is_found_from_any_folder_and_by_a_git_file_too() {
    let folder = repository(&[("a/b/c", ""), ("a/not-a-repository/.git/config", ""), ("a.txt", "x")]);
    let root = dunce::canonicalize(folder.path()).unwrap();
    assert_eq!(work_tree(&root.join("a/b")), Some(root.clone()));
    assert_eq!(work_tree(&root.join("a/not-a-repository")), Some(root.clone()));
    assert_eq!(work_tree(&root.join("missing")), None);
    assert_eq!(work_tree(tempfile::tempdir().unwrap().path()), None);

    did(&root, &["add", "a.txt"]);
    did(&root, &["commit", "-qm", "x"]);
    did(&root, &["worktree", "add", "-q", "linked"]);
    let linked = root.join("linked");
    assert_eq!(work_tree(&linked), Some(linked.clone()));
    assert!(WorkTree::find(&linked, &RealGit::default()).unwrap().is_tracked(&linked.join("a.txt")));
    assert!(!WorkTree::find(&linked, &RealGit::default()).unwrap().is_tracked(&linked.join("b.txt")));
}

#[test]
fn tracked_means_staged_or_committed_and_costs_no_process_when_it_is_not() {
    let folder = repository(&[
        (".env", "A=1"),
        ("sub/.env.keys", "K"),
        ("ü", ""),
        ("[x]", ""),
        (".gitignore", ".env"),
    ]);
    let runner = RealGit::default();
    let tree = WorkTree::find(folder.path(), &runner).unwrap();
    assert!(!tree.is_tracked(&folder.path().join(".env")), "there is no index yet");
    did(folder.path(), &["add", "-f", ".env", "sub", "ü", "[x]"]);
    assert!(tree.is_tracked(&folder.path().join(".env")));
    assert!(tree.is_tracked(&folder.path().join("sub/../sub/.env.keys")));
    assert!(tree.is_tracked(&folder.path().join("ü")));
    assert!(tree.is_tracked(&folder.path().join("[x]")));
    assert!(!tree.is_tracked(&folder.path().join(".env.keys")), "only the one in sub is");
    assert!(tree.is_ignored(&folder.path().join(".env")), "the rules do not ask the index");

    let before = runner.calls.load(Ordering::Relaxed);
    assert!(!tree.is_tracked(&folder.path().join(".env.production")));
    assert!(!tree.is_tracked(&folder.path().join("../elsewhere")));
    assert_eq!(runner.calls.load(Ordering::Relaxed), before);
}

#[test]
fn an_index_that_does_not_spell_paths_out_is_left_to_git() {
    for version in ["2", "3", "4"] {
        let folder = repository(&[("dir/a.env", ""), ("dir/b.env", "")]);
        did(folder.path(), &["update-index", "--index-version", version]);
        did(folder.path(), &["add", "dir"]);
        let tree = WorkTree::find(folder.path(), &RealGit { calls: AtomicUsize::new(0) })
            .map(|tree| tree.root)
            .unwrap();
        let runner = RealGit::default();
        let tree = WorkTree { root: tree, git: &runner };
        assert!(tree.is_tracked(&folder.path().join("dir/b.env")), "version {version}");
        assert!(!tree.is_tracked(&folder.path().join("dir/c.env")), "version {version}");
    }
    let folder = repository(&[("a.env", ""), ("b.env", "")]);
    did(folder.path(), &["add", "a.env"]);
    did(folder.path(), &["update-index", "--split-index"]);
    did(folder.path(), &["add", "b.env"]);
    let runner = RealGit::default();
    let tree = WorkTree::find(folder.path(), &runner).unwrap();
    assert!(tree.is_tracked(&folder.path().join("a.env")) && tree.is_tracked(&folder.path().join("b.env")));
}

#[test]
fn blobs_come_back_byte_for_byte_from_the_commit_and_from_the_index() {
    let folder = repository(&[(".gitattributes", "* text=auto eol=crlf\n")]);
    let path = folder.path().join("a:b/.env x");
    write(&path, b"A=1\xff\n\0");
    did(folder.path(), &["add", "a:b"]);
    let runner = RealGit::default();
    let tree = WorkTree::find(folder.path(), &runner).unwrap();
    assert_eq!(tree.blobs(&[&path], Revision::Head)[0].clone(), None, "there is no commit yet");
    did(folder.path(), &["commit", "-qm", "x"]);
    write(&path, b"A=2\n");
    did(folder.path(), &["add", "a:b"]);
    write(&path, b"A=3\n");
    assert_eq!(tree.blobs(&[&path], Revision::Head)[0].clone().unwrap(), b"A=1\xff\n\0");
    assert_eq!(tree.blobs(&[&path], Revision::Index)[0].clone().unwrap(), b"A=2\n");
    assert_eq!(tree.blobs(&[&folder.path().join("missing")], Revision::Head)[0], None);
    assert_eq!(WorkTree::find(folder.path(), &NoGit).unwrap().blobs(&[&path], Revision::Head)[0], None);
}

/// What the text of the files alone decides must be what git decides; the rest must be left to git.
#[test]
fn ignore_rules_are_judged_as_git_judges_them() {
    const PATHS: [&str; 3] = [".env.keys", "sub/.env.keys", ".env.keys.backup.1"];
    let folder = repository(&[("sub/x", "")]);
    let without_git = WorkTree::find(folder.path(), &NoGit).unwrap();
    let mut decided = 0;
    for pattern in PATTERNS {
        write(&without_git.gitignore(), pattern.as_bytes());
        for deeper in ["", "!.env.keys", ".env.keys", "x\n#!"] {
            write(&folder.path().join("sub/.gitignore"), deeper.as_bytes());
            let question =
                ["-c", "core.excludesfile=/dev/null", "check-ignore", "--"].into_iter().chain(PATHS);
            let question: Vec<&OsStr> = question.map(OsStr::new).collect();
            let answer = String::from_utf8(git(folder.path(), &question).unwrap_or_default()).unwrap();
            for path in PATHS {
                let truth = answer.lines().any(|line| line == path);
                let by_text = without_git.is_ignored(&folder.path().join(path));
                assert!(truth || !by_text, "{pattern:?} and {deeper:?} on {path}");
                decided += usize::from(by_text);
            }
        }
    }
    assert!(decided > 60, "the usual patterns are decided without git: {decided}");
}

const PATTERNS: &[&str] = &[
    "",
    ".env.keys",
    ".env.keys\r\n",
    "\u{feff}.env.keys\n",
    ".env*",
    "*.keys",
    "*",
    "**",
    "*env*keys*",
    ".env.keys*",
    ".env*.keys.*",
    ".env.keys\n.env.keys.backup.*\n",
    "**/.env.keys",
    "/.env.keys",
    "sub/",
    "sub/*",
    "sub/.env.keys",
    "sub/\n!sub/.env.keys",
    ".env.keys\n!.env.keys",
    ".env.keys\n!other",
    "!.env.keys\n.env.keys",
    "*\n!.env.keys",
    "*\n!sub\n!.env.keys",
    ".env.{keys,x}",
    ".env.[k]eys",
    ".env.[!k]eys",
    ".env.[[:alpha:]]eys",
    ".env?keys",
    "\\.env.keys",
    ".env.keys\\",
    "  .env.keys",
    ".env.keys  ",
    ".env.keys\t",
    ".env.keys\\ ",
    "#.env.keys",
    ".ENV.KEYS",
    ".env.keys/",
    "a\r.env.keys",
    "*.key",
    "env.keys",
];

#[test]
fn a_symlinked_ignore_file_protects_nothing() {
    let folder = repository(&[("rules", ".env.keys\n.env.keys.backup.*\n")]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("rules", folder.path().join(".gitignore")).unwrap();
        let tree = WorkTree::find(folder.path(), &NoGit).unwrap();
        assert!(!tree.is_ignored(&folder.path().join(".env.keys")));
        assert_eq!(tree.key_store_exposure(&folder.path().join(".env.keys")), KeyStoreExposure::Exposed);
    }
}

#[test]
fn a_key_store_and_its_backups_become_ignored_at_every_depth() {
    let folder = repository(&[("sub/.env", "A=1")]);
    let runner = RealGit::default();
    let tree = WorkTree::find(&folder.path().join("sub"), &runner).unwrap();
    let store = folder.path().join("sub/.env.keys");
    let entries = vec![".env.keys".to_owned(), ".env.keys.backup.*".to_owned()];
    assert_eq!(tree.key_store_exposure(&store), KeyStoreExposure::Appended(entries));
    assert_eq!(exposure_after_appending(&tree, &store), KeyStoreExposure::Ignored);
    let calls = runner.calls.load(Ordering::Relaxed);
    assert_eq!(tree.key_store_exposure(&folder.path().join(".env.keys")), KeyStoreExposure::Ignored);
    assert_eq!(runner.calls.load(Ordering::Relaxed), calls, "a protected key store costs no process");
    assert_eq!(
        WorkTree::find(folder.path(), &NoGit).unwrap().key_store_exposure(&store),
        KeyStoreExposure::Ignored
    );
}

#[test]
fn a_key_store_that_is_half_covered_gets_the_other_half() {
    let folder = repository(&[(".gitignore", "node_modules/\r\n/.env.keys")]);
    let runner = RealGit::default();
    let tree = WorkTree::find(folder.path(), &runner).unwrap();
    let store = folder.path().join(".env.keys");
    assert_eq!(exposure_after_appending(&tree, &store), KeyStoreExposure::Ignored);
    let text = fs::read_to_string(tree.gitignore()).unwrap();
    assert_eq!(text, "node_modules/\r\n/.env.keys\r\n.env.keys.backup.*\r\n");
}

#[test]
fn a_tracked_key_store_or_backup_is_told_even_where_it_is_ignored() {
    for path in ["sub/.env.keys", "sub/.env.keys.backup.20260101_000000_000000"] {
        let folder = repository(&[(path, "K=1"), (".gitignore", ".env.keys*\n")]);
        did(folder.path(), &["add", "-f", path]);
        let runner = RealGit::default();
        let tree = WorkTree::find(folder.path(), &runner).unwrap();
        let exposure = tree.key_store_exposure(&folder.path().join("sub/.env.keys"));
        assert_eq!(exposure, KeyStoreExposure::Tracked(vec![path.to_owned()]));
        assert_eq!(tree.key_store_exposure(&folder.path().join(".env.keys")), KeyStoreExposure::Ignored);
    }
}

#[test]
fn a_key_store_that_a_deeper_file_re_includes_is_told() {
    let folder = repository(&[("sub/.gitignore", "!.env.keys\n")]);
    let runner = RealGit::default();
    let tree = WorkTree::find(folder.path(), &runner).unwrap();
    let exposure = exposure_after_appending(&tree, &folder.path().join("sub/.env.keys"));
    assert_eq!(exposure, KeyStoreExposure::Exposed);
}

#[test]
fn without_git_a_repository_still_gets_its_lines_and_other_folders_nothing() {
    let folder = repository(&[]);
    let tree = WorkTree::find(folder.path(), &NoGit).unwrap();
    assert_eq!(exposure_after_appending(&tree, &folder.path().join(".env.keys")), KeyStoreExposure::Ignored);
    let elsewhere = tempfile::tempdir().unwrap();
    let exposure = tree.key_store_exposure(&elsewhere.path().join(".env.keys"));
    assert_eq!(exposure, KeyStoreExposure::NotInRepo);
}

#[test]
fn odd_names_get_an_entry_that_ignores_exactly_them() {
    for name in ["a[b]*.env", "#x", "!x", "a b ", "a  ", "back\\slash", "line\nend", "ünï", "{a,b}"] {
        let folder = repository(&[]);
        let runner = RealGit::default();
        let tree = WorkTree::find(folder.path(), &runner).unwrap();
        for path in [name.to_owned(), format!("sub/{name}")] {
            let path = folder.path().join(path);
            write(&path, b"");
            write(&tree.gitignore(), b"");
            let entries = tree.missing_entries(&[&path, &path, Path::new("/elsewhere")]);
            assert_eq!(entries.len(), 1, "{name:?}");
            write(&tree.gitignore(), &appended(b"", &entries));
            assert!(tree.is_ignored(&path), "{name:?} {entries:?}");
            assert!(tree.missing_entries(&[&path]).is_empty());
        }
    }
    let folder = repository(&[("sub/x", "")]);
    let tree = WorkTree::find(folder.path(), &NoGit).unwrap();
    let store = folder.path().join("sub/keys.env");
    let entries = vec!["sub/keys.env".to_owned(), "sub/keys.env.backup.*".to_owned()];
    assert_eq!(tree.key_store_exposure(&store), KeyStoreExposure::Appended(entries));
}

#[test]
fn appending_keeps_what_is_there_and_how_its_lines_end() {
    assert_eq!(appended_to("", &["a", "b"]), "a\nb\n");
    assert_eq!(appended_to("x", &["a"]), "x\na\n");
    assert_eq!(appended_to("x\r\ny", &["a"]), "x\r\ny\r\na\r\n");
    assert_eq!(appended_to("x\n\n", &["a", "a"]), "x\n\na\n");
    assert_eq!(appended_to("a\nx\n", &["a"]), "a\nx\n");
    assert_eq!(appended_to("a  \r\n", &["a"]), "a  \r\n");
    assert_eq!(appended_to(" a\na\t\n", &["a"]), " a\na\t\na\n");
    assert_eq!(appended_to("a\n!a\n", &["a"]), "a\n!a\na\n");
    assert_eq!(appended(b"\xff\n", &["a".to_owned()]), b"\xff\na\n");
}
