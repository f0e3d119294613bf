//! The built-in SOPS engine against the real sops binary, both ways.
//!
//! What the engine encrypts, sops must open with its MAC verified and read as the same values; what sops encrypts,
//! the engine must open to the same bytes; what one refuses as tampered, the other must. The binaries are those that
//! tests/tools.sh installs; where they are absent the tests of this file say so and pass.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod bench;
mod generator;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Identity, RULED, RULES};
use bench::Bench;
use envdrift::backend::sops::keep::Kept;
use generator::{as_sops_spells_it, file, pattern};

/// Both ways over the files of `seeds`, on two threads.
fn both_ways(seeds: std::ops::Range<u64>) {
    let Some(bench) = Bench::new() else { return };
    let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = usize::try_from(seeds.end - seeds.start).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let seed = seeds.start + u64::try_from(index).unwrap();
                    if !one_file(&bench, seed) {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let refused = refused.into_inner();
    assert!(refused * 10 < count, "{refused} of {count} files were refused");
}

/// Whether the engine took the file.
fn one_file(bench: &Bench, seed: u64) -> bool {
    let text = file(seed);
    let encrypted = match bench.encrypt(&text) {
        Ok(encrypted) => encrypted.text,
        Err(error) => {
            assert_eq!(error.code(), "sops.nothing_encrypted", "seed {seed}: {text:?}");
            return false;
        }
    };
    assert_eq!(bench.decrypt(&encrypted).as_deref(), Ok(&*text), "seed {seed}");
    let plain = as_sops_spells_it(&text);
    assert_eq!(bench.sops_decrypt(&encrypted).as_deref(), Ok(&*plain), "seed {seed}: {text:?}\n{encrypted}");
    let by_sops =
        bench.sops_encrypt(&plain).unwrap_or_else(|code| panic!("seed {seed}: exit {code}: {plain:?}"));
    assert_eq!(bench.decrypt(&by_sops).as_deref(), Ok(&*plain), "seed {seed}: {plain:?}\n{by_sops}");
    true
}

#[test]
fn files_read_the_same_both_ways() {
    both_ways(0..if crate::support::thorough() { 2_000 } else { 100 });
}

/// A `.sops.yaml` with one rule.
fn config(recipients: &str, rule: &str, more: &str) -> String {
    format!("creation_rules:\n  - path_regex: \\.env$\n    {recipients}\n    {more}\n    {rule}\n")
}

#[test]
fn every_rule_and_mac_scope_picks_the_same_values_as_sops() {
    let Some(mut bench) = Bench::new() else { return };
    bench.with_flag = false;
    for rule in RULES {
        for scope in ["", "mac_only_encrypted: true"] {
            bench.put(".sops.yaml", &config(&format!("age: {}", bench.identity.public), rule, scope));
            for body in RULED {
                compare(&bench, body, rule);
            }
        }
    }
}

/// Both ways for one text, and the same lines in clear on both sides.
fn compare(bench: &Bench, body: &str, what: &str) {
    let plain = as_sops_spells_it(body);
    let encrypted = match bench.encrypt(body) {
        Ok(encrypted) => encrypted.text,
        Err(error) => {
            assert_eq!(error.code(), "sops.nothing_encrypted", "{what}: {body:?}");
            return;
        }
    };
    assert_eq!(bench.decrypt(&encrypted).as_deref(), Ok(body), "{what}");
    assert_eq!(bench.sops_decrypt(&encrypted).as_deref(), Ok(&*plain), "{what}: {body:?}\n{encrypted}");
    let by_sops = bench.sops_encrypt(&plain).unwrap();
    assert_eq!(bench.decrypt(&by_sops).as_deref(), Ok(&*plain), "{what}: {by_sops}");
    assert_eq!(skeleton(&encrypted), skeleton(&by_sops), "{what}");
}

/// The lines of an encrypted file with every ciphertext, key block and layout taken out.
fn skeleton(text: &str) -> Vec<String> {
    let blank_out = |line: &str| match line.find("ENC[").or_else(|| line.find("-----BEGIN AGE")) {
        Some(at) => line[..at].to_owned(),
        None if line.starts_with("sops_lastmodified=") => "sops_lastmodified=".to_owned(),
        None => line.to_owned(),
    };
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with("sops_envdrift_layout="))
        .map(blank_out)
        .collect()
}

