//! The SOPS engine that runs the binary, against the real binary and beside the built-in engine.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod bench;
mod bodies;

use std::path::Path;

use base64::Engine as _;
use bench::Bench;
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
