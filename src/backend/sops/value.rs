//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.
//!
//! AES-256-GCM with a nonce of 32 random bytes and a tag of 16; base64 with padding; the associated data is
//! the key's name and a colon (a colon alone for a comment), so that a value cannot be moved to another key.
//! The type is not authenticated, which is why [`super::typed`] checks it against the content.
//! Format: `aes/cipher.go` of SOPS 3.13.

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{Nonce, Tag};
use aes_gcm::aes::Aes256;
use aes_gcm::{AeadInOut, AesGcm, Key, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;
use zeroize::Zeroizing;

use super::random;
use super::typed::ValueType;

/// What every encrypted value starts with.
pub const PREFIX: &str = "ENC[AES256_GCM,";

type Gcm = AesGcm<Aes256, U32>;

/// The 32 random bytes that encrypt the values of one file; zeroed when dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// Draws a fresh key from the operating system.
    pub fn generate() -> Result<Self, random::RandomError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random::fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    /// Takes over `bytes` when there are exactly 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// Gives the bytes to the one place that wraps them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_slice()
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(…)")
    }
}

/// Why a text is not a usable encrypted value. Never holds the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    /// It does not start like one.
    #[error("it is not an encrypted value")]
    NotEncrypted,
    /// One of the four fields or the closing bracket is absent.
    #[error("its `{field}` field is missing or cut off")]
    Missing {
        /// `data`, `iv`, `tag` or `type`.
        field: &'static str,
    },
    /// A field is not base64.
    #[error("its `{field}` field is not valid base64")]
    Base64 {
        /// `data`, `iv` or `tag`.
        field: &'static str,
    },
    /// A field has the wrong length.
    #[error("its `{field}` field holds {found} bytes instead of {expected}")]
    Length {
        /// `iv` or `tag`.
        field: &'static str,
        /// How many bytes the format has there.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The type is none that SOPS knows.
    #[error("its type is not one that SOPS knows")]
    UnknownType,
    /// Something follows the closing bracket.
    #[error("text follows the closing bracket")]
    Trailing,
    /// It does not open with this data key and this name.
    #[error("it was changed, cut, or moved here from another key")]
    Damaged,
    /// It opens, but to no single line of text, or under another type.
    #[error("it is not one line of text")]
    NotText,
}

/// A parsed encrypted value: every field decoded and of the right length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    data: Vec<u8>,
    iv: [u8; 32],
    tag: [u8; 16],
    value_type: ValueType,
}

impl Sealed {
    /// Parses `text`, which must be an encrypted value and nothing else; blanks may follow it.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let rest = text.strip_prefix(PREFIX).ok_or(ValueError::NotEncrypted)?;
        let (data, rest) = field(rest, "data", "data:", ",iv:")?;
        let (iv, rest) = field(rest, "iv", "", ",tag:")?;
        let (tag, rest) = field(rest, "tag", "", ",type:")?;
        let (name, rest) = rest.split_once(']').ok_or(ValueError::Missing { field: "type" })?;
        if !rest.bytes().all(|byte| byte.is_ascii_whitespace()) {
            return Err(ValueError::Trailing);
        }
        Ok(Self {
            data: decode(data, "data")?,
            iv: sized(&decode(iv, "iv")?, "iv")?,
            tag: sized(&decode(tag, "tag")?, "tag")?,
            value_type: ValueType::parse(name).ok_or(ValueError::UnknownType)?,
        })
    }

    /// The type as written, which nothing protects.
    pub fn value_type(&self) -> ValueType {
        self.value_type
    }
}

fn field<'a>(
    text: &'a str,
    name: &'static str,
    label: &str,
    end: &str,
) -> Result<(&'a str, &'a str), ValueError> {
    text.strip_prefix(label)
        .and_then(|rest| rest.split_once(end))
        .filter(|(content, _)| !content.is_empty())
        .ok_or(ValueError::Missing { field: name })
}

fn decode(text: &str, field: &'static str) -> Result<Vec<u8>, ValueError> {
    BASE64.decode(text).map_err(|_| ValueError::Base64 { field })
}

fn sized<const N: usize>(bytes: &[u8], field: &'static str) -> Result<[u8; N], ValueError> {
    bytes.try_into().map_err(|_| ValueError::Length { field, expected: N, found: bytes.len() })
}

/// Encrypts and decrypts the values of one file under its data key.
pub struct ValueCipher(Gcm);

impl ValueCipher {
    /// Prepares the cipher for `key`.
    pub fn new(key: &DataKey) -> Self {
        let mut schedule = Key::<Gcm>::default();
        schedule.copy_from_slice(key.expose());
        let cipher = Self(Gcm::new(&schedule));
        zeroize::Zeroize::zeroize(&mut schedule[..]);
        cipher
    }

