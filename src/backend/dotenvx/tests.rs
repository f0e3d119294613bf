//! The laws of the document, held through the built-in engine.

use std::path::Path;

use proptest::prelude::*;

use super::builtin::Builtin;
use super::key_choice::{self, KeyChoice};
use super::*;
use crate::env::Env;
use crate::keys::KeyRing;

fn target() -> Target {
    Target::new(Path::new("/w"), Path::new(".env.production"))
}

/// Encrypts as the pipeline does, with a key minted where one is needed.
fn encrypt(text: &str, ring: &mut KeyRing) -> Result<String, EngineError> {
    let (target, file) = (target(), EnvFile::parse(text));
    let public =
        match key_choice::choose(&Job { target: &target, file: &file, ring, public: None, previous: None }) {
            Ok(KeyChoice::Use(name, public)) => (name, public),
            Ok(KeyChoice::Mint(name)) => {
                let key = PrivateKey::generate().unwrap();
                let public = key.public().unwrap();
                ring.insert(name.clone(), key);
                (name, public)
            }
            Err(key_choice::NoKey::Engine(error)) => return Err(error),
            Err(key_choice::NoKey::Refusal(refusal)) => panic!("{refusal}"),
        };
    let job = Job { target: &target, file: &file, ring, public: Some(public), previous: None };
    let encrypted = Dotenvx(Builtin).encrypt(&job)?;
    DotenvxRules.prove(&job, &encrypted)?;
    Ok(encrypted.text)
}

fn decrypt(text: &str, ring: &KeyRing) -> Result<String, EngineError> {
    let (target, file) = (target(), EnvFile::parse(text));
    Dotenvx(Builtin).decrypt(&Job { target: &target, file: &file, ring, public: None, previous: None })
}

#[test]
fn tricky_texts_come_back_byte_for_byte() {
    let texts = [
        "A=hello\n",
        "A=hello",
        "A = hello # note\r\nB=\"x y\"\r\n\r\nC=\"l1\r\nl2\"\r\n",
        "A=\nB=  \nC=\"\"\nD=''\nE=#x\nF= # c\n",
        "A=\"a\\nb\"\nB=\"a\nb\"\nC=\"a\\tb\\rc\"\nD=\"one\\ntwo\nthree\"\n",
        "A='it\\'s'\nB='a' 'b'\nC=\"he said \\\"hi\\\"\"\n",
        "\u{feff}A=1\n",
        "#!/bin/sh\nexport A=p@$$w0rd\nB=${HOME}\nC=$(touch pwned)\nD=`x'y\"`\n",
        "A=1\nA=2\nA=\"3\\n\"\nA=\"4\n\"\n",
        "A=1\rB=2\r",
        "A=\n\"x\"\nB=\"abc (unterminated)\nC=C:\\temp\\new\n",
        "K=\"-----BEGIN KEY-----\nabc/+=\n-----END KEY-----\n\"\n1A=x\nmy.key-x=\0\n",
        "A=encrypted:notreally\nB=encrypted: yes\n",
        "# envdrift:layout:1 header A:e\nA=\"a\nb\"\n",
        "X_PLAIN=readable\nA=1\n",
    ];
    for text in texts {
        let mut ring = KeyRing::default();
        let encrypted = encrypt(text, &mut ring).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(DotenvxRules.state(&EnvFile::parse(encrypted.clone())), State::Encrypted, "{encrypted}");
        assert_eq!(decrypt(&encrypted, &ring).unwrap(), text, "{encrypted}");
    }
}

#[test]
fn a_header_that_was_there_stays_and_its_key_is_used() {
    let mut ring = KeyRing::default();
    let first = encrypt("A=1\n", &mut ring).unwrap();
    let header = first.lines().find(|line| line.starts_with("DOTENV_PUBLIC_KEY")).unwrap();
    let text = format!("{header}\nB=2\n");
    let again = encrypt(&text, &mut ring).unwrap();
    assert!(again.starts_with(header));
    assert_eq!(decrypt(&again, &ring).unwrap(), text);
}