/// Patterns on which Go and the `regex` crate might differ, valid ones and others.
const PATTERNS: &[&str] = &[
    "PASS",
    "(?i)pass",
    "^A",
    "1$",
    "^[A-Z]+$",
    "\\d",
    "^\\D+$",
    "^\\w+$",
    "\\W",
    "\\s",
    "^\\S+$",
    "\\bPASS",
    "S\\B",
    "é",
    "[é-ü]",
    "^.{4}$",
    "A{2}",
    "A{,2}",
    "A{x",
    "x{1001}",
    "x{2,1}",
    "a**",
    "A*+",
    "A+?",
    "A{1}{2}",
    "*A",
    "(",
    ")",
    "[",
    "]",
    "[]A]",
    "[A[]",
    "[[:alpha:]]{9}",
    "[[:^alnum:]]",
    "[[:nope:]]",
    "[A&&B]",
    "[_~~]",
    "[a--]",
    "[+--]",
    "\\QA.B\\E",
    "\\Q.",
    "\\.",
    "\\_",
    "\\<",
    "\\Z",
    "\\z",
    "\\Aa",
    "\\1",
    "\\101",
    "\\x41",
    "\\x{41}",
    "\\pL",
    "\\p{Greek}",
    "\\pX",
    "\\PL",
    "(?P<n>A)",
    "(?<n>A)",
    "(?:A)",
    "(?s-m:A.B)",
    "(?x)A",
    "(?U)A+",
    "(?i:pass)",
    "(?=A)",
    "A|",
    "",
    "^$",
    "(?i)K",
    "[\\d_]",
    "[^\\W]$",
    "[\\b]",
    "[A-\\d]",
    "a\\",
    "\\C",
    "(?m)^B",
    "\\é",
    "\\-",
    "[\\-x]",
    "A{1001}",
    "(A{500}){3}",
    "[[:alpha:]-z]",
    "(?i)[^a]",
    "(?i)\\W",
];

const KEYS: &str = "A=1\nAA=1\nA1=1\nPASSWORD=1\ndb_pass=1\nA.B=1\nA-B=1\nclé=1\nΩMEGA=1\nmy key=1\n٣=1\nA{,2}=1\nA{x=1\n]=1\nA\\nB=1\n\
    A&B=1\n[x]=1\n~=1\n\u{212a}EY=1\nſ=1\n\u{a0}N=1\nV\u{b}T=1\n<x=1\n";

#[test]
fn regular_expressions_pick_what_they_pick_in_go() {
    let Some(mut bench) = Bench::new() else { return };
    bench.with_flag = false;
    let differing: Vec<&&str> = PATTERNS.iter().filter(|pattern| !picks_the_same(&bench, pattern)).collect();
    assert_eq!(differing, [&""; 0]);
}

#[test]
fn made_up_regular_expressions_pick_what_they_pick_in_go() {
    let Some(mut bench) = Bench::new() else { return };
    bench.with_flag = false;
    let patterns: Vec<String> =
        (0..if crate::support::thorough() { 1_000 } else { 50 }).map(pattern).collect();
    let differing: Vec<&String> =
        patterns.iter().filter(|pattern| !picks_the_same(&bench, pattern)).collect();
    assert_eq!(differing, [""; 0]);
}

fn picks_the_same(bench: &Bench, pattern: &str) -> bool {
    let rule = format!("encrypted_regex: '{pattern}'");
    bench.put(".sops.yaml", &config(&format!("age: {}", bench.identity.public), &rule, ""));
    let by_sops = bench.sops_encrypt(KEYS).unwrap();
    match bench.encrypt(KEYS) {
        Ok(encrypted) => skeleton(&encrypted.text) == skeleton(&by_sops),
        // sops leaves everything in clear under such a rule.
        Err(error) => error.to_string().contains("encrypted_regex") && by_sops.starts_with(KEYS),
    }
}