    /// Encrypts `plain` for the name in `aad`; empty text stays empty, as in SOPS.
    pub fn seal(&self, plain: &str, aad: &str, value_type: ValueType) -> Result<String, random::RandomError> {
        if plain.is_empty() {
            return Ok(String::new());
        }
        let mut iv = Nonce::<Gcm>::default();
        random::fill(&mut iv)?;
        let mut data = plain.as_bytes().to_vec();
        let tag = self
            .0
            .encrypt_inout_detached(&iv, aad.as_bytes(), data.as_mut_slice().into())
            .map_err(|_| random::RandomError)?;
        let mut out = String::with_capacity(PREFIX.len() + 112 + data.len().div_ceil(3) * 4);
        out.push_str(PREFIX);
        out.push_str("data:");
        BASE64.encode_string(&data, &mut out);
        out.push_str(",iv:");
        BASE64.encode_string(iv, &mut out);
        out.push_str(",tag:");
        BASE64.encode_string(tag, &mut out);
        out.push_str(",type:");
        out.push_str(value_type.as_str());
        out.push(']');
        Ok(out)
    }

    /// Decrypts `sealed`, which must have been made for the name in `aad`.
    pub fn open(&self, sealed: &Sealed, aad: &str) -> Result<Zeroizing<Vec<u8>>, ValueError> {
        let mut plain = Zeroizing::new(sealed.data.clone());
        let iv = Nonce::<Gcm>::from(sealed.iv);
        let tag = Tag::<Gcm>::from(sealed.tag);
        self.0
            .decrypt_inout_detached(&iv, aad.as_bytes(), plain.as_mut_slice().into(), &tag)
            .map_err(|_| ValueError::Damaged)?;
        Ok(plain)
    }
}

/// Whether `text` is a well-formed encrypted value, as far as that shows without a key.
pub fn is_sealed(text: &str) -> bool {
    Sealed::parse(text).is_ok()
}

/// Whether `text` claims to be an encrypted value, well formed or not.
pub fn looks_encrypted(text: &str) -> bool {
    text.starts_with(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cipher() -> ValueCipher {
        ValueCipher::new(&DataKey::from_bytes(&[7; 32]).unwrap())
    }

    fn sealed() -> String {
        cipher().seal("hunter2", "KEY:", ValueType::Str).unwrap()
    }

    #[test]
    fn an_empty_text_stays_empty() {
        assert_eq!(cipher().seal("", "KEY:", ValueType::Str).unwrap(), "");
    }

    #[test]
    fn the_same_text_is_never_encrypted_to_the_same_bytes() {
        assert_ne!(sealed(), sealed());
    }

    #[test]
    fn another_key_name_or_another_data_key_does_not_open_it() {
        let value = Sealed::parse(&sealed()).unwrap();
        assert_eq!(cipher().open(&value, "KEY:").unwrap().as_slice(), b"hunter2");
        assert_eq!(cipher().open(&value, "OTHER:").err(), Some(ValueError::Damaged));
        let other = ValueCipher::new(&DataKey::from_bytes(&[8; 32]).unwrap());
        assert_eq!(other.open(&value, "KEY:").err(), Some(ValueError::Damaged));
    }

    #[test]
    fn each_thing_that_can_be_wrong_with_a_value_has_its_error() {
        let iv = BASE64.encode([0; 32]);
        let tag = BASE64.encode([0; 16]);
        for (text, error) in [
            ("hunter2".to_owned(), ValueError::NotEncrypted),
            ("\"ENC[AES256_GCM,data:AA==".to_owned(), ValueError::NotEncrypted),
            ("ENC[AES256_GCM,data:AA==".to_owned(), ValueError::Missing { field: "data" }),
            ("ENC[AES256_GCM,data:,iv:".to_owned(), ValueError::Missing { field: "data" }),
            ("ENC[AES256_GCM,data:AA==,iv:AA==]".to_owned(), ValueError::Missing { field: "iv" }),
            (
                format!("ENC[AES256_GCM,data:AA==,iv:{iv},tag:{tag},type:str"),
                ValueError::Missing { field: "type" },
            ),
            (
                format!("ENC[AES256_GCM,data:AA=,iv:{iv},tag:{tag},type:str]"),
                ValueError::Base64 { field: "data" },
            ),
            (
                format!("ENC[AES256_GCM,data:AA==,iv:AAAA,tag:{tag},type:str]"),
                ValueError::Length { field: "iv", expected: 32, found: 3 },
            ),
            (
                format!("ENC[AES256_GCM,data:AA==,iv:{iv},tag:AAAA,type:str]"),
                ValueError::Length { field: "tag", expected: 16, found: 3 },
            ),
            (format!("ENC[AES256_GCM,data:AA==,iv:{iv},tag:{tag},type:secret]"), ValueError::UnknownType),
            (format!("{}hunter2", sealed()), ValueError::Trailing),
        ] {
            assert_eq!(Sealed::parse(&text), Err(error), "{text}");
        }
        assert!(Sealed::parse(&format!("{} \r", sealed())).is_ok());
    }

    #[test]
    fn a_data_key_never_shows_itself() {
        assert_eq!(format!("{:?}", DataKey::generate().unwrap()), "DataKey(…)");
        assert!(DataKey::from_bytes(&[1; 31]).is_none());
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>(), name in any::<String>()) {
            prop_assume!(!text.is_empty());
            let sealed = cipher().seal(&text, &name, ValueType::Str).unwrap();
            let opened = cipher().open(&Sealed::parse(&sealed).unwrap(), &name).unwrap();
            prop_assert_eq!(opened.as_slice(), text.as_bytes());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "(ENC\\[AES256_GCM,)?(data:)?[A-Za-z0-9+/=,:\\]é]{0,80}") {
            let _ = Sealed::parse(&text);
        }
    }
}
