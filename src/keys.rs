//! dotenvx keys: their names, the pairs, the key ring, and the text of a key store (`.env.keys`).
//!
//! A private key is 64 hex digits; its public key is the compressed secp256k1 point, 66 hex digits. The name
//! of a pair comes from the file name (`.env.production` → `DOTENV_PUBLIC_KEY_PRODUCTION` and
//! `DOTENV_PRIVATE_KEY_PRODUCTION`). A ring is every private key at hand, from the key store and from the
//! environment. Pure: texts and snapshots come in, texts go out.
//!
//! Source: the `environment` and `keyring` functions of dotenvx 1.75.1, 2.21.0 and 2.38.2.

use std::fmt;

use secp256k1::SecretKey;
use zeroize::Zeroizing;

use crate::env::{DOTENV_PRIVATE_KEY, Env};
use crate::envfile::EnvFile;

/// Prefix of the public keys in an env file.
pub const DOTENV_PUBLIC_KEY: &str = "DOTENV_PUBLIC_KEY";

/// The usual name of a key store, beside the env file.
pub const KEY_STORE: &str = ".env.keys";

/// The five lines that dotenvx puts on top of a key store, byte for byte.
const STORE_HEADER: &str = "\
#/------------------!DOTENV_PRIVATE_KEYS!-------------------/
#/ private decryption keys. DO NOT commit to source control /
#/     [how it works](https://dotenvx.com/encryption)       /
#/          ⛨ ARMORED KEYS: `dotenvx armor up`              /
#/----------------------------------------------------------/
";

/// The suffix that names a key pair: `PRODUCTION`, or nothing for `.env`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(String);

impl KeyName {
    /// The name that dotenvx gives to the pair of a file called `base_name`.
    pub fn for_file(base_name: &str) -> Self {
        let mut name = base_name.to_lowercase();
        if name.starts_with(".env")
            && let Some(stem) = name.strip_suffix(".txt")
        {
            name.truncate(stem.len());
        }
        if name == ".env" {
            return Self(String::new());
        }
        let environment: Vec<&str> = name.split('.').skip(2).take(2).collect();
        let environment = if environment.is_empty() {
            name.replacen(".env", "development", 1)
        } else {
            environment.join("_")
        };
        Self(environment.to_uppercase())
    }

    /// The pair that a `DOTENV_PUBLIC_KEY…` or `DOTENV_PRIVATE_KEY…` variable belongs to.
    pub fn of_variable(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(DOTENV_PUBLIC_KEY).or_else(|| name.strip_prefix(DOTENV_PRIVATE_KEY))?;
        if rest.is_empty() {
            return Some(Self(String::new()));
        }
        rest.strip_prefix('_').map(|suffix| Self(suffix.to_owned()))
    }

    /// `DOTENV_PUBLIC_KEY_<NAME>`.
    pub fn public(&self) -> String {
        self.with_prefix(DOTENV_PUBLIC_KEY)
    }

    /// `DOTENV_PRIVATE_KEY_<NAME>`.
    pub fn private(&self) -> String {
        self.with_prefix(DOTENV_PRIVATE_KEY)
    }

    fn with_prefix(&self, prefix: &str) -> String {
        if self.0.is_empty() { prefix.to_owned() } else { format!("{prefix}_{}", self.0) }
    }
}

/// A public key: the compressed point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(pub(crate) secp256k1::PublicKey);

impl PublicKey {
    /// Reads 66 hex digits; none where they are not a point of the curve.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 33];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        secp256k1::PublicKey::from_byte_array_compressed(bytes).ok().map(Self)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0.serialize()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A private key: never shown, zeroed when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey(Zeroizing<[u8; 32]>);

impl PrivateKey {
    /// Reads 64 hex digits; none where they are not a scalar of the curve.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
        SecretKey::from_secret_bytes(*bytes).ok()?;
        Some(Self(bytes))
    }

