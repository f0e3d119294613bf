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

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(usize, Item<'_>)> {
        split_plain(text).unwrap().0.into_iter().map(|line| (line.number, line.item)).collect()
    }

    fn pair<'a>(key: &'a str, value: &'a str) -> Item<'a> {
        Item::Pair { key, value }
    }

    #[test]
    fn a_plain_file_is_split_as_sops_splits_it() {
        assert_eq!(
            items("# top\nA=1\n\nexport B = \"x\" # c\n  C=\\n\r\n=x\nD==\n#\n"),
            [
                (1, Item::Comment(" top")),
                (2, pair("A", "1")),
                (3, Item::Blank),
                (4, pair("export B ", " \"x\" # c")),
                (5, pair("  C", "\\n\r")),
                (6, pair("", "x")),
                (7, pair("D", "=")),
                (8, Item::Comment("")),
            ]
        );
        assert_eq!(items(""), []);
        assert_eq!(items("A=1\rB=2\r"), [(1, pair("A", "1\rB=2\r"))]);
    }

    #[test]
    fn a_quoted_value_of_several_lines_is_one_pair_and_lines_count_on_behind_it() {
        assert_eq!(items("A=\"x\n\ny=1\"\nB=2"), [(1, pair("A", "\"x\n\ny=1\"")), (4, pair("B", "2"))]);
    }

    #[test]
    fn what_sops_would_refuse_is_a_comment_or_an_empty_line_with_a_layout() {
        assert_eq!(
            items("\u{feff}# a\n  # OLD=1\n\r\n \t\n"),
            [(1, Item::Comment(" a")), (2, Item::Comment(" OLD=1")), (3, Item::Blank), (4, Item::Blank)]
        );
    }

    #[test]
    fn junk_and_reserved_keys_are_refused_with_their_line_and_without_their_text() {
        for (text, line) in [("A=1\nhunter2\n", 2), ("A=\"x\ny\"\nhunter2: x", 3), ("\u{a0}\n", 1), ("A", 1)]
        {
            assert_eq!(split_plain(text), Err(StoreError::Junk { line }), "{text}");
        }
        let error = split_plain("A=1\nsops_region=hunter2\n").unwrap_err();
        assert_eq!(error, StoreError::Reserved { line: 2, key: "sops_region".to_owned() });
        assert!(!format!("{error} {:?}", error.hint()).contains("hunter2"));
        for fine in ["sops=1", "SOPS_X=1", " sops_x=1", "export sops_x=1", "#sops_x=1"] {
            assert!(split_plain(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn metadata_is_found_anywhere_and_takes_the_empty_lines_behind_it_along() {
        let (body, metadata) = split_encrypted("sops_mac=m\n\n\nA=1\n\nsops_version=3\n\n#c\n\n").unwrap();
        let names: Vec<_> = metadata.iter().map(|line| (line.number, line.name, line.value)).collect();
        assert_eq!(names, [(1, "mac", "m"), (6, "version", "3")]);
        let body: Vec<_> = body.iter().map(|line| (line.number, line.item)).collect();
        assert_eq!(body, [(4, pair("A", "1")), (5, Item::Blank), (8, Item::Comment("c")), (9, Item::Blank)]);
    }

    #[test]
    fn a_checkout_with_crlf_reads_like_the_file_before() {
        let (body, metadata) = split_encrypted("A=1\r\n\r\nB=2\r\nsops_version=3\r\n").unwrap();
        assert_eq!(metadata[0].value, "3");
        let items: Vec<_> = body.iter().map(|line| line.item).collect();
        assert_eq!(items, [pair("A", "1"), Item::Blank, pair("B", "2")]);
        let (body, _) = split_encrypted("A=1\r\nsops_version=3\n").unwrap();
        assert_eq!(body[0].item, pair("A", "1\r"));
    }

    #[test]
    fn line_breaks_are_read_and_written_as_backslash_n() {
        let mut out = String::new();
        encode_onto(&mut out, "a\nb\\\n");
        assert_eq!(out, "a\\nb\\\\n");
        assert_eq!(decode(&out).expose(), "a\nb\\\n");
    }
}
