//! The `sops_…` metadata of a file: who may open it, by which rule, when it was changed, and its MAC.
//!
//! Read from the flat lines of the dotenv store or the `sops` object of a JSON one; written as SOPS 3.13 writes
//! it. Keys that nobody knows are dropped, as SOPS drops them when it writes. Source: `stores/stores.go`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use thiserror::Error;

use super::flat::{self, FlatError, Node};
use super::layout;
use super::mac::MacScope;
use super::master_key::{KeyKind, KeyRef, WrappedKey};
use super::selection::{self, Rule, RuleKind, SelectionError};
use super::store::{self, MetadataLine};
use super::timestamp;

/// The version whose format is written.
pub const VERSION: &str = "3.13.3";

/// Whether `key` is one of the names that SOPS writes, and no variable of a user that merely starts with `sops_`.
pub fn is_metadata_key(key: &str) -> bool {
    let Some(name) = key.strip_prefix(store::METADATA_PREFIX) else { return false };
    let scalar = ["version", "mac", "lastmodified", "mac_only_encrypted", "shamir_threshold", layout::NAME];
    let list = name.split_once("__").map(|(list, _)| list);
    scalar.contains(&name)
        || RuleKind::ALL.iter().any(|kind| kind.as_str() == name)
        || list
            .is_some_and(|list| list == "key_groups" || KeyKind::ALL.iter().any(|kind| kind.as_str() == list))
}

/// What a file says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The key groups; more than one means that each wraps a share of the data key.
    pub groups: Vec<Vec<WrappedKey>>,
    /// How many groups are needed, when recorded.
    pub threshold: Option<usize>,
    /// The time of the last change, as it stands.
    pub last_modified: String,
    /// The encrypted MAC; absent or empty in a file that somebody cut.
    pub mac: Option<String>,
    /// Which values are encrypted.
    pub rule: Rule,
    /// Which values the MAC covers.
    pub mac_scope: MacScope,
    /// The version that wrote the file.
    pub version: String,
    /// The layout line of [`layout`], when there is one.
    pub layout: Option<String>,
}

/// Metadata that SOPS would not read either.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// The file has none.
    #[error("the file has no SOPS metadata, so it is not encrypted")]
    Absent,
    /// The lines do not make a tree.
    #[error(transparent)]
    Flat(#[from] FlatError),
    /// A key that must be there is not.
    #[error("the metadata lacks sops_{0}")]
    Missing(&'static str),
    /// It names nobody who could open the file.
    #[error("the metadata names no key that opens the file")]
    NoKeys,
    /// A key holds something else than it should.
    #[error("sops_{name} is not {expected}")]
    Invalid {
        /// The key without its prefix.
        name: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// Two selection rules.
    #[error(transparent)]
    Rule(#[from] SelectionError),
}

impl MetadataError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Absent => return None,
            Self::Flat(FlatError::Twice { .. } | FlatError::Conflict { .. }) => {
                "a merge may have joined two versions of the file; restore one of them from git"
            }
            Self::Flat(FlatError::Hole { .. }) => "a line of the metadata is gone; restore the file from git",
            Self::Missing(_) | Self::NoKeys | Self::Invalid { .. } | Self::Rule(_) => {
                "the metadata was damaged; restore the file from git"
            }
        };
        Some(hint.to_owned())
    }

    /// The stable token of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent => "sops.not_encrypted",
            Self::Flat(FlatError::Twice { .. }) => "sops.metadata_twice",
            Self::Flat(FlatError::Hole { .. }) => "sops.metadata_hole",
            Self::Flat(FlatError::Conflict { .. })
            | Self::Missing(_)
            | Self::NoKeys
            | Self::Invalid { .. }
            | Self::Rule(_) => "sops.metadata",
        }
    }
}

