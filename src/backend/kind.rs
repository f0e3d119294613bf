//! The names of the encryption backends and of the ways to run them.
//!
//! A backend is the rules of a format; an engine does its work. Both names come from the command line, the
//! environment and the config, and are read here once for all of them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The format that a file is encrypted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BackendKind {
    /// `encrypted:…` values, one key pair per environment, private keys in `.env.keys`.
    Dotenvx,
    /// `ENC[AES256_GCM,…]` values and a `sops_*` trailer, one data key per file.
    Sops,
}

impl BackendKind {
    /// Every backend, in the order that messages list them.
    pub const ALL: [Self; 2] = [Self::Dotenvx, Self::Sops];

    /// The name that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dotenvx => "dotenvx",
            Self::Sops => "sops",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A backend name that does not exist; the message lists those that do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Unknown encryption backend: {}\nSupported backends: dotenvx, sops", .0.escape_debug())]
pub struct UnknownBackend(pub String);

impl FromStr for BackendKind {
    type Err = UnknownBackend;

    /// Reads a name in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let same = |kind: &Self| kind.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(same).ok_or_else(|| UnknownBackend(name.to_owned()))
    }
}

/// Who is asked to do a backend's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EngineChoice {
    /// The user's binary when one is found, else the built-in engine.
    #[default]
    Auto,
    /// The user's binary, or an error.
    Tool,
    /// The built-in engine, whatever is installed.
    Builtin,
}

impl EngineChoice {
    /// Every choice, in the order that messages list them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Tool, Self::Builtin];

    /// The name that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Tool => "tool",
            Self::Builtin => "builtin",
        }
    }
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An engine name that does not exist; the message lists those that do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Unknown engine: {}\nSupported engines: auto, tool, builtin", .0.escape_debug())]
pub struct UnknownEngine(pub String);

impl FromStr for EngineChoice {
    type Err = UnknownEngine;

    /// Reads a name in any case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let same = |choice: &Self| choice.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(same).ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_in_any_case_and_an_unknown_one_lists_the_known_ones() {
        for kind in BackendKind::ALL {
            assert_eq!(kind.to_string().to_uppercase().parse(), Ok(kind));
        }
        for choice in EngineChoice::ALL {
            assert_eq!(choice.to_string().to_uppercase().parse(), Ok(choice));
        }
        let backend = "gpg".parse::<BackendKind>().unwrap_err().to_string();
        assert_eq!(backend, "Unknown encryption backend: gpg\nSupported backends: dotenvx, sops");
        let engine = "\u{1b}x".parse::<EngineChoice>().unwrap_err().to_string();
        assert_eq!(engine, "Unknown engine: \\u{1b}x\nSupported engines: auto, tool, builtin");
    }
}
