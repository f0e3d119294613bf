//! A secret is where it belongs and nowhere else: not on a stream, not in a document, not in a file that was made.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::Path;

use crate::support::{Run, Sandbox};

/// In every value of every file; nothing else holds it.
const CANARY: &str = "c4narYv4luE";

/// Runs and asserts that neither the canary nor any private key of the work folder is in what it says.
fn silent(sandbox: &Sandbox, args: &[&str]) -> Run {
    let keys: Vec<String> = sandbox
        .tree()
        .files()
        .filter(|(path, ..)| path.to_string_lossy().contains("keys"))
        .flat_map(|(_, _, bytes)| {
            String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .filter_map(|line| {
            line.strip_prefix("DOTENV_PRIVATE_KEY")?.split_once('=').map(|(_, key)| key.to_owned())
        })
        .collect();
    let mut last = None;
    for flags in [&[][..], &["-v"], &["--json"]] {
        let run = sandbox.envdrift([flags, args].concat());
        let output = run.output();
        for secret in keys.iter().map(String::as_str).chain([CANARY]) {
            assert!(!output.contains(secret), "{args:?} {flags:?} says a secret: {run}");
            assert!(
                !output.contains(&secret[..8.min(secret.len())]),
                "{args:?} {flags:?} says a part of one: {run}"
            );
        }
        last = Some(run);
    }
    last.unwrap()
}

/// Where the canary is, as paths in the sandbox.
fn places(sandbox: &Sandbox) -> Vec<String> {
    let holds = |bytes: &[u8]| bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes());
    let tree = sandbox.whole_tree();
    tree.files().filter(|(_, _, bytes)| holds(bytes)).map(|(path, ..)| path.display().to_string()).collect()
}

#[test]
fn what_succeeds_says_no_value_and_leaves_none() {
    let sandbox = Sandbox::new();
    let text = format!("A={CANARY}\nAPI_KEY=\"{CANARY}\n{CANARY}\"\nexport B='{CANARY}'\n");
    sandbox.write(".env", &text);
    silent(&sandbox, &["encrypt", "--check"]);
    silent(&sandbox, &["encrypt", "--check", "--strict"]);
    assert_eq!(places(&sandbox), ["work/.env"]);
    silent(&sandbox, &["encrypt"]);
    assert_eq!(places(&sandbox), Vec::<String>::new());
    silent(&sandbox, &["encrypt", "--check"]);
    silent(&sandbox, &["decrypt", "--check"]);
    assert_eq!(places(&sandbox), Vec::<String>::new());
    silent(&sandbox, &["decrypt"]);
    assert_eq!(places(&sandbox), ["work/.env"]);
    for (path, node, bytes) in sandbox.whole_tree().files() {
        let key = bytes.windows(20).any(|part| part == b"\nDOTENV_PRIVATE_KEY=");
        assert_eq!(key, path == Path::new("work/.env.keys"), "{}", path.display());
        assert!(!key || node.mode == 0o600);
    }
}

#[test]
fn what_is_refused_says_no_value() {
    let texts = [
        format!("A=1\n{CANARY}\n"),
        format!("A=1\n{CANARY} with words\n"),
        format!("A=1\nsome words {CANARY}=x\n"),
        format!("A=1\n{CANARY}+{CANARY}==\n"),
        format!("A=1\n\"token\":\"{CANARY}=\"\n"),
        format!("A: {CANARY}\n"),
        format!("A=\"{CANARY}\nunterminated {CANARY}=1\n"),
        format!("A=-----BEGIN KEY-----\n{CANARY}/{CANARY}\n{CANARY}/=\n-----END KEY-----\n"),
        format!("DOTENV_PRIVATE_KEY={CANARY}\n"),
        format!("DOTENV_PUBLIC_KEY={CANARY}\nA={CANARY}\n"),
        format!("A=encrypted:BAAAAAAAAAAAAAAAAAAAAAAA{CANARY}\n"),
        format!("A=ENC[AES256_GCM,{CANARY}]\n"),
        format!("X_PLAIN={CANARY}\n"),
        format!("# {CANARY}\n"),
        format!("={CANARY}\n"),
        format!("'{CANARY}'={CANARY}\n"),
    ];
    for text in texts {
        let sandbox = Sandbox::new();
        // A name that reads as a name is shown; this one is a name.
        let named = text.contains(&format!("'{CANARY}'"));
        sandbox.write(".env", &text);
        let before = sandbox.tree();
        let run = silent(&sandbox, &["encrypt"]);
        assert_ne!(run.code, 0, "{text}");
        silent(&sandbox, &["decrypt"]);
        if !named {
            silent(&sandbox, &["encrypt", "--check"]);
            silent(&sandbox, &["encrypt", "--check", "--strict"]);
        }
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn what_fails_on_keys_says_no_key() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", &format!("A={CANARY}\n"));
    let sealed = sandbox.text(".env");
    let right = sandbox.text(".env.keys");
    let other = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";
    for keys in [
        right
            .replace("DOTENV_PRIVATE_KEY=", "DOTENV_PRIVATE_KEY_OTHER=")
            .replace("_OTHER=", &format!("_OTHER={other}#")),
        format!("DOTENV_PRIVATE_KEY={CANARY}\n"),
        format!("DOTENV_PRIVATE_KEY={other}\n"),
        format!("DOTENV_PRIVATE_KEY={other},{CANARY}\n"),
        format!("DOTENV_PRIVATE_KEY=\"{CANARY}\n"),
        format!("DOTENV_PRIVATE_KEY: {CANARY}\n"),
        format!("{CANARY}\n"),
    ] {
        sandbox.write(".env.keys", &keys);
        for args in [&["decrypt"][..], &["decrypt", "--check"], &["decrypt", ".env", ".env"]] {
            let run = silent(&sandbox, args);
            assert_eq!(run.code, 1, "{keys}: {run}");
        }
        let run = sandbox.envdrift(["decrypt", "--stdout"]);
        assert!(run.code == 1 && !run.output().contains(CANARY), "{keys}: {run}");
        sandbox.write(".env", sealed.clone() + "NEW=1\n");
        silent(&sandbox, &["encrypt"]);
        sandbox.write(".env", &sealed);
    }
    sandbox.write(".env.keys", right);
    assert_eq!(sandbox.envdrift(["decrypt", "--stdout"]).stdout, format!("A={CANARY}\n"));
}

#[test]
fn an_env_file_that_is_taken_for_a_config_is_not_shown() {
    let sandbox = Sandbox::new();
    for text in [
        format!("API_KEY={CANARY}\n"),
        format!("A=\"{CANARY}\"\n"),
        format!("guard=\"{CANARY}\"\n"),
        format!("A=1\nA=\"{CANARY}\"\n"),
    ] {
        sandbox.write(".env", text);
        silent(&sandbox, &["encrypt", "--check", "-c", ".env"]);
        let run = silent(&sandbox, &["decrypt", "--config", ".env"]);
        assert!(run.code != 0 || run.output().contains("unchanged"), "{run}");
    }
}

#[test]
fn keys_of_the_environment_are_said_and_kept_nowhere() {
    let sandbox = Sandbox::new();
    let key = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";
    sandbox.write(".env", format!("A={CANARY}\n"));
    for args in [&["-v", "encrypt"][..], &["--json", "decrypt", "--check"], &["decrypt"]] {
        let run = sandbox.call(args).var("DOTENV_PRIVATE_KEY", key).run();
        assert_eq!(run.code, 0, "{run}");
        assert!(!run.output().contains(&key[..8]) && !run.output().contains(CANARY), "{run}");
    }
    assert_eq!(sandbox.names(), [".env"], "the key at hand was used and none was made");
    for (path, _, bytes) in sandbox.whole_tree().files() {
        assert!(!String::from_utf8_lossy(bytes).contains(&key[..8]), "{}", path.display());
    }
    let run = sandbox.call(["encrypt"]).var("DOTENV_PRIVATE_KEY", CANARY).run();
    run.refuses(&["DOTENV_PRIVATE_KEY in the environment is not a private key"]);
    assert!(!run.output().contains(CANARY), "{run}");
}