impl Metadata {
    /// Reads the metadata lines of a dotenv file.
    pub fn from_lines(lines: &[MetadataLine<'_>]) -> Result<Self, MetadataError> {
        if lines.is_empty() {
            return Err(MetadataError::Absent);
        }
        Self::from_tree(&flat::read(lines)?)
    }

    /// Reads the metadata of any store.
    pub fn from_tree(tree: &BTreeMap<String, Node>) -> Result<Self, MetadataError> {
        let text = |name: &'static str| text_of(tree, name);
        let flat_group = group_of(tree);
        let groups = if flat_group.is_empty() { nested_groups(tree) } else { vec![flat_group] };
        let last_modified = text("lastmodified").ok_or(MetadataError::Missing("lastmodified"))?;
        timestamp::canonical(last_modified)
            .ok_or(MetadataError::Invalid { name: "lastmodified", expected: "a time" })?;
        let version =
            text("version").filter(|text| !text.is_empty()).ok_or(MetadataError::Missing("version"))?;
        if groups.iter().all(Vec::is_empty) {
            return Err(MetadataError::NoKeys);
        }
        let rules = RuleKind::ALL
            .into_iter()
            .filter_map(|kind| text_of(tree, kind.as_str()).map(|text| Rule { kind, text: text.to_owned() }));
        Ok(Self {
            groups,
            threshold: threshold_of(tree)?,
            last_modified: last_modified.to_owned(),
            mac: text("mac").map(str::to_owned),
            rule: selection::one_of(rules)?,
            mac_scope: scope_of(tree)?,
            version: version.to_owned(),
            layout: text(layout::NAME).map(str::to_owned),
        })
    }

    /// Appends the metadata lines to `out`.
    pub fn write(&self, out: &mut String) {
        let mut tree = BTreeMap::new();
        let mut put = |name: &str, text: &str| tree.insert(name.to_owned(), Node::Text(text.to_owned()));
        put("lastmodified", &self.last_modified);
        put("mac", self.mac.as_deref().unwrap_or_default());
        put(self.rule.kind.as_str(), &self.rule.text);
        put("version", &self.version);
        if self.mac_scope == MacScope::Encrypted {
            put("mac_only_encrypted", "true");
        }
        if let Some(threshold) = self.threshold {
            put("shamir_threshold", &threshold.to_string());
        }
        if let Some(layout) = &self.layout {
            put(layout::NAME, layout);
        }
        match self.groups.as_slice() {
            [group] => tree.extend(group_tree(group)),
            groups => {
                let nodes = groups.iter().map(|group| Node::Map(group_tree(group)));
                tree.insert("key_groups".to_owned(), Node::List(nodes.enumerate().collect()));
            }
        }
        flat::write(&tree, out);
    }
}

fn text_of<'a>(tree: &'a BTreeMap<String, Node>, name: &str) -> Option<&'a str> {
    match tree.get(name)? {
        Node::Text(text) => Some(text),
        Node::Map(_) | Node::List(_) => None,
    }
}

fn threshold_of(tree: &BTreeMap<String, Node>) -> Result<Option<usize>, MetadataError> {
    let invalid = MetadataError::Invalid { name: "shamir_threshold", expected: "a whole number" };
    let Some(text) = text_of(tree, "shamir_threshold") else { return Ok(None) };
    text.parse().map(|number| Some(number).filter(|number| *number > 0)).map_err(|_| invalid)
}