#[test]
fn several_recipients_and_key_groups_are_written_and_opened_as_sops_does() {
    let Some(mut bench) = Bench::new() else { return };
    let (other, third) = (Identity::new(), Identity::new());
    let (mine, other, third) = (bench.identity.public.clone(), other.public, third.public);
    bench.with_flag = false;
    let groups = |threshold: &str, groups: &[&str]| {
        let list: String = groups.iter().flat_map(|group| ["\n      - age: [", group, "]"]).collect();
        format!("key_groups:{list}\n    {threshold}")
    };
    for recipients in [
        format!("age: '{mine},{other}, {third}'"),
        format!("age:\n      - {other}\n      - {mine}"),
        groups("shamir_threshold: 2", &[&mine]),
        groups("", &[&mine, &format!("{mine}, {other}")]),
        groups("shamir_threshold: 2", &[&mine, &other, &format!("{third},{mine}")]),
        format!(
            "key_groups:\n      - merge:\n          - age: [{other}]\n          - age: [{mine}]\n        age: [{other}]"
        ),
        format!("shamir_threshold: 3\n    age: {mine}"),
    ] {
        bench.put(".sops.yaml", &config(&recipients, "", ""));
        for body in &RULED[..2] {
            compare(&bench, body, &recipients);
        }
    }
    let mut many: Vec<String> = (0..11).map(|_| Identity::new().public).collect();
    many.push(mine);
    bench.put(".sops.yaml", &config(&format!("age: {}", many.join(",")), "", ""));
    compare(&bench, RULED[0], "twelve recipients");
}

#[test]
fn an_ssh_recipient_is_written_and_opened_as_sops_does() {
    let Some(mut bench) = Bench::new() else { return };
    let key = include_str!("../vectors/sops/keys/ssh_ed25519");
    let recipient = include_str!("../vectors/sops/keys/ssh_ed25519.pub").trim();
    bench.put(".ssh/id_ed25519", key);
    bench.identity = Identity { public: recipient.to_owned(), ..Identity::new() };
    compare(&bench, RULED[0], "ssh");
}

#[test]
fn a_rule_is_chosen_by_path_as_sops_chooses_it() {
    let Some(mut bench) = Bench::new() else { return };
    let mine = bench.identity.public.clone();
    bench.with_flag = false;
    let rules = |first: &str| {
        format!(
            "creation_rules:\n  - path_regex: '{first}'\n    age: {mine}\n    encrypted_suffix: A\n  - age: {mine}\n    encrypted_suffix: B\n"
        )
    };
    for pattern in ["^\\.env$", "^/", "env", "^env", "\\.ENV$", "(?i)\\.ENV$", "[[:alpha:]]{3}$", "^.env\\z"]
    {
        bench.put(".sops.yaml", &rules(pattern));
        compare(&bench, "A=1\nB=2\n", pattern);
    }
    bench.put(".sops.yaml", &format!("creation_rules:\n  - path_regex: nowhere\n    age: {mine}\n"));
    assert_eq!(bench.encrypt("A=1\n").err().unwrap().code(), "sops.no_matching_rule");
    assert_eq!(bench.sops_encrypt("A=1\n"), Err(1));
}

#[test]
fn values_that_sops_set_gave_a_type_are_read_as_sops_reads_them() {
    let Some(bench) = Bench::new() else { return };
    for json in ["8080", "1000000", "0.00001", "-2.5", "1e30", "true", "false", "\"text\"", "0"] {
        let path = bench.put("t.env", &bench.sops_encrypt("A=1\nB=2\n").unwrap());
        bench
            .run(&["set", "--input-type", "dotenv", "--output-type", "dotenv", "t.env", "[\"B\"]", json], "")
            .unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(bench.decrypt(&text).ok(), bench.sops_decrypt(&text).ok(), "{json}: {text}");
    }
    let yaml = "a: 42\nb: 1.50\nc: true\nd: 2024-01-01T00:00:00.5Z\ne: 2024-01-01\nf: -7\ng: \"x\\ny\"\n";
    let args = ["encrypt", "--age", &bench.identity.public, "--filename-override", ".env"];
    let text =
        bench.run(&[&args[..], &["--input-type", "yaml", "--output-type", "dotenv"]].concat(), yaml).unwrap();
    assert_eq!(bench.decrypt(&text).ok(), bench.sops_decrypt(&text).ok(), "{text}");
}

