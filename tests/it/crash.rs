//! kill -9 at many moments: the file is the old one or the new one, whole; the key that opens the new one is on disk;
//! nothing that holds a secret is left where others, or git, could find it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Sandbox, Tree};

/// How many moments of one command are tried.
const MOMENTS: u32 = 24;
const CANARY: &str = "c4nary-v4lue";

fn plain() -> String {
    let lines: Vec<String> = (0..300).map(|n| format!("VARIABLE_{n}={CANARY} number {n}\n")).collect();
    lines.concat()
}

/// Runs `command` once undisturbed, on a copy of `files`, to know how long it takes.
fn duration(files: &[(&str, &str)], command: &[&str]) -> Duration {
    let sandbox = prepared(files);
    let start = Instant::now();
    assert_eq!(sandbox.envdrift(command).code, 0);
    start.elapsed()
}

fn prepared(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, text) in files {
        sandbox.write(name, text);
        // What is made beside it must not be more readable than this.
        sandbox.set_mode(name, 0o600);
    }
    sandbox
}

/// Kills `command` at moments spread over the time that it takes, and judges what is left each time.
fn kill_at_many_moments(files: &[(&str, &str)], command: &[&str], judge: impl Fn(&Sandbox, &Tree)) {
    let whole = duration(files, command);
    for moment in 0..MOMENTS {
        let sandbox = prepared(files);
        let running = sandbox.call(command).spawn();
        std::thread::sleep(whole * moment / (MOMENTS - 2));
        running.kill();
        judge(&sandbox, &sandbox.whole_tree());
    }
}

/// Kills `command` the moment that the work folder looks as `when` says.
fn kill_when(files: &[(&str, &str)], command: &[&str], when: impl Fn(&Sandbox) -> bool) -> Sandbox {
    let sandbox = prepared(files);
    let mut running = sandbox.call(command).spawn();
    while !when(&sandbox) && !running.is_over() {}
    running.kill();
    sandbox
}

/// Nothing but the files of the user and the key store is in the work folder, and what is elsewhere holds no secret.
fn assert_no_secret_is_left(tree: &Tree, names: &[&str]) {
    for (path, node, bytes) in tree.files() {
        let ours = names.iter().any(|name| path == Path::new("work").join(name));
        let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        if !ours && (holds(CANARY) || holds("DOTENV_PRIVATE_KEY")) {
            // The moment between getting a name and being renamed is short, but it is there.
            assert_eq!(node.mode & 0o077, 0, "{} can be read by others", path.display());
        }
    }
}

fn assert_opens_to(sandbox: &Sandbox, name: &str, text: &str) {
    let run = sandbox.envdrift(["decrypt", "--stdout", name]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.stdout, text, "{name}");
}

#[test]
fn a_killed_encryption_leaves_the_old_file_or_the_new_one_with_its_key() {
    let text = plain();
    let files = [(".env", &*text), (".env.b", "B=c4nary-v4lue\n")];
    kill_at_many_moments(&files, &["encrypt", ".env", ".env.b"], |sandbox, tree| {
        assert_no_secret_is_left(tree, &[".env", ".env.b", ".env.keys"]);
        for (name, text) in files {
            if sandbox.text(name) != text {
                assert!(!sandbox.text(name).contains(CANARY), "a mixture");
                assert_opens_to(sandbox, name, text);
            }
        }
        if sandbox.path(".env.keys").exists() {
            assert_eq!(sandbox.mode(".env.keys"), 0o600);
        }
        let again = sandbox.envdrift(["encrypt", ".env", ".env.b"]);
        assert_eq!(again.code, 0, "{again}");
        for (name, text) in files {
            assert_opens_to(sandbox, name, text);
        }
    });
}

#[test]
fn a_killed_encryption_loses_no_key_of_other_files() {
    let first = prepared(&[]);
    first.encrypted(".env.first", "A=1\n");
    let (sealed, keys) = (first.text(".env.first"), first.text(".env.keys"));
    let text = plain();
    let files = [(".env.first", &*sealed), (".env.keys", &*keys), (".env", &*text)];
    kill_at_many_moments(&files, &["encrypt", ".env"], |sandbox, tree| {
        assert_no_secret_is_left(tree, &[".env", ".env.keys"]);
        assert!(sandbox.text(".env.keys").starts_with(&keys), "the old keys stay");
        assert_opens_to(sandbox, ".env.first", "A=1\n");
    });
}

#[test]
fn a_killed_decryption_leaves_the_old_file_or_the_new_one() {
    let text = plain();
    let first = prepared(&[]);
    first.encrypted(".env", &text);
    let (sealed, keys) = (first.text(".env"), first.text(".env.keys"));
    let files = [(".env", &*sealed), (".env.keys", &*keys)];
    kill_at_many_moments(&files, &["decrypt"], |sandbox, tree| {
        assert_no_secret_is_left(tree, &[".env", ".env.keys"]);
        let now = sandbox.text(".env");
        assert!(now == sealed || now == text, "a mixture");
        assert_eq!(sandbox.text(".env.keys"), keys);
        assert_eq!(sandbox.envdrift(["decrypt"]).code, 0);
        assert_eq!(sandbox.text(".env"), text);
    });
}

#[test]
fn killed_as_soon_as_the_file_is_new_the_key_is_there() {
    let text = plain();
    for _ in 0..6 {
        let sandbox =
            kill_when(&[(".env", &text)], &["encrypt"], |sandbox| !sandbox.text(".env").contains(CANARY));
        assert_opens_to(&sandbox, ".env", &text);
    }
}

#[test]
fn killed_as_soon_as_the_key_is_there_the_next_run_uses_it() {
    let text = plain();
    for _ in 0..6 {
        let sandbox =
            kill_when(&[(".env", &text)], &["encrypt"], |sandbox| sandbox.path(".env.keys").exists());
        let keys = sandbox.text(".env.keys");
        assert_eq!(keys.matches("DOTENV_PRIVATE_KEY=").count(), 1);
        assert_eq!(sandbox.envdrift(["encrypt"]).code, 0);
        assert_eq!(sandbox.text(".env.keys"), keys, "no second key");
        assert_opens_to(&sandbox, ".env", &text);
    }
}

#[test]
fn interrupted_while_it_writes_a_batch_is_written_whole_or_not_at_all() {
    let files: Vec<(String, String)> =
        (0..40).map(|n| (format!(".env.f{n}"), format!("A={CANARY} {n}\n"))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let command = [&["encrypt"], &names[..]].concat();
    let whole = duration(&files, &command);
    for moment in 0..MOMENTS {
        let sandbox = prepared(&files);
        let running = sandbox.call(&command).spawn();
        std::thread::sleep(whole * moment / MOMENTS);
        running.interrupt();
        let run = running.wait();
        let encrypted = names.iter().filter(|name| !sandbox.text(name).contains(CANARY)).count();
        match run.code {
            0 => assert_eq!(encrypted, names.len(), "{run}"),
            1 => {
                run.says_on_stderr(&["Interrupted: nothing was written"]);
                assert_eq!(encrypted, 0, "{run}");
            }
            // Ended at once, before it began to write or after it was done.
            _ => assert!([0, names.len()].contains(&encrypted), "{encrypted} {run}"),
        }
        assert!(!sandbox.names().iter().any(|name| name.contains("tmp")), "{:?}", sandbox.names());
    }
}
