//! Encrypting again changes only what changed, in both formats.

use age::secrecy::ExposeSecret as _;

use crate::support::Sandbox;

const PLAIN: &str = "# note\nA=\"x\\ny\"\n\nB=2\nB=3\nC=4 # c\n";

fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let call = sandbox.program(&sandbox.beside("bin/git"), args);
    let run = call
        .var("GIT_AUTHOR_NAME", "a")
        .var("GIT_AUTHOR_EMAIL", "a@b")
        .var("GIT_COMMITTER_NAME", "a")
        .var("GIT_COMMITTER_EMAIL", "a@b")
        .run();
    assert_eq!(run.code, 0, "git {args:?}: {run}");
    run.stdout
}

/// A repository whose `.env` was encrypted and committed, and the arguments and variable that encrypt it again.
fn committed(sandbox: &Sandbox, extra: &[&str], identity: &str) {
    git(sandbox, &["init", "-q", "."]);
    sandbox.write(".env", PLAIN);
    let run = sandbox.call([&["encrypt"], extra].concat()).var("SOPS_AGE_KEY", identity).run();
    assert_eq!(run.code, 0, "{run}");
    git(sandbox, &["add", "."]);
    git(sandbox, &["commit", "-qm", "x"]);
}

fn changed_lines(sandbox: &Sandbox) -> Vec<String> {
    let diff = git(sandbox, &["diff", "-U0", "--", ".env"]);
    let added = diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++"));
    added.map(|line| line[1..].split('=').next().unwrap().to_owned()).collect()
}

/// The key of each line that changes when C is edited, for one backend.
fn after_an_edit(extra: &[&str], identity: &str) -> Vec<String> {
    let sandbox = Sandbox::new();
    committed(&sandbox, extra, identity);
    let encrypted = sandbox.bytes(".env");
    let call = |args: &[&str]| {
        let run = sandbox.call(args).var("SOPS_AGE_KEY", identity).run();
        assert_eq!(run.code, 0, "{run}");
        run
    };
    call(&["decrypt"]);
    assert_eq!(sandbox.text(".env"), PLAIN);
    let run = call(&[&["encrypt"], extra].concat());
    assert_eq!(
        run.stdout,
        "[OK] Skipped re-encryption of .env (content unchanged, restored encrypted version from git)\n"
    );
    assert_eq!(sandbox.bytes(".env"), encrypted);

    call(&["decrypt"]);
    sandbox.write(".env", PLAIN.replace("C=4", "C=44"));
    let run = call(&[&["encrypt"], extra].concat());
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    assert!(run.stdout.starts_with("[OK] Encrypted .env using "), "{run}");
    let changed = changed_lines(&sandbox);

    git(&sandbox, &["checkout", "-q", ".env"]);
    call(&["decrypt"]);
    call(&[&["encrypt", "--fresh"], extra].concat());
    assert!(changed_lines(&sandbox).len() > 3, "--fresh encrypts every value anew");
    changed
}

#[test]
fn one_edited_value_changes_one_line_of_a_dotenvx_file() {
    assert_eq!(after_an_edit(&[], ""), ["C"]);
}

#[test]
fn one_edited_value_changes_that_line_and_two_of_the_metadata_of_a_sops_file() {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let mut changed =
        after_an_edit(&["-b", "sops", "--age", &recipient], identity.to_string().expose_secret());
    // The time has a resolution of a second.
    changed.retain(|key| key != "sops_lastmodified");
    assert_eq!(changed, ["C", "sops_mac"]);
}

#[test]
fn a_staged_form_counts_before_the_committed_one() {
    let sandbox = Sandbox::new();
    committed(&sandbox, &[], "");
    sandbox.envdrift(["decrypt"]);
    sandbox.write(".env", PLAIN.replace("B=2", "B=22"));
    sandbox.envdrift(["encrypt"]);
    git(&sandbox, &["add", ".env"]);
    let staged = sandbox.bytes(".env");
    sandbox.envdrift(["decrypt"]);
    sandbox.envdrift(["encrypt"]);
    assert_eq!(sandbox.bytes(".env"), staged);
}

#[test]
fn without_the_key_it_is_an_ordinary_encryption() {
    let sandbox = Sandbox::new();
    committed(&sandbox, &[], "");
    let header =
        sandbox.text(".env").lines().find(|line| line.starts_with("DOTENV_PUBLIC_KEY")).unwrap().to_owned();
    sandbox.remove(".env.keys");
    sandbox.write(".env", format!("{header}\n{PLAIN}"));
    let run = sandbox.envdrift(["encrypt"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "[OK] Encrypted .env using dotenvx\n"), "{run}");
    assert!(!sandbox.path(".env.keys").exists(), "the key is in use elsewhere: no second one is made");
}
