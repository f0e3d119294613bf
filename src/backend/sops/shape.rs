//! What each line of a SOPS file is, told without any key.
//!
//! For the question whether a file is encrypted in full, in part or not at all: every value is looked at under the
//! rule that the file records, and an encrypted one is checked field by field. Nothing here proves that a value
//! opens; only the MAC of a decryption does.

use super::decrypt::Source;
use super::error::SopsError;
use super::selection::Selector;
use super::store::Item;
use super::value::{self, Sealed, ValueError};

/// What stands after a `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueShape {
    /// Nothing; SOPS leaves empty values as they are.
    Empty,
    /// A well-formed encrypted value.
    Encrypted,
    /// Something that starts like an encrypted value and is none.
    Malformed(ValueError),
    /// Text in the clear.
    Plain,
}

/// Classifies one value.
pub fn of_value(text: &str) -> ValueShape {
    if text.is_empty() {
        return ValueShape::Empty;
    }
    if !value::looks_encrypted(text) {
        return ValueShape::Plain;
    }
    match Sealed::parse(text) {
        Ok(_) => ValueShape::Encrypted,
        Err(error) => ValueShape::Malformed(error),
    }
}

/// One pair of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Line from 1.
    pub line: usize,
    /// The key as it stands.
    pub key: String,
    /// Whether the rule encrypts its value.
    pub selected: bool,
    /// What its value is.
    pub shape: ValueShape,
}

impl Row {
    /// Whether the value stands in clear although the rule encrypts it.
    pub fn is_exposed(&self) -> bool {
        self.selected && self.shape == ValueShape::Plain
    }
}

/// Classifies every pair of an encrypted file; a binary-store file has the one pair `data`.
pub fn survey(text: &str) -> Result<Vec<Row>, SopsError> {
    let (body, metadata) = match Source::parse(text)? {
        Source::Dotenv { body, metadata } => (body, metadata),
        Source::Binary(file) => {
            let shape = of_value(&file.data);
            return Ok(vec![Row { line: 1, key: "data".to_owned(), selected: true, shape }]);
        }
    };
    let selector = Selector::lenient(metadata.rule);
    let mut walk = selector.walk();
    let rows = body.iter().filter_map(|line| {
        let selected = walk.encrypts(&line.item);
        match line.item {
            Item::Pair { key, value } => {
                Some(Row { line: line.number, key: key.to_owned(), selected, shape: of_value(value) })
            }
            Item::Blank | Item::Comment(_) => None,
        }
    });
    Ok(rows.collect())
}
