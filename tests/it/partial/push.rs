use std::os::unix::fs::symlink;

use envdrift::ops::partial::combine::{Source, generated};

use super::project::{Project, Run, combine, combine_files, folder};

const SECRET: &str = "DB_PASSWORD=hunter2\nEMPTY=\n# note\nPEM=\"a\nb\"\n";

/// What `push` has to make of the sources on disk.
fn expected(project: &Project, clear: &str, secret: &str) -> String {
    let (clear_text, secret_text) = (project.read(clear), project.read(secret));
    generated(
        Source { name: clear, text: Some(&clear_text) },
        Source { name: secret, text: Some(&secret_text) },
    )
}

#[test]
fn push_encrypts_the_secret_file_and_generates_the_combined_one() {
    let project = Project::production("DEBUG=false\nLOG=info\n", SECRET);
    let Run { stdout, stderr, .. } = project.run(&["push"]).expect(0);
    let wanted = "
Push - Encrypting and combining env files
Environments: 1

→ production
  ✓ Generated .env.production (2 clear + 3 encrypted)

Push Summary
  Processed: 1/1
  Combined files: 1
  Encrypted vars: 3

[OK] Push complete! Source files are encrypted and ready to commit.
Combined files are runtime artifacts (auto-gitignored).
";
    assert_eq!((stdout.as_str(), stderr.as_str()), (wanted, ""));
    let secret = project.read(".env.production.secret");
    assert!(!secret.contains("hunter2"));
    assert_eq!(secret.matches("=encrypted:").count() + secret.matches("=\"encrypted:").count(), 3);
    let combined = project.read(".env.production");
    assert_eq!(combined, expected(&project, ".env.production.clear", ".env.production.secret"));
    assert!(combined.contains("DOTENV_PUBLIC_KEY_PRODUCTION_SECRET="));
    assert_eq!((project.mode(".env.production"), project.mode(".env.keys")), (0o600, 0o600));

    let before = project.tree();
    project.run(&["push"]).expect(0).says(&["Generated .env.production (2 clear + 3 encrypted)"]);
    assert_eq!(project.tree(), before, "a second push has nothing to do");
}

#[test]
fn an_environment_that_fails_is_left_as_it_is_and_does_not_stop_the_others() {
    let project = Project::new(&[combine("a"), combine("bad"), combine("none"), combine("z")]);
    for name in ["a", "bad", "z"] {
        project.write(&format!(".env.{name}.clear"), "A=1\n");
        project.write(&format!(".env.{name}.secret"), "B=2\n");
    }
    project.write(".env.bad.clear", b"A=\xff\n");
    let run = project.run(&["push"]).expect(1);
    assert!(run.stderr.contains("[WARN] Some environments had errors:"), "{}", run.stderr);
    let run = run.says(&[
        "→ bad\n  ! .env.bad.secret was left as it is: another file of this environment failed\n  ✗ Failed to generate .env.bad:",
        "as UTF-8 text: line 1",
        "  Processed: 2/4\n  Combined files: 2\n  Encrypted vars: 2\n  Errors: 2\n",
        "  • none: Neither clear file (.env.none.clear) nor secret file (.env.none.secret) exists; refusing to overwrite .env.none",
    ]);
    assert!(!run.all().contains("Push complete"));
    assert_eq!(project.read(".env.bad.secret"), "B=2\n");
    assert!(!project.read(".env.keys").contains("_BAD_SECRET"), "no key for a file that was not encrypted");
    assert!(project.exists(".env.z") && !project.exists(".env.bad") && !project.exists(".env.none"));
}

#[test]
fn a_folder_is_encrypted_as_a_whole_or_not_at_all() {
    let project = Project::new(&[folder("staging", "secrets/staging/")]);
    project.write("secrets/staging/.env.a", "A=1\n");
    project.write("secrets/staging/.env.b", "# nothing\n");
    project.write("secrets/staging/.env.example", "A=\n");
    let before = project.tree();
    project.run(&["push"]).expect(1).says(&[
        "  ! secrets/staging/.env.a was left as it is",
        "  ✗ Nothing to encrypt: secrets/staging/.env.b has no variables.",
        "Errors: 1",
    ]);
    assert_eq!(project.tree(), before, "no file, no key");
    project.write("secrets/staging/.env.b", "B=1\n");
    project.run(&["push"]).expect(0).says(&[
        "  ✓ secrets/staging/.env.a encrypted\n  ✓ secrets/staging/.env.b encrypted\n",
        "  ✓ Encrypted 2 file(s) in secrets/staging (0 already encrypted)",
        "  Encrypted files (secrets-only): 2",
        "Secrets-only files are encrypted in place; run 'envdrift pull-partial' to edit them.",
    ]);
    assert_eq!(project.read("secrets/staging/.env.example"), "A=\n");
    let run = project
        .run(&["push"])
        .expect(0)
        .says(&["✓ Encrypted 0 file(s) in secrets/staging (2 already encrypted)"]);
    assert!(!run.stdout.contains("Secrets-only files are encrypted in place"));
}

