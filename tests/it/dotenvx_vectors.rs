//! What the real dotenvx wrote, in three versions, opened by the built-in engine.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envdrift::backend::dotenvx::Dotenvx;
use envdrift::backend::dotenvx::builtin::Builtin;
use envdrift::backend::{Engine as _, EngineError, Job};
use envdrift::env::Env;
use envdrift::envfile::EnvFile;
use envdrift::keys::KeyRing;
use envdrift::workspace::target::Target;
use serde_json::Value;

/// Bodies that are not UTF-8: dotenvx replaces their bytes, envdrift refuses them when it reads the file.
const NOT_TEXT: [&str; 2] = ["57_latin1", "63_utf16"];

fn bytes(case: &Value, field: &str) -> Vec<u8> {
    STANDARD.decode(case[field].as_str().unwrap()).unwrap()
}

/// Key and value of every assignment but the public keys.
fn pairs(file: &EnvFile) -> Vec<(String, String)> {
    let entries = file.entries().iter().map(|entry| (file.key(entry).to_owned(), file.value(entry)));
    entries.filter(|(key, _)| !key.starts_with("DOTENV_PUBLIC_KEY")).collect()
}

fn opens_to_the_values_of_its_body(version: &str, case: &Value) {
    let name = case["name"].as_str().unwrap();
    let body = EnvFile::parse(String::from_utf8(bytes(case, "body_base64")).unwrap());
    let wanted = match (version, name) {
        // To 1.x a backslash before a single quote is part of the value.
        ("1.75.1", "23_sq_esc_sq") => vec![("A".into(), r"it\'s".into())],
        _ => pairs(&body),
    };
    let file = EnvFile::parse(String::from_utf8(bytes(case, "encrypted_base64")).unwrap());
    let store = format!("DOTENV_PRIVATE_KEY={}\n", case["private_key"].as_str().unwrap_or_default());
    let ring = KeyRing::collect(Some(&store), &Env::default());
    let target = Target::new(Path::new("/w"), Path::new(".env"));
    let job = Job { target: &target, file: &file, ring: &ring, public: None, previous: None };
    if (version, name) == ("1.75.1", "54_val_prefix_val") {
        // 1.x leaves the end of the longer value in clear behind the ciphertext of the shorter one.
        assert!(matches!(Dotenvx(Builtin).decrypt(&job), Err(EngineError::Damaged { line: 9, .. })));
        return;
    }
    let plain = match Dotenvx(Builtin).decrypt(&job) {
        // dotenvx encrypts nothing in some bodies and then makes no key.
        Err(_) if ring.is_empty() => file.text().to_owned(),
        plain => plain.unwrap_or_else(|error| panic!("{name}: {error}")),
    };
    assert_eq!(pairs(&EnvFile::parse(plain)), wanted, "{name}");
}

fn all_cases_of(vectors: &str) {
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() >= 66, "{}", cases.len());
    for case in cases.iter().filter(|case| !NOT_TEXT.contains(&case["name"].as_str().unwrap())) {
        opens_to_the_values_of_its_body(vectors["version"].as_str().unwrap(), case);
    }
}

#[test]
fn files_of_dotenvx_1_75_1_open() {
    all_cases_of(include_str!("../vectors/dotenvx/1.75.1.json"));
}

#[test]
fn files_of_dotenvx_2_21_0_open() {
    all_cases_of(include_str!("../vectors/dotenvx/2.21.0.json"));
}

#[test]
fn files_of_dotenvx_2_38_2_open() {
    all_cases_of(include_str!("../vectors/dotenvx/2.38.2.json"));
}
