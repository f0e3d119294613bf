//! dotenvx ciphertext and layout lines as anybody may have left them.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use envdrift::backend::Job;
use envdrift::backend::classify::{Evidences, ValueClass, value_class};
use envdrift::backend::dotenvx::ecies::{self, Sealed};
use envdrift::backend::sops;
use envdrift::envfile::{EnvFile, Replacement};
use envdrift::secret::Secret;
use envdrift_fuzz::{dotenvx, private_key, ring, target};
use libfuzzer_sys::fuzz_target;

const FEW: usize = 4;

fuzz_target!(|text: &str| {
    for value in text.lines().map(|line| line.split_once('=').map_or(line, |(_, value)| value)).chain([text]) {
        is_classified(value);
        open(value);
    }
    // Whatever bytes a value may hold behind its base64, alone and behind a point of the curve.
    open(&format!("{}{}", ecies::PREFIX, STANDARD.encode(text)));
    let private = private_key();
    let public = private.public().expect("a public key");
    let (made, key) = ecies::seal(&Secret::new(text), &public).expect("randomness");
    let sealed = Sealed::parse(&made).expect("a sealed value");
    assert_eq!(sealed.open(&key).expect("it opens").as_slice(), text.as_bytes());
    let bytes = STANDARD.decode(&made[ecies::PREFIX.len()..]).expect("base64");
    let forged = [&bytes[..65], text.as_bytes()].concat();
    assert_eq!(open(&format!("{}{}", ecies::PREFIX, STANDARD.encode(forged))), None);
    open_file(text);
});

fn is_classified(value: &str) {
    let class = value_class(value);
    assert_eq!(Sealed::is_sealed(value), Sealed::parse(value).is_some());
    assert_eq!(class == ValueClass::Dotenvx, Sealed::is_sealed(value));
    assert_eq!(class == ValueClass::Sops, sops::is_sealed(value));
    assert_eq!(class == ValueClass::Empty, value.is_empty());
}

fn open(value: &str) -> Option<Vec<u8>> {
    let sealed = Sealed::parse(value)?;
    Some(sealed.open(&sealed.key(&private_key())?)?.to_vec())
}

/// The text as a file whose values are sealed, so that its layout line, if it has one, is obeyed.
fn open_file(text: &str) {
    let file = EnvFile::parse(text);
    for line in &Evidences::of(&file).lines {
        line.value(&file);
    }
    if file.entries().len() > FEW {
        return;
    }
    let public = private_key().public().expect("a public key");
    let seal = |(entry, old): (usize, &envdrift::envfile::Entry)| {
        let (raw, _) = ecies::seal(&Secret::new(file.value(old)), &public).expect("randomness");
        Replacement { entry, raw, quote: old.quote }
    };
    let sealed = EnvFile::parse(file.with_values(&file.entries().iter().enumerate().map(seal).collect::<Vec<_>>()));
    let values = |file: &EnvFile| file.entries().iter().map(|entry| file.value(entry)).collect::<Vec<_>>();
    let (target, ring) = (target(), ring());
    for file in [&file, &sealed] {
        let job = Job { target: &target, file, ring: &ring, public: None, previous: None };
        let _ = dotenvx().decrypt(&job);
    }
    let job = Job { target: &target, file: &sealed, ring: &ring, public: None, previous: None };
    if let Ok(opened) = dotenvx().decrypt(&job) {
        let opened = values(&EnvFile::parse(opened));
        let wanted = values(&file);
        // A layout line may take the header away, and with it a public key, but never a value.
        let header = wanted.len() - opened.len();
        assert!(header <= 1, "{wanted:?} became {opened:?}");
        let kept = wanted.iter().enumerate().any(|(without, _)| {
            let mut rest = wanted.clone();
            rest.remove(without);
            rest == opened
        });
        assert!(if header == 0 { wanted == opened } else { kept }, "{wanted:?} became {opened:?}");
    }
}
