//! The SOPS engine that runs the binary, against the real binary and beside the built-in engine.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod bench;
mod bodies;
mod diff;
mod keys;
mod liars;
mod places;

use std::path::Path;

use crate::support::{RULED, RULES};
use base64::Engine as _;
use bench::{BOTH, Bench};
use envdrift::backend::sops::builtin::{self, DecryptRequest};
use envdrift::backend::sops::tool::SopsTool;
use envdrift::env::Env;
use envdrift::process::{Source, Tool, ToolName};
use serde_json::Value;

/// The cases of a JSON file of vectors.
fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops").join(file);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    document.get("cases").unwrap_or(&document).as_array().unwrap().clone()
}

fn bytes(case: &Value, name: &str) -> Option<Vec<u8>> {
    Some(base64::engine::general_purpose::STANDARD.decode(case[name].as_str()?).unwrap())
}

/// Runs `each` for every item, on two threads.
fn on_two_threads<T: Sync>(items: &[T], each: impl Fn(&T) + Sync) {
    let (left, right) = items.split_at(items.len() / 2);
    std::thread::scope(|scope| {
        scope.spawn(|| left.iter().for_each(&each));
        right.iter().for_each(&each);
    });
}

#[test]
fn each_engine_opens_what_each_engine_encrypted_and_both_write_the_same_file() {
    let Some(bench) = Bench::new() else { return };
    let mut all: Vec<(String, String)> =
        bodies::BODIES.iter().map(|(name, body)| ((*name).to_owned(), (*body).to_owned())).collect();
    for case in cases("bodies-3.13.3.json") {
        let Ok(body) = String::from_utf8(bytes(&case, "body_base64").unwrap()) else { continue };
        all.push((case["name"].as_str().unwrap().to_owned(), body));
    }
    let taken = std::sync::atomic::AtomicUsize::new(0);
    on_two_threads(&all, |(name, body)| {
        if bench.cross(body, name) {
            taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let taken = taken.into_inner();
    assert!(taken > all.len() * 9 / 10, "only {taken} of {} were taken", all.len());
}

#[test]
fn every_rule_and_mac_scope_picks_the_same_in_both_engines() {
    let Some(mut bench) = Bench::new() else { return };
    let public = bench.identity.public.clone();
    let mut taken = 0;
    for rule in RULES {
        for scope in ["mac_only_encrypted: true", "mac_only_encrypted: false"] {
            bench.rule(&format!("path_regex: \\.env$\nage: {public}\n{scope}\n{rule}"));
            taken += RULED.iter().filter(|body| bench.cross(body, rule)).count();
        }
    }
    assert!(taken > 30, "{taken}");
}

#[test]
fn a_rule_that_encrypts_nothing_is_refused_before_the_binary_runs() {
    let Some(mut bench) = Bench::new() else { return };
    let public = bench.identity.public.clone();
    bench.sops = "/nonexistent/sops".into();
    for (rule, code) in [
        ("encrypted_regex: ^nothing$", "sops.nothing_encrypted"),
        ("encrypted_regex: \"(\"", "sops.regex"),
        ("unencrypted_comment_regex: ENC", "sops.rule_matches_ciphertext"),
        ("encrypted_regx: ^A", "sops.config_unknown_key"),
        ("path_regex: ^other$", "sops.no_matching_rule"),
    ] {
        bench.rule(&format!("age: {public}\n{rule}"));
        for by in BOTH {
            let error = bench.encrypt_by(by, "A=1\n# c\nB=2\n").map(|_| ()).unwrap_err();
            assert_eq!(error.code(), code, "{rule}, {by:?}: {error}");
        }
    }
    for (body, code) in [("A=1\nwords\n", "sops.line"), ("sops_x=1\n", "sops.reserved_key")] {
        assert_eq!(bench.refusal(body).code(), code);
    }
}

/// An engine over the real binary that is offered the named identities of the vectors.
fn offering(sops: &Path, identities: &[&str]) -> (SopsTool, Env) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/keys");
    let mut keys = String::new();
    let mut variables = vec![("HOME".to_owned(), "/nonexistent".to_owned())];
    for name in identities {
        if name.starts_with("ssh") {
            let path = folder.join(name).display().to_string();
            variables.push(("SOPS_AGE_SSH_PRIVATE_KEY_FILE".to_owned(), path));
        } else {
            keys += &std::fs::read_to_string(folder.join(name).with_extension("txt")).unwrap();
        }
    }
    let keys: Vec<&str> = keys.lines().filter(|line| !line.starts_with('#')).collect();
    variables.push(("SOPS_AGE_KEY".to_owned(), keys.join("\n")));
    let env = Env::fixed("/", variables);
    let tool = Tool { name: ToolName::Sops, path: sops.to_path_buf(), source: Source::Path };
    (SopsTool::new(tool, env.clone()), env)
}

#[test]
fn both_engines_open_and_refuse_the_same_files_of_real_sops() {
    let Some(sops) = crate::support::tool("bin/sops-3.13.3/sops") else { return };
    on_two_threads(&cases("index.json"), |case| {
        let name = case["name"].as_str().unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops");
        let Ok(text) = std::fs::read_to_string(path.join(case["file"].as_str().unwrap())) else { return };
        let identities: Vec<&str> =
            case["identities"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        let (engine, env) = offering(&sops, &identities);
        let request = DecryptRequest { text: &text, age_key_file: None, env: &env, run: None };
        let by_tool = engine.decrypt(&request).map(|opened| opened.text).map_err(|error| error.code());
        let builtin = builtin::decrypt(&request).map(|opened| opened.text).map_err(|error| error.code());
        assert_eq!(by_tool, builtin, "{name}");
    });
}
