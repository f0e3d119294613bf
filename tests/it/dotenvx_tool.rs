//! The dotenvx engine over the real binaries, which `tests/tools.sh` puts under target/tools.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use envdrift::backend::dotenvx::tool::{DotenvxTool, DotenvxToolError};
use envdrift::env::Env;
use envdrift::process::{Source, Tool, ToolName};
use envdrift::secret::Secret;

const VERSIONS: [&str; 3] = ["1.75.1", "2.21.0", "2.38.2"];

fn binary(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/tools/bin/dotenvx-{version}/dotenvx"))
}

/// The engine of each version that is installed; names the others.
fn engines(env: &Env) -> Vec<(&'static str, DotenvxTool)> {
    let (there, missing): (Vec<_>, Vec<_>) =
        VERSIONS.into_iter().partition(|version| binary(version).is_file());
    if !missing.is_empty() {
        eprintln!("left out: dotenvx {missing:?}; run tests/tools.sh");
        assert!(!crate::support::thorough(), "tools are required");
    }
    let engine = |version| {
        let tool = Tool { name: ToolName::Dotenvx, path: binary(version), source: Source::Path };
        (version, DotenvxTool::new(tool, env.clone()))
    };
    there.into_iter().map(engine).collect()
}

/// An environment full of traps, with its own folder for temporary files.
fn sandbox(temp: &Path) -> Env {
    Env::fixed(
        temp,
        [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("TMPDIR", temp.to_str().unwrap()),
            ("HOME", "/root"),
            ("DOTENV_PRIVATE_KEY", "from the user's shell"),
            ("DOTENV_KEY", "x"),
            ("NODE_OPTIONS", "--require=/nowhere.js"),
        ],
    )
}

struct Pair {
    public: String,
    private: Secret,
}

fn pair() -> Pair {
    let (private, public) = ecies::utils::generate_keypair();
    Pair {
        public: hex::encode(public.serialize_compressed()),
        private: Secret::new(hex::encode(private.serialize())),
    }
}

