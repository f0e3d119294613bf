//! The other stores of SOPS that turn up under the name of a dotenv file.
//!
//! SOPS goes by the end of the name, and `.env.production` does not end in `.env`: without an explicit type the
//! whole file becomes one value in a JSON document. Such a file is told apart here, and the binary store can be
//! opened: `{"data": "ENC[…]", "sops": {…}}`, associated data `data:`, no selection rule.

use std::collections::BTreeMap;

use serde_json::Value;

use super::flat::Node;
use super::metadata::{Metadata, MetadataError};

/// A store that is not the dotenv one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherStore {
    /// One value holds the whole file.
    Binary,
    /// A JSON document whose values are encrypted.
    Json,
    /// A YAML document whose values are encrypted.
    Yaml,
}

impl OtherStore {
    /// What it is, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Binary => "a SOPS binary-store file (JSON with the whole file as one value)",
            Self::Json => "a SOPS JSON file",
            Self::Yaml => "a SOPS YAML file",
        }
    }
}

/// Tells which other store `text` is an encrypted file of, if any.
pub fn detect(text: &str) -> Option<OtherStore> {
    if let Some(document) = json_object(text) {
        let sops = document.get("sops")?;
        let encrypted = sops.get("mac").is_some() && sops.get("version").is_some();
        let only_data = document.len() == 2 && document.get("data").is_some_and(Value::is_string);
        return encrypted.then_some(if only_data { OtherStore::Binary } else { OtherStore::Json });
    }
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "sops:").skip(1);
    let block = lines.by_ref().take_while(|line| line.is_empty() || line.starts_with([' ', '-']));
    block.into_iter().any(|line| line.trim_start().starts_with("mac:")).then_some(OtherStore::Yaml)
}

/// The parts of a binary-store file.
pub struct BinaryFile {
    /// The encrypted content.
    pub data: String,
    /// Its metadata.
    pub metadata: Metadata,
}

/// Reads a file that [`detect`] calls binary.
pub fn read_binary(text: &str) -> Result<BinaryFile, MetadataError> {
    let mut document = json_object(text).unwrap_or_default();
    let Some(Value::String(data)) = document.remove("data") else { return Err(MetadataError::Absent) };
    let Some(Value::Object(sops)) = document.remove("sops") else { return Err(MetadataError::Absent) };
    let tree = sops.into_iter().filter_map(|(name, value)| Some((name, node(value)?))).collect();
    Ok(BinaryFile { data, metadata: Metadata::from_tree(&tree)? })
}

fn json_object(text: &str) -> Option<serde_json::Map<String, Value>> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    text.starts_with('{').then(|| serde_json::from_str(text).ok())?
}

fn node(value: Value) -> Option<Node> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => Node::Text(flag.to_string()),
        Value::Number(number) => Node::Text(number.to_string()),
        Value::String(text) => Node::Text(text),
        Value::Array(items) => Node::List(items.into_iter().filter_map(node).enumerate().collect()),
        Value::Object(map) => {
            let children: BTreeMap<String, Node> =
                map.into_iter().filter_map(|(name, value)| Some((name, node(value)?))).collect();
            Node::Map(children)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &str = r#"{
	"data": "ENC[AES256_GCM,data:AA==]",
	"sops": {
		"kms": null,
		"age": [{"recipient": "age1x", "enc": "-----BEGIN\nX\n"}],
		"lastmodified": "2026-11-24T21:59:42Z",
		"mac": "ENC[m]",
		"mac_only_encrypted": true,
		"version": "3.13.3"
	}
}"#;

    #[test]
    fn each_store_is_told_apart() {
        assert_eq!(detect(BINARY), Some(OtherStore::Binary));
        assert_eq!(detect(&format!("\u{feff} {BINARY}")), Some(OtherStore::Binary));
        assert_eq!(detect(&BINARY.replacen("data", "KEY", 1)), Some(OtherStore::Json));
        let yaml = "KEY: ENC[x]\nsops:\n    age:\n        - enc: |\n            x\n    mac: ENC[m]\n    version: 3\n";
        assert_eq!(detect(yaml), Some(OtherStore::Yaml));
        for text in [
            "",
            "A={\"sops\":1}\n",
            "{",
            "{}",
            "{\"sops\":{}}",
            "URL=https://sops:8200\nmac: x",
            "sops:\nA=1\n  mac: 1",
        ] {
            assert_eq!(detect(text), None, "{text}");
        }
    }

    #[test]
    fn the_metadata_of_a_binary_file_is_read() {
        let file = read_binary(BINARY).unwrap();
        assert_eq!(file.data, "ENC[AES256_GCM,data:AA==]");
        assert_eq!(file.metadata.groups[0][0].key.id(), "age1x");
        assert_eq!(file.metadata.mac_scope, crate::backend::sops::mac::MacScope::Encrypted);
        assert_eq!(read_binary("{}").err(), Some(MetadataError::Absent));
        let no_keys = BINARY.replace("\"age\"", "\"other\"");
        assert_eq!(read_binary(&no_keys).err(), Some(MetadataError::NoKeys));
    }
}
