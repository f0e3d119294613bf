//! Every kind of key that can be had on this machine: age, SSH, post-quantum, PGP, Vault; groups of them; and none.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::path::{Path, PathBuf};

use crate::support::Identity;
use envdrift::backend::sops::rules::Recipients;
use envdrift::backend::sops::tool::{Barrier, Checked, SopsToolError};
use envdrift::process::Cmd;

use super::bench::{BOTH, Bench, By};

const BODY: &str = "# top\nA=hello\n\nPEM=\"x\ny\"\r\nB_unencrypted=1";

/// Runs a program with its own home; `None` where it is not installed.
fn run(program: &Path, args: &[&str], home: &Path) -> Option<String> {
    let cmd = Cmd::new(program).args(args).env("HOME", home).env("PATH", "/usr/local/bin:/usr/bin:/bin");
    let output = cmd.env("GNUPGHOME", home.join("gnupg")).run().ok()?.success().unwrap();
    Some(output.text().unwrap().to_owned())
}

fn on_path(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/usr/local/bin", "/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
}

/// What only the binary opens: the tool both ways, and the built-in engine names the tool.
fn only_by_tool(bench: &Bench) {
    let encrypted = bench.encrypt(BODY).ok().unwrap();
    assert_eq!(encrypted.checked, Checked::Form);
    assert_eq!(bench.decrypt_by(By::Tool, &encrypted.text).unwrap(), BODY);
    assert_eq!(bench.encrypt_by(By::Builtin, BODY).unwrap_err().code(), "sops.needs_tool");
    assert_eq!(bench.decrypt_by(By::Builtin, &encrypted.text).unwrap_err().code(), "sops.needs_tool");
}

#[test]
fn ssh_keys_work_in_both_engines() {
    let (Some(mut bench), Some(keygen)) = (Bench::new(), on_path("ssh-keygen")) else { return };
    for kind in ["ed25519", "rsa"] {
        let path = bench.home().join(kind);
        run(
            &keygen,
            &["-q", "-t", kind, "-N", "", "-C", "some one", "-f", path.to_str().unwrap()],
            bench.home(),
        );
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        bench.recipients = Recipients { age: vec![public.trim().to_owned()], ..Recipients::default() };
        bench.vars = vec![("SOPS_AGE_SSH_PRIVATE_KEY_FILE".to_owned(), format!("~/{kind}"))];
        assert!(bench.cross(BODY, kind));
    }
}

#[test]
fn a_post_quantum_recipient_works_through_the_binary() {
    let (Some(mut bench), Some(keygen)) = (Bench::new(), crate::support::tool("bin/age/age-keygen")) else {
        return;
    };
    let keys = run(&keygen, &["-pq"], bench.home()).unwrap();
    let public = keys.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    bench.recipients = Recipients { age: vec![public.to_owned()], ..Recipients::default() };
    let file = bench.put("pq.txt", &keys);
    bench.with_identity = false;
    bench.vars = vec![("SOPS_AGE_KEY_FILE".to_owned(), file.display().to_string())];
    only_by_tool(&bench);
}

#[test]
fn a_pgp_key_works_through_the_binary() {
    let (Some(mut bench), Some(gpg)) = (Bench::new(), on_path("gpg")) else { return };
    envdrift::files::create_private_folder(&bench.home().join("gnupg")).unwrap();
    let args = [
        "--batch",
        "--quiet",
        "--passphrase",
        "",
        "--quick-gen-key",
        "t@example.org",
        "default",
        "default",
        "never",
    ];
    run(&gpg, &args, bench.home());
    let listed = run(&gpg, &["--list-keys", "--with-colons"], bench.home()).unwrap();
    let fingerprint = listed
        .lines()
        .find(|line| line.starts_with("fpr:"))
        .unwrap()
        .trim_matches(|c| !char::is_numeric(c) && !('A'..='F').contains(&c));
    bench.rule(&format!("pgp: {fingerprint}"));
    bench.with_identity = false;
    let folder = |name: &str| vec![("GNUPGHOME".to_owned(), bench.home().join(name).display().to_string())];
    let (there, nowhere) = (folder("gnupg"), folder("none"));
    bench.vars = there;
    only_by_tool(&bench);
    let encrypted = bench.encrypt(BODY).ok().unwrap().text;
    bench.vars = nowhere;
    envdrift::files::create_private_folder(&bench.home().join("none")).unwrap();
    let error = bench.decrypt_by(By::Tool, &encrypted).unwrap_err();
    assert!(matches!(error, SopsToolError::NoDataKey { barrier: Barrier::PgpSecretKey, .. }), "{error}");
    assert!(error.to_string().contains(fingerprint), "{error}");
    let error = bench.refusal(BODY);
    assert_eq!(error.code(), "sops.wrap", "{error}");
    assert!(error.to_string().contains("public key"), "{error}");
    run(&on_path("gpgconf").unwrap(), &["--kill", "all"], bench.home());
}