#[test]
fn a_value_added_to_an_encrypted_file_is_encrypted_and_the_rest_keeps_its_bytes() {
    let mut ring = KeyRing::default();
    let first = encrypt("A=\"a\\nb\"\n", &mut ring).unwrap();
    let second = encrypt(&format!("{first}B=\"c\\td\"\n"), &mut ring).unwrap();
    let line = |text: &str| text.lines().find(|line| line.starts_with("A=")).map(str::to_owned);
    assert_eq!(line(&first), line(&second));
    assert_eq!(decrypt(&second, &ring).unwrap(), "A=\"a\\nb\"\nB=\"c\\td\"\n");
}

#[test]
fn a_value_that_did_not_change_keeps_its_ciphertext() {
    let mut ring = KeyRing::default();
    let plain = "A=\"x\\ny\"\nB=2\nB=3\nC=4 # c\n";
    let before = encrypt(plain, &mut ring).unwrap();
    let previous = EnvFile::parse(before.clone());
    let again = |text: &str| {
        let (target, file) = (target(), EnvFile::parse(text));
        let job = Job { target: &target, file: &file, ring: &ring, public: None, previous: Some(&previous) };
        let KeyChoice::Use(name, public) = key_choice::choose(&job).unwrap() else { panic!("minted") };
        let job = Job { public: Some((name, public)), ..job };
        let encrypted = Dotenvx(Builtin).encrypt(&job).unwrap();
        DotenvxRules.prove(&job, &encrypted).unwrap();
        (encrypted.text, encrypted.kept)
    };
    assert_eq!(again(plain), (before.clone(), Kept::File));
    let (edited, kept) = again(&plain.replace("B=3", "B=33"));
    assert_eq!(kept, Kept::Values(3));
    let changed: Vec<_> = before.lines().zip(edited.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].1.starts_with("B=encrypted:"));
}

#[test]
fn a_value_that_its_quotes_cannot_hold_gets_quotes_that_can() {
    let mut ring = KeyRing::default();
    let encrypted = encrypt("A='x # y'\nB='p\nq'\nC=z\n", &mut ring).unwrap();
    let bare: String = encrypted.replace('\'', "");
    assert_eq!(decrypt(&bare, &ring).unwrap(), "A='x # y'\nB='p\nq'\nC=z\n");
}

#[test]
fn a_layout_line_inside_a_value_is_part_of_the_value() {
    // As the dotenvx binary writes it: no layout line of envdrift, and one in the secret.
    let mut ring = KeyRing::default();
    let key = PrivateKey::generate().unwrap();
    let value = "x\n# envdrift:layout:1\ny";
    let (sealed, _) = ecies::seal(&Secret::new(value), &key.public().unwrap()).unwrap();
    ring.insert(KeyName::for_file(".env.production"), key);
    let file = |secret: &str| format!("A=\"{secret}\"\nB_PLAIN=\"{value}\"\n");
    assert_eq!(decrypt(&file(&sealed), &ring).unwrap(), file(value));
}

#[test]
fn taking_the_layout_line_away_never_changes_how_the_rest_is_read() {
    let mut ring = KeyRing::default();
    let header = encrypt("A=1\n", &mut ring).unwrap();
    let text =
        format!("{header}B=\n# envdrift:layout:1\n'stray'\n").replacen("# envdrift:layout:1 header\n", "", 1);
    let opened = decrypt(&text, &ring).unwrap();
    let file = EnvFile::parse(opened);
    let last = file.entries().last().unwrap();
    assert_eq!((file.key(last), file.value(last).as_str()), ("B", ""));
}

#[test]
fn missing_wrong_and_damaged_are_told_apart() {
    let mut ring = KeyRing::default();
    let encrypted = encrypt("A=1\nB=2\n", &mut ring).unwrap();
    let missing = decrypt(&encrypted, &KeyRing::default()).unwrap_err();
    assert!(
        matches!(&missing, EngineError::MissingKey { name, .. } if name == "DOTENV_PRIVATE_KEY_PRODUCTION")
    );

    let mut other = KeyRing::default();
    other.insert(KeyName::for_file(".env.x"), PrivateKey::generate().unwrap());
    let wrong = decrypt(&encrypted, &other).unwrap_err();
    assert!(matches!(&wrong, EngineError::WrongKey { keys, .. } if keys == &["A", "B"]), "{wrong}");

    let at = encrypted.find("A=encrypted:").unwrap() + 100;
    let flipped = if encrypted.as_bytes()[at] == b'A' { "B" } else { "A" };
    let mut damaged = encrypted.clone();
    damaged.replace_range(at..=at, flipped);
    let error = decrypt(&damaged, &ring).unwrap_err();
    assert!(matches!(&error, EngineError::Damaged { key, .. } if key == "A"), "{error}");

    let malformed = KeyRing::collect(Some("DOTENV_PRIVATE_KEY_PRODUCTION=abc\n"), &Env::default());
    let error = decrypt(&encrypted, &malformed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "DOTENV_PRIVATE_KEY_PRODUCTION in .env.keys is not a private key (64 hex digits)"
    );
}