#[test]
fn what_sops_set_unset_and_rotate_make_of_our_file_is_read_again() {
    let Some(bench) = Bench::new() else { return };
    let body = "# top\n\nA=\"x\ny\"\nB=2\n";
    let path = bench.put("t.env", &bench.encrypt(body).unwrap().text);
    let types = ["--input-type", "dotenv", "--output-type", "dotenv"];
    bench.run(&[&["set"], &types[..], &["t.env", "[\"B\"]", "\"three\""]].concat(), "").unwrap();
    let changed = std::fs::read_to_string(&path).unwrap();
    assert_eq!(bench.decrypt(&changed).unwrap(), "# top\nA=\"x\\ny\"\nB=three\n");
    bench.run(&[&["rotate", "-i"], &types[..], &["t.env"]].concat(), "").unwrap();
    let rotated = std::fs::read_to_string(&path).unwrap();
    assert_eq!(bench.decrypt(&rotated).unwrap(), "# top\nA=\"x\\ny\"\nB=three\n");
}

#[test]
fn the_binary_store_is_opened_byte_for_byte() {
    let Some(bench) = Bench::new() else { return };
    let body = "# top\r\n\n  A=1\n\u{0}\nno pair";
    let args = ["encrypt", "--age", &bench.identity.public, "--filename-override", ".env.production"];
    let text = bench.run(&args, body).unwrap();
    assert!(text.starts_with('{'));
    assert_eq!(bench.decrypt(&text).unwrap(), body);
    let json =
        bench.run(&[&args[..], &["--input-type", "dotenv", "--output-type", "json"]].concat(), "A=1\nB=2\n");
    assert_eq!(bench.decrypt(&json.unwrap()).unwrap_err().code(), "sops.other_store");
    let yaml =
        bench.run(&[&args[..], &["--input-type", "dotenv", "--output-type", "yaml"]].concat(), "A=1\nB=2\n");
    assert_eq!(bench.decrypt(&yaml.unwrap()).unwrap_err().code(), "sops.other_store");
}

#[test]
fn a_kept_ciphertext_still_opens_with_sops() {
    let Some(bench) = Bench::new() else { return };
    let before = "# note\nA=1\nA=1\nB=two\n\nC=3\n";
    let first = bench.encrypt(before).unwrap().text;
    let same = bench.encrypt_after(before, Some(&first)).unwrap();
    assert_eq!((same.text.as_str(), &same.kept), (&*first, &Kept::Everything));
    let after = "# note\nA=1\nA=1\nB=changed\n\nC=3\n";
    let second = bench.encrypt_after(after, Some(&first)).unwrap();
    assert_eq!(second.kept, Kept::Lines(4));
    let changed: Vec<&str> = first
        .lines()
        .zip(second.text.lines())
        .filter(|(old, new)| old != new)
        .map(|(old, _)| old.split('=').next().unwrap())
        .collect();
    assert_eq!(changed, ["B", "sops_mac"], "the clock stands still in tests, so lastmodified is the same");
    assert_eq!(bench.sops_decrypt(&second.text).unwrap(), as_sops_spells_it(after));
}

#[test]
fn older_versions_of_sops_open_what_we_write() {
    let Some(bench) = Bench::of_version("3.9.4") else { return };
    for body in RULED {
        let encrypted = bench.encrypt(body).unwrap().text;
        let path = bench.put("t.env", &encrypted);
        let args = ["decrypt", "--input-type", "dotenv", "--output-type", "dotenv", path.to_str().unwrap()];
        assert_eq!(bench.run(&args, "").as_deref(), Ok(&*as_sops_spells_it(body)));
    }
}
