//! The type every secret travels in: a value, a private key, a data key, a token.
//!
//! It has no `Display`, its `Debug` is masked, it is not serialisable, and its memory is zeroed when it is
//! dropped, so that no log, error, snapshot or JSON document can carry one by accident. Reading it takes an
//! explicit [`Secret::expose`].

use std::fmt;

use zeroize::Zeroizing;

/// A text that must never be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps `text`; the caller's copy is moved in, not duplicated.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Gives the text to the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
