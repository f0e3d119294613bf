//! The names of backends and engines, as users write them.

use std::fmt;
use std::str::FromStr;

/// An encryption backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum BackendKind {
    /// A key pair per environment.
    #[default]
    Dotenvx,
    /// Values wrapped for recipients.
    Sops,
}

impl BackendKind {
    /// The name in configs, flags and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dotenvx => "dotenvx",
            Self::Sops => "sops",
        }
    }

    /// The one that is not this one.
    pub fn other(self) -> Self {
        match self {
            Self::Dotenvx => Self::Sops,
            Self::Sops => Self::Dotenvx,
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A backend name that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Unknown encryption backend: {0}\nSupported backends: dotenvx, sops")]
pub struct UnknownBackend(pub String);

impl FromStr for BackendKind {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        match name.to_ascii_lowercase().as_str() {
            "dotenvx" => Ok(Self::Dotenvx),
            "sops" => Ok(Self::Sops),
            _ => Err(UnknownBackend(name.to_owned())),
        }
    }
}

/// Which engine the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// The binary if one is found, else the built-in engine.
    #[default]
    Auto,
    /// The user's binary.
    Tool,
    /// In process.
    Builtin,
}

impl EngineChoice {
    /// The name in configs, flags and messages.
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

/// An engine name that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Unknown engine: {0}. Engines: auto, tool, builtin")]
pub struct UnknownEngine(pub String);

impl FromStr for EngineChoice {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        match name.to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "tool" => Ok(Self::Tool),
            "builtin" => Ok(Self::Builtin),
            _ => Err(UnknownEngine(name.to_owned())),
        }
    }
}