fn scope_of(tree: &BTreeMap<String, Node>) -> Result<MacScope, MetadataError> {
    match text_of(tree, "mac_only_encrypted") {
        None | Some("" | "0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(MacScope::All),
        Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(MacScope::Encrypted),
        Some(_) => Err(MetadataError::Invalid { name: "mac_only_encrypted", expected: "true or false" }),
    }
}

fn nested_groups(tree: &BTreeMap<String, Node>) -> Vec<Vec<WrappedKey>> {
    let Some(Node::List(groups)) = tree.get("key_groups") else { return Vec::new() };
    groups
        .values()
        .map(|group| match group {
            Node::Map(group) => group_of(group),
            Node::Text(_) | Node::List(_) => Vec::new(),
        })
        .collect()
}

fn group_of(tree: &BTreeMap<String, Node>) -> Vec<WrappedKey> {
    let keys_of = |kind: KeyKind| match tree.get(kind.as_str()) {
        Some(Node::List(keys)) => keys.values().filter_map(|node| wrapped_key(kind, node)).collect(),
        _ => Vec::new(),
    };
    KeyKind::ALL.into_iter().flat_map(keys_of).collect()
}

fn wrapped_key(kind: KeyKind, node: &Node) -> Option<WrappedKey> {
    let Node::Map(fields) = node else { return None };
    let text = |name: &str| text_of(fields, name).unwrap_or_default().to_owned();
    let key = match kind {
        KeyKind::Age => KeyRef::Age { recipient: text("recipient") },
        KeyKind::Pgp => KeyRef::Pgp { fingerprint: text("fp") },
        KeyKind::Kms => KeyRef::Kms {
            arn: text("arn"),
            role: Some(text("role")).filter(|role| !role.is_empty()),
            context: context_of(fields),
            aws_profile: text("aws_profile"),
        },
        KeyKind::GcpKms => KeyRef::GcpKms { resource_id: text("resource_id") },
        KeyKind::AzureKv => {
            KeyRef::AzureKv { vault_url: text("vault_url"), name: text("name"), version: text("version") }
        }
        KeyKind::HcVault => KeyRef::HcVault {
            vault_address: text("vault_address"),
            engine_path: text("engine_path"),
            key_name: text("key_name"),
        },
        KeyKind::HcKms => KeyRef::HcKms { key_id: text("key_id") },
    };
    Some(WrappedKey { key, enc: text("enc"), created_at: text("created_at") })
}

fn context_of(fields: &BTreeMap<String, Node>) -> BTreeMap<String, String> {
    let Some(Node::Map(context)) = fields.get("context") else { return BTreeMap::new() };
    context.keys().filter_map(|name| Some((name.clone(), text_of(context, name)?.to_owned()))).collect()
}

fn group_tree(group: &[WrappedKey]) -> BTreeMap<String, Node> {
    let mut tree = BTreeMap::new();
    for kind in KeyKind::ALL {
        let keys = group.iter().filter(|wrapped| wrapped.key.kind() == kind);
        let list: BTreeMap<usize, Node> = keys.map(key_tree).enumerate().collect();
        if !list.is_empty() {
            tree.insert(kind.as_str().to_owned(), Node::List(list));
        }
    }
    tree
}

fn key_tree(wrapped: &WrappedKey) -> Node {
    let mut fields: Vec<(&str, &str)> = vec![("enc", &wrapped.enc)];
    match &wrapped.key {
        KeyRef::Age { recipient } => fields.push(("recipient", recipient)),
        KeyRef::Pgp { fingerprint } => fields.push(("fp", fingerprint)),
        KeyRef::Kms { arn, role, aws_profile, context: _ } => {
            fields.extend([("arn", arn.as_str()), ("aws_profile", aws_profile)]);
            fields.extend(role.as_deref().map(|role| ("role", role)));
        }
        KeyRef::GcpKms { resource_id } => fields.push(("resource_id", resource_id)),
        KeyRef::AzureKv { vault_url, name, version } => {
            fields.extend([("vault_url", vault_url.as_str()), ("name", name), ("version", version)]);
        }
        KeyRef::HcVault { vault_address, engine_path, key_name } => fields.extend([
            ("vault_address", vault_address.as_str()),
            ("engine_path", engine_path),
            ("key_name", key_name),
        ]),
        KeyRef::HcKms { key_id } => fields.push(("key_id", key_id)),
    }
    if wrapped.key.kind() != KeyKind::Age {
        fields.push(("created_at", &wrapped.created_at));
    }
    let text = |text: &str| Node::Text(text.to_owned());
    let mut map: BTreeMap<String, Node> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
    if let KeyRef::Kms { context, .. } = &wrapped.key
        && !context.is_empty()
    {
        let nodes = context.iter().map(|(name, value)| (name.clone(), text(value)));
        map.insert("context".to_owned(), Node::Map(nodes.collect()));
    }
    Node::Map(map)
}