#[test]
fn a_key_of_another_file_is_never_used_for_a_header_of_its_name() {
    let mut ring = KeyRing::default();
    let encrypted = encrypt("A=1\n", &mut ring).unwrap();
    let mut foreign = KeyRing::default();
    foreign.insert(KeyName::for_file(".env.production"), PrivateKey::generate().unwrap());
    let (target, file) = (target(), EnvFile::parse(format!("{encrypted}B=2\n")));
    let job = Job { target: &target, file: &file, ring: &foreign, public: None, previous: None };
    let refused = key_choice::choose(&job).unwrap_err();
    assert!(refused.to_string().contains("two files fight for one key name"), "{refused}");
}

#[test]
fn what_dotenvx_would_leave_readable_is_refused_with_its_line() {
    for (text, line) in
        [("A=1\nB: hello\n", 2), ("A=1\n\nsecret word\n", 3), ("CAFÉ=1\n", 1), ("A=1\nhunter2\n", 2)]
    {
        let refusal = DotenvxRules.refusal(&target(), &EnvFile::parse(text)).unwrap();
        assert!(matches!(refusal, Refusal::Unreadable { line: found, .. } if found == line), "{refusal}");
    }
    assert_eq!(DotenvxRules.refusal(&target(), &EnvFile::parse("A=1\nBARE_KEY\n")), None);
}

/// Lines as people write them and as they do not.
const LINES: &str = r#"(#!x\n)?(( |export |# )?[AB]( |\t)?=( |\t)?("|'|`)?(=|"|'|`|\\|#|\$| |\t|n|é|\x00|﻿|\n|\r\n|encrypted:B|x){0,8}("|'|`|)( |# c)?(\n|\r\n|\r)?){0,4}"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn every_text_that_is_not_refused_comes_back(text in LINES) {
        if DotenvxRules.refusal(&target(), &EnvFile::parse(text.clone())).is_none() {
            let mut ring = KeyRing::default();
            // A refusal by the proof would be allowed by law 3, but no text needs one.
            let encrypted = encrypt(&text, &mut ring).map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?;
            prop_assert_eq!(decrypt(&encrypted, &ring).unwrap(), text);
        }
    }

    #[test]
    fn an_encrypted_file_that_was_edited_keeps_every_value(text in LINES, more in LINES, at in 9usize..14) {
        let mut ring = KeyRing::default();
        let refused = |text: &str| DotenvxRules.refusal(&target(), &EnvFile::parse(text)).is_some();
        if refused(&text) || DotenvxRules.state(&EnvFile::parse(text.clone())) == State::Empty {
            return Ok(());
        }
        let encrypted = encrypt(&text, &mut ring).unwrap();
        let cut: usize = encrypted.split_inclusive(['\n', '\r']).take(at).map(str::len).sum();
        let edited = [&encrypted[..cut], "\n", &more, "\n", &encrypted[cut..]].concat();
        let wanted = decrypt(&edited, &ring);
        if let (false, Ok(wanted)) = (refused(&edited), wanted) {
            let again = encrypt(&edited, &mut ring);
            let again = again.map_err(|error| TestCaseError::fail(format!("{edited:?}: {error}")))?;
            prop_assert_eq!(values(&decrypt(&again, &ring).unwrap()), values(&wanted), "{}\n{}", edited, again);
        }
    }
}

/// Key and value of every variable, in file order.
fn values(text: &str) -> Vec<(String, String)> {
    let file = EnvFile::parse(text);
    let variables = file.entries().iter().filter(|entry| !is_public_key(file.key(entry)));
    variables.map(|entry| (file.key(entry).to_owned(), file.value(entry))).collect()
}
