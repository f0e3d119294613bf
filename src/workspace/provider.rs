//! The names of the vault providers.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::unknown::closest;

/// The service that keeps the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderKind {
    /// Azure Key Vault.
    Azure,
    /// AWS Secrets Manager.
    Aws,
    /// `HashiCorp` Vault or `OpenBao`, KV version 2.
    Hashicorp,
    /// Google Cloud Secret Manager.
    Gcp,
}

impl ProviderKind {
    /// Every provider, in the order that messages list them.
    pub const ALL: [Self; 4] = [Self::Azure, Self::Aws, Self::Hashicorp, Self::Gcp];

    /// The name that users write.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Aws => "aws",
            Self::Hashicorp => "hashicorp",
            Self::Gcp => "gcp",
        }
    }
}

impl fmt::Display for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A provider name that does not exist; the message lists those that do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Unknown vault provider '{}'{}. Valid providers: azure, aws, hashicorp, gcp", .0.escape_debug(), meant(.0))]
pub struct UnknownProvider(pub String);

fn meant(name: &str) -> String {
    closest(&name.to_lowercase(), &ProviderKind::ALL.map(ProviderKind::as_str))
        .map(|known| format!(" (did you mean '{known}'?)"))
        .unwrap_or_default()
}

impl FromStr for ProviderKind {
    type Err = UnknownProvider;

    /// Reads an exact, lower-case name.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let same = |kind: &Self| kind.as_str() == name;
        Self::ALL.into_iter().find(same).ok_or_else(|| UnknownProvider(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_an_unknown_one_is_told_the_nearest() {
        for kind in ProviderKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let message = |name: &str| name.parse::<ProviderKind>().unwrap_err().to_string();
        assert_eq!(
            message("AZURE"),
            "Unknown vault provider 'AZURE' (did you mean 'azure'?). Valid providers: azure, aws, hashicorp, gcp"
        );
        assert_eq!(
            message("1password"),
            "Unknown vault provider '1password'. Valid providers: azure, aws, hashicorp, gcp"
        );
    }
}
