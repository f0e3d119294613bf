//! `envdrift encrypt`: the order of its checks, its phrases, its streams and its exit codes (spec encrypt-decrypt,
//! sections 4.1, 4.2 and 8), with the built-in engine.

use crate::support::Sandbox;

/// A file made by the real sops; its values are ciphertext of the other backend.
const SOPS_FILE: &str = include_str!("../vectors/sops/files/layout.enc.env");

const PLAIN: &str = "# settings\nPORT=8080\nAPI_KEY=\"s3cret # not a comment\"\n";

#[test]
fn without_a_file_name_env_is_encrypted() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    sandbox.envdrift(["encrypt"]).answers(&["[OK] Encrypted .env using dotenvx"]);
    let text = sandbox.text(".env");
    assert!(!text.contains("8080") && !text.contains("s3cret"), "{text}");
    assert!(text.contains("# settings\nPORT=encrypted:B"), "{text}");
    assert!(text.contains("\nDOTENV_PUBLIC_KEY=\"0"), "{text}");
    assert!(sandbox.text(".env.keys").contains("\n# .env\nDOTENV_PRIVATE_KEY="));
    assert_eq!(sandbox.mode(".env.keys"), 0o600);
    assert_eq!(sandbox.names(), [".env", ".env.keys"], "nothing stray");
}

#[test]
fn every_missing_file_is_named_before_anything_else_is_looked_at() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    sandbox.write(".env.example", "A=\n");
    sandbox.write("envdrift.toml", "not toml [");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt", "one.env", ".env", ".env.example", "folder/two.env"]);
    run.refuses(&["ENV file not found: one.env", "ENV file not found: folder/two.env"]);
    assert_eq!(run.stderr.matches("[ERROR]").count(), 2, "{run}");
    sandbox.assert_untouched(&before);
}

#[test]
fn companions_are_refused_by_name_before_the_config_is_read() {
    let sandbox = Sandbox::new();
    sandbox.write("envdrift.toml", "not toml [");
    sandbox.write(".env", PLAIN);
    for name in [".env.keys", ".env.KEYS", "prod.Keys", ".env.example", ".ENV.SAMPLE", "app.Template"] {
        sandbox.write(name, "A=1\n");
        let before = sandbox.tree();
        for backend in ["dotenvx", "sops"] {
            let run = sandbox.envdrift(["encrypt", "-b", backend, ".env", name]);
            run.refuses(&[&format!("Refusing to encrypt {name}: it is ")]);
            let wanted = if name.to_lowercase().ends_with(".keys") {
                "the dotenvx private-key store and must stay plaintext"
            } else {
                "a plaintext companion file (.example/.sample/.template), not a secret store."
            };
            assert!(run.stderr.contains(wanted), "{run}");
            assert!(!run.stderr.contains("TOML"), "{run}");
        }
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn options_of_the_vault_check_say_where_they_went() {
    let sandbox = Sandbox::new();
    sandbox.write("envdrift.toml", "not toml [");
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    for option in [
        &["--verify-vault"][..],
        &["--provider", "azure"],
        &["-p", "aws"],
        &["--vault-url", "https://v"],
        &["--region", "eu"],
        &["--secret", "s"],
    ] {
        let run = sandbox.envdrift([&["encrypt"], option].concat());
        run.refuses(&["[ERROR] Vault verification moved to", "envdrift decrypt --verify-vault ..."]);
        sandbox.envdrift([&["encrypt", "none.env"], option].concat()).refuses(&["not found"]);
    }
    sandbox.assert_untouched(&before);
}

#[test]
fn a_config_that_cannot_be_used_stops_everything() {
    for (config, phrase) in [
        ("[encryption\nbackend = 1\n", "TOML syntax error in "),
        ("[encryption]\nbackend = \"sops\"\nbackend = \"sops\"\n", "TOML syntax error in "),
        ("[encryption]\nbackend = 123\n", "Invalid config in "),
        ("encryption = \"sops\"\n", "Invalid config in "),
        ("[encryption]\nsmart_encryption = \"no\"\n", "Invalid config in "),
        ("[encryption.dotenvx]\nauto_install = \"false\"\n", "Invalid config in "),
        ("[encryption]\nengine = \"magic\"\n", "Invalid config in "),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("envdrift.toml", config);
        sandbox.write(".env", PLAIN);
        let before = sandbox.tree();
        for args in [&["encrypt"][..], &["encrypt", "-b", "nonsense"], &["encrypt", "--check"], &["decrypt"]]
        {
            let run = sandbox.envdrift(args);
            let path = sandbox.path("envdrift.toml").display().to_string();
            run.says_on_stderr(&[
                &format!("{phrase}{path}"),
                &format!("[ERROR] Fix (or remove) {path} and re-run."),
            ]);
            assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run}");
            assert_eq!(run.stderr.matches("Fix (or remove)").count(), 1, "said once: {run}");
            assert!(run.stderr.contains("envdrift.toml:"), "the place in the file: {run}");
            sandbox.assert_untouched(&before);
        }
    }
}

#[test]
fn a_config_that_is_not_utf8_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("envdrift.toml", b"[encryption]\n# \xff\n");
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt"]);
    run.says_on_stderr(&["Cannot read config file ", "line 2"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run}");
    sandbox.assert_untouched(&before);
}

#[test]
fn an_unknown_backend_is_refused_wherever_it_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    for command in ["encrypt", "decrypt"] {
        sandbox.envdrift([command, "-b", "Gpg"]).refuses(&[
            "[ERROR] Unknown encryption backend: Gpg",
            "[ERROR] Supported backends: dotenvx, sops",
        ]);
    }
    sandbox.assert_untouched(&before);
    sandbox.write("envdrift.toml", "[encryption]\nbackend = \"gpg\"\n");
    let before = sandbox.tree();
    sandbox
        .envdrift(["encrypt"])
        .refuses(&["Unknown encryption backend: gpg", "Supported backends: dotenvx, sops"]);
    sandbox.assert_untouched(&before);
    sandbox.envdrift(["encrypt", "-b", "DOTENVX"]).answers(&["[OK] Encrypted .env using dotenvx"]);
    let run = sandbox.envdrift(["decrypt", "--backend", "dotenvx"]);
    run.answers(&["[OK] Decrypted .env using dotenvx"]);
}

