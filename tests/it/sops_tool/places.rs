//! Which `.sops.yaml` counts, what the child sees, and what odd files are to the engine.

use crate::support::Identity;
use envdrift::backend::sops::builtin::DecryptRequest;
use envdrift::backend::sops::decrypt::LayoutUse;
use envdrift::backend::sops::rules::Recipients;
use envdrift::files::{Mode, write_atomic};

use super::bench::{BOTH, Bench, By};

const BODY: &str = "A=1\nB=2\n";

#[test]
fn the_config_beside_the_file_counts_wherever_the_user_stands() {
    let Some(mut bench) = Bench::new() else { return };
    let public = bench.identity.public.clone();
    bench.rule(&format!("age: {public}\nencrypted_regex: ^A$"));
    bench.put(
        "apps/api/.sops.yaml",
        &format!("creation_rules: [{{path_regex: ^prod/, age: {public}, encrypted_regex: ^B$}}]"),
    );
    bench.name = "apps/api/prod/.env.production";
    for by in BOTH {
        let encrypted = bench.encrypt_by(by, BODY).unwrap();
        assert!(encrypted.starts_with("A=1\nB=ENC["), "{by:?}: {encrypted}");
    }
    // A variable replaces the search; it is read from the user's folder.
    bench.vars = vec![("SOPS_CONFIG".to_owned(), ".sops.yaml".to_owned())];
    for by in BOTH {
        let encrypted = bench.encrypt_by(by, BODY).unwrap();
        assert!(encrypted.starts_with("A=ENC[") && encrypted.contains("\nB=2\n"), "{by:?}: {encrypted}");
    }
    bench.vars = vec![("SOPS_CONFIG".to_owned(), "gone.yaml".to_owned())];
    assert_eq!(bench.refusal(BODY).code(), "sops.config_missing");
}

#[test]
fn a_config_that_the_file_does_not_need_is_not_read() {
    let Some(bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Tool, BODY).unwrap();
    bench.put(".sops.yaml", "creation_rules: [{");
    for by in BOTH {
        assert_eq!(bench.decrypt_by(by, &encrypted).unwrap(), BODY, "{by:?}");
        assert_eq!(bench.encrypt_by(by, BODY).unwrap_err().code(), "sops.config_syntax", "{by:?}");
    }
}

#[test]
fn without_recipients_both_engines_say_how_to_give_them() {
    let Some(mut bench) = Bench::new() else { return };
    bench.recipients = Recipients::default();
    for by in BOTH {
        let error = bench.encrypt_by(by, BODY).unwrap_err();
        assert_eq!(error.code(), "sops.no_recipients");
        assert!(error.hint().unwrap().contains("--age"), "{by:?}");
    }
}

#[test]
fn the_child_sees_neither_creation_variables_nor_what_it_does_not_need() {
    let Some(mut bench) = Bench::new() else { return };
    let seen = bench.home().join("seen");
    let script = format!(
        "#!/bin/sh\nenv > {0}\necho \"$@\" >> {0}\nexec {1} \"$@\"\n",
        seen.display(),
        bench.sops.display()
    );
    bench.sops = bench.put("bin/sops", "");
    write_atomic(&bench.sops, script.as_bytes(), Mode::Executable).unwrap();
    let other = Identity::new().public;
    for (name, value) in [
        ("SOPS_AGE_RECIPIENTS", other.as_str()),
        ("SOPS_EDITOR", "vi"),
        ("DOTENV_PRIVATE_KEY", "aa"),
        ("GITHUB_TOKEN", "ghp_x"),
        ("AWS_PROFILE", "dev"),
        ("SSL_CERT_FILE", "/none.pem"),
    ] {
        bench.vars.push((name.to_owned(), value.to_owned()));
    }
    let encrypted = bench.encrypt_by(By::Tool, BODY).unwrap();
    let encrypting = std::fs::read_to_string(&seen).unwrap();
    bench.decrypt_by(By::Tool, &encrypted).unwrap();
    let decrypting = std::fs::read_to_string(&seen).unwrap();
    for name in ["AWS_PROFILE=dev", "SSL_CERT_FILE=/none.pem", "SOPS_DISABLE_VERSION_CHECK=1", "HOME="] {
        assert!(encrypting.contains(name) && decrypting.contains(name), "{name}");
    }
    for name in ["SOPS_AGE_RECIPIENTS", "SOPS_EDITOR", "DOTENV_PRIVATE_KEY", "GITHUB_TOKEN", &*other] {
        assert!(!encrypting.contains(name) && !decrypting.contains(name), "{name}");
    }
    assert!(!encrypting.contains("AGE-SECRET-KEY"), "encrypting needs no identity");
    assert!(decrypting.contains("SOPS_AGE_KEY=AGE-SECRET-KEY"));
    let arguments = decrypting.lines().last().unwrap();
    assert_eq!(arguments, "--config /dev/null decrypt --input-type dotenv --output-type dotenv");
}

