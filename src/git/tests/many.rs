//! Many paths at once, and files that git is told to overlook.

use super::*;

#[test]
fn many_paths_are_asked_about_at_once_and_a_longer_name_in_the_index_is_no_doubt() {
    let folder =
        repository(&[(".env.a.clear", ""), ("sub/.env.b", ""), (".gitignore", "/made/*\n!/made/kept\n")]);
    did(folder.path(), &["add", "."]);
    let real = RealGit::default();
    let tree = WorkTree::find(folder.path(), &real).unwrap();
    let path = |name: &str| folder.path().join(name);
    let calls = || real.calls.swap(0, Ordering::Relaxed);
    let (a, clear, b) = (path(".env.a"), path(".env.a.clear"), path("sub/.env.b"));
    assert_eq!(tree.tracked(&[&a, Path::new("/elsewhere")]), [false, false]);
    assert_eq!(calls(), 0, "{} is only the start of a tracked path", a.display());
    assert_eq!(tree.tracked(&[&a, &clear, &b]), [false, true, true]);
    assert_eq!(calls(), 1);

    let (made, kept, deep) = (path("made/x"), path("made/kept"), path("not/there/yet"));
    assert_eq!(tree.ignored(&[&made, &kept, &deep, &a]), [true, false, false, false]);
    assert_eq!(calls(), 1);
    assert_eq!(tree.missing_entries(&[&made, &kept, &deep, &deep]), ["made/kept", "not/there/yet"]);
    assert_eq!(calls(), 1);
}

#[test]
fn a_hidden_file_is_overlooked_until_it_is_shown_again() {
    let folder = repository(&[("tracked", "1\n"), ("sub/other", "1\n"), ("untracked", "1\n")]);
    did(folder.path(), &["add", "tracked", "sub"]);
    let real = RealGit::default();
    let tree = WorkTree::find(folder.path(), &real).unwrap();
    let path = |name: &str| folder.path().join(name);
    let calls = || real.calls.swap(0, Ordering::Relaxed);
    let (tracked, other, untracked) = (path("tracked"), path("sub/other"), path("untracked"));
    assert!(tree.unhide(&[&tracked, &other]));
    assert_eq!(calls(), 0, "nothing was ever hidden");
    assert_eq!(tree.hide(&[&untracked]), [false]);
    assert_eq!(calls(), 0);
    for _ in 0..2 {
        assert_eq!(tree.hide(&[&untracked, &tracked, &other]), [false, true, true]);
    }
    assert_eq!(calls(), 3, "the second time nothing is to be marked");
    write(&tracked, b"2\n");
    write(&other, b"2\n");
    did(folder.path(), &["diff", "--exit-code"]);
    assert!(tree.unhide(&[&tracked, &untracked]));
    assert!(git(folder.path(), &["diff", "--exit-code", "--", "tracked"].map(OsStr::new)).is_none());
    did(folder.path(), &["diff", "--exit-code", "--", "sub"]);
}

#[test]
fn without_git_nothing_is_hidden_and_nothing_is_claimed() {
    let folder = repository(&[("tracked", "1\n")]);
    did(folder.path(), &["add", "tracked"]);
    let tree = WorkTree::find(folder.path(), &NoGit).unwrap();
    let path = folder.path().join("tracked");
    assert_eq!(
        (tree.hide(&[&path]), tree.ignored(&[&path]), tree.tracked(&[&path])),
        (vec![false], vec![false], vec![false])
    );
}