#[test]
fn groups_of_keys_work_in_both_engines_and_too_few_are_named() {
    let Some(mut bench) = Bench::new() else { return };
    let (ours, other, more) = (bench.identity.public.clone(), Identity::new(), Identity::new());
    bench.rule(&format!(
        "shamir_threshold: 2\nkey_groups:\n  - age: [{ours}]\n  - age: [{}]\n  - age: [{}]",
        other.public, more.public
    ));
    bench.identity.secret = format!("{}\n{}", bench.identity.secret, more.secret);
    assert!(bench.cross(BODY, "two of three"));
    let encrypted = bench.encrypt_by(By::Tool, BODY).unwrap();
    bench.identity.secret = more.secret;
    for by in BOTH {
        let error = bench.decrypt_by(by, &encrypted).unwrap_err();
        assert_eq!(error.code(), "sops.too_few_groups", "{by:?}: {error}");
    }
}

#[test]
fn several_recipients_can_each_open_the_file() {
    let Some(mut bench) = Bench::new() else { return };
    let other = Identity::new();
    bench.recipients.age = vec![format!("{}, {}", other.public, bench.identity.public), " ".to_owned()];
    assert!(bench.cross(BODY, "two"));
    let encrypted = bench.encrypt_by(By::Tool, BODY).unwrap();
    bench.identity = other;
    for by in BOTH {
        assert_eq!(bench.decrypt_by(by, &encrypted).unwrap(), BODY);
    }
}

#[test]
fn the_variables_that_name_recipients_count_the_same_in_both_engines() {
    let Some(mut bench) = Bench::new() else { return };
    let public = bench.identity.public.clone();
    let by_variable = vec![("SOPS_AGE_RECIPIENTS".to_owned(), public.clone())];
    // They beat the keys of a rule, but not its selection.
    bench.rule(&format!("age: {}\nencrypted_regex: ^A$", Identity::new().public));
    bench.vars.clone_from(&by_variable);
    assert!(bench.cross(BODY, "variable"));
    let encrypted = bench.encrypt(BODY).ok().unwrap();
    assert!(
        encrypted.text.contains(&public) && encrypted.text.contains("PEM=\"x\\ny\"\r\n"),
        "{}",
        encrypted.text
    );
    assert_eq!(encrypted.left_plain, ["PEM", "B_unencrypted"]);
    // A flag beats a variable of its kind.
    let other = Identity::new();
    bench.recipients.age = vec![other.public.clone()];
    let encrypted = bench.encrypt(BODY).ok().unwrap();
    assert_eq!(encrypted.checked, Checked::Form);
    assert!(encrypted.text.contains(&other.public) && !encrypted.text.contains(&public));
}

#[test]
fn a_key_file_from_flag_beats_the_variable_and_is_found_from_the_users_folder() {
    let Some(mut bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Builtin, BODY).unwrap();
    bench.put("keys/ours.txt", &format!("# made for a test\r\n{}\r\n", bench.identity.secret));
    bench.put("keys/other.txt", &Identity::new().secret);
    bench.with_identity = false;
    bench.vars = vec![("SOPS_AGE_KEY_FILE".to_owned(), "keys/other.txt".to_owned())];
    let env = bench.env();
    let request = |file| envdrift::backend::sops::builtin::DecryptRequest {
        text: &encrypted,
        age_key_file: file,
        env: &env,
        run: None,
    };
    let error = bench.decrypt_by(By::Tool, &encrypted).unwrap_err();
    assert_eq!(error.code(), "sops.wrong_identity", "{error}");
    assert!(error.to_string().contains(&bench.identity.public), "{error}");
    let opened = bench.engine().decrypt(&request(Some(Path::new("keys/ours.txt")))).ok().unwrap();
    assert_eq!(opened.text, BODY);
    let error = bench.engine().decrypt(&request(Some(Path::new("keys/gone.txt")))).err().unwrap();
    assert!(matches!(error, SopsToolError::NoDataKey { barrier: Barrier::KeyFile, .. }), "{error}");
}