#[test]
fn an_empty_selection_is_a_failure() {
    let project = Project::new(&[folder("s", "secrets")]);
    project.run(&["push"]).expect(1).says(&["✗ secrets_dir not found or not a directory: secrets"]);
    project.write("secrets/.env.example", "A=1");
    for command in [&["push"][..], &["push", "--check"], &["pull-partial"]] {
        project.run(command).expect(1).says(&["✗ No file in secrets matches '.env*'"]);
    }
    project.write("envdrift.toml", "[partial_encryption]\nenabled = true\n");
    for command in [&["push"][..], &["push", "--check"], &["pull-partial"]] {
        project
            .run(command)
            .expect(1)
            .says(&["[ERROR] Partial encryption is enabled, but no environment is configured"]);
    }
}

#[test]
fn missing_sources_never_replace_the_combined_file() {
    let project = Project::production("A=1\n", "B=2\n");
    project.run(&["push"]).expect(0);
    let combined = project.read(".env.production");
    project.remove(".env.production.clear");
    project.remove(".env.production.secret");
    for command in [&["push"][..], &["push", "--check"]] {
        project
            .run(command)
            .expect(1)
            .says(&["refusing to overwrite .env.production with an empty scaffold", "Errors: 1"]);
        assert_eq!(project.read(".env.production"), combined);
    }
}

#[test]
fn one_source_is_enough() {
    let project = Project::production("A=1\n", "B=2\n");
    project.remove(".env.production.secret");
    project.run(&["push"]).expect(0).says(&["(1 clear + 0 encrypted)"]);
    assert!(project.read(".env.production").ends_with("# From .env.production.clear\nA=1\n\n"));
    project.write(".env.production.secret", "B=2\n");
    project.remove(".env.production.clear");
    project.run(&["push"]).expect(0).says(&["(0 clear + 1 encrypted)"]);
    assert!(!project.read(".env.production").contains(".clear\nA=1"));
}

#[test]
fn an_unusable_key_store_stops_everything_before_it_is_written() {
    type Spoil = fn(&Project);
    let cases: [(&str, Spoil); 4] = [
        ("is a directory", |project| project.write(".env.keys/x", "")),
        ("is not a private key", |project| {
            project.write(".env.keys", "DOTENV_PRIVATE_KEY_PRODUCTION_SECRET=garbage\n");
        }),
        ("as UTF-8 text", |project| project.write(".env.keys", b"\xff\xfe")),
        ("it is read-only", |project| {
            project.write(".env.keys", "# mine\n");
            project.set_mode(".env.keys", 0o444);
        }),
    ];
    for (why, spoil) in cases {
        let project = Project::production("A=1\n", "B=hunter2\n");
        spoil(&project);
        let before = project.tree();
        let run =
            project.run(&["push"]).expect(1).says(&["✗ Failed to encrypt .env.production.secret:", why]);
        assert!(!run.all().contains("Push complete"));
        assert_eq!(project.tree(), before, "{why}");
    }
}

#[test]
fn what_cannot_be_encrypted_is_refused_with_its_reason() {
    for (name, content, why) in [
        (".env.x.secret", "", "Nothing to encrypt: .env.x.secret has no variables."),
        (".env.x.secret", "# c\n", "Nothing to encrypt"),
        ("my secrets", "A=1\n", "Refusing to encrypt my secrets"),
        ("café.secret", "A=1\n", "Refusing to encrypt café.secret"),
        (".env.KEYS", "A=1\n", "Refusing to encrypt .env.KEYS"),
        (".env.x.secret", "DOTENV_PRIVATE_KEY_X=00\n", "Refusing to encrypt .env.x.secret"),
        (".env.x.secret", "KEY: value\n", ".env.x.secret:1:"),
    ] {
        let project = Project::new(&[combine_files("x", ".env.x.clear", name, ".env.x")]);
        project.write(".env.x.clear", "A=1\n");
        project.write(name, content);
        let before = project.tree();
        for command in [&["push"][..], &["push", "--check"]] {
            project.run(command).expect(1).says(&[why, "Errors: 1"]);
        }
        assert_eq!(project.tree(), before, "{why}");
    }
}

