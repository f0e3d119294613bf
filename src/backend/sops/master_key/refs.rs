//! What a file, a rule or a flag can name as master key.

use std::collections::BTreeMap;

use thiserror::Error;

/// The seven kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// An age or SSH recipient.
    Age,
    /// A PGP fingerprint.
    Pgp,
    /// AWS KMS.
    Kms,
    /// Google Cloud KMS.
    GcpKms,
    /// Azure Key Vault.
    AzureKv,
    /// The transit engine of HashiCorp Vault or OpenBao.
    HcVault,
    /// Huawei Cloud KMS.
    HcKms,
}

impl KeyKind {
    /// All seven, in the order in which the metadata lists them.
    pub const ALL: [Self; 7] =
        [Self::Age, Self::AzureKv, Self::GcpKms, Self::HcVault, Self::HcKms, Self::Kms, Self::Pgp];

    /// The name of its list in the metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Pgp => "pgp",
            Self::Kms => "kms",
            Self::GcpKms => "gcp_kms",
            Self::AzureKv => "azure_kv",
            Self::HcVault => "hc_vault",
            Self::HcKms => "hckms",
        }
    }
}

/// A master key by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// An age or SSH recipient.
    Age {
        /// `age1…`, `ssh-ed25519 …` or `ssh-rsa …`, as given.
        recipient: String,
    },
    /// A PGP key.
    Pgp {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// A key of AWS KMS.
    Kms {
        /// Key or alias.
        arn: String,
        /// The role to assume first.
        role: Option<String>,
        /// The encryption context.
        context: BTreeMap<String, String>,
        /// The profile whose credentials are used; may be empty.
        aws_profile: String,
    },
    /// A key of Google Cloud KMS.
    GcpKms {
        /// `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
        resource_id: String,
    },
    /// A key of Azure Key Vault.
    AzureKv {
        /// `https://NAME.vault.azure.net`.
        vault_url: String,
        /// The key.
        name: String,
        /// Its version; empty until the vault has told the newest.
        version: String,
    },
    /// A transit key.
    HcVault {
        /// Scheme and host.
        vault_address: String,
        /// Where the engine is mounted.
        engine_path: String,
        /// The key.
        key_name: String,
    },
    /// A key of Huawei Cloud KMS.
    HcKms {
        /// `REGION:UUID`.
        key_id: String,
    },
}

/// A text that names no key of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text} does not name a key of {}; expected {expected}", kind.as_str())]
pub struct KeyRefError {
    kind: KeyKind,
    text: String,
    expected: &'static str,
}

impl KeyRef {
    /// Reads one entry of a flag, an environment variable or a flat list in `.sops.yaml`.
    pub fn parse(kind: KeyKind, text: &str) -> Result<Self, KeyRefError> {
        let fail = |expected| KeyRefError { kind, text: text.to_owned(), expected };
        let text = text.trim();
        Ok(match kind {
            KeyKind::Age => Self::Age { recipient: text.to_owned() },
            KeyKind::Pgp => Self::Pgp { fingerprint: text.replace(' ', "") },
            KeyKind::Kms => Self::kms(text),
            KeyKind::GcpKms => Self::GcpKms { resource_id: text.to_owned() },
            KeyKind::HcKms => Self::HcKms { key_id: text.to_owned() },
            KeyKind::AzureKv => {
                azure(text).ok_or_else(|| fail("https://NAME.vault.azure.net/keys/KEY[/VERSION]"))?
            }
            KeyKind::HcVault => transit(text).ok_or_else(|| fail("https://HOST/v1/ENGINE/keys/KEY"))?,
        })
    }

    /// `ARN` or `ARN+ROLE-ARN`.
    fn kms(text: &str) -> Self {
        let (arn, role) = match text.split_once("+arn:aws") {
            Some((arn, role)) => (arn, Some(format!("arn:aws{role}"))),
            None => (text, None),
        };
        Self::Kms { arn: arn.to_owned(), role, context: BTreeMap::new(), aws_profile: String::new() }
    }

    /// Its kind.
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Age { .. } => KeyKind::Age,
            Self::Pgp { .. } => KeyKind::Pgp,
            Self::Kms { .. } => KeyKind::Kms,
            Self::GcpKms { .. } => KeyKind::GcpKms,
            Self::AzureKv { .. } => KeyKind::AzureKv,
            Self::HcVault { .. } => KeyKind::HcVault,
            Self::HcKms { .. } => KeyKind::HcKms,
        }
    }

    /// What a user would write to name it.
    pub fn id(&self) -> String {
        match self {
            Self::Age { recipient } => recipient.clone(),
            Self::Pgp { fingerprint } => fingerprint.clone(),
            Self::Kms { arn, role: None, .. } => arn.clone(),
            Self::Kms { arn, role: Some(role), .. } => format!("{arn}+{role}"),
            Self::GcpKms { resource_id } => resource_id.clone(),
            Self::AzureKv { vault_url, name, version } if version.is_empty() => {
                format!("{vault_url}/keys/{name}")
            }
            Self::AzureKv { vault_url, name, version } => format!("{vault_url}/keys/{name}/{version}"),
            Self::HcVault { vault_address, engine_path, key_name } => {
                format!("{}/v1/{engine_path}/keys/{key_name}", vault_address.trim_end_matches('/'))
            }
            Self::HcKms { key_id } => key_id.clone(),
        }
    }

    /// Why the built-in engine cannot use this key, or `None` when it can.
    pub fn tool_reason(&self) -> Option<String> {
        let what = match self {
            Self::Age { recipient } => return age_reason(recipient),
            Self::Pgp { .. } => "a PGP key",
            Self::Kms { .. } => "a key of AWS KMS",
            Self::GcpKms { .. } => "a key of Google Cloud KMS",
            Self::AzureKv { .. } => "a key of Azure Key Vault",
            Self::HcVault { .. } => "a Vault transit key",
            Self::HcKms { .. } => "a key of Huawei Cloud KMS",
        };
        Some(format!("{} is {what}, which the built-in engine cannot use", self.id()))
    }
}