    /// Makes a new one from the system's randomness.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn generate() -> Result<Self, getrandom::Error> {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut_slice())?;
            // All but one in 2^127 of the 32-byte strings are scalars.
            if SecretKey::from_secret_bytes(*bytes).is_ok() {
                return Ok(Self(bytes));
            }
        }
    }

    /// The 64 hex digits, for the key store and for engines.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }

    /// The public key; costs one product on the curve.
    pub fn public(&self) -> Option<PublicKey> {
        Some(PublicKey(self.scalar()?.public_key()))
    }

    pub(crate) fn scalar(&self) -> Option<SecretKey> {
        SecretKey::from_secret_bytes(*self.0).ok()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// One private key of a ring.
#[derive(Debug, Clone)]
pub struct RingKey {
    /// The pair it claims to belong to.
    pub name: KeyName,
    /// The key.
    pub key: PrivateKey,
}

/// Every private key at hand.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: Vec<RingKey>,
    malformed: Vec<Malformed>,
}

/// A variable that should hold a private key and does not.
#[derive(Debug, Clone)]
struct Malformed {
    name: KeyName,
    place: String,
}

impl KeyRing {
    /// Collects the keys of a key store's text and of the environment; the store's come first.
    pub fn collect(store: Option<&str>, env: &Env) -> Self {
        let mut ring = Self::default();
        if let Some(text) = store {
            let file = EnvFile::parse(text);
            for entry in file.entries() {
                ring.add(file.key(entry), &file.value(entry), KEY_STORE);
            }
        }
        for (name, value) in env.with_prefix(DOTENV_PRIVATE_KEY) {
            ring.add(name, value, "the environment");
        }
        ring
    }

    /// Adds a key made in this run.
    pub fn insert(&mut self, name: KeyName, key: PrivateKey) {
        self.keys.push(RingKey { name, key });
    }

    /// Takes in one variable: a key or a comma list of keys (`new,old`).
    fn add(&mut self, variable: &str, value: &str, source: &str) {
        if !variable.starts_with(DOTENV_PRIVATE_KEY) {
            return;
        }
        let Some(name) = KeyName::of_variable(variable) else { return };
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let name = name.clone();
            if let Some(key) = PrivateKey::from_hex(part) {
                self.keys.push(RingKey { name, key });
            } else {
                self.malformed.push(Malformed { name, place: format!("{variable} in {source}") });
            }
        }
    }

    /// True where no key is at hand.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys, those of `name` first.
    pub fn by_preference(&self, name: &KeyName) -> Vec<&RingKey> {
        let (mut first, rest): (Vec<_>, Vec<_>) = self.keys.iter().partition(|key| &key.name == name);
        first.extend(rest);
        first
    }

    /// The first key called `name`.
    pub fn named(&self, name: &KeyName) -> Option<&PrivateKey> {
        self.keys.iter().find(|key| &key.name == name).map(|key| &key.key)
    }

    /// The key whose public key is `public`; those of `name` are tried first.
    pub fn matching(&self, public: &PublicKey, name: &KeyName) -> Option<&PrivateKey> {
        self.by_preference(name).into_iter().map(|key| &key.key).find(|key| key.public() == Some(*public))
    }

    /// Where a variable stands that should hold a key and does not, as `NAME in SOURCE`; the pair `name` first.
    pub fn malformed(&self, name: &KeyName) -> Option<&str> {
        self.malformed_named(name).or_else(|| Some(self.malformed.first()?.place.as_str()))
    }

    /// Where the variable of the pair `name` stands when it holds no key, as `NAME in SOURCE`.
    pub fn malformed_named(&self, name: &KeyName) -> Option<&str> {
        self.malformed.iter().find(|one| &one.name == name).map(|one| one.place.as_str())
    }

    /// The names of the keys, for messages.
    pub fn names(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.name.private()).collect()
    }
}

