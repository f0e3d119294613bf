//! SOPS through the binary: what a user types, what is said, and what is left on disk.

use age::secrecy::ExposeSecret as _;

use crate::support::Sandbox;

const PLAIN: &str = "# Database\nDB=\"p@$$w0rd\"\n\nPEM=\"l1\nl2\"\nX=\"a\\nb\"\nEMPTY=\nLAST=1";

struct Person {
    recipient: String,
    identity: String,
}

fn person() -> Person {
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    Person { recipient, identity: identity.to_string().expose_secret().to_owned() }
}

fn encrypted_for(ada: &Person) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(".env.production", PLAIN);
    let run = sandbox.envdrift(["encrypt", ".env.production", "-b", "sops", "--age", &ada.recipient]);
    run.answers(&["[OK] Encrypted .env.production using sops"]);
    sandbox
}

#[test]
fn a_file_comes_back_byte_for_byte_and_its_backend_is_detected() {
    let ada = person();
    let sandbox = encrypted_for(&ada);
    assert!(!sandbox.text(".env.production").contains("p@$$"), "encrypted");
    let run = sandbox.call(["decrypt", ".env.production"]).var("SOPS_AGE_KEY", &ada.identity).run();
    run.answers(&["Auto-detected encryption backend: sops", "[OK] Decrypted .env.production using sops"]);
    assert_eq!(sandbox.text(".env.production"), PLAIN);
    assert!(!sandbox.path(".env.keys").exists());
}

#[test]
fn backend_recipients_and_identity_come_from_the_config_and_relative_paths_from_its_folder() {
    let ada = person();
    let sandbox = Sandbox::new();
    sandbox.write("keys/ada.txt", format!("# ada\r\n{}\r\n", ada.identity));
    sandbox.write(
        "envdrift.toml",
        format!(
            "[encryption]\nbackend = \"sops\"\n[encryption.sops]\nage_recipients = \"{}\"\nage_key_file = \"keys/ada.txt\"\n",
            ada.recipient
        ),
    );
    sandbox.write("app/.env", PLAIN);
    let inside = |args: &[&str]| sandbox.call(args).within(&sandbox.path("app")).run();
    inside(&["encrypt"]).answers(&["[OK] Encrypted .env using sops"]);
    inside(&["encrypt"]).only_warns(&[".env is already encrypted (no change)"]);
    assert_eq!(inside(&["decrypt"]).code, 0);
    assert_eq!(sandbox.text("app/.env"), PLAIN);
}

#[test]
fn a_creation_rule_of_the_folder_of_the_file_counts_and_what_it_leaves_readable_is_named() {
    let ada = person();
    let sandbox = Sandbox::new();
    sandbox.write(
        "app/.sops.yaml",
        format!(
            "creation_rules:\n  - path_regex: \\.env$\n    encrypted_regex: ^SECRET\n    age: {}\n",
            ada.recipient
        ),
    );
    sandbox.write("app/.env", "SECRET_A=1\nNAME=app\n# SECRET_OLD=2\n");
    let run = sandbox.envdrift(["encrypt", "app/.env", "-b", "sops"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "[OK] Encrypted app/.env using sops\n"), "{run}");
    run.says_on_stderr(&["NAME stays readable", "the commented-out SECRET_OLD stays readable"]);
    let quiet = Sandbox::new();
    quiet.write(
        ".sops.yaml",
        format!("creation_rules:\n  - encrypted_regex: ^SECRET\n    age: {}\n", ada.recipient),
    );
    quiet.write(".env", "SECRET_A=1\nNAME=app\n");
    let run = quiet.envdrift(["encrypt", "-q", "-b", "sops"]);
    assert_eq!(run.stderr, "[WARN] .env: 1 remark(s), shown without -q\n");
}

#[test]
fn without_recipients_the_three_ways_to_give_one_are_said_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt", "-b", "sops"]);
    run.refuses(&["Encryption failed", "no recipients"]);
    for way in ["--age", "age_recipients", ".sops.yaml"] {
        assert!(run.stderr.contains(way), "{way}: {run}");
    }
    sandbox.assert_untouched(&before);
}

