//! `envdrift decrypt`: the order of its checks, its phrases, its streams and its exit codes (spec encrypt-decrypt,
//! sections 4.4, 4.5 and 8), with the built-in engine.

use crate::support::Sandbox;

const SOPS_FILE: &str = include_str!("../vectors/sops/files/layout.enc.env");
const DETECTED: &str = "Auto-detected encryption backend: dotenvx";

/// Encrypted by the real dotenvx, with its key.
fn real_file(sandbox: &Sandbox, text: &str) {
    sandbox.encrypted(".env", text);
}

#[test]
fn the_backend_is_detected_and_the_bytes_come_back() {
    let sandbox = Sandbox::new();
    let text = "# a\nexport A = 'it''s'  # note\r\nB=\n";
    real_file(&sandbox, "A=1\n");
    sandbox.encrypted(".env.odd", text);
    sandbox.envdrift(["decrypt"]).answers(&[DETECTED, "[OK] Decrypted .env using dotenvx"]);
    sandbox
        .envdrift(["decrypt", "-b", "DotEnvX", ".env.odd"])
        .answers(&["[OK] Decrypted .env.odd using dotenvx"]);
    assert_eq!((sandbox.text(".env"), sandbox.text(".env.odd")), ("A=1\n".into(), text.into()));
}

#[test]
fn a_configured_backend_does_not_override_what_the_file_says() {
    let sandbox = Sandbox::new();
    real_file(&sandbox, "A=1\n");
    sandbox.write("envdrift.toml", "[encryption]\nbackend = \"sops\"\n");
    sandbox.envdrift(["decrypt"]).answers(&[DETECTED, "[OK] Decrypted .env using dotenvx"]);
}

#[test]
fn a_missing_file_comes_before_everything_else() {
    let sandbox = Sandbox::new();
    sandbox.write("envdrift.toml", "not toml [");
    sandbox.envdrift(["decrypt"]).refuses(&["ENV file not found: .env"]);
    sandbox.envdrift(["decrypt", "-b", "gpg", "x/y.env"]).refuses(&["ENV file not found: x/y.env"]);
    assert_eq!(sandbox.names(), ["envdrift.toml"]);
}

#[test]
fn companions_have_nothing_to_decrypt() {
    let sandbox = Sandbox::new();
    sandbox.write("envdrift.toml", "not toml [");
    for name in [".env.keys", ".env.KEYS", ".env.example", ".env.Sample", "x.template"] {
        sandbox.write(name, "A=1\n");
        let before = sandbox.tree();
        let run = sandbox.envdrift(["decrypt", name]);
        run.refuses(&[&format!("Refusing to decrypt {name}: ")]);
        if name.to_lowercase().ends_with("keys") {
            assert!(run.stderr.contains("private-key store"), "{run}");
            assert!(run.stderr.contains("nothing to decrypt") && !run.stderr.contains("Encrypting"), "{run}");
        }
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_file_without_ciphertext_is_left_alone_whatever_is_in_it() {
    for text in
        ["A=1\r\nB=2\n", "", "A=encrypted:hello\n", "DOTENV_PUBLIC_KEY=02\nA=1\n", "no variable at all"]
    {
        let sandbox = Sandbox::new();
        sandbox.write(".env", text);
        let before = sandbox.tree();
        for engine in ["auto", "tool", "builtin"] {
            let run = sandbox.envdrift(["decrypt", "--backend", "dotenvx", "--engine", engine]);
            run.only_warns(&["Nothing to decrypt: .env has no encrypted values."]);
        }
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_file_without_ciphertext_needs_no_key_store() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    sandbox.folder(".env.keys");
    sandbox.envdrift(["decrypt"]).only_warns(&["Nothing to decrypt: .env has no encrypted values."]);
}

#[test]
fn a_file_of_the_other_backend_is_not_called_plaintext() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", SOPS_FILE);
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt", "--backend", "dotenvx"]);
    run.refuses(&[".env is already encrypted with sops, but the dotenvx backend was selected."]);
    sandbox.assert_untouched(&before);
}

#[test]
fn a_missing_key_is_named_with_the_places_where_it_was_looked_for() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env.production", "A=1\n");
    sandbox.remove(".env.keys");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt", ".env.production"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, &*format!("{DETECTED}\n")), "{run}");
    run.says_on_stderr(&[
        "Decryption failed: .env.production: ",
        "DOTENV_PRIVATE_KEY_PRODUCTION",
        ".env.keys",
    ]);
    assert!(run.stderr.contains("hint: put DOTENV_PRIVATE_KEY_PRODUCTION"), "{run}");
    sandbox.assert_untouched(&before);
}

#[test]
fn a_wrong_key_is_told_from_a_damaged_value() {
    let sandbox = Sandbox::new();
    sandbox.encrypted("other/.env", "A=1\n");
    sandbox.encrypted(".env", "FIRST=1\nSECOND=2\n");
    let right = sandbox.bytes(".env.keys");
    sandbox.write(".env.keys", sandbox.bytes("other/.env.keys"));
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&[
        "Decryption failed: .env: wrong private key",
        "FIRST, SECOND",
        "DOTENV_PRIVATE_KEY",
    ]);
    sandbox.assert_untouched(&before);

    sandbox.write(".env.keys", right);
    let text = sandbox.text(".env");
    let at = text.find("SECOND=encrypted:").unwrap() + 130;
    let swapped = if &text[at..=at] == "A" { "B" } else { "A" };
    sandbox.write(".env", [&text[..at], swapped, &text[at + 1..]].concat());
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&["Decryption failed: .env: damaged ciphertext: line", "SECOND"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn keys_come_from_the_environment_too() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env.ci", "A=1\n");
    let keys = sandbox.text(".env.keys");
    let key = keys.lines().last().unwrap().split_once('=').unwrap().1.to_owned();
    sandbox.remove(".env.keys");
    let run = sandbox.call(["decrypt", ".env.ci"]).var("DOTENV_PRIVATE_KEY_CI", &key).run();
    run.answers(&[DETECTED, "[OK] Decrypted .env.ci using dotenvx"]);
    assert_eq!(sandbox.names(), [".env.ci"], "a key of the environment stays there");
}

#[test]
fn many_files_are_decrypted_together_or_not_at_all() {
    let sandbox = Sandbox::new();
    for name in [".env", ".env.a", "lost/.env.b"] {
        sandbox.encrypted(name, "A=1\n");
    }
    sandbox.write("lost/.env.keys", "");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt", ".env", "lost/.env.b", ".env.a"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&[
        "[WARN] .env was left as it is: another file of this run failed",
        "[ERROR] Decryption failed: lost/.env.b: ",
        "[WARN] .env.a was left as it is: another file of this run failed",
    ]);
    sandbox.assert_untouched(&before);
    let run = sandbox.envdrift(["decrypt", "-b", "dotenvx", ".env.a", ".env"]);
    run.answers(&["[OK] Decrypted .env.a using dotenvx", "[OK] Decrypted .env using dotenvx"]);
}

