//! One `ENC[…]` value, as anybody may have left it.
#![no_main]

use envdrift::backend::sops::shape;
use envdrift::backend::sops::typed::{self, ValueType};
use envdrift::backend::sops::value::{self, DataKey, Sealed, ValueCipher};
use libfuzzer_sys::fuzz_target;

const TYPES: [&str; 8] = ["str", "int", "float", "bool", "bytes", "comment", "time", "null"];

fuzz_target!(|text: &str| {
    let cipher = ValueCipher::new(&DataKey::from_bytes(&[7; 32]).expect("32 bytes"));
    for value in text.lines().map(|line| line.split_once('=').map_or(line, |(_, value)| value)).chain([text]) {
        shape::of_value(value);
        let parsed = Sealed::parse(value);
        assert_eq!(value::is_sealed(value), parsed.is_ok());
        assert!(parsed.is_err() || value::looks_encrypted(value));
        if let Ok(sealed) = parsed {
            assert!(cipher.open(&sealed, "A:").is_err(), "a forged value opens");
        }
    }
    for name in TYPES {
        let Some(value_type) = ValueType::parse(name) else { continue };
        let _ = typed::read(value_type, text.as_bytes());
        let aad = text.lines().next().unwrap_or_default();
        let sealed = cipher.seal(text, aad, value_type).expect("randomness");
        if text.is_empty() {
            assert!(sealed.is_empty());
            continue;
        }
        let parsed = Sealed::parse(&sealed).expect("what was sealed");
        assert_eq!(parsed.value_type().as_str(), value_type.as_str());
        assert_eq!(cipher.open(&parsed, aad).expect("it opens").as_slice(), text.as_bytes());
        assert!(cipher.open(&parsed, &format!("{aad}x")).is_err());
    }
});