#[test]
fn a_value_glued_to_a_ciphertext_is_found() {
    let project = Project::production("A=1\n", "B=2");
    project.run(&["push"]).expect(0);
    project.append(".env.production.secret", "NEW=hunter2");
    let before = project.tree();
    for command in [&["push"][..], &["push", "--check"]] {
        let run = project.run(command).expect(1).says(&["B holds a damaged ciphertext"]);
        assert!(!run.all().contains("hunter2"));
    }
    assert_eq!(project.tree(), before);
}

#[test]
fn a_teammate_without_the_private_key_can_add_a_secret() {
    let project = Project::production("A=1\n", "B=2\n");
    project.run(&["push"]).expect(0);
    let (keys, old) = (project.read(".env.keys"), project.read(".env.production.secret"));
    project.remove(".env.keys");
    project.append(".env.production.secret", "NEW=3\n");
    project.run(&["push"]).expect(0).says(&["(1 clear + 2 encrypted)"]);
    assert!(!project.exists(".env.keys"), "the file has a public key already");
    assert!(project.read(".env.production.secret").starts_with(&old), "what was encrypted stays");
    project.write(".env.keys", keys);
    project.run(&["pull-partial"]).expect(0);
    assert_eq!(project.read(".env.production.secret"), "B=2\nNEW=3\n");
}

