//! `lock`, through the binary, with the built-in engines of both backends.

use crate::service_sandbox::Services;

const TRICKY: &str = "\u{feff}# top\r\nURL=\"postgres://app:p@$$w0rd@db/app\"\r\n\r\nexport TOKEN='a b' # note\r\nEMPTY=\r\nLAST=1";

#[test]
fn lock_encrypts_every_mapped_file_and_pull_gives_back_the_bytes() {
    let services = Services::mapped(&["api", "web"]);
    services.write("api/.env.production", TRICKY);
    services.write("web/.env", "A=1\n");
    let locked = services.envdrift(&["lock", "--force"]);
    locked.ends(
        0,
        &[
            "Lock - Verifying keys and encrypting env files",
            "Provider: aws | Mode: FORCE | Services: 2",
            "Step 1: Encrypting environment files...",
            "! api/.env.production - warning: no .env.keys file, will generate new key",
            "+ api/.env.production - encrypted",
            "+ web/.env - encrypted",
            "Lock Summary",
            "  Encrypted: 2",
            "  Already encrypted: 0",
            "  Errors: 0",
            "[OK] Lock complete! Your environment files are encrypted and ready to commit.",
        ],
    );
    assert!(services.text("api/.env.production").contains("URL=\"encrypted:"));
    assert_eq!(services.mode("api/.env.keys"), 0o600);
    services
        .envdrift(&["lock", "--check"])
        .ends(0, &["  Already encrypted: 2", "[OK] Check complete! All files are already encrypted."]);
    services.envdrift(&["pull", "--skip-sync"]).ends(
        0,
        &[
            "+ api/.env.production - decrypted",
            "[OK] Setup complete! Your environment files are ready to use.",
        ],
    );
    assert_eq!(services.text("api/.env.production"), TRICKY);
    assert_eq!(services.text("web/.env"), "A=1\n");
}

#[test]
fn sops_files_need_no_vault_and_come_back_byte_for_byte() {
    let services = Services::sops("'services/*/.env.*', 'none/*'");
    services.write("services/a/.env.production", "# c\nA=1\nB=\"x y\"\n");
    services.write("services/b/.env.production", "A=2\n");
    services.write("services/b/.env.example", "A=\n");
    let locked = services.envdrift(&["lock", "--force"]);
    locked.ends(
        0,
        &[
            "Backend: sops | Mode: FORCE | Services: 3",
            "+ services/a/.env.production - encrypted",
            "+ services/b/.env.production - encrypted",
            "= none/* - skipped (not found)",
        ],
    );
    assert!(!locked.stdout.contains(".example"));
    assert!(services.text("services/a/.env.production").contains("ENC[AES256_GCM,"));
    services.envdrift(&["lock", "--check"]).ends(0, &["  Already encrypted: 2"]);
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &["  Decrypted: 2", "  Skipped: 1"]);
    assert_eq!(services.text("services/a/.env.production"), "# c\nA=1\nB=\"x y\"\n");
    assert_eq!(services.text("services/b/.env.production"), "A=2\n");
}

#[test]
fn check_reports_what_is_pending_and_writes_nothing() {
    let services = Services::mapped(&["api", "web", "gone", "none", "both"]);
    services.write("api/.env.production", "A=1\n");
    services.write("web/.env.production", "A=1\n");
    services.envdrift(&["encrypt", "web/.env.production"]).ends(0, &[]);
    services.write("web/.env.production", &(services.text("web/.env.production") + "NEW=2\n"));
    services.write("none/README.md", "");
    services.write("both/a.env", "A=1\n");
    services.write("both/b.env", "A=1\n");
    let before = services.tree();
    let checked = services.envdrift(&["lock", "--check"]);
    checked.ends(
        1,
        &[
            "Provider: aws | Mode: CHECK | Services: 5",
            "? api/.env.production - would be encrypted",
            "? web/.env.production - would re-encrypt (plaintext values remain)",
            "! gone - error: folder does not exist or is not a directory (check folder_path in your sync config)",
            "= none/.env.production - skipped (not found)",
            "? both - skipped (multiple .env.* files, specify environment)",
            "  Would encrypt: 2",
            "  Skipped: 2",
            "  Errors: 1",
            "Warnings:",
            "Errors:",
        ],
    );
    assert!(
        checked
            .stderr
            .contains("[WARN] Found 2 file(s) that need encryption. Run 'envdrift lock' to encrypt them.")
    );
    assert_eq!(services.tree(), before);
}