#[test]
fn a_key_command_runs_for_the_binary() {
    let Some(mut bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Tool, BODY).unwrap();
    bench.put("ours.txt", &bench.identity.secret);
    bench.with_identity = false;
    bench.vars = vec![("SOPS_AGE_KEY_CMD".to_owned(), "cat ours.txt".to_owned())];
    assert_eq!(bench.decrypt_by(By::Tool, &encrypted).unwrap(), BODY);
    bench.vars = vec![("SOPS_AGE_KEY_CMD".to_owned(), "false".to_owned())];
    let error = bench.decrypt_by(By::Tool, &encrypted).unwrap_err();
    assert!(matches!(error, SopsToolError::NoDataKey { barrier: Barrier::KeyCommand, .. }), "{error}");
}

#[test]
fn without_a_usable_identity_the_cause_is_named() {
    let Some(mut bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Tool, BODY).unwrap();
    bench.with_identity = false;
    let cases = [
        ("", "sops.no_identity"),
        ("age1xyz", "sops.no_data_key"),
        (
            "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n",
            "sops.encrypted_identity",
        ),
        (&Identity::new().secret, "sops.wrong_identity"),
    ];
    for (key, code) in cases {
        bench.vars = vec![("SOPS_AGE_KEY".to_owned(), key.to_owned())];
        let error = bench.decrypt_by(By::Tool, &encrypted).unwrap_err();
        assert!(error.to_string().contains("it is encrypted for age1"), "{error}");
        assert_eq!(error.code(), code, "{key}: {error}");
    }
    bench.vars = vec![("SOPS_DECRYPTION_ORDER".to_owned(), "age,age".to_owned())];
    assert_eq!(bench.decrypt_by(By::Tool, &encrypted).unwrap_err().code(), "sops.decryption_order");
}

#[test]
fn a_key_service_that_cannot_be_reached_or_a_bad_recipient_is_told_apart() {
    let Some(mut bench) = Bench::new() else { return };
    let refused = |bench: &Bench| bench.refusal(BODY);
    let vault = "http://127.0.0.1:1/v1/transit/keys/k".to_owned();
    bench.vars = vec![("VAULT_MAX_RETRIES".to_owned(), "0".to_owned())];
    bench.recipients = Recipients { hc_vault: vec![vault], ..Recipients::default() };
    let error = refused(&bench);
    assert_eq!(error.code(), "sops.wrap", "{error}");
    assert!(error.to_string().contains("cannot be reached"), "{error}");
    let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234".to_owned();
    bench.vars = vec![("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned())];
    bench.recipients = Recipients { kms: vec![arn], ..Recipients::default() };
    let error = refused(&bench);
    assert!(error.to_string().contains("no valid credentials"), "{error}");
    bench.recipients = Recipients { age: vec!["age1xyz".to_owned()], ..Recipients::default() };
    assert_eq!(refused(&bench).code(), "sops.recipient");
}

#[test]
fn a_private_key_given_as_recipient_never_reaches_an_argument() {
    let Some(mut bench) = Bench::new() else { return };
    let secret = bench.identity.secret.clone();
    bench.recipients.age = vec![secret.to_lowercase()];
    bench.sops = "/nonexistent/sops".into();
    let error = bench.refusal(BODY);
    assert_eq!(error.code(), "sops.recipient");
    assert!(!format!("{error:?} {error}").to_lowercase().contains(&secret.to_lowercase()));
    bench.rule(&format!("age: {secret}"));
    assert_eq!(bench.refusal(BODY).code(), "sops.recipient");
}
