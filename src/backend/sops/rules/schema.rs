//! The shape of `.sops.yaml`, as far as creation rules go.
//!
//! Other top-level keys are free: people keep anchors there. Inside a rule a key that SOPS does not know is an
//! error here, because SOPS ignores it without a word and a misspelt `encrypted_regex` then means another rule.
//! Aliases are bounded by the parser, so that a file that grows without end is refused.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::{self, IgnoredAny, SeqAccess, Visitor};

use super::RulesError;
use crate::backend::sops::master_key::KeyRef;
use crate::backend::sops::selection::{Rule, RuleKind};

/// The rules of a file and the keys that nobody knows.
pub(super) struct ConfigFile {
    /// `None` when the file has no `creation_rules`.
    pub rules: Option<Vec<CreationRule>>,
    pub unknown: UnknownKeys,
}

/// Paths such as `creation_rules.0.encrypted_regx`.
pub(super) struct UnknownKeys(Vec<String>);

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    creation_rules: Option<Vec<CreationRule>>,
    #[serde(default, rename = "destination_rules")]
    _destination_rules: Option<IgnoredAny>,
    #[serde(default, rename = "stores")]
    _stores: Option<IgnoredAny>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct CreationRule {
    pub path_regex: Option<String>,
    pub age: Keys,
    pub pgp: Keys,
    pub kms: Keys,
    pub aws_profile: Option<String>,
    pub gcp_kms: Keys,
    pub hckms: Keys,
    pub azure_keyvault: Keys,
    pub hc_vault_transit_uri: Keys,
    pub key_groups: Vec<KeyGroup>,
    pub shamir_threshold: Option<usize>,
    pub mac_only_encrypted: Option<bool>,
    unencrypted_suffix: Option<String>,
    encrypted_suffix: Option<String>,
    unencrypted_regex: Option<String>,
    encrypted_regex: Option<String>,
    unencrypted_comment_regex: Option<String>,
    encrypted_comment_regex: Option<String>,
}

const RULE_KEYS: &[&str] = &[
    "path_regex",
    "age",
    "pgp",
    "kms",
    "aws_profile",
    "gcp_kms",
    "hckms",
    "azure_keyvault",
    "hc_vault_transit_uri",
    "key_groups",
    "shamir_threshold",
    "mac_only_encrypted",
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

const GROUP_KEYS: &[&str] = &[
    "merge",
    "age",
    "pgp",
    "kms",
    "gcp_kms",
    "hckms",
    "azure_keyvault",
    "hc_vault",
    "arn",
    "role",
    "context",
    "aws_profile",
    "resource_id",
    "key_id",
    "vaultUrl",
    "key",
    "version",
];

impl CreationRule {
    /// Those of the six selection rules that the rule gives.
    pub(super) fn selection_rules(&self) -> Vec<Rule> {
        RuleKind::ALL
            .into_iter()
            .filter_map(|kind| {
                let text = match kind {
                    RuleKind::UnencryptedSuffix => &self.unencrypted_suffix,
                    RuleKind::EncryptedSuffix => &self.encrypted_suffix,
                    RuleKind::UnencryptedRegex => &self.unencrypted_regex,
                    RuleKind::EncryptedRegex => &self.encrypted_regex,
                    RuleKind::UnencryptedCommentRegex => &self.unencrypted_comment_regex,
                    RuleKind::EncryptedCommentRegex => &self.encrypted_comment_regex,
                };
                Some(Rule { kind, text: text.clone()? })
            })
            .collect()
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct KeyGroup {
    pub merge: Vec<KeyGroup>,
    pub age: Vec<String>,
    pub pgp: Vec<String>,
    pub kms: Vec<KmsEntry>,
    pub gcp_kms: Vec<GcpEntry>,
    pub hckms: Vec<HcKmsEntry>,
    pub azure_keyvault: Vec<AzureEntry>,
    pub hc_vault: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct KmsEntry {
    arn: String,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, String>,
    #[serde(default)]
    aws_profile: Option<String>,
}

impl KmsEntry {
    pub(super) fn key(&self) -> KeyRef {
        KeyRef::Kms {
            arn: self.arn.clone(),
            role: self.role.clone().filter(|role| !role.is_empty()),
            context: self.context.clone(),
            aws_profile: self.aws_profile.clone().unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct GcpEntry {
    pub resource_id: String,
}

#[derive(Deserialize)]
pub(super) struct HcKmsEntry {
    pub key_id: String,
}

#[derive(Deserialize)]
pub(super) struct AzureEntry {
    #[serde(rename = "vaultUrl")]
    vault_url: String,
    key: String,
    #[serde(default)]
    version: Option<String>,
}

impl AzureEntry {
    pub(super) fn key(&self) -> KeyRef {
        KeyRef::AzureKv {
            vault_url: self.vault_url.trim_end_matches('/').to_owned(),
            name: self.key.clone(),
            version: self.version.clone().unwrap_or_default(),
        }
    }
}

/// Keys of one kind: a comma list or a list of texts.
#[derive(Default)]
pub(super) struct Keys(pub Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a comma list or a list of texts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Keys, E> {
                Ok(Keys(vec![text.to_owned()]))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Keys, E> {
                Ok(Keys::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = seq.next_element::<String>()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_any(KeysVisitor)
    }
}

/// Reads the text of the file at `path`.
pub(super) fn parse(path: &Path, text: &str) -> Result<ConfigFile, RulesError> {
    let mut unknown = Vec::new();
    let document = serde_saphyr::with_deserializer_from_str(text, |deserializer| {
        serde_ignored::deserialize::<_, _, Option<Document>>(deserializer, |key| {
            unknown.push(key.to_string());
        })
    })
    .map_err(|error| {
        let line = error.location().map(|location| location.line());
        let message = error.without_snippet().to_string();
        let reason = message.lines().next().unwrap_or_default().to_owned();
        RulesError::Syntax { path: path.to_path_buf(), line, reason }
    })?;
    let rules = document.and_then(|document| document.creation_rules);
    let unknown = UnknownKeys(unknown);
    if rules.is_none() {
        unknown.check_top(path)?;
    }
    Ok(ConfigFile { rules, unknown })
}

impl UnknownKeys {
    /// Refuses what stands in rule `number`, counted from 1, and is no key of a rule.
    pub(super) fn check_rule(&self, config: &Path, number: usize) -> Result<(), RulesError> {
        let prefix = format!("creation_rules.{}.", number - 1);
        // An optional value adds a `?` step to the path.
        let mut inside = self.0.iter().filter_map(|path| {
            let path = path.replace("?.", "");
            path.strip_prefix(&prefix).map(str::to_owned)
        });
        let Some(path) = inside.next() else { return Ok(()) };
        let (known, key) = match path.rsplit_once('.') {
            Some((_, key)) => (GROUP_KEYS, key),
            None => (RULE_KEYS, path.as_str()),
        };
        Err(RulesError::UnknownKey {
            config: config.to_path_buf(),
            rule: number,
            key: key.to_owned(),
            suggestion: closest(key, known),
        })
    }

    fn check_top(&self, config: &Path) -> Result<(), RulesError> {
        let top = |path: &String| path.replace("?.", "");
        match self.0.iter().map(top).find(|key| closest(key, &["creation_rules"]).is_some()) {
            Some(key) => Err(RulesError::MisspeltRules { config: config.to_path_buf(), key }),
            None => Ok(()),
        }
    }
}

fn closest(word: &str, known: &[&str]) -> Option<String> {
    similar::get_close_matches(word, known, 1, 0.75).first().map(|&known| known.to_owned())
}