#[test]
fn a_file_of_the_other_backend_is_refused_with_the_commands_that_help() {
    let sandbox = Sandbox::new();
    let stripped: String = SOPS_FILE
        .lines()
        .filter(|line| !line.starts_with("sops_"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    sandbox.write(".env.sops", SOPS_FILE);
    sandbox.write(".env.stripped", stripped);
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    for name in [".env.sops", ".env.stripped"] {
        let run = sandbox.envdrift(["encrypt", ".env", name]);
        let phrase = format!("{name} is already encrypted with sops, but the dotenvx backend was selected.");
        run.says_on_stderr(&[&phrase, "[WARN] .env was left as it is: another file of this run failed"]);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run}");
        assert!(run.stderr.contains(&format!("`envdrift decrypt {name} --backend sops`")), "{run}");
        assert!(run.stderr.contains("`--backend sops`"), "{run}");
    }
    sandbox.assert_untouched(&before);
}

#[test]
fn a_tool_that_was_asked_for_and_is_missing_is_named_with_how_to_install_it() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt", "--engine", "tool"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&["[ERROR] dotenvx is not installed"]);
    assert!(run.stderr.contains("--engine builtin"), "{run}");
    assert!(run.stdout.contains("Install dotenvx") && run.stdout.contains("auto_install"), "{run}");
    assert!(!run.output().contains("install-dotenvx"), "no command that does not exist: {run}");
    sandbox.assert_untouched(&before);
}

#[test]
fn a_second_run_says_that_nothing_changed() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", PLAIN);
    let before = sandbox.tree();
    sandbox.envdrift(["encrypt"]).only_warns(&[".env is already encrypted (no change)"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn many_files_are_encrypted_in_argument_order_with_a_key_each() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..30).rev().map(|n| format!(".env.e{n}")).collect();
    for name in &names {
        sandbox.write(name, format!("NAME={name}\n"));
    }
    sandbox.encrypted(".env.e7", "NAME=done before\n");
    let run = sandbox.envdrift([&["encrypt".to_owned()], &names[..]].concat());
    assert_eq!(run.code, 0, "{run}");
    let ok = |name: &&String| *name != ".env.e7";
    let wanted: Vec<String> =
        names.iter().filter(ok).map(|name| format!("[OK] Encrypted {name} using dotenvx")).collect();
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), wanted);
    assert_eq!(run.stderr, "[WARN] .env.e7 is already encrypted (no change)\n");
    let keys = sandbox.text(".env.keys");
    assert_eq!(keys.matches("\nDOTENV_PRIVATE_KEY_E").count(), 30, "{keys}");
    let run = sandbox.envdrift([&["decrypt".to_owned()], &names[..]].concat());
    assert_eq!(run.code, 0, "{run}");
    for name in names.iter().filter(ok) {
        assert_eq!(sandbox.text(name), format!("NAME={name}\n"));
    }
}