fn values() -> Vec<String> {
    let long = "x1é".repeat(8_000);
    let lines: String = (0..200).flat_map(|line| [line.to_string(), "\n".into()]).collect();
    let mut values: Vec<String> = [
        "",
        " ",
        "hello",
        "a b",
        " lead",
        "trail ",
        "\tlead",
        "trail\t",
        "\u{a0}x\u{a0}",
        "\u{feff}x",
        "#",
        "a#b",
        "a # b",
        "# c",
        "p@$$w0rd",
        "${HOME}",
        "$HOME",
        "${K:-x}",
        r"a\$b",
        "$(touch pwned)",
        "`touch pwned`",
        "x`touch pwned`y",
        "$(touch pwned)'",
        "it's",
        "'",
        "''",
        "'a'",
        "\"",
        "\"\"",
        "\"a\"",
        "`",
        "``",
        "`a`",
        "'\"",
        "'`",
        "\"`",
        "'a' \"b\"",
        "it's `x`",
        "x'\"`y",
        r"a\nb",
        r"a\tb\rc",
        r"C:\\temp",
        r"C:\new\table",
        r"\",
        r"\\",
        r"a\",
        r"it's\",
        r"\'",
        r#"\""#,
        r"it\'s",
        r#"say \"hi\""#,
        "a\nb",
        "\n",
        "\n\n",
        "a\n",
        "\na",
        "a\rb",
        "\r",
        "\r\n",
        "a\r\nb\r\n",
        "it's\r\n",
        "`\r`",
        "a\tb",
        "nul\u{0}nul",
        "\u{1}\u{7f}\u{1b}[31m",
        "\u{2028}\u{2029}\u{85}",
        "üñí 🔑 e\u{301}",
        "null",
        "123",
        "true",
        "{\"a\": [1, \"b\"]}",
        "A=b\nB=c",
        "export A=b",
        "a=b==",
        "https://u:p@h/?q=1#f",
        "op://vault/item/field",
        "bw://item",
        "K=1",
        "DOTENV_PUBLIC_KEY=x",
        "ENC[AES256_GCM,data:x]",
        "-----BEGIN X-----\nMIIB\n-----END X-----\n",
        "__proto__",
        "%s %d",
        "[.*+?^${}()|]",
        "$&$1$`$'",
        "\\\n",
        "a\\\n'",
    ]
    .map(str::to_owned)
    .to_vec();
    values.extend([long, lines, "'".repeat(3000), "$".repeat(20_000)]);
    values
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn every_value_comes_back_exactly_through_every_version_and_nothing_is_run_or_left() {
    let temp = tempfile::tempdir().unwrap();
    let env = sandbox(temp.path());
    let plain = values();
    let secrets: Vec<Secret> = plain.iter().map(Secret::new).collect();
    for (version, engine) in engines(&env) {
        let keys = pair();
        let sealed = engine.seal(&keys.public, &secrets).unwrap_or_else(|error| {
            let value = error.index().map(|index| plain[index].chars().take(40).collect::<String>());
            panic!("{version}: {error}: {value:?}")
        });
        let private = hex::decode(keys.private.expose()).unwrap();
        for (text, sealed) in plain.iter().zip(&sealed) {
            let bytes = base64_decode(sealed.strip_prefix("encrypted:").unwrap());
            let peer = ecies::decrypt(&private, &bytes).unwrap();
            assert!(
                peer == text.as_bytes(),
                "{version}: sealed {text:?} as {:?}",
                String::from_utf8_lossy(&peer)
            );
        }
        let opened = engine.open(std::slice::from_ref(&keys.private), &sealed);
        let opened = opened.unwrap_or_else(|error| panic!("{version}: {error}"));
        for (text, opened) in plain.iter().zip(&opened) {
            assert!(opened.expose() == text, "{version}: opened {text:?} as {:?}", opened.expose());
        }
        assert!(names(temp.path()).is_empty(), "{version} left {:?}", names(temp.path()));
    }
}

#[test]
fn a_value_of_100_kb_is_exact_or_refused_and_one_of_2_mb_is_refused_by_its_index() {
    let temp = tempfile::tempdir().unwrap();
    for (version, engine) in engines(&sandbox(temp.path())) {
        let keys = pair();
        let long =
            |length: usize| [Secret::new("x"), Secret::new("$é ".repeat(length / 4)), Secret::new("y")];
        match engine.seal(&keys.public, &long(100_000)) {
            Ok(sealed) => {
                let opened = engine.open(std::slice::from_ref(&keys.private), &sealed).unwrap();
                assert!(opened[1] == long(100_000)[1], "{version}");
            }
            Err(error) => {
                assert_eq!((error.code(), error.index()), ("engine.unrepresentable", Some(1)), "{version}");
            }
        }
        let error = engine.seal(&keys.public, &long(2_000_000)).unwrap_err();
        assert_eq!((error.code(), error.index()), ("engine.unrepresentable", Some(1)), "{version}: {error}");
        assert!(error.to_string().len() < 200, "the tool's text, which holds the value, is not repeated");
        let public = hex::decode(&keys.public).unwrap();
        let sealed = [peer_seal(&public, "é".repeat(1_000_000).as_bytes())];
        let opened = engine.open(std::slice::from_ref(&keys.private), &sealed).unwrap();
        assert!(opened[0].expose() == "é".repeat(1_000_000), "{version}");
    }
}

fn base64_decode(text: &str) -> Vec<u8> {
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap()
}

#[test]
fn values_that_look_encrypted_are_refused_for_encryption_and_opened_all_the_same() {
    let temp = tempfile::tempdir().unwrap();
    for (version, engine) in engines(&sandbox(temp.path())) {
        let keys = pair();
        let error = engine.seal(&keys.public, &[Secret::new("a"), Secret::new("encrypted:x")]).unwrap_err();
        assert_eq!(error.index(), Some(1), "{version}: {error}");
        assert!(error.hint().unwrap().contains("builtin"));
        let public = hex::decode(&keys.public).unwrap();
        let sealed: Vec<String> =
            ["encrypted:x", "plain"].map(|text| peer_seal(&public, text.as_bytes())).to_vec();
        let opened = engine.open(std::slice::from_ref(&keys.private), &sealed).unwrap();
        assert_eq!(opened[0].expose(), "encrypted:x", "{version}");
        assert_eq!(opened[1].expose(), "plain", "{version}");
    }
}

fn peer_seal(public: &[u8], plain: &[u8]) -> String {
    let bytes = ecies::encrypt(public, plain).unwrap();
    format!("encrypted:{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes))
}

#[test]
fn the_right_key_is_found_anywhere_in_a_ring() {
    let temp = tempfile::tempdir().unwrap();
    for (version, engine) in engines(&sandbox(temp.path())) {
        let (a, b, c) = (pair(), pair(), pair());
        let sealed = [peer_seal(&hex::decode(&b.public).unwrap(), b"x")];
        for ring in [[&a, &b, &c], [&b, &a, &c], [&c, &a, &b]] {
            let keys: Vec<Secret> = ring.iter().map(|pair| pair.private.clone()).collect();
            let opened = engine.open(&keys, &sealed);
            assert_eq!(opened.unwrap_or_else(|error| panic!("{version}: {error}"))[0].expose(), "x");
        }
    }
}

#[test]
fn wrong_missing_and_malformed_keys_are_told_apart_and_never_shown() {
    let temp = tempfile::tempdir().unwrap();
    for (version, engine) in engines(&sandbox(temp.path())) {
        let (ours, theirs) = (pair(), pair());
        let public = hex::decode(&ours.public).unwrap();
        let sealed = [peer_seal(&public, b"secret value"), peer_seal(&public, b"other")];
        let code = |error: DotenvxToolError| {
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(
                !text.contains(&theirs.private.expose()[..7]) && !text.contains("secret value"),
                "{text}"
            );
            error.code()
        };
        let wrong = engine.open(std::slice::from_ref(&theirs.private), &sealed).unwrap_err();
        assert_eq!(wrong.index(), Some(0));
        assert_eq!(code(wrong), "engine.wrong_key", "{version}");
        let missing = code(engine.open(&[], &sealed).unwrap_err());
        assert!(["engine.missing_key", "engine.wrong_key"].contains(&missing), "{version}: {missing}");
        let malformed = code(engine.open(&[Secret::new("abc")], &sealed).unwrap_err());
        assert_eq!(malformed, "engine.bad_private_key");
        let zero = code(engine.open(&[Secret::new("0".repeat(64))], &sealed).unwrap_err());
        assert!(["engine.bad_private_key", "engine.wrong_key"].contains(&zero), "{version}: {zero}");
        let off_curve = format!("02{}", "f".repeat(64));
        let public_key = code(engine.seal(&off_curve, &[Secret::new("x")]).unwrap_err());
        assert_eq!(public_key, "engine.bad_public_key", "{version}");
    }
}

#[test]
fn a_damaged_ciphertext_and_bytes_that_are_no_text_are_errors() {
    let temp = tempfile::tempdir().unwrap();
    for (version, engine) in engines(&sandbox(temp.path())) {
        let keys = pair();
        let public = hex::decode(&keys.public).unwrap();
        let ring = std::slice::from_ref(&keys.private);
        let good = peer_seal(&public, b"x");
        let mut bytes = base64_decode(&good["encrypted:".len()..]);
        *bytes.last_mut().unwrap() ^= 1;
        let bad = format!(
            "encrypted:{}",
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
        );
        let error = engine.open(ring, &[good.clone(), bad]).unwrap_err();
        assert_eq!(error.index(), Some(1), "{version}: {error}");
        let error = engine.open(ring, &[peer_seal(&public, b"\xff\xfe")]).unwrap_err();
        assert_eq!(error.code(), "engine.changed_value", "{version}");
        let error = engine.open(ring, &["encrypted:'\nK=$(touch pwned)".into()]).unwrap_err();
        assert_eq!(error.code(), "engine.bad_ciphertext");
    }
}

#[test]
fn many_values_are_shared_among_calls_and_come_back_in_order() {
    let temp = tempfile::tempdir().unwrap();
    let Some((version, engine)) = engines(&sandbox(temp.path())).pop() else { return };
    let keys = pair();
    let plain: Vec<String> =
        (0..150).map(|at| if at % 50 == 7 { format!("#{at}\\") } else { at.to_string() }).collect();
    let secrets: Vec<Secret> = plain.iter().map(Secret::new).collect();
    let mut sealed = engine.seal(&keys.public, &secrets).unwrap();
    let ring = std::slice::from_ref(&keys.private);
    let opened = engine.open(ring, &sealed).unwrap();
    assert!(opened == secrets, "{version}");
    sealed[140] = peer_seal(&hex::decode(pair().public).unwrap(), b"x");
    assert_eq!(engine.open(ring, &sealed).unwrap_err().index(), Some(140));
}

#[test]
fn the_version_is_read_without_running_the_binary() {
    let temp = tempfile::tempdir().unwrap();
    for (version, engine) in engines(&sandbox(temp.path())) {
        let start = Instant::now();
        assert_eq!(engine.label(), format!("dotenvx {version} ({})", binary(version).display()));
        assert!(start.elapsed() < Duration::from_millis(100), "a Node program takes longer to start");
    }
}

#[test]
fn nothing_to_do_runs_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let tool = Tool { name: ToolName::Dotenvx, path: "/nowhere/dotenvx".into(), source: Source::Path };
    let engine = DotenvxTool::new(tool, sandbox(temp.path()));
    assert!(engine.seal(&pair().public, &[]).unwrap().is_empty());
    assert!(engine.open(&[], &[]).unwrap().is_empty());
    assert_eq!(engine.label(), "dotenvx (/nowhere/dotenvx)");
    assert_eq!(engine.seal(&pair().public, &[Secret::new("x")]).unwrap_err().code(), "tool.not_found");
}

/// Random values over the characters that some scanner treats specially; what is accepted must be exact.
#[test]
fn random_values_are_exact_or_refused() {
    let temp = tempfile::tempdir().unwrap();
    let alphabet = [
        "a", "'", "\"", "`", "\\", "n", "r", "$", "#", " ", "\n", "\r", "\t", "=", "{", "}", "(", "\u{2028}",
        "\0", "é", "K",
    ];
    for (version, engine) in engines(&sandbox(temp.path())) {
        let keys = pair();
        let mut noise = vec![0; if crate::support::thorough() { 4_000 } else { 400 }];
        getrandom::fill(&mut noise).unwrap();
        let values: Vec<Secret> = noise
            .chunks(10)
            .map(|bytes| {
                let length = usize::from(bytes[0]) % 9;
                let letters =
                    bytes[1..=length].iter().map(|byte| alphabet[usize::from(*byte) % alphabet.len()]);
                Secret::new(letters.collect::<String>())
            })
            .collect();
        let (mut accepted, mut refused) = (values, 0);
        let sealed = loop {
            match engine.seal(&keys.public, &accepted) {
                Err(DotenvxToolError::Unrepresentable { index, .. }) => {
                    accepted.remove(index);
                    refused += 1;
                }
                other => {
                    break other.unwrap_or_else(|error| {
                        panic!(
                            "{version}: {error}: {:?}",
                            error.index().map(|index| accepted[index].expose())
                        )
                    });
                }
            }
        };
        let private = hex::decode(keys.private.expose()).unwrap();
        for (value, sealed) in accepted.iter().zip(&sealed) {
            let peer = ecies::decrypt(&private, &base64_decode(&sealed["encrypted:".len()..])).unwrap();
            assert!(
                peer == value.expose().as_bytes(),
                "{version}: {:?} became {:?}",
                value.expose(),
                String::from_utf8_lossy(&peer)
            );
        }
        let opened = engine.open(std::slice::from_ref(&keys.private), &sealed).unwrap();
        assert!(opened == accepted, "{version}");
        println!("{version}: {} exact, {refused} refused", accepted.len());
    }
}
