//! Any text as an env file: laws 1 and 2 of the document, the loader's reading, and law 3 through dotenvx, built in.
#![no_main]

use envdrift::backend::dotenvx::key_choice::{self, KeyChoice};
use envdrift::backend::{EngineError, Job, Kept};
use envdrift::cipher::Step;
use envdrift::envfile::loader::{self, Mode};
use envdrift::envfile::{EnvFile, Replacement};
use envdrift_fuzz::{dotenvx, private_key, ring, target};
use libfuzzer_sys::fuzz_target;

/// Sealing takes most of the time, so law 3 is held over small files.
const SMALL: usize = 512;
const FEW: usize = 8;

fuzz_target!(|text: &str| {
    let file = EnvFile::parse(text);
    assert_eq!(file.to_string(), text);
    replacing_touches_only_the_values(&file);
    the_loader_stays_inside(text);
    if text.len() <= SMALL && file.entries().len() <= FEW {
        what_is_encrypted_comes_back(text);
    }
});

fn replacing_touches_only_the_values(file: &EnvFile) {
    let text = file.text();
    let same = |(entry, old): (usize, &envdrift::envfile::Entry)| Replacement {
        entry,
        raw: file.raw(old).to_owned(),
        quote: old.quote,
    };
    assert_eq!(file.with_values(&file.entries().iter().enumerate().map(same).collect::<Vec<_>>()), text);

    let fresh = |(entry, old): (usize, &envdrift::envfile::Entry)| Replacement {
        entry,
        raw: "fresh".into(),
        quote: old.quote,
    };
    let changed = file.with_values(&file.entries().iter().enumerate().map(fresh).collect::<Vec<_>>());
    let (mut rest, mut copied) = (changed.as_str(), 0);
    for entry in file.entries() {
        assert!(!file.key(entry).is_empty());
        let value = format!("{0}fresh{0}", entry.quote.as_str());
        rest = rest.strip_prefix(&text[copied..entry.slot.start]).expect("the bytes before a value");
        rest = rest.strip_prefix(value.as_str()).expect("the new value");
        copied = entry.slot.end;
    }
    assert_eq!(rest, &text[copied..]);
    for stray in file.strays() {
        assert!(!file.stray(stray).is_empty());
    }
}

fn the_loader_stays_inside(text: &str) {
    for mode in [Mode::Strict, Mode::Lenient] {
        let mut end = 0;
        for found in loader::assignments(text, mode).assignments {
            assert!(found.span.start >= end && text.get(found.span.clone()).is_some());
            assert!(text.get(found.value_span.clone()).is_some() && found.value_span.end <= found.span.end);
            end = found.span.end;
        }
    }
}

fn what_is_encrypted_comes_back(text: &str) {
    let Some(encrypted) = encrypt(text, None) else { return };
    assert_eq!(decrypt(&encrypted.0), text);

    // Encrypting again what was decrypted gives the same bytes.
    let previous = EnvFile::parse(encrypted.0.clone());
    assert_eq!(encrypt(text, Some(&previous)), Some((encrypted.0.clone(), Kept::File)));

    // A file that is partly encrypted.
    let mixed = format!("{}\nZ=\"\\n\n\"\n", encrypted.0);
    if let Some((again, _)) = encrypt(&mixed, None) {
        assert_eq!(decrypt(&again), decrypt(&mixed));
    }
}

/// None where the text is refused, holds nothing to encrypt, or names a key that is not ours.
fn encrypt(text: &str, previous: Option<&EnvFile>) -> Option<(String, Kept)> {
    let (cipher, target, ring, file) = (dotenvx(), target(), ring(), EnvFile::parse(text));
    let Ok(Step::Encrypt) = cipher.examine(&target, &file) else { return None };
    let job = Job { target: &target, file: &file, ring: &ring, public: None, previous };
    let Ok(KeyChoice::Use(name, public)) = key_choice::choose(&job) else { return None };
    if Some(public) != private_key().public() {
        return None;
    }
    match cipher.encrypt(&Job { public: Some((name, public)), ..job }) {
        Ok(proven) => Some((proven.encrypted.text, proven.encrypted.kept)),
        Err(EngineError::StillPlain { .. } | EngineError::Changed { .. } | EngineError::Layout) => None,
        Err(error) => panic!("{error}"),
    }
}

fn decrypt(text: &str) -> String {
    let (target, ring, file) = (target(), ring(), EnvFile::parse(text));
    let job = Job { target: &target, file: &file, ring: &ring, public: None, previous: None };
    dotenvx().decrypt(&job).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}
