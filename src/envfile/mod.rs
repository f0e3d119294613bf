//! The lossless env document: the original text and where its assignments stand in it.
//!
//! Three laws: the text of a parsed document is the text that went in, for every text; replacing values
//! changes only the bytes of those values; and what an engine encrypts and decrypts comes back byte for byte
//! or is refused. Two dialects read the same text: [`scan`] is how dotenvx sees a file, `loader` is how
//! python-dotenv does. (The SOPS dotenv store has its own line rules in `backend/sops/store.rs`.)

pub mod loader;
pub mod scan;
pub mod value;

use std::fmt;
use std::ops::Range;

/// How a value is quoted in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// No quotes.
    None,
    /// `'…'`: only `\'` is an escape.
    Single,
    /// `"…"`: `\n`, `\r` and `\t` are escapes.
    Double,
    /// `` `…` ``: no escapes.
    Backtick,
}

impl Quote {
    /// The quote character, empty for [`Quote::None`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Single => "'",
            Self::Double => "\"",
            Self::Backtick => "`",
        }
    }

    /// The quote that `byte` opens.
    pub fn opened_by(byte: u8) -> Self {
        match byte {
            b'\'' => Self::Single,
            b'"' => Self::Double,
            b'`' => Self::Backtick,
            _ => Self::None,
        }
    }
}

/// What stands between a key and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Separator {
    /// `KEY=value`.
    Equals,
    /// `KEY: value`, which dotenvx reads but never encrypts.
    Colon,
}

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Byte range of the key.
    pub key: Range<usize>,
    /// Byte range of the value with its quotes; empty where nothing is assigned.
    pub slot: Range<usize>,
    /// The quotes inside `slot`.
    pub quote: Quote,
    /// What stands between key and value.
    pub separator: Separator,
    /// 1-based line of the key.
    pub line: usize,
}

/// A line that is neither an assignment, nor a comment, nor blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// Byte range of the line without its end.
    pub span: Range<usize>,
    /// 1-based line number.
    pub line: usize,
}

/// A parsed document in the dotenvx dialect.
#[derive(Clone)]
pub struct EnvFile {
    text: String,
    entries: Vec<Entry>,
    strays: Vec<Stray>,
}

/// A new value for one entry: the raw text between the quotes, and the quotes.
pub struct Replacement {
    /// Index into [`EnvFile::entries`].
    pub entry: usize,
    /// The text to stand between the quotes.
    pub raw: String,
    /// The quotes to write.
    pub quote: Quote,
}

impl EnvFile {
    /// Parses `text`; every text is a document.
    pub fn parse(text: impl Into<String>) -> Self {
        let text = text.into();
        let (entries, strays) = scan::scan(&text);
        Self { text, entries, strays }
    }

    /// The original text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The assignments in file order; a key may appear several times.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The lines that no reader of the dialect understands.
    pub fn strays(&self) -> &[Stray] {
        &self.strays
    }

    /// The key of `entry`.
    pub fn key(&self, entry: &Entry) -> &str {
        &self.text[entry.key.clone()]
    }

    /// The text between the quotes of `entry`, as it stands in the file.
    pub fn raw(&self, entry: &Entry) -> &str {
        &self.text[self.raw_span(entry)]
    }

    /// Where the text between the quotes of `entry` stands.
    pub fn raw_span(&self, entry: &Entry) -> Range<usize> {
        let width = entry.quote.as_str().len();
        entry.slot.start + width..entry.slot.end - width
    }

    /// The value of `entry` as dotenvx reads it.
    pub fn value(&self, entry: &Entry) -> String {
        value::decode(self.raw(entry), entry.quote)
    }

    /// The text of a stray line.
    pub fn stray(&self, stray: &Stray) -> &str {
        &self.text[stray.span.clone()]
    }

    /// The text with some values replaced (in file order) and every other byte as it was.
    pub fn with_values(&self, replacements: &[Replacement]) -> String {
        let grown: usize = replacements.iter().map(|new| new.raw.len() + 2).sum();
        let mut out = String::with_capacity(self.text.len() + grown);
        let mut copied = 0;
        for new in replacements {
            let slot = &self.entries[new.entry].slot;
            out.push_str(&self.text[copied..slot.start]);
            out.push_str(new.quote.as_str());
            out.push_str(&new.raw);
            out.push_str(new.quote.as_str());
            copied = slot.end;
        }
        out.push_str(&self.text[copied..]);
        out
    }

    /// The line end of the file: that of its first line, `\n` where it has none.
    pub fn line_end(&self) -> &'static str {
        line_end(&self.text)
    }
}

/// The line end of `text`: that of its first line, `\n` where it has none.
pub fn line_end(text: &str) -> &'static str {
    match text.find(['\r', '\n']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text.as_bytes()[at] == b'\r' => "\r",
        _ => "\n",
    }
}

impl fmt::Display for EnvFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_comes_back_and_a_replacement_touches_only_its_value(
            text in proptest::string::string_regex(r#"([A-C=:"'`\\#$ \t\r\nnrt.]|export |é){0,60}"#).unwrap(),
            pick in 0usize..8,
        ) {
            let file = EnvFile::parse(text.clone());
            prop_assert_eq!(file.to_string(), text.clone());
            if let Some(entry) = file.entries().get(pick) {
                let new = Replacement { entry: pick, raw: "Zz".into(), quote: entry.quote };
                let changed = file.with_values(&[new]);
                prop_assert!(changed.starts_with(&text[..entry.slot.start]));
                prop_assert!(changed.ends_with(&text[entry.slot.end..]));
            }
        }
    }

    #[test]
    fn the_line_end_is_that_of_the_first_line() {
        for (text, end) in [("", "\n"), ("A=1", "\n"), ("A=1\r\nB=2\n", "\r\n"), ("A=1\rB=2", "\r")] {
            assert_eq!(EnvFile::parse(text).line_end(), end, "{text:?}");
        }
    }
}