/// The key store's text with the key of a file called `base_name` added at its end.
pub fn store_with(
    existing: Option<&str>,
    base_name: &str,
    name: &KeyName,
    key: &PrivateKey,
) -> Zeroizing<String> {
    let before = existing.filter(|text| !text.trim().is_empty());
    let end = before.map_or("\n", |text| EnvFile::parse(text).line_end());
    let mut text = Zeroizing::new(String::with_capacity(before.map_or(STORE_HEADER.len(), str::len) + 160));
    text.push_str(before.unwrap_or(STORE_HEADER));
    if !text.ends_with(['\n', '\r']) {
        text.push_str(end);
    }
    let hex = key.to_hex();
    for part in [end, "# ", base_name, end, &name.private(), "=", &hex, end] {
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";

    #[test]
    fn names_come_from_file_names_as_dotenvx_makes_them() {
        let cases = [
            (".env", "DOTENV_PUBLIC_KEY"),
            (".env.production", "DOTENV_PUBLIC_KEY_PRODUCTION"),
            (".env.Prod", "DOTENV_PUBLIC_KEY_PROD"),
            (".env.local.prod", "DOTENV_PUBLIC_KEY_LOCAL_PROD"),
            (".env.a.b.c", "DOTENV_PUBLIC_KEY_A_B"),
            (".env1", "DOTENV_PUBLIC_KEY_DEVELOPMENT1"),
            (".env.my-env", "DOTENV_PUBLIC_KEY_MY-ENV"),
            (".env.production.txt", "DOTENV_PUBLIC_KEY_PRODUCTION"),
            ("prod.env", "DOTENV_PUBLIC_KEY_PRODDEVELOPMENT"),
            ("secrets", "DOTENV_PUBLIC_KEY_SECRETS"),
        ];
        for (file, name) in cases {
            assert_eq!(KeyName::for_file(file).public(), name, "{file}");
        }
        assert_eq!(KeyName::of_variable("DOTENV_PUBLIC_KEYSTORE"), None);
    }

    #[test]
    fn a_ring_reads_comma_lists_repeated_names_quotes_and_the_environment() {
        let other = KEY.replace("a1", "b2");
        let store = format!(
            "# c\nDOTENV_PRIVATE_KEY_X=\"{KEY}, {other}\"\nDOTENV_PRIVATE_KEY_X={KEY}\nDOTENV_PRIVATE_KEY=12\n"
        );
        let env = Env::fixed("/", [("DOTENV_PRIVATE_KEY_Y", other.as_str()), ("DOTENV_PUBLIC_KEY", "02")]);
        let ring = KeyRing::collect(Some(&store), &env);
        assert_eq!(
            ring.names(),
            ["DOTENV_PRIVATE_KEY_X"; 3].into_iter().chain(["DOTENV_PRIVATE_KEY_Y"]).collect::<Vec<_>>()
        );
        assert_eq!(ring.malformed_named(&KeyName::for_file(".env")), Some("DOTENV_PRIVATE_KEY in .env.keys"));
        assert_eq!(ring.malformed_named(&KeyName::for_file(".env.x")), None);
        let public = PrivateKey::from_hex(&other).unwrap().public().unwrap();
        assert!(ring.matching(&public, &KeyName::for_file(".env")).is_some());
    }

    #[test]
    fn a_store_keeps_what_it_held_and_gains_a_named_line() {
        let key = PrivateKey::from_hex(KEY).unwrap();
        let name = KeyName::for_file(".env.production");
        let fresh = store_with(None, ".env.production", &name, &key);
        assert!(fresh.starts_with(STORE_HEADER));
        assert!(fresh.ends_with(&format!("/\n\n# .env.production\nDOTENV_PRIVATE_KEY_PRODUCTION={KEY}\n")));
        let grown = store_with(Some("A=1"), ".env.production", &name, &key);
        assert!(grown.starts_with("A=1\n\n# .env.production\n"));
    }

    #[test]
    fn a_private_key_never_shows_itself() {
        assert_eq!(format!("{:?}", PrivateKey::from_hex(KEY).unwrap()), "PrivateKey(…)");
    }
}