fn age_reason(recipient: &str) -> Option<String> {
    let what = if recipient.starts_with("age1pq1") {
        "a post-quantum age recipient"
    } else if recipient.starts_with("age1") && recipient.matches('1').count() > 1 {
        "an age plugin recipient"
    } else {
        return None;
    };
    Some(format!("{recipient} is {what}, which the built-in engine cannot use"))
}

fn azure(text: &str) -> Option<KeyRef> {
    let (vault_url, path) = text.split_once("/keys/")?;
    vault_url.strip_prefix("https://").filter(|host| !host.is_empty() && !host.contains('/'))?;
    let (name, version) =
        path.trim_end_matches('/').split_once('/').unwrap_or((path.trim_end_matches('/'), ""));
    (!name.is_empty() && !version.contains('/')).then(|| KeyRef::AzureKv {
        vault_url: vault_url.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
    })
}

fn transit(text: &str) -> Option<KeyRef> {
    let (vault_address, path) = text.split_once("/v1/")?;
    let scheme = vault_address.strip_prefix("https://").or_else(|| vault_address.strip_prefix("http://"))?;
    let (engine_path, key_name) = path.trim_end_matches('/').rsplit_once("/keys/")?;
    let complete = !scheme.is_empty() && !engine_path.is_empty() && !key_name.is_empty();
    complete.then(|| KeyRef::HcVault {
        vault_address: vault_address.to_owned(),
        engine_path: engine_path.to_owned(),
        key_name: key_name.to_owned(),
    })
}

/// A master key and the data key it wraps, as a file records them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Whose it is.
    pub key: KeyRef,
    /// The wrapped data key.
    pub enc: String,
    /// When it was wrapped, after RFC 3339; age records no time.
    pub created_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_the_same_key() {
        for (kind, text) in [
            (KeyKind::Age, "age1plxl3ml4p6skux8mtxmmmygxut05ar32ae6mx7srwj4k8gz0xd4s3dfre6"),
            (KeyKind::Kms, "arn:aws:kms:eu-west-1:111122223333:key/1234"),
            (KeyKind::Kms, "arn:aws:kms:eu-west-1:111122223333:key/1+arn:aws:iam::111122223333:role/r"),
            (KeyKind::GcpKms, "projects/p/locations/global/keyRings/r/cryptoKeys/k"),
            (KeyKind::AzureKv, "https://v.vault.azure.net/keys/k"),
            (KeyKind::AzureKv, "https://v.vault.azure.net/keys/k/0123"),
            (KeyKind::HcVault, "https://vault.example/v1/team/transit/keys/k"),
            (KeyKind::HcKms, "tr-west-1:abc"),
        ] {
            let key = KeyRef::parse(kind, text).unwrap();
            assert_eq!((key.kind(), key.id().as_str()), (kind, text));
        }
    }

    #[test]
    fn an_address_that_names_no_key_is_refused_with_the_form_expected() {
        for (kind, text) in [
            (KeyKind::AzureKv, "https://v.vault.azure.net/secrets/k"),
            (KeyKind::AzureKv, "v.vault.azure.net/keys/k"),
            (KeyKind::AzureKv, "https://v.vault.azure.net/keys/"),
            (KeyKind::HcVault, "https://vault.example/transit/keys/k"),
            (KeyKind::HcVault, "vault.example/v1/transit/keys/k"),
        ] {
            let error = KeyRef::parse(kind, text).unwrap_err().to_string();
            assert!(error.contains("expected https://"), "{error}");
        }
    }

    #[test]
    fn only_plain_age_and_ssh_recipients_are_built_in() {
        let reason = |kind, text| KeyRef::parse(kind, text).unwrap().tool_reason();
        assert_eq!(
            reason(KeyKind::Age, "age1plxl3ml4p6skux8mtxmmmygxut05ar32ae6mx7srwj4k8gz0xd4s3dfre6"),
            None
        );
        assert_eq!(reason(KeyKind::Age, "ssh-ed25519 AAAA1111"), None);
        assert!(reason(KeyKind::Age, "age1yubikey1q2w3e").unwrap().contains("plugin"));
        assert!(reason(KeyKind::Age, "age1pq1qqqq").unwrap().contains("post-quantum"));
        assert!(reason(KeyKind::Pgp, "ABCD 1234").unwrap().starts_with("ABCD1234 is a PGP key"));
    }
}
