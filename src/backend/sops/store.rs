//! The dotenv store of SOPS: text to lines and back.
//!
//! SOPS knows three kinds of line: nothing, `#text`, and `KEY=value` split at the first `=`, with the two
//! characters `\n` in a value standing for a line break. No quotes, no trimming, no `export`. The encrypted
//! side is read exactly so. The plain side is read so as well, except where SOPS would refuse the line or take
//! a quoted value of several lines apart: what it cannot show goes into a [`Layout`].
//! Format: `stores/dotenv/store.go` of SOPS 3.13, and sops-corpus in the format notes.

use thiserror::Error;

use super::layout::{Breaks, Layout};
use super::quoting;
use crate::secret::Secret;

/// The prefix of every metadata key.
pub const METADATA_PREFIX: &str = "sops_";

/// A line of the body; `value` is as it stands after the `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    /// An empty line.
    Blank,
    /// The text after the `#`.
    Comment(&'a str),
    /// A pair, even one with an empty key.
    Pair {
        /// The bytes before the first `=`, blanks and `export` included.
        key: &'a str,
        /// The bytes after it; on the plain side it may hold line breaks.
        value: &'a str,
    },
}

/// An item and the line of the text on which it starts, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Line number in the text that was read.
    pub number: usize,
    /// What stands there.
    pub item: Item<'a>,
}

/// A `sops_…` line of an encrypted file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataLine<'a> {
    /// Line number in the text that was read.
    pub number: usize,
    /// The key without its prefix.
    pub name: &'a str,
    /// The value as it stands, `\n` not yet read.
    pub value: &'a str,
}

/// A line of the body with its text decrypted and its line breaks read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plain<'a> {
    /// An empty line.
    Blank,
    /// The text after the `#`.
    Comment(Secret),
    /// A pair.
    Pair {
        /// The key as it stands.
        key: &'a str,
        /// The value with real line breaks.
        value: Secret,
    },
}

impl PartialEq<Plain<'_>> for Item<'_> {
    /// Whether the line says the same, however its line breaks are spelled.
    fn eq(&self, other: &Plain<'_>) -> bool {
        match (self, other) {
            (Self::Blank, Plain::Blank) => true,
            (Self::Comment(text), Plain::Comment(plain)) => *text == plain.expose(),
            (Self::Pair { key, value }, Plain::Pair { key: plain_key, value: plain }) => {
                key == plain_key && decode(value) == *plain
            }
            _ => false,
        }
    }
}

/// Why a text does not fit the dotenv store. Names the line, never its content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A line without `=` that is neither a comment nor blank.
    #[error("line {line} is neither KEY=value, a comment nor blank, so SOPS could not read it back")]
    Junk {
        /// Line number from 1.
        line: usize,
    },
    /// A key that SOPS reads as its own metadata.
    #[error("line {line}: the key {key} starts with sops_, which SOPS keeps for its own metadata")]
    Reserved {
        /// Line number from 1.
        line: usize,
        /// The key.
        key: String,
    },
}

impl StoreError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Junk { .. } => {
                "write it as KEY=value, put # in front of it, or quote a value that spans several lines"
            }
            Self::Reserved { .. } => "rename the key",
        };
        Some(hint.to_owned())
    }

    /// The stable token of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Junk { .. } => "sops.line",
            Self::Reserved { .. } => "sops.reserved_key",
        }
    }
}

/// Splits the text of a plain file into lines and the layout that SOPS cannot hold.
///
/// Joining the two again with [`Layout::join`] gives `text` back, byte for byte.
pub fn split_plain(text: &str) -> Result<(Vec<Line<'_>>, Layout), StoreError> {
    let mut layout = Layout::default();
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    layout.bom = body.len() != text.len();
    layout.open_end = !body.is_empty() && !body.ends_with('\n');
    let mut lines = Vec::new();
    let (mut rest, mut number) = (body, 1);
    while !rest.is_empty() {
        let line = first_line(rest);
        let mut taken = line;
        let trimmed = line.trim_start_matches(is_blank);
        let indent = &line[..line.len() - trimmed.len()];
        let item = if let Some(comment) = trimmed.strip_prefix('#') {
            layout.indent(lines.len(), indent);
            Item::Comment(comment)
        } else if trimmed.is_empty() {
            layout.indent(lines.len(), indent);
            Item::Blank
        } else {
            let (key, _) = line.split_once('=').ok_or(StoreError::Junk { line: number })?;
            if key.starts_with(METADATA_PREFIX) {
                return Err(StoreError::Reserved { line: number, key: key.to_owned() });
            }
            let value_start = key.len() + 1;
            let value = &rest[value_start..][..quoting::value_length(&rest[value_start..])];
            layout.breaks(lines.len(), Breaks::of(value));
            taken = &rest[..value_start + value.len()];
            Item::Pair { key, value }
        };
        lines.push(Line { number, item });
        number += 1 + breaks_in(taken);
        rest = rest.get(taken.len() + 1..).unwrap_or_default();
    }
    layout.seal(lines.iter().map(|line| &line.item));
    Ok((lines, layout))
}

/// Splits an encrypted file into its body and its metadata, which may stand anywhere.
///
/// Empty lines that follow a metadata line belong to it and are dropped. A file whose metadata lines all end
/// in CR was checked out with CRLF endings; one CR is then taken off every line.
pub fn split_encrypted(text: &str) -> Result<(Vec<Line<'_>>, Vec<MetadataLine<'_>>), StoreError> {
    let (mut body, mut metadata) = (Vec::new(), Vec::new());
    let crlf = checked_out_with_crlf(text);
    let mut after_metadata = false;
    for (index, line) in lines(text).enumerate() {
        let number = index + 1;
        let line = if crlf { line.strip_suffix('\r').unwrap_or(line) } else { line };
        let item = if line.is_empty() {
            Item::Blank
        } else if let Some(comment) = line.strip_prefix('#') {
            Item::Comment(comment)
        } else {
            let (key, value) = line.split_once('=').ok_or(StoreError::Junk { line: number })?;
            if let Some(name) = key.strip_prefix(METADATA_PREFIX) {
                metadata.push(MetadataLine { number, name, value });
                after_metadata = true;
                continue;
            }
            Item::Pair { key, value }
        };
        after_metadata &= item == Item::Blank;
        if !after_metadata {
            body.push(Line { number, item });
        }
    }
    Ok((body, metadata))
}

/// Reads a value: `\n` becomes a line break.
pub fn decode(value: &str) -> Secret {
    Secret::new(value.replace("\\n", "\n"))
}

/// Appends `value` to `out` with each line break spelled `\n`.
pub fn encode_onto(out: &mut String, value: &str) {
    for (index, part) in value.split('\n').enumerate() {
        if index > 0 {
            out.push_str("\\n");
        }
        out.push_str(part);
    }
}

/// Blanks that a line may consist of or start with, apart from its line break.
pub fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\x0b' | '\x0c')
}

/// The lines of `text` without their line feed but with any CR.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line))
}

fn checked_out_with_crlf(text: &str) -> bool {
    let mut metadata = lines(text).filter(|line| line.starts_with(METADATA_PREFIX)).peekable();
    metadata.peek().is_some() && metadata.all(|line| line.ends_with('\r'))
}

fn first_line(text: &str) -> &str {
    &text[..memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len())]
}

fn breaks_in(text: &str) -> usize {
    memchr::memchr_iter(b'\n', text.as_bytes()).count()
}
