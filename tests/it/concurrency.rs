//! Several envdrift at once: no key is lost, no file is half one and half the other.

use crate::support::{Running, Sandbox};

#[test]
fn encryptions_that_share_a_key_store_lose_no_key() {
    for _ in 0..3 {
        let sandbox = Sandbox::new();
        let names: Vec<String> = (0..12).map(|n| format!(".env.f{n}")).collect();
        for name in &names {
            sandbox.write(name, format!("NAME={name}\n"));
        }
        let running: Vec<_> = names.iter().map(|name| sandbox.call(["encrypt", name]).spawn()).collect();
        for (running, name) in running.into_iter().zip(&names) {
            running.wait().answers(&[&format!("[OK] Encrypted {name} using dotenvx")]);
        }
        let keys = sandbox.text(".env.keys");
        assert_eq!(keys.matches("\nDOTENV_PRIVATE_KEY_F").count(), names.len(), "{keys}");
        assert_eq!(keys.matches("DOTENV_PRIVATE_KEYS!").count(), 1, "one header: {keys}");
        let run = sandbox.envdrift([&["decrypt".to_owned()], &names[..]].concat());
        assert_eq!(run.code, 0, "{run}");
        for name in &names {
            assert_eq!(sandbox.text(name), format!("NAME={name}\n"));
        }
    }
}

#[test]
fn encryptions_of_the_same_file_agree_on_one_key() {
    for _ in 0..3 {
        let sandbox = Sandbox::new();
        sandbox.write(".env", "A=1\nB=2\n");
        let running: Vec<_> = (0..8).map(|_| sandbox.call(["encrypt"]).spawn()).collect();
        let runs: Vec<_> = running.into_iter().map(Running::wait).collect();
        let changed = runs.iter().filter(|run| run.stdout == "[OK] Encrypted .env using dotenvx\n").count();
        let same =
            runs.iter().filter(|run| run.stderr == "[WARN] .env is already encrypted (no change)\n").count();
        assert_eq!((changed, same), (1, 7), "{}", runs.iter().map(ToString::to_string).collect::<String>());
        assert_eq!(sandbox.text(".env.keys").matches("DOTENV_PRIVATE_KEY=").count(), 1);
        assert_eq!(sandbox.envdrift(["decrypt"]).code, 0);
        assert_eq!(sandbox.text(".env"), "A=1\nB=2\n");
    }
}

#[test]
fn encrypting_and_decrypting_at_once_leaves_a_whole_file() {
    let sandbox = Sandbox::new();
    let text = "A=1\nB=2\n";
    sandbox.encrypted(".env", text);
    for _ in 0..4 {
        let running: Vec<_> = ["encrypt", "decrypt", "encrypt", "decrypt"]
            .map(|command| sandbox.call([command]).spawn())
            .into();
        for running in running {
            let run = running.wait();
            let lost_race = run.stderr.contains("was changed by another program meanwhile");
            assert!(run.code == 0 || lost_race, "{run}");
        }
        let run = sandbox.envdrift(["decrypt", "--stdout"]);
        assert_eq!((run.code, run.stdout.as_str()), (0, text), "{run}");
    }
}

#[test]
fn what_somebody_saves_meanwhile_is_not_overwritten() {
    let sandbox = Sandbox::new();
    let many: Vec<String> = (0..3_000).map(|n| format!("V{n}=value {n}\n")).collect();
    sandbox.write(".env", many.concat());
    let running = sandbox.call(["encrypt"]).spawn();
    std::thread::sleep(std::time::Duration::from_millis(60));
    sandbox.write(".env", "EDITED=1\n");
    let run = running.wait();
    let now = sandbox.text(".env");
    if run.code == 0 {
        // The save came before the first look, or after the last one.
        assert!(now == "EDITED=1\n" || now.contains("EDITED=encrypted:B"), "{now}");
    } else {
        run.says_on_stderr(&[".env was changed by another program meanwhile"]);
        assert_eq!(now, "EDITED=1\n");
    }
}

#[test]
fn links_that_lead_to_one_key_store_are_one_key_store() {
    let sandbox = Sandbox::new();
    for folder in ["a", "b"] {
        sandbox.write(&format!("{folder}/.env.{folder}"), "A=1\n");
        sandbox.link(&format!("{folder}/.env.keys"), "../.env.keys");
    }
    let run = sandbox.envdrift(["encrypt", "--engine", "builtin", "a/.env.a", "b/.env.b"]);
    assert_eq!(run.code, 0, "{run}");
    let keys = sandbox.text(".env.keys");
    assert!(keys.contains("DOTENV_PRIVATE_KEY_A=") && keys.contains("DOTENV_PRIVATE_KEY_B="), "{run}");
    assert_eq!(sandbox.envdrift(["decrypt", "a/.env.a", "b/.env.b"]).code, 0);
}