#[test]
fn the_combined_file_is_for_the_owner_alone_wherever_it_is() {
    let project = Project::new(&[combine_files("x", "c", "s", "out/deep/.env")]);
    project.write("c", "A=1\n");
    project.write("s", "B=2\n");
    project.run(&["push"]).expect(0);
    assert_eq!(project.mode("out/deep/.env"), 0o600);
    for (before, after) in [(0o644, 0o600), (0o400, 0o400)] {
        project.write("c", format!("A={before}\n"));
        project.set_mode("out/deep/.env", before);
        project.run(&["push"]).expect(0);
        assert_eq!(project.mode("out/deep/.env"), after);
    }
    project.set_mode("out/deep/.env", 0o666);
    project.run(&["push"]).expect(0);
    assert_eq!(project.mode("out/deep/.env"), 0o600, "also where the text did not change");

    project.remove("out/deep/.env");
    project.write("elsewhere", "keep me");
    symlink(project.path("elsewhere"), project.path("out/deep/.env")).unwrap();
    project.run(&["push"]).expect(0);
    assert!(!project.path("out/deep/.env").is_symlink());
    assert_eq!(project.read("elsewhere"), "keep me");
    let names: Vec<_> = std::fs::read_dir(project.path("out/deep"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [".env"], "nothing temporary stays");
}

#[test]
fn paths_start_from_the_folder_of_the_config() {
    let project = Project::production("A=1\n", "B=2\n");
    project.write("sub/x", "");
    project.run_in("sub", &["push"]).expect(0);
    project.run_in("sub", &["push", "--check"]).expect(0).says(&["✓ .env.production is up to date"]);
    project.run_in("sub", &["pull-partial"]).expect(0);
    project.run_in("sub", &["--config", "../envdrift.toml", "push"]).expect(0);
    assert!(
        project.exists(".env.production") && project.exists(".env.keys") && !project.exists("sub/.env.keys")
    );
}

#[test]
fn line_ends_and_odd_separators_come_through() {
    let (clear, secret) = ("\u{feff}A=1\r\nB=x\u{2028}y\r\n", "C=\"p\r\nq\"\r\nD=é\u{85}\r\n");
    let project = Project::production(clear, secret);
    project.run(&["push"]).expect(0).says(&["(2 clear + 2 encrypted)"]);
    let combined = project.read(".env.production");
    assert!(!combined.contains(['\r', '\u{feff}']));
    assert!(combined.contains("# From .env.production.clear\nA=1\nB=x\u{2028}y\n\n"));
    project.run(&["pull-partial"]).expect(0);
    assert_eq!(project.read(".env.production.secret"), secret);
    assert_eq!(project.read(".env.production.clear"), clear);
}

#[test]
fn names_in_both_files_and_forgotten_secrets_are_remarked_and_no_value_is_shown() {
    let project =
        Project::production("SHARED=canary1\nAPI_TOKEN=canary2\n", "SHARED=canary3\nX_PLAIN=canary4\n");
    for command in
        [&["push"][..], &["push", "--check"], &["push", "--json"], &["pull-partial", "-v"], &["push", "-q"]]
    {
        let run = project.run(command).expect(0);
        assert!(!run.all().contains("canary"), "{}", run.all());
        if command[0] == "push" {
            run.says(&["production: SHARED in both", "'API_TOKEN' has a name suggesting sensitive data"]);
        }
    }
}

#[test]
fn environments_may_share_a_secret_file() {
    let project = Project::new(&[combine_files("a", "ca", "s", "a"), combine_files("b", "cb", "s", "b")]);
    project.write("ca", "A=1\n");
    project.write("cb", "B=1\n");
    project.write("s", "S=1\n");
    project.run(&["push"]).expect(0);
    assert_eq!(project.read("b"), expected(&project, "cb", "s"));
    project.run(&["push", "--check"]).expect(0);
    project.run(&["pull-partial"]).expect(0);
    project.write("ca", b"\xff");
    project.run(&["push"]).expect(1).says(&["Errors: 2", "• b: s was left as it is"]);
    assert_eq!(project.read("s"), "S=1\n");
}

#[test]
fn links_to_one_key_store_are_one_key_store() {
    let project = Project::new(&[folder("a", "a"), folder("b", "b")]);
    for name in ["a", "b"] {
        project.write(&format!("{name}/.env.{name}"), "A=1\n");
        symlink("../keys", project.path(&format!("{name}/.env.keys"))).unwrap();
    }
    symlink("../a/.env.a", project.path("b/.env.twin")).unwrap();
    project.run(&["push"]).expect(0).says(&["Encrypted 1 file(s) in a (0", "= a/.env.a already encrypted"]);
    let keys = project.read("keys");
    assert!(keys.contains("DOTENV_PRIVATE_KEY_A=") && keys.contains("DOTENV_PRIVATE_KEY_B="));
    assert_eq!(keys.matches("DOTENV_PRIVATE_KEY_").count(), 2, "{keys}");
    project.run(&["pull-partial"]).expect(0);
    assert_eq!((project.read("a/.env.a"), project.read("b/.env.b")), ("A=1\n".into(), "A=1\n".into()));
}

#[test]
fn without_the_feature_a_sample_is_shown_and_nothing_is_touched() {
    let project = Project::production("A=1\n", "B=2\n");
    for config in ["", "[partial_encryption]\nenabled = false\n"] {
        project.write("envdrift.toml", config);
        let before = project.tree();
        let run = project.run(&["push"]).expect(1);
        assert!(run.stderr.contains("[ERROR] Partial encryption is not enabled in configuration"));
        assert!(run.stdout.contains("To enable partial encryption, add to your envdrift.toml:"));
        assert!(run.stdout.contains("\n[[partial_encryption.environments]]\n"));
        let run = project.run(&["pull-partial"]).expect(1);
        assert_eq!(run.stdout, "");
        assert_eq!(project.tree(), before);
    }
}

#[test]
fn mistakes_of_the_config_are_errors_before_anything_is_touched() {
    let valid = "[partial_encryption]\nenabled = true\n".to_owned() + &combine("production");
    for (config, message) in [
        ("[partial_encryption\n".to_owned(), "[ERROR] Failed to load configuration: TOML syntax error in "),
        (
            valid.replace("name = 'production'\n", ""),
            "[ERROR] partial_encryption environment is missing the required 'name' field",
        ),
        (
            valid.replace("clear_file = '.env.production.clear'\n", ""),
            "missing required field(s) for combine mode: clear_file",
        ),
        (
            valid.clone() + &folder("s", " "),
            "environment 's': secrets_dir is required when secrets_only=true",
        ),
        (valid.replace(".secret'", ".clear'"), "are the same file"),
        (valid.clone() + "[encryption]\nbackend = 'sops'\n", "Partial encryption works with dotenvx only"),
    ] {
        let project = Project::production("A=1\n", "B=2\n");
        project.write("envdrift.toml", config);
        let before = project.tree();
        for command in [&["push"][..], &["push", "--check"], &["pull-partial"]] {
            let run = project.run(command).expect(1);
            assert!(run.stderr.contains(message), "{message}: {}", run.all());
        }
        assert_eq!(project.tree(), before);
    }
    let project = Project::production("A=1\n", "B=2\n");
    project.run(&["push", "-e", "Production"]).expect(1).says(&[
        "[ERROR] No partial encryption configuration found for environment 'Production'",
        "hint: environments: production",
    ]);
}

#[test]
fn the_json_document_has_one_row_a_file_and_nothing_else_is_on_standard_output() {
    let project = Project::new(&[combine("p"), folder("s", "sec"), combine("bad")]);
    project.write(".env.p.clear", "A=1\n");
    project.write(".env.p.secret", "B=2\n");
    project.write("sec/.env", "C=3\n");
    let rows = |args: &[&str]| {
        let run = project.run(args);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!((&document["schema"], &document["command"]), (&1.into(), &args[0].into()));
        assert_eq!(document["ok"].as_bool(), Some(run.code == 0));
        let rows = document["rows"].as_array().unwrap().clone();
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let row = |row: &serde_json::Value| {
            format!("{} {} {}", text(row, "environment"), text(row, "path"), text(row, "outcome"))
        };
        rows.iter().map(row).collect::<Vec<_>>()
    };
    let wanted = [
        "p .env.p.secret would_encrypt",
        "p .env.p would_generate",
        "s sec/.env would_encrypt",
        "bad .env.bad failed",
    ];
    assert_eq!(rows(&["push", "--check", "--json"]), wanted);
    let wanted =
        ["p .env.p.secret encrypted", "p .env.p generated", "s sec/.env encrypted", "bad .env.bad failed"];
    assert_eq!(rows(&["push", "--json"]), wanted);
    let wanted =
        ["p .env.p.secret unchanged", "p .env.p unchanged", "s sec/.env unchanged", "bad .env.bad failed"];
    assert_eq!(rows(&["push", "--check", "--json"]), wanted);
    let wanted = ["p .env.p.secret decrypted", "s sec/.env decrypted", "bad .env.bad.secret failed"];
    assert_eq!(rows(&["pull-partial", "--json"]), wanted);
}

#[test]
fn quiet_says_nothing_but_what_is_wrong() {
    let project = Project::production("A=1\n", "B=2\n");
    let run = project.run(&["push", "-q"]).expect(0);
    assert_eq!(run.all(), "");
    project.write(".env.production.secret", "");
    let run = project.run(&["push", "-q"]).expect(1);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("[ERROR] Nothing to encrypt"), "{}", run.stderr);
}