#[test]
fn a_checkout_with_crlf_a_binary_store_file_and_a_plain_file_are_what_they_are() {
    let Some(bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Tool, "A=1\n\nB=\"x\ny\"").unwrap();
    let crlf = encrypted.replace('\n', "\r\n");
    for by in BOTH {
        assert_eq!(bench.decrypt_by(by, &crlf).unwrap(), "A=1\n\nB=\"x\ny\"", "{by:?}");
        for plain in ["A=1\n", "not even a pair\n", ""] {
            let code = bench.decrypt_by(by, plain).unwrap_err().code();
            assert!(["sops.not_encrypted", "sops.line"].contains(&code), "{by:?}: {code}");
        }
    }
    let plain = "A=1\n\n  # no end\r\n\u{feff}";
    let args = [
        "--config",
        "/dev/null",
        "encrypt",
        "--age",
        &bench.identity.public,
        "--filename-override",
        "/.env.production",
    ];
    let cmd = envdrift::process::Cmd::new(&bench.sops)
        .args(args)
        .env("HOME", bench.home())
        .env("SOPS_DISABLE_VERSION_CHECK", "1");
    let input = envdrift::process::Stdin::Bytes(plain.as_bytes().to_vec().into());
    let binary = cmd.stdin(input).run().unwrap().success().unwrap().text().unwrap().to_owned();
    for by in BOTH {
        assert_eq!(bench.decrypt_by(by, &binary).unwrap(), plain, "{by:?}");
        let tampered = binary.replacen("type:str", "type:int", 1);
        assert_eq!(bench.decrypt_by(by, &tampered).unwrap_err().code(), "sops.type_changed", "{by:?}");
    }
}

#[test]
fn a_damaged_file_is_refused_with_its_line_also_without_an_identity() {
    let Some(mut bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Tool, "# c\nA=1\nB=2\n").unwrap();
    let damages = [
        ("A=ENC", "A=hunter2", "sops.value_in_clear", "line 2"),
        ("type:str", "type:bytes", "sops.type_changed", "line 2"),
        ("type:str", "type:what", "sops.value_damaged", "line 2"),
        ("type:comment", "type:str", "sops.comment_damaged", "line 1"),
        ("sops_mac", "sops_mak", "sops.mac_missing", "MAC"),
    ];
    for with_identity in [true, false] {
        bench.with_identity = with_identity;
        for (from, to, code, words) in damages {
            let error = bench.decrypt_by(By::Tool, &encrypted.replacen(from, to, 1)).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(words) && !error.to_string().contains("hunter2"), "{error}");
        }
    }
}

#[test]
fn a_layout_that_was_made_for_other_lines_is_not_applied_by_either_engine() {
    let Some(bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Tool, "A=\"x\ny\"\n# c\nB=2").unwrap();
    // Comments are not covered by the MAC.
    let moved = encrypted.replacen("\n#ENC", "\n#\n#ENC", 1);
    let request = DecryptRequest { text: &moved, age_key_file: None, env: &bench.env(), run: None };
    let opened = bench.engine().decrypt(&request).ok().unwrap();
    assert_eq!(opened.layout, LayoutUse::Ignored);
    assert_eq!(opened.text, "A=\"x\\ny\"\n#\n# c\nB=2\n");
    assert_eq!(bench.decrypt_by(By::Builtin, &moved).unwrap(), opened.text);
}

#[test]
fn a_value_that_has_a_backslash_and_an_n_is_spelled_as_sops_spells_it() {
    let Some(bench) = Bench::new() else { return };
    let args = ["--config", "/dev/null", "encrypt", "--age", &bench.identity.public, "--input-type", "json"];
    let more = ["--output-type", "dotenv", "--filename-override", "/.env"];
    let cmd = envdrift::process::Cmd::new(&bench.sops).args(args).args(more).env("HOME", bench.home());
    let json = r#"{"A": "typed\\nbreak", "B": "real\nbreak", "C": "both\\n\n", "D": 8080, "E": true, "F": 1000000.5}"#;
    let input = envdrift::process::Stdin::Bytes(json.as_bytes().to_vec().into());
    let encrypted = cmd.env("SOPS_DISABLE_VERSION_CHECK", "1").stdin(input).run().unwrap().success().unwrap();
    let encrypted = encrypted.text().unwrap();
    let by_tool = bench.decrypt_by(By::Tool, encrypted).unwrap();
    assert_eq!(by_tool, bench.decrypt_by(By::Builtin, encrypted).unwrap());
    assert!(by_tool.starts_with("A=typed\\nbreak\nB=real\\nbreak\nC=both\\n\\n\nD="), "{by_tool}");
}

#[test]
fn naming_the_engine_runs_the_binary_once_in_its_life_at_most() {
    let Some(mut bench) = Bench::new() else { return };
    let calls = bench.home().join("calls");
    let script =
        format!("#!/bin/sh\necho \"$@\" >> {}\nexec {} \"$@\"\n", calls.display(), bench.sops.display());
    bench.sops = bench.put("bin/sops", "");
    write_atomic(&bench.sops, script.as_bytes(), Mode::Executable).unwrap();
    let asked = || std::fs::read_to_string(&calls).unwrap_or_default().matches("--version").count();
    let expected = format!("sops 3.13.3 ({})", bench.sops.display());
    let encrypting = bench.engine();
    let encrypted = bench.with_request(BODY, |request| encrypting.encrypt(request).ok().unwrap());
    assert_eq!(encrypting.label(), expected);
    assert_eq!(asked(), 0);
    for _ in 0..3 {
        let decrypting = bench.engine();
        let request =
            DecryptRequest { text: &encrypted.text, age_key_file: None, env: &bench.env(), run: None };
        assert!(decrypting.decrypt(&request).is_ok());
        assert_eq!(decrypting.label(), expected);
        assert_eq!(asked(), 1);
    }
}
