//! What several fuzz targets need: keys that never change, so that a finding can be run again.

use std::path::Path;

use envdrift::backend::dotenvx::builtin::Builtin;
use envdrift::backend::dotenvx::{Dotenvx, DotenvxRules};
use envdrift::cipher::Cipher;
use envdrift::env::{Env, SOPS_AGE_KEY};
use envdrift::keys::{KeyName, KeyRing, PrivateKey};
use envdrift::workspace::target::Target;

/// The age recipient of `tests/vectors/sops/keys/a.txt`.
pub const RECIPIENT: &str = "age1vzgfh8z90dkguacsazjh8aq0yjs5pluxn6tj2ehrx7uyzte5vu5q3ywkcn";

/// The file that every text here stands in.
pub fn target() -> Target {
    Target::new(Path::new("/envdrift-fuzz"), Path::new(".env.production"))
}

/// A private key that protects nothing.
pub fn private_key() -> PrivateKey {
    PrivateKey::from_hex(&"5e".repeat(32)).expect("a scalar of the curve")
}

/// A ring with that key, under the name of [`target`].
pub fn ring() -> KeyRing {
    let mut ring = KeyRing::default();
    ring.insert(KeyName::for_file(".env.production"), private_key());
    ring
}

/// dotenvx, built in.
pub fn dotenvx() -> Cipher {
    Cipher { backend: Box::new(DotenvxRules), engine: Box::new(Dotenvx(Builtin)) }
}

/// An environment that holds the identity of [`RECIPIENT`] and nothing else.
pub fn age_env() -> Env {
    let identity = include_str!("../../vectors/sops/keys/a.txt");
    Env::fixed("/envdrift-fuzz", [(SOPS_AGE_KEY, identity)])
}