#[test]
fn two_pushes_at_once_agree() {
    let environments: Vec<String> = (0..8).map(|n| combine(&format!("e{n}"))).collect();
    let project = Project::new(&environments);
    for n in 0..8 {
        project.write(&format!(".env.e{n}.clear"), "A=1\n");
        project.write(&format!(".env.e{n}.secret"), "B=2\n");
    }
    let start = || project.envdrift(&["push"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let running = [start(), start(), start()];
    for mut one in running {
        assert!(one.wait().unwrap().success());
    }
    project.run(&["push", "--check"]).expect(0);
    assert_eq!(project.read(".env.keys").matches("DOTENV_PRIVATE_KEY_E0_SECRET=").count(), 1);
    project.run(&["pull-partial"]).expect(0);
    assert_eq!(project.read(".env.e7.secret"), "B=2\n");
}

#[test]
fn a_push_that_is_killed_at_any_moment_loses_nothing() {
    let environments: Vec<String> = (0..10).map(|n| combine(&format!("e{n}"))).collect();
    let secret = |n: usize| (0..20).map(|at| format!("V{at}=value {n}\n")).collect::<Vec<_>>().concat();
    for moment in 0..12 {
        let project = Project::new(&environments);
        for n in 0..10 {
            project.write(&format!(".env.e{n}.clear"), "A=1\n");
            project.write(&format!(".env.e{n}.secret"), secret(n));
        }
        let mut running = project.envdrift(&["push", "-q"]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(moment * 12));
        running.kill().unwrap();
        running.wait().unwrap();
        project.run(&["push", "-q"]).expect(0);
        project.run(&["push", "--check", "-q"]).expect(0);
        project.run(&["pull-partial", "-q"]).expect(0);
        for n in 0..10 {
            assert_eq!(project.read(&format!(".env.e{n}.secret")), secret(n), "{moment}");
        }
    }
}