#[test]
fn a_file_with_new_plaintext_is_encrypted_again_and_keeps_its_key() {
    let services = Services::mapped(&["api"]);
    services.write("api/.env.production", "A=1\n");
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    let (first, keys) = (services.text("api/.env.production"), services.text("api/.env.keys"));
    services.write("api/.env.production", &(first.clone() + "B=2\n"));
    services.envdrift(&["lock", "-f"]).ends(
        0,
        &[
            "~ api/.env.production - partially encrypted (plaintext values remain), re-encrypting...",
            "+ api/.env.production - encrypted",
        ],
    );
    assert!(services.text("api/.env.production").starts_with(&first));
    assert_eq!(services.text("api/.env.keys"), keys);
}

#[test]
fn without_a_terminal_lock_names_force_and_touches_nothing() {
    let services = Services::mapped(&["api"]);
    services.write("api/.env.production", "A=1\n");
    let before = services.tree();
    services.envdrift(&["lock"]).refuses("use --force", "envdrift lock --force");
    assert_eq!(services.tree(), before);
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    // With nothing to ask about there is no need for a terminal.
    services.envdrift(&["lock"]).ends(0, &["= api/.env.production - skipped (already encrypted)"]);
}

#[test]
fn a_service_that_fails_leaves_the_others_to_it() {
    let services = Services::mapped(&["bad", "good", "empty", "odd"]);
    services.write("good/.env.production", "A=1\n");
    services.write("bad/.env.production", "A=1\n");
    services.envdrift(&["encrypt", "bad/.env.production"]).ends(0, &[]);
    let whole = services.text("bad/.env.production");
    let cut = whole.trim_end().trim_end_matches('"').to_owned();
    services.write("bad/.env.production", &(cut[..cut.len() - 8].to_owned() + "\"\n"));
    services.write("empty/.env.production", "# nothing\n");
    services.write("odd/.env.production", "A=1\n");
    std::fs::File::options()
        .write(true)
        .open(services.path("odd/.env.production"))
        .unwrap()
        .set_len(0)
        .unwrap();
    let before = services.text("bad/.env.production");
    let locked = services.envdrift(&["lock", "-f"]);
    locked.ends(1, &["+ good/.env.production - encrypted", "  Encrypted: 1", "  Errors: 3"]);
    assert!(locked.stdout.contains("! bad/.env.production - error: "), "{}", locked.stdout);
    assert!(locked.stdout.contains("has no variables"), "{}", locked.stdout);
    assert!(locked.stderr.contains("[WARN] Some files could not be encrypted or had issues"));
    assert_eq!(services.text("bad/.env.production"), before);
    services.envdrift(&["lock", "-f"]).ends(1, &["= good/.env.production - skipped (already encrypted)"]);
}

#[test]
fn a_file_that_is_not_text_is_told_and_the_run_goes_on() {
    let services = Services::mapped(&["bin", "good"]);
    services.write("bin/.env.production", "");
    std::io::Write::write_all(
        &mut std::fs::File::options().write(true).open(services.path("bin/.env.production")).unwrap(),
        b"A=\xff\n",
    )
    .unwrap();
    services.write("good/.env.production", "A=1\n");
    let locked = services.envdrift(&["lock", "-f"]);
    locked.ends(1, &["+ good/.env.production - encrypted"]);
    assert!(locked.stdout.contains("! bin/.env.production - error reading file: "), "{}", locked.stdout);
}

#[test]
fn the_configured_name_of_the_key_store_is_used_by_lock_and_pull() {
    let services = Services::new(
        "[vault.aws]\n[vault.sync]\nenv_keys_filename = '.my.keys'\n[[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\n",
    );
    services.write(".env.production", "A=1\n");
    services.git(&["init", "-q"]);
    services.envdrift(&["lock", "-f"]).ends(
        0,
        &[
            "! .env.production - warning: no .my.keys file, will generate new key",
            "+ .env.production - encrypted",
        ],
    );
    assert!(services.text(".my.keys").contains("DOTENV_PRIVATE_KEY_PRODUCTION="));
    assert!(!services.path(".env.keys").exists());
    assert!(services.text(".gitignore").lines().any(|line| line.ends_with(".my.keys")));
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &["+ .env.production - decrypted"]);
}

#[test]
fn links_that_lead_to_one_key_store_get_one_key() {
    let services = Services::mapped(&["a", "b"]);
    for name in ["a", "b"] {
        services.write(&format!("{name}/.env.production"), "A=1\n");
        services.link(&format!("{name}/.env.keys"), "../.env.keys");
    }
    services.envdrift(&["lock", "-f"]).ends(0, &["  Encrypted: 2"]);
    assert_eq!(services.text(".env.keys").matches("DOTENV_PRIVATE_KEY_PRODUCTION=").count(), 1);
    assert!(services.path("a/.env.keys").is_symlink());
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &["  Decrypted: 2"]);
}

