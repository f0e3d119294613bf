//! Private keys stay out of git: ignored before they are on disk, refused where git has the store already.

use std::path::Path;

use crate::support::{Run, Sandbox, skipped};

/// A sandbox whose work folder is a fresh repository; none without git.
fn repository() -> Option<Sandbox> {
    let sandbox = Sandbox::new();
    if !sandbox.beside("bin/git").exists() {
        skipped("git is not installed");
        return None;
    }
    git(&sandbox, &["init", "-q"]);
    Some(sandbox)
}

fn git(sandbox: &Sandbox, args: &[&str]) -> Run {
    let run = sandbox.program(&sandbox.beside("bin/git"), args).run();
    assert_eq!(run.code, 0, "git {args:?}: {run}");
    run
}

/// What git would add.
fn untracked(sandbox: &Sandbox) -> Vec<String> {
    let run = git(sandbox, &["ls-files", "--others", "--exclude-standard"]);
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_new_key_store_is_ignored_and_the_user_is_told() {
    let Some(sandbox) = repository() else { return };
    sandbox.write("app/.env", "A=1\n");
    let run = sandbox.envdrift(["encrypt", "app/.env"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "[OK] Encrypted app/.env using dotenvx\n"), "{run}");
    run.says_on_stderr(&[
        "[WARN] Added .env.keys, .env.keys.backup.* to .gitignore",
        "never commit your private keys (.env.keys).",
    ]);
    assert_eq!(untracked(&sandbox), [".gitignore", "app/.env"]);
    let before = sandbox.bytes(".gitignore");
    sandbox.write("app/.env.b", "A=1\n");
    sandbox.envdrift(["encrypt", "app/.env.b"]).answers(&["[OK] Encrypted app/.env.b using dotenvx"]);
    assert_eq!(sandbox.bytes(".gitignore"), before, "said and done once");
}

#[test]
fn a_refused_or_failed_run_leaves_gitignore_alone() {
    let Some(sandbox) = repository() else { return };
    sandbox.write(".env", format!("A={}\n", "x".repeat(3_000)));
    sandbox.write(".env.bad", "A=1\nsecret without a name\n");
    sandbox.write(".gitignore", "target");
    let before = sandbox.tree();
    assert_eq!(sandbox.envdrift(["encrypt", ".env", ".env.bad"]).code, 1);
    sandbox.assert_untouched(&before);
    let shell = ["-c", "ulimit -f 2 && exec \"$0\" encrypt", env!("CARGO_BIN_EXE_envdrift")];
    let run = sandbox.program(Path::new("/bin/sh"), shell).run();
    assert_eq!(run.code, 1, "{run}");
    sandbox.assert_untouched(&before);
    assert_eq!(sandbox.envdrift(["encrypt"]).code, 0);
    assert_eq!(sandbox.text(".gitignore"), "target\n.env.keys\n.env.keys.backup.*\n");
}

#[test]
fn a_store_that_git_tracks_gets_no_new_key() {
    let Some(sandbox) = repository() else { return };
    sandbox.encrypted(".env", "A=1\n");
    git(&sandbox, &["add", "-f", ".env.keys"]);
    sandbox.write(".env.new", "A=1\n");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt", ".env.new"]);
    run.refuses(&[".env.keys is tracked by git: a new private key would be committed"]);
    assert!(run.stderr.contains("git rm --cached"), "{run}");
    sandbox.assert_untouched(&before);
    sandbox.write(".env", sandbox.text(".env") + "B=2\n");
    let run = sandbox.envdrift(["encrypt"]);
    assert_eq!(run.code, 0, "the key that is there may be used: {run}");
    run.says_on_stderr(&["[WARN] ", ".env.keys is tracked by git"]);
}

#[test]
fn stores_that_are_made_at_once_are_all_ignored() {
    let Some(sandbox) = repository() else { return };
    let names: Vec<String> = (0..12).map(|n| format!("service{n}/.env")).collect();
    for name in &names {
        sandbox.write(name, "A=1\n");
    }
    let running: Vec<_> = names.iter().map(|name| sandbox.call(["encrypt", name]).spawn()).collect();
    for running in running {
        let run = running.wait();
        assert_eq!(run.code, 0, "{run}");
    }
    let shown: Vec<String> = untracked(&sandbox).into_iter().filter(|name| name.contains("keys")).collect();
    assert_eq!(shown, Vec::<String>::new(), "{}", sandbox.text(".gitignore"));
}

#[test]
fn killed_as_soon_as_the_key_is_there_it_is_ignored() {
    for _ in 0..4 {
        let Some(sandbox) = repository() else { return };
        sandbox.write(".env", "A=1\n");
        let mut running = sandbox.call(["encrypt"]).spawn();
        while !sandbox.path(".env.keys").exists() && !running.is_over() {}
        running.kill();
        assert!(!untracked(&sandbox).contains(&".env.keys".to_owned()));
    }
}

#[test]
fn neither_check_nor_decrypt_touches_the_repository() {
    let Some(sandbox) = repository() else { return };
    sandbox.encrypted(".env", "A=1\n");
    sandbox.remove(".gitignore");
    let before = sandbox.tree();
    for args in [&["encrypt", "--check"][..], &["decrypt", "--check"], &["decrypt", "--stdout"]] {
        assert_eq!(sandbox.envdrift(args).code, 0);
        sandbox.assert_untouched(&before);
    }
}
