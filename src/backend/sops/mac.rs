//! The MAC of a SOPS file: SHA-512 over the plaintext of every value in file order, in upper-case hex.
//!
//! Comments never count. With `mac_only_encrypted` only the values that the rule encrypts count, and the
//! hash starts with the SHA-256 of `sops`, so that the two kinds never agree by chance. The hex text is
//! stored encrypted, with the time of the last change as associated data.

use std::fmt::Write as _;

use sha2::{Digest, Sha256, Sha512};

/// Which values the MAC covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MacScope {
    /// Every value, plain ones included.
    #[default]
    All,
    /// `mac_only_encrypted`: those that the selection rule encrypts.
    Encrypted,
}

/// A running MAC.
pub struct Mac {
    hash: Sha512,
    scope: MacScope,
}

impl Mac {
    /// Starts over no values.
    pub fn new(scope: MacScope) -> Self {
        let mut hash = Sha512::new();
        if scope == MacScope::Encrypted {
            hash.update(Sha256::digest(b"sops"));
        }
        Self { hash, scope }
    }

    /// Counts the plaintext of the next value; `encrypted` tells whether the rule encrypts it.
    pub fn add(&mut self, plain: &str, encrypted: bool) {
        if encrypted || self.scope == MacScope::All {
            self.hash.update(plain.as_bytes());
        }
    }

    /// The 128 hex digits.
    pub fn finish(self) -> String {
        self.hash.finalize().iter().fold(String::with_capacity(128), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_of_no_values_is_the_hash_of_nothing() {
        assert!(Mac::new(MacScope::All).finish().starts_with("CF83E1357EEFB8BDF1542850D66D8007"));
    }

    #[test]
    fn only_encrypted_values_count_in_the_narrow_scope() {
        let mac = |scope, plain: &str| {
            let mut mac = Mac::new(scope);
            mac.add("secret", true);
            mac.add(plain, false);
            mac.finish()
        };
        assert_eq!(mac(MacScope::Encrypted, "a"), mac(MacScope::Encrypted, "b"));
        assert_ne!(mac(MacScope::All, "a"), mac(MacScope::All, "b"));
        assert_ne!(mac(MacScope::All, ""), mac(MacScope::Encrypted, ""));
    }
}