#[test]
fn a_file_that_is_mapped_twice_is_done_once() {
    let services = Services::mapped(&["a", "a"]);
    services.write("a/.env.production", "A=1\n");
    services.envdrift(&["lock", "-f"]).ends(
        0,
        &[
            "+ a/.env.production - encrypted",
            "= a/.env.production - skipped (same file as an earlier mapping)",
        ],
    );
}

#[test]
fn an_unchanged_file_gets_back_its_form_from_git() {
    let services = Services::mapped(&["api"]);
    services.git(&["init", "-q"]);
    services.write("api/.env.production", "A=1\n");
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    services.git(&["add", "-A"]);
    services.git(&["commit", "-qm", "c"]);
    let sealed = services.text("api/.env.production");
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &[]);
    services.envdrift(&["lock", "-f"]).ends(
        0,
        &[
            "= api/.env.production - skipped (content unchanged, restored encrypted version from git)",
            "  Encrypted: 0",
            "  Already encrypted: 1",
        ],
    );
    assert_eq!(services.text("api/.env.production"), sealed);
}

#[test]
fn a_file_of_the_other_backend_is_an_error_for_sops_and_a_skip_for_dotenvx() {
    let sops = Services::sops("'*/.env.production'");
    sops.write("a/.env.production", "A=1\n");
    sops.envdrift(&["encrypt", "-b", "dotenvx", "a/.env.production"]).ends(0, &[]);
    sops.envdrift(&["lock", "-f"])
        .ends(1, &["! a/.env.production - encrypted with dotenvx, but config uses sops"]);
    let dotenvx = Services::mapped(&["a"]).with("SOPS_AGE_RECIPIENTS", crate::service_sandbox::RECIPIENT);
    dotenvx.write("a/.env.production", "A=1\n");
    dotenvx.envdrift(&["encrypt", "-b", "sops", "a/.env.production"]).ends(0, &[]);
    let row = "= a/.env.production - skipped (encrypted with sops, config uses dotenvx)";
    dotenvx.envdrift(&["lock", "-f"]).ends(0, &[row]);
    dotenvx.envdrift(&["pull", "--skip-sync"]).ends(0, &[row]);
}

#[test]
fn a_sops_file_with_new_plaintext_or_a_new_recipient_is_not_called_encrypted() {
    let services = Services::sops("'.env.production'");
    services.write(".env.production", "A=1\n");
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    let sealed = services.text(".env.production");
    services.write(".env.production", &format!("NEW=2\n{sealed}"));
    for args in [&["lock", "--check"][..], &["lock", "-f"]] {
        let run = services.envdrift(args);
        run.ends(1, &["  Errors: 1"]);
        assert!(run.stdout.contains("still contains plaintext value(s): NEW"), "{}", run.stdout);
    }
    services.write(".env.production", &sealed);
    let other = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    services.write(
        "envdrift.toml",
        &services.text("envdrift.toml").replace(crate::service_sandbox::RECIPIENT, other),
    );
    let run = services.envdrift(&["lock", "--check"]);
    run.ends(1, &[]);
    assert!(run.stdout.contains("is missing requested recipient(s)"), "{}", run.stdout);
}

#[test]
fn lock_and_pull_need_a_work_list_and_the_settings_of_the_vault() {
    let none = Services::new("");
    for args in [&["lock"][..], &["pull", "--skip-sync"], &["pull"]] {
        none.envdrift(args).refuses("No sync configuration found. Provide one of:", "monorepo.md");
    }
    let mapping = "[[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\n";
    let cases = [
        ("", "Azure provider requires --vault-url (or [vault.azure] vault_url in config)"),
        (
            "[vault.hashicorp]\n",
            "HashiCorp provider requires --vault-url (or [vault.hashicorp] url in config, or the VAULT_ADDR environment variable)",
        ),
        ("[vault.gcp]\n", "GCP provider requires --project-id (or [vault.gcp] project_id in config)"),
        (
            "[vault.azure]\nvault_url = 'http://x'\n",
            "Azure vault_url must start with https:// (got 'http://x')",
        ),
        ("[vault]\nprovider = 'AZURE'\n", "Unknown vault provider 'AZURE' (did you mean 'azure'?)"),
    ];
    for (vault, phrase) in cases {
        let services = Services::new(&format!("{vault}{mapping}"));
        services.write(".env.production", "A=1\n");
        let before = services.tree();
        for args in [&["lock", "-f"][..], &["lock", "--check"], &["pull", "--skip-sync"]] {
            services.envdrift(args).refuses(phrase, "");
        }
        assert_eq!(services.tree(), before);
    }
    let services = Services::new(mapping);
    services.write(".env.production", "A=1\n");
    let given: [&[&str]; 4] = [
        &["--vault-url", "https://v.vault.azure.net"],
        &["-p", "aws"],
        &["-p", "gcp", "--project-id", "x"],
        &["-p", "hashicorp", "--vault-url", "http://v"],
    ];
    for flags in given {
        services.envdrift(&[&["lock", "--check"], flags].concat()).ends(1, &["  Would encrypt: 1"]);
    }
    let services = services.with("VAULT_ADDR", "http://v:8200");
    services
        .envdrift(&["lock", "--check", "-p", "hashicorp"])
        .ends(1, &["Provider: hashicorp | Mode: CHECK | Services: 1"]);
}

