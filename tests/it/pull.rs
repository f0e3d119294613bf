//! `pull --skip-sync`, through the binary, with the built-in engines of both backends.

use crate::service_sandbox::Services;

const LOCAL: &str = "\
[vault.aws]
[[vault.sync.mappings]]
secret_name = 'prod'
folder_path = 'api'
[[vault.sync.mappings]]
secret_name = 'local'
folder_path = 'api'
profile = 'local'
activate_to = '.env'
";

fn local() -> Services {
    let services = Services::new(LOCAL);
    services.git(&["init", "-q"]);
    services.write("api/.env.production", "A=1\n");
    services.write("api/.env.local", "L=1\n");
    services.envdrift(&["lock", "-f", "--profile", "local"]).ends(0, &["  Encrypted: 2"]);
    services
}

#[test]
fn a_profile_is_decrypted_and_its_copy_is_private_and_out_of_git() {
    let services = local();
    let sealed = services.text("api/.env.local");
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &["Provider: aws | Services: 1", "  Decrypted: 1"]);
    assert_eq!(services.text("api/.env.local"), sealed);
    let activated = format!("→ {} - activated from .env.local", services.path("api/.env").display());
    let run = services.envdrift(&["pull", "--skip-sync", "--profile", "local"]);
    run.ends(
        0,
        &[
            "Pull - Decrypting env files (profile: local)",
            "Step 1: Skipped (--skip-sync)",
            "Step 2: Decrypting environment files...",
            "= api/.env.production - skipped (not encrypted)",
            "+ api/.env.local - decrypted",
            &activated,
            "  Activated: 1",
        ],
    );
    assert_eq!(services.text("api/.env"), services.text("api/.env.local"));
    assert_eq!(services.mode("api/.env"), 0o600);
    assert!(
        services.text(".gitignore").lines().any(|line| line.ends_with("api/.env")),
        "{}",
        services.text(".gitignore")
    );
    // A second run changes nothing and says the same.
    let before = services.text(".gitignore");
    services.envdrift(&["pull", "--skip-sync", "--profile", "local"]).ends(0, &[&activated]);
    assert_eq!(services.text(".gitignore"), before);
}

#[test]
fn a_copy_never_leaves_the_folder_nor_replaces_a_key_store_or_another_env_file() {
    for (to, line) in [
        ("../out", "! ../out - invalid path (escapes folder)"),
        ("/etc/out", "! /etc/out - invalid path (escapes folder)"),
    ] {
        let services = local();
        services.write("envdrift.toml", &LOCAL.replace("'.env'", &format!("'{to}'")));
        let run = services.envdrift(&["pull", "--skip-sync", "--profile", "local"]);
        run.ends(1, &[line, "  Activation errors: 1"]);
        assert!(run.stderr.contains("[WARN] Some profile files could not be activated"));
        assert!(!services.path("out").exists());
    }
    for (to, why) in
        [(".env.keys", "it is a key store"), (".env.production", "it is the env file of another mapping")]
    {
        let services = local();
        services.write("envdrift.toml", &LOCAL.replace("'.env'", &format!("'{to}'")));
        let keys = services.text("api/.env.keys");
        let run = services.envdrift(&["pull", "--skip-sync", "--profile", "local"]);
        run.ends(1, &[]);
        assert!(run.stdout.contains(&format!("activation failed: {why}")), "{}", run.stdout);
        assert_eq!(services.text("api/.env.keys"), keys);
        assert_eq!(services.text("api/.env.production"), "A=1\n");
    }
}

#[test]
fn what_is_not_decrypted_is_not_activated() {
    let services = local();
    services.remove("api/.env.keys");
    let run = services.envdrift(&["pull", "--skip-sync", "--profile", "local"]);
    run.ends(1, &["  Errors: 2"]);
    assert!(!services.path("api/.env").exists());
}

#[test]
fn an_ephemeral_mapping_is_opened_with_the_key_in_the_environment() {
    let services = Services::mapped(&["api"]);
    services.write("api/.env.production", "A=1\n");
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    let keys = services.text("api/.env.keys");
    let key = keys.lines().find_map(|line| line.strip_prefix("DOTENV_PRIVATE_KEY_PRODUCTION=")).unwrap();
    services.remove("api/.env.keys");
    services.write("envdrift.toml", &(services.text("envdrift.toml") + "ephemeral_keys = true\n"));
    services.envdrift(&["pull", "--skip-sync"]).ends(1, &["  Errors: 1"]);
    let services = services.with("DOTENV_PRIVATE_KEY_PRODUCTION", key);
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &["+ api/.env.production - decrypted"]);
    assert_eq!(services.text("api/.env.production"), "A=1\n");
    assert!(!services.path("api/.env.keys").exists());
}

