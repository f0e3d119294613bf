//! One dotenvx value: sealed for a public key, opened with a private one.
//!
//! `"encrypted:" + base64(E ‖ N ‖ T ‖ C)`: E the ephemeral public key, 65 bytes, uncompressed; N a 16-byte nonce;
//! T the 16-byte tag; C the ciphertext, as long as the plaintext. The AES-256-GCM key is HKDF-SHA256 (no salt, no
//! info) over E ‖ S, S being the uncompressed shared point. These are the defaults of eciesjs and of the `ecies` crate,
//! which a test holds this module against. Nothing binds a value to its key name.
//!
//! Cost of one value: sealing takes one key generation and one product on the curve, opening one product.

use aes_gcm::aead::consts::U16;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use secp256k1::ecdh::shared_secret_point;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::keys::{PrivateKey, PublicKey};
use crate::secret::Secret;

/// What every sealed value starts with.
pub const PREFIX: &str = "encrypted:";

const POINT: usize = 65;
const NONCE: usize = 16;
const TAG: usize = 16;
const OVERHEAD: usize = POINT + NONCE + TAG;

type Cipher = AesGcm<Aes256, U16>;

/// The AES key of one sealed value.
///
/// Whoever sealed a value can prove it with this key without a second product on the curve.
#[derive(Clone)]
pub struct ValueKey(Zeroizing<[u8; 32]>);

/// A sealed value: well-formed, whoever made it.
pub struct Sealed {
    bytes: Vec<u8>,
}

impl Sealed {
    /// Reads a value of a file; none where it does not have the shape of a sealed value.
    pub fn parse(value: &str) -> Option<Self> {
        let bytes = STANDARD.decode(value.strip_prefix(PREFIX)?).ok()?;
        (bytes.len() >= OVERHEAD && bytes[0] == 4).then_some(Self { bytes })
    }

    /// True where `value` has the shape of a sealed value.
    pub fn is_sealed(value: &str) -> bool {
        let Some(encoded) = value.strip_prefix(PREFIX) else { return false };
        // The first byte, 04, makes the text start with B. Decoding checks the alphabet and the padding.
        encoded.starts_with('B') && Self::parse(value).is_some()
    }

    fn ephemeral(&self) -> &[u8] {
        &self.bytes[..POINT]
    }

    /// The AES key that `private` derives; none where the ephemeral key is not a point of the curve.
    pub fn key(&self, private: &PrivateKey) -> Option<ValueKey> {
        let ephemeral = secp256k1::PublicKey::from_slice(self.ephemeral()).ok()?;
        Some(derive(self.ephemeral(), &shared_secret_point(&ephemeral, &private.scalar()?)))
    }

    /// The plaintext bytes; none where the key is wrong or the value was damaged.
    pub fn open(&self, key: &ValueKey) -> Option<Zeroizing<Vec<u8>>> {
        let (head, body) = self.bytes.split_at(OVERHEAD);
        let nonce = Nonce::<U16>::try_from(&head[POINT..POINT + NONCE]).ok()?;
        let tag = Tag::try_from(&head[POINT + NONCE..]).ok()?;
        let mut plain = Zeroizing::new(body.to_vec());
        let cipher = Cipher::new_from_slice(key.0.as_slice()).ok()?;
        cipher.decrypt_inout_detached(&nonce, &[], plain.as_mut_slice().into(), &tag).ok()?;
        Some(plain)
    }
}

/// Seals `value` for `public`; gives the text for the file and the key that proves it.
///
/// # Errors
/// Where the system has no randomness to give.
pub fn seal(value: &Secret, public: &PublicKey) -> Result<(String, ValueKey), getrandom::Error> {
    let ephemeral = PrivateKey::generate()?;
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    let mut bytes = vec![0; OVERHEAD + value.expose().len()];
    let (head, body) = bytes.split_at_mut(OVERHEAD);
    body.copy_from_slice(value.expose().as_bytes());
    let Some((point, shared)) = ephemeral.scalar().map(|scalar| {
        (scalar.public_key().serialize_uncompressed(), shared_secret_point(&public.0, &scalar))
    }) else {
        return Err(getrandom::Error::UNEXPECTED);
    };
    let key = derive(&point, &shared);
    let sealed_tag = Cipher::new_from_slice(key.0.as_slice())
        .ok()
        .and_then(|cipher| cipher.encrypt_inout_detached(&nonce.into(), &[], body.into()).ok());
    let Some(tag) = sealed_tag else { return Err(getrandom::Error::UNEXPECTED) };
    head[..POINT].copy_from_slice(&point);
    head[POINT..POINT + NONCE].copy_from_slice(&nonce);
    head[POINT + NONCE..].copy_from_slice(&tag);
    Ok((format!("{PREFIX}{}", STANDARD.encode(&bytes)), key))
}

fn derive(ephemeral: &[u8], shared: &[u8; 64]) -> ValueKey {
    // E, then the shared point with the 04 of the uncompressed form.
    let mut material = Zeroizing::new([0_u8; POINT + POINT]);
    material[..POINT].copy_from_slice(ephemeral);
    material[POINT] = 4;
    material[POINT + 1..].copy_from_slice(shared);
    let mut key = Zeroizing::new([0; 32]);
    // HKDF only refuses more than 255 blocks of output; this asks for one.
    let _ = Hkdf::<Sha256>::new(None, material.as_slice()).expand(&[], key.as_mut_slice());
    ValueKey(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_ecies_crate_opens_what_is_sealed_here_and_the_reverse(text in ".{0,40}") {
            let private = PrivateKey::generate().unwrap();
            let public = private.public().unwrap();
            let (sealed, _) = seal(&Secret::new(text.clone()), &public).unwrap();
            let bytes = STANDARD.decode(sealed.strip_prefix(PREFIX).unwrap()).unwrap();
            let secret = hex::decode(private.to_hex().as_str()).unwrap();
            prop_assert_eq!(ecies::decrypt(&secret, &bytes).unwrap(), text.as_bytes());

            let theirs = ecies::encrypt(&public.0.serialize(), text.as_bytes()).unwrap();
            let value = Sealed::parse(&format!("{PREFIX}{}", STANDARD.encode(theirs))).unwrap();
            prop_assert_eq!(&*value.open(&value.key(&private).unwrap()).unwrap(), text.as_bytes());
        }
    }

    #[test]
    fn only_well_formed_values_are_sealed() {
        let (sealed, _) = seal(&Secret::new(""), &PrivateKey::generate().unwrap().public().unwrap()).unwrap();
        assert!(Sealed::is_sealed(&sealed));
        for broken in [
            "encrypted:",
            "encrypted:hello",
            &sealed[..sealed.len() - 1],
            &format!("{sealed}x"),
            &sealed[1..],
        ] {
            assert!(!Sealed::is_sealed(broken), "{broken}");
        }
    }

    #[test]
    fn a_damaged_value_and_a_wrong_key_do_not_open() {
        let private = PrivateKey::generate().unwrap();
        let (text, key) = seal(&Secret::new("hunter2"), &private.public().unwrap()).unwrap();
        let mut sealed = Sealed::parse(&text).unwrap();
        assert_eq!(&**sealed.open(&key).unwrap(), b"hunter2");
        let wrong = sealed.key(&PrivateKey::generate().unwrap()).unwrap();
        assert!(sealed.open(&wrong).is_none());
        *sealed.bytes.last_mut().unwrap() ^= 1;
        assert!(sealed.open(&key).is_none());
    }
}