#[test]
fn one_bad_file_keeps_the_whole_batch_from_being_written() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    sandbox.write(".env.a", "A=1\nsecret without a name\n");
    sandbox.write(".env.b", "");
    sandbox.write(".env.c", b"A=1\n\xff\n");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt", ".env", ".env.a", ".env.b"]);
    run.says_on_stderr(&[
        "[WARN] .env was left as it is: another file of this run failed",
        "[ERROR] .env.a:2: ",
        "[ERROR] Nothing to encrypt: .env.b has no variables.",
    ]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{run}");
    let run = sandbox.envdrift(["encrypt", ".env.c", ".env"]);
    run.refuses(&["UTF-8", "line 2", "[WARN] .env was left as it is"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn a_file_named_with_a_dash_is_a_file_after_two_dashes() {
    let sandbox = Sandbox::new();
    sandbox.write("-dash.env", "A=1\n");
    let before = sandbox.tree();
    assert_ne!(sandbox.envdrift(["encrypt", "-dash.env"]).code, 0, "these are flags");
    sandbox.assert_untouched(&before);
    sandbox.envdrift(["encrypt", "--", "-dash.env"]).answers(&["[OK] Encrypted -dash.env using dotenvx"]);
    assert_eq!(sandbox.names(), ["-dash.env", ".env.keys"], "no file was made up");
    let run = sandbox.envdrift(["decrypt", "--", "-dash.env"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(sandbox.text("-dash.env"), "A=1\n");
}

#[test]
fn a_file_in_another_folder_uses_the_key_store_beside_it() {
    let sandbox = Sandbox::new();
    sandbox.write("services/api/.env", "A=1\n");
    sandbox.write("services/web/.env", "A=2\n");
    sandbox.envdrift(["encrypt", "services/api/.env", "./services/web/.env"]).answers(&[
        "[OK] Encrypted services/api/.env using dotenvx",
        "[OK] Encrypted ./services/web/.env using dotenvx",
    ]);
    let key = |folder: &str| {
        sandbox.text(&format!("services/{folder}/.env.keys")).lines().last().unwrap().to_owned()
    };
    assert_ne!(key("api"), key("web"));
    assert!(!sandbox.path(".env.keys").exists());
    let run = sandbox.call(["decrypt"]).within(&sandbox.path("services/web")).run();
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(sandbox.text("services/web/.env"), "A=2\n");
}

#[test]
fn a_file_of_which_some_lines_are_encrypted_is_completed_with_the_same_key() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    let half = sandbox.text(".env") + "NEW_TOKEN=abc\n";
    sandbox.write(".env", &half);
    let keys = sandbox.bytes(".env.keys");
    sandbox.envdrift(["encrypt"]).answers(&["[OK] Encrypted .env using dotenvx"]);
    let text = sandbox.text(".env");
    assert!(
        text.starts_with(half.strip_suffix("NEW_TOKEN=abc\n").unwrap()),
        "the old ciphertext stays: {text}"
    );
    assert!(text.contains("\nNEW_TOKEN=encrypted:B"), "{text}");
    assert_eq!(sandbox.bytes(".env.keys"), keys, "no second key");
    let run = sandbox.envdrift(["decrypt"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(sandbox.text(".env"), "A=1\nNEW_TOKEN=abc\n");
}

#[test]
fn an_encrypted_file_without_its_header_gets_no_second_key() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    let line = |text: &str| text.lines().find(|line| line.starts_with("A=")).unwrap().to_owned() + "\n";
    let stripped = line(&sandbox.text(".env"));
    sandbox.write(".env", &stripped);
    let before = sandbox.tree();
    sandbox.envdrift(["encrypt"]).only_warns(&[".env is already encrypted (no change)"]);
    sandbox.assert_untouched(&before);
    sandbox.write(".env", stripped + "B=2\n");
    let keys = sandbox.bytes(".env.keys");
    sandbox.envdrift(["encrypt"]).answers(&["[OK] Encrypted .env using dotenvx"]);
    assert_eq!(sandbox.bytes(".env.keys"), keys);
}

#[test]
fn a_file_without_variables_is_refused() {
    let sandbox = Sandbox::new();
    for text in
        ["", "\n\n", "# only\n# comments\n", "BARE_NAME\nexport OTHER\n", "\u{feff}", "NAME_PLAIN=readable\n"]
    {
        sandbox.write(".env", text);
        let before = sandbox.tree();
        sandbox.envdrift(["encrypt"]).refuses(&["Nothing to encrypt: .env has no variables"]);
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_name_that_makes_no_key_name_is_refused_with_advice_to_rename() {
    let sandbox = Sandbox::new();
    for name in [".env prod", "my file.env", ".env.prod(1)", ".env.größe"] {
        sandbox.write(name, "A=1\n");
        let before = sandbox.tree();
        let run = sandbox.envdrift(["encrypt", name]);
        run.refuses(&[&format!("Refusing to encrypt {name}: "), "undecryptable"]);
        assert!(run.stderr.contains("hint: rename"), "{run}");
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_key_store_under_another_name_is_refused_by_its_content() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env.production", "A=1\n");
    sandbox.write(".env.backup", sandbox.bytes(".env.keys"));
    sandbox.link(".env.linked", ".env.keys");
    sandbox.write(".env.exported", "export DOTENV_PRIVATE_KEY_CI='00ff'\n");
    for name in [".env.backup", ".env.linked", ".env.exported"] {
        let before = sandbox.tree();
        sandbox
            .envdrift(["encrypt", name])
            .refuses(&["Refusing to encrypt", "it contains DOTENV_PRIVATE_KEY entries"]);
        sandbox.assert_untouched(&before);
    }
    sandbox.write(".env", "DOTENV_PRIVATE_KEY=\nDOTENV_PRIVATE_KEY_CI=\"\"\nA=1\n");
    let run = sandbox.envdrift(["encrypt"]);
    assert_eq!(run.code, 0, "an empty placeholder is no key: {run}");
}

#[test]
fn a_schema_is_accepted_without_check_and_its_trouble_is_only_a_warning() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let run = sandbox.envdrift(["encrypt", "--schema", "nowhere:Settings", "--service-dir", "."]);
    run.says_on_stderr(&["[WARN] Could not load schema: "]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "[OK] Encrypted .env using dotenvx\n"), "{run}");
}

#[test]
fn a_key_store_that_others_can_read_is_closed_even_when_nothing_changes() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    sandbox.set_mode(".env.keys", 0o644);
    sandbox.envdrift(["encrypt"]).only_warns(&[".env is already encrypted (no change)"]);
    assert_eq!(sandbox.mode(".env.keys"), 0o600);
}

#[test]
fn help_holds_what_scripts_and_people_look_for() {
    let sandbox = Sandbox::new();
    let help = sandbox.envdrift(["encrypt", "--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    for phrase in [
        "envdrift.toml/pyproject.toml",
        "pass_filenames: true",
        "envdrift encrypt --backend sops",
        "envdrift encrypt -b sops --age AGE_PUBLIC_KEY",
        "envdrift encrypt --sops-config .sops.yaml",
        "Usage: envdrift encrypt [OPTIONS] [ENV_FILES]...",
    ] {
        assert!(help.stdout.contains(phrase), "{phrase}: {help}");
    }
    assert!(!help.stdout.contains("--verify-vault"), "moved options are hidden: {help}");
    let widest = help.stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 100, "{help}");
}

#[test]
fn several_files_end_with_one_line_that_counts_them() {
    let sandbox = Sandbox::new();
    sandbox.encrypted("done.env", "A=1\n");
    sandbox.write("a.env", "A=1\n");
    sandbox.write("b.env", "A=1\n");
    let run = sandbox.envdrift(["encrypt", "--engine", "builtin", "a.env", "done.env", "b.env"]);
    assert_eq!(run.summary, "3 files: 2 encrypted, 1 unchanged", "{run}");
    sandbox.write("c.env", "A=1\nstray words\n");
    let run = sandbox.envdrift(["encrypt", "--engine", "builtin", "c.env", "a.env"]);
    assert_eq!((run.code, run.summary.as_str()), (1, "2 files: 1 failed, 1 left alone"), "{run}");
    assert_eq!(sandbox.envdrift(["decrypt", "-q", "a.env", "b.env"]).summary, "");
}