#[test]
fn stdout_gets_the_plaintext_and_nothing_else() {
    let sandbox = Sandbox::new();
    let text = "\u{feff}A=\"x\ny\"\r\n# end";
    real_file(&sandbox, text);
    let before = sandbox.tree();
    for args in [&["decrypt", "--stdout"][..], &["decrypt", "--stdout", "-q"], &["decrypt", "--stdout", "-v"]]
    {
        let run = sandbox.envdrift(args);
        assert_eq!((run.code, run.stdout.as_str()), (0, text), "{run}");
    }
    sandbox.assert_untouched(&before);
    sandbox.remove(".env.keys");
    sandbox.envdrift(["decrypt", "--stdout"]).refuses(&["Decryption failed: .env: "]);
    sandbox.write("other.env", "A=1\n");
    sandbox.envdrift(["decrypt", "--stdout", ".env", "other.env"]).refuses(&["--stdout takes one file"]);
    sandbox.write(".env", "A=1\n");
    let run = sandbox.envdrift(["decrypt", "--stdout"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "A=1\n"), "a plain file is its own plaintext: {run}");
}

#[test]
fn check_says_whether_the_keys_open_the_file_and_writes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "API_KEY=canary\n");
    let before = sandbox.whole_tree();
    let run = sandbox.envdrift(["decrypt", "--check"]);
    run.answers(&[DETECTED, "[OK] .env can be decrypted using dotenvx"]);
    assert_eq!(before.changes(&sandbox.whole_tree()), Vec::<String>::new());
    sandbox.remove(".env.keys");
    let run = sandbox.envdrift(["decrypt", "--check"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&["Decryption failed: .env: no private key"]);
}

#[test]
fn a_vault_check_names_what_it_lacks_in_the_order_of_the_contract() {
    let sandbox = Sandbox::new();
    real_file(&sandbox, "A=1\n");
    sandbox.write(".env.sops", SOPS_FILE);
    let before = sandbox.tree();
    sandbox.envdrift(["decrypt", "--verify-vault", "none"]).refuses(&["ENV file not found"]);
    sandbox.envdrift(["decrypt", "--verify-vault", ".env.sops"]).refuses(&["only supported with dotenvx"]);
    sandbox.envdrift(["decrypt", "--verify-vault", "-b", "sops"]).refuses(&["only supported with dotenvx"]);
    sandbox.envdrift(["decrypt", "--verify-vault"]).refuses(&["--verify-vault requires --provider"]);
    sandbox
        .envdrift(["decrypt", "--verify-vault", "--provider", "aws"])
        .refuses(&["--verify-vault requires --secret (vault secret name)"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn the_note_of_dotenvx_about_a_key_store_elsewhere_is_followed_to_keys_only() {
    let sandbox = Sandbox::new();
    sandbox.encrypted("app/.env", "A=1\n");
    let noted = |path: &str| {
        let text = sandbox.text("app/.env");
        let header = text.lines().find(|line| line.starts_with("DOTENV_PUBLIC_KEY=")).unwrap();
        let bare = header.split(" # -fk ").next().unwrap();
        sandbox.write("app/.env", text.replace(header, &format!("{bare} # -fk {path}")));
    };
    sandbox.write("keys/k2", sandbox.text("app/.env.keys"));
    sandbox.remove("app/.env.keys");
    noted("../keys/k2");
    assert_eq!(sandbox.envdrift(["decrypt", "--check", "app/.env"]).code, 0);
    sandbox.write("notes.txt", "no keys here\n");
    sandbox.set_mode("notes.txt", 0o644);
    noted("../notes.txt");
    assert_eq!(sandbox.envdrift(["decrypt", "app/.env"]).code, 1);
    sandbox.envdrift(["encrypt", "app/.env"]);
    assert_eq!(sandbox.mode("notes.txt"), 0o644, "a file without keys is never touched");
}