#[test]
fn a_wrong_identity_a_changed_value_and_a_swapped_line_are_different_errors_and_change_nothing() {
    let (ada, eve) = (person(), person());
    let sandbox = encrypted_for(&ada);
    let encrypted = sandbox.text(".env.production");
    let decrypt =
        |identity: &str| sandbox.call(["decrypt", ".env.production"]).var("SOPS_AGE_KEY", identity).run();
    let fails = |identity: &str, phrase: &str| {
        let before = sandbox.tree();
        let run = decrypt(identity);
        assert_eq!(run.code, 1, "{run}");
        assert!(run.stderr.contains("Decryption failed"), "{run}");
        assert!(run.stderr.contains(phrase), "{phrase}: {run}");
        assert!(!run.stderr.contains("p@$$"), "{run}");
        sandbox.assert_untouched(&before);
    };
    fails(&eve.identity, &ada.recipient);
    sandbox.write(".env.production", encrypted.replace("EMPTY=\n", "EMPTY=added\n"));
    fails(&ada.identity, "EMPTY");
    let swapped: Vec<&str> = encrypted.lines().filter(|line| !line.starts_with("X=")).collect();
    sandbox.write(".env.production", swapped.join("\n") + "\n");
    fails(&ada.identity, "MAC mismatch");
    sandbox.write(".env.production", encrypted.replace("type:str]\nX=", "type:int]\nX="));
    fails(&ada.identity, "PEM");
}

#[test]
fn each_backend_refuses_the_files_of_the_other() {
    let ada = person();
    let sandbox = encrypted_for(&ada);
    let before = sandbox.tree();
    sandbox
        .envdrift(["encrypt", ".env.production", "-b", "dotenvx"])
        .refuses(&["already encrypted with sops, but the dotenvx backend was selected"]);
    sandbox.assert_untouched(&before);
    sandbox.encrypted(".env", "A=1\n");
    sandbox
        .envdrift(["encrypt", ".env", "-b", "sops", "--age", &ada.recipient])
        .refuses(&["already encrypted with dotenvx, but the sops backend was selected"]);
}

#[test]
fn a_value_added_in_clear_and_a_recipient_that_is_missing_are_refused_by_name() {
    let (ada, bob) = (person(), person());
    let sandbox = encrypted_for(&ada);
    let encrypt = |who: &str| sandbox.envdrift(["encrypt", ".env.production", "-b", "sops", "--age", who]);
    encrypt(&bob.recipient).refuses(&["missing requested recipient(s)", &bob.recipient]);
    sandbox.write(".env.production", format!("NEW=secret\n{}", sandbox.text(".env.production")));
    encrypt(&ada.recipient).refuses(&["carries SOPS metadata but still contains plaintext value(s): NEW"]);
}

#[test]
fn a_plaintext_file_is_not_decrypted_and_recipient_flags_do_not_belong_to_decrypt() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt", "-b", "sops"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("sops metadata not found"), "{run}");
    sandbox.envdrift(["decrypt", "--age", "age1x"]).refuses(&["--age names a recipient"]);
    sandbox
        .envdrift(["decrypt", "-b", "sops", "--verify-vault"])
        .refuses(&["only supported with dotenvx backend"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn a_key_that_only_the_tool_can_use_names_the_tool_engine() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/abc";
    let run = sandbox.envdrift(["encrypt", "-b", "sops", "--kms", arn, "--engine", "builtin"]);
    run.refuses(&["AWS KMS"]);
    assert!(run.stderr.contains("tool"), "{run}");
    assert_eq!(sandbox.text(".env"), "A=1\n");
}

#[test]
fn a_batch_is_encrypted_for_one_person_and_checked() {
    let ada = person();
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..20).map(|n| format!("s{n}/.env")).collect();
    for name in &names {
        sandbox.write(name, "TOKEN=secret\n");
    }
    let mut args = vec!["encrypt", "-b", "sops", "--age", &ada.recipient, "--json"];
    args.extend(names.iter().map(String::as_str));
    let run = sandbox.envdrift(&args);
    let rows = run.json()["rows"].as_array().unwrap().len();
    assert_eq!((run.code, rows), (0, 20), "{run}");
    let mut args = vec!["encrypt", "--check", "--strict"];
    args.extend(names.iter().map(String::as_str));
    assert_eq!(sandbox.envdrift(&args).code, 0);
}