#[test]
fn a_service_without_a_key_leaves_the_others_to_it() {
    let services = Services::mapped(&["a", "b"]);
    for name in ["a", "b"] {
        services.write(&format!("{name}/.env.production"), "A=1\n");
    }
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    let (sealed, keys) = (services.text("a/.env.production"), services.text("a/.env.keys"));
    services.remove("a/.env.keys");
    let run = services.envdrift(&["pull", "--skip-sync"]);
    run.ends(1, &["+ b/.env.production - decrypted", "  Decrypted: 1", "  Errors: 1"]);
    assert!(run.stdout.contains("! a/.env.production - error: no private key"), "{}", run.stdout);
    assert!(run.stderr.contains("[WARN] Some files could not be decrypted"));
    assert!(!run.stdout.contains("[OK]"));
    assert_eq!(services.text("a/.env.production"), sealed);
    services.write("a/.env.keys", &keys);
    services
        .envdrift(&["pull", "--skip-sync"])
        .ends(0, &["+ a/.env.production - decrypted", "= b/.env.production - skipped (not encrypted)"]);
}

#[test]
fn a_cut_or_quoted_ciphertext_does_not_pass_for_plaintext() {
    let services = Services::mapped(&["api"]);
    services.write("api/.env.production", "A=\"1\"\n");
    services.envdrift(&["lock", "-f"]).ends(0, &[]);
    let sealed = services.text("api/.env.production");
    let cut = sealed.trim_end().trim_end_matches('"');
    services.write("api/.env.production", &(cut[..cut.len() - 8].to_owned() + "\"\n"));
    let run = services.envdrift(&["pull", "--skip-sync"]);
    run.ends(1, &["  Errors: 1"]);
    assert!(!run.stdout.contains("not encrypted"));
    services.write("api/.env.production", &sealed);
    services.envdrift(&["pull", "--skip-sync"]).ends(0, &["+ api/.env.production - decrypted"]);
}

#[test]
fn a_profile_that_selects_nothing_is_told() {
    let services =
        Services::new(&LOCAL.replace("secret_name = 'prod'", "secret_name = 'prod'\nprofile = 'x'"));
    let run = services.envdrift(&["pull", "--skip-sync"]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("[WARN] No non-profile mappings found. Use --profile to specify one."));
    assert_eq!(services.envdrift(&["pull", "--skip-sync", "--json"]).json()["ok"], false);
    assert_eq!(services.envdrift(&["pull", "--json"]).json()["error"]["code"], "vault.unavailable");
    services
        .envdrift(&["lock", "--check", "--profile", "nope"])
        .refuses("No mappings found for profile 'nope'", "");
}

#[test]
fn the_files_of_partial_encryption_are_left_to_it() {
    let services = Services::new(
        "[vault.aws]\n[[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\n\
         [[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\nenv_file = '.env.clear'\n\
         [partial_encryption]\nenabled = true\n[[partial_encryption.environments]]\nname = 'production'\n\
         clear_file = '.env.clear'\nsecret_file = '.env.secret'\ncombined_file = '.env.production'\n",
    );
    services.write(".env.production", "A=1\n");
    services.write(".env.clear", "A=1\n");
    let before = services.tree();
    services.envdrift(&["lock", "-f"]).ends(
        0,
        &[
            "= .env.production - skipped (partial encryption combined file, use --all to include)",
            "= .env.clear - skipped (partial encryption clear file)",
        ],
    );
    services
        .envdrift(&["pull", "--skip-sync"])
        .ends(0, &["= .env.production - skipped (partial encryption combined file)", "  Skipped: 2"]);
    assert_eq!(services.tree(), before);
}

#[test]
fn the_json_document_tells_of_the_copy() {
    let services = local();
    let run = services.envdrift(&["pull", "--skip-sync", "--profile", "local", "--json"]);
    let document = run.json();
    assert_eq!((&document["command"], &document["ok"]), (&"pull".into(), &true.into()));
    assert_eq!(document["rows"][0]["outcome"], "decrypted");
    assert_eq!(document["rows"][1]["activation"]["outcome"], "activated");
}
