//! The built-in SOPS engine against files that real sops wrote, and against what real sops said to them.
//!
//! Every file opens to the same bytes, or is refused where sops refuses it. The few places where the engine is
//! stricter or more forgiving are named here, so that a new one cannot slip in.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use std::path::{Path, PathBuf};

use base64::Engine as _;
use envdrift::backend::sops::builtin::{self, DecryptRequest, EncryptRequest};
use envdrift::backend::sops::error::SopsError;
use envdrift::backend::sops::rules::Recipients;
use envdrift::backend::sops::store;
use envdrift::env::Env;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops")
}

/// The cases of a JSON file.
fn cases(file: &str) -> Vec<Value> {
    let document: Value =
        serde_json::from_str(&std::fs::read_to_string(folder().join(file)).unwrap()).unwrap();
    document.get("cases").unwrap_or(&document).as_array().unwrap().clone()
}

fn bytes(case: &Value, name: &str) -> Option<Vec<u8>> {
    Some(base64::engine::general_purpose::STANDARD.decode(case[name].as_str()?).unwrap())
}

/// An environment that offers the named identities and nothing else.
fn offering(identities: &[&str]) -> Env {
    let mut keys = String::new();
    let mut variables = vec![("HOME".to_owned(), "/nonexistent".to_owned())];
    for name in identities {
        let path = folder().join("keys").join(name);
        if name.starts_with("ssh") {
            variables.push(("SOPS_AGE_SSH_PRIVATE_KEY_FILE".to_owned(), path.display().to_string()));
        } else {
            keys += &std::fs::read_to_string(path.with_extension("txt")).unwrap();
        }
    }
    variables.push(("SOPS_AGE_KEY".to_owned(), keys));
    Env::fixed("/nonexistent", variables)
}

fn decrypt(text: &str, env: &Env) -> Result<String, SopsError> {
    builtin::decrypt(&DecryptRequest { text, age_key_file: None, env, run: None })
        .map(|decrypted| decrypted.text)
}

/// Where sops opens a file and the engine refuses it, with the code of the refusal.
const STRICTER: &[(&str, &str)] = &[
    // sops hands the broken ciphertext out as if it were the comment.
    ("tampered_comment_broken", "sops.comment_damaged"),
    // sops drops the text without a word.
    ("tampered_text_after_value", "sops.value_damaged"),
];

/// Where sops refuses a file and the engine opens it.
const MORE_FORGIVING: &[&str] = &[
    // A checkout with CRLF line ends, which changes nothing that the MAC covers.
    "tampered_crlf",
];

#[test]
fn every_file_of_real_sops_is_opened_or_refused_as_by_sops() {
    let (mut opened, mut refused) = (0, 0);
    for case in cases("index.json") {
        let name = case["name"].as_str().unwrap();
        let raw = std::fs::read(folder().join(case["file"].as_str().unwrap())).unwrap();
        let Ok(text) = String::from_utf8(raw) else {
            assert!(name.starts_with("odd_bytes"), "{name} is not UTF-8");
            continue;
        };
        let identities: Vec<&str> =
            case["identities"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let result = decrypt(&text, &offering(&identities));
        if let Some((_, code)) = STRICTER.iter().find(|(stricter, _)| *stricter == name) {
            assert_eq!(result.unwrap_err().code(), *code, "{name}");
        } else if MORE_FORGIVING.contains(&name) {
            assert!(result.is_ok(), "{name}: {}", result.unwrap_err());
        } else if let Some(plain) = bytes(&case, "plaintext_base64") {
            let got = result.unwrap_or_else(|error| panic!("{name}: {error}"));
            let same = without_blank_lines(&got) == without_blank_lines(std::str::from_utf8(&plain).unwrap());
            assert!(same, "{name}: {got}");
            opened += 1;
        } else {
            let error = result.expect_err(name);
            let expected = family(case["exit"].as_i64().unwrap());
            assert!(expected.contains(&error.code()), "{name}: {} {error}", error.code());
            refused += 1;
        }
    }
    assert!(opened > 75 && refused > 55, "{opened} opened, {refused} refused");
}

/// We keep the blank lines that sops drops.
fn without_blank_lines(text: &str) -> Vec<&str> {
    text.split('\n').filter(|line| !line.is_empty()).collect()
}

/// The refusals that correspond to an exit code of sops.
fn family(exit: i64) -> &'static [&'static str] {
    match exit {
        1 => {
            &["sops.line", "sops.not_encrypted", "sops.metadata", "sops.metadata_twice", "sops.metadata_hole"]
        }
        2 => &["sops.type_changed"],
        25 => &["sops.value_damaged", "sops.value_in_clear", "sops.type_changed"],
        51 => &["sops.mac_missing", "sops.mac_damaged", "sops.mac_mismatch", "sops.type_changed"],
        128 => &["sops.no_identity", "sops.wrong_identity", "sops.too_few_groups", "sops.key_damaged"],
        _ => &[],
    }
}

#[test]
fn every_body_is_opened_from_sops_and_kept_by_the_engine() {
    let recipient = std::fs::read_to_string(folder().join("keys/a.txt")).unwrap();
    let recipient = recipient.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap();
    let env = offering(&["a"]);
    let (mut opened, mut kept) = (0, 0);
    for case in cases("bodies-3.13.3.json") {
        let name = case["name"].as_str().unwrap();
        let Ok(body) = String::from_utf8(bytes(&case, "body_base64").unwrap()) else { continue };
        let by_sops = bytes(&case, "encrypted_base64").map(|bytes| String::from_utf8(bytes).unwrap());
        if let Some(encrypted) = &by_sops {
            let decrypted = String::from_utf8(bytes(&case, "decrypted_base64").unwrap()).unwrap();
            assert_eq!(decrypt(encrypted, &env).as_deref(), Ok(&*decrypted), "{name}");
            opened += 1;
        }
        let request = EncryptRequest {
            text: &body,
            name: Path::new("/nonexistent/.env"),
            recipients: &Recipients { age: vec![recipient.to_owned()], ..Recipients::default() },
            sops_config: None,
            env: &env,
            now: "2026-11-24T21:59:42Z".parse().unwrap(),
            previous: None,
        };
        match builtin::encrypt(&request) {
            Ok(encrypted) => {
                builtin::prove(&body, &encrypted).unwrap();
                assert_eq!(decrypt(&encrypted.text, &env).as_deref(), Ok(&*body), "{name}");
                kept += 1;
            }
            Err(error) => {
                assert_eq!(by_sops, None, "{name}: sops takes it, the engine does not: {error}");
                assert_eq!(error.code(), "sops.line", "{name}");
                assert!(store::split_plain(&body).is_err());
            }
        }
    }
    assert!(opened > 55 && kept > 58, "{opened} opened, {kept} kept");
}