#[test]
fn what_needs_a_vault_is_refused_and_touches_nothing() {
    let sops = Services::sops("'.env.production'");
    let dotenvx = Services::mapped(&["."]);
    for (services, phrase) in
        [(&sops, "only supported with dotenvx backend"), (&dotenvx, "cannot reach vaults yet")]
    {
        services.write(".env.production", "A=1\n");
        let before = services.tree();
        services.envdrift(&["pull"]).refuses(phrase, "envdrift pull --skip-sync");
        services.envdrift(&["lock", "--force", "--verify-vault"]).refuses(phrase, "without the flag");
        services
            .envdrift(&["lock", "--force", "--sync-keys"])
            .refuses("lock --sync-keys", "without the flag");
        assert_eq!(services.tree(), before);
    }
    sops.envdrift(&["pull"]).refuses("the KMS decides who can read", "");
}

#[test]
fn the_json_document_has_service_secret_outcome_and_reason_and_no_value() {
    let services = Services::mapped(&["api", "gone"]);
    services.write("api/.env.production", "A=hunter2\n");
    let run = services.envdrift(&["lock", "--force", "--json"]);
    let document = run.json();
    assert_eq!((&document["command"], &document["ok"], run.code), (&"lock".into(), &false.into(), 1));
    let row = &document["rows"][0];
    let named = ["service", "secret", "path", "outcome", "backend", "engine", "proof"]
        .map(|key| row[key].as_str().unwrap());
    assert_eq!(
        named,
        ["api", "api-key", "api/.env.production", "encrypted", "dotenvx", "built-in", "opened"]
    );
    assert_eq!(document["rows"][1]["code"], "service.no_folder");
    assert!(!run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"));
    let private =
        services.text("api/.env.keys").lines().last().unwrap().split_once('=').unwrap().1.to_owned();
    assert!(!run.stdout.contains(&private));
}

#[test]
fn quiet_leaves_only_warnings_and_errors() {
    let services = Services::mapped(&["api"]);
    services.write("api/.env.production", "A=1\n");
    let run = services.envdrift(&["lock", "-f", "-q"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    let services = Services::mapped(&["gone"]);
    let run = services.envdrift(&["lock", "-f", "-q"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(run.stderr.contains("[ERROR] gone: folder does not exist"), "{}", run.stderr);
}

#[test]
fn paths_start_from_the_config_and_rows_from_where_the_user_is() {
    let services = Services::mapped(&["services/api"]);
    services.write("services/api/.env.production", "A=1\n");
    services.envdrift_in("services", &["lock", "-f"]).ends(0, &["+ api/.env.production - encrypted"]);
}

#[test]
fn a_key_conflict_is_seen_before_anything_is_written() {
    let services = Services::mapped(&["api"]);
    services.write("api/.env.production", "A=1\n");
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    services.write("api/.env.production", &(services.text("api/.env.production") + "B=2\n"));
    services.write("api/.env.keys", &format!("DOTENV_PRIVATE_KEY_PRODUCTION={}\n", "1".repeat(64)));
    let before = services.tree();
    let run = services.envdrift(&["lock", "--check"]);
    run.ends(1, &["  Errors: 1"]);
    assert!(run.stdout.contains("two files fight for one key name"), "{}", run.stdout);
    services.envdrift(&["lock", "--force"]).ends(1, &[]);
    assert_eq!(services.tree(), before);
}

#[test]
fn a_glob_that_is_none_and_a_folder_with_odd_characters_are_handled() {
    let services = Services::sops("'a[/.env'");
    services.envdrift(&["lock", "--check"]).refuses("[encryption] files: 'a[/.env' is no glob", "services/*");
    let services = Services::mapped(&[]);
    services.write("odd [x]*/envdrift.toml", "[encryption]\nfiles = ['**/.env.*']\n");
    services.write("odd [x]*/deep/er/.env.production", "A=1\n");
    services.envdrift_in("odd [x]*", &["lock", "-f"]).ends(0, &["+ deep/er/.env.production - encrypted"]);
    services.envdrift_in("odd [x]*", &["lock", "-f"]).ends(0, &["  Already encrypted: 1", "  Skipped: 0"]);
}
