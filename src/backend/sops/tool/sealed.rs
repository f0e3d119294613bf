//! A file that sops shall decrypt: what it is given, and what it has to give back.
//!
//! Each line of the answer belongs to one line of the file: the key is the same, what stands in clear is the same, and
//! what is encrypted has the length that its ciphertext tells. The text is then laid out as the built-in engine does.

use super::draft::{push_item, shape};
use super::error::SopsToolError;
use crate::backend::sops::decrypt::{Decrypted, lay_out};
use crate::backend::sops::error::SopsError;
use crate::backend::sops::metadata::{Metadata, MetadataError};
use crate::backend::sops::selection::Selector;
use crate::backend::sops::store::{self, Item, Line, METADATA_PREFIX, MetadataLine, Plain};
use crate::backend::sops::typed::ValueType;
use crate::backend::sops::value::{self, Sealed, ValueError};
use crate::secret::Secret;

/// An encrypted dotenv-store file, parsed.
pub(super) struct SealedFile<'a> {
    pub metadata: Metadata,
    body: Vec<Line<'a>>,
    metadata_lines: Vec<MetadataLine<'a>>,
    /// Which lines must be opened.
    sealed: Vec<bool>,
}

impl<'a> SealedFile<'a> {
    /// Parses `text`; refuses what sops would trip over, and says where.
    pub(super) fn of(text: &'a str) -> Result<Self, SopsError> {
        if !text.lines().any(|line| line.starts_with(METADATA_PREFIX)) {
            return Err(MetadataError::Absent.into());
        }
        let (body, metadata_lines) = store::split_encrypted(text)?;
        let metadata = Metadata::from_lines(&metadata_lines)?;
        if metadata.mac.as_deref().is_none_or(str::is_empty) {
            return Err(SopsError::MacMissing);
        }
        let selector = Selector::new(metadata.rule.clone());
        let mut walk = selector.as_ref().ok().map(Selector::walk);
        let sealed = body
            .iter()
            .map(|line| {
                let picked = match &mut walk {
                    Some(walk) => walk.encrypts(&line.item),
                    // sops may know a pattern that we do not; what looks encrypted then is.
                    None => value::looks_encrypted(content(&line.item)),
                };
                check(line, picked)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { metadata, body, metadata_lines, sealed })
    }

    /// The text for sops: the file without its empty lines, and with LF line ends.
    pub(super) fn input(&self) -> Vec<u8> {
        let mut out = String::new();
        for line in self.body.iter().filter(|line| line.item != Item::Blank) {
            push_item(&mut out, &line.item);
            out.push('\n');
        }
        for line in &self.metadata_lines {
            out.extend([METADATA_PREFIX, line.name, "=", line.value, "\n"]);
        }
        out.into_bytes()
    }

    /// The encrypted values and comments, as they stand.
    pub(super) fn ciphertexts(&self) -> impl Iterator<Item = &'a str> {
        self.body.iter().zip(&self.sealed).filter(|(_, sealed)| **sealed).map(|(line, _)| content(&line.item))
    }

    /// Checks the answer of sops line by line, and lays it out as the original text.
    pub(super) fn complete(&self, answer: &[u8]) -> Result<Decrypted, SopsToolError> {
        let answer = std::str::from_utf8(answer).map_err(|error| {
            let breaks = memchr::memchr_iter(b'\n', &answer[..error.valid_up_to()]).count();
            self.not_utf8(breaks)
        })?;
        let mut answers = answer.split_terminator('\n');
        let mut plain = Vec::with_capacity(self.body.len());
        for (line, sealed) in self.body.iter().zip(&self.sealed) {
            plain.push(match line.item {
                Item::Blank => Plain::Blank,
                _ => opened(line, *sealed, answers.next().ok_or(SopsToolError::Lines)?)?,
            });
        }
        if answers.next().is_some() {
            return Err(SopsToolError::Lines);
        }
        Ok(lay_out(&self.body, &plain, &self.metadata))
    }

    fn not_utf8(&self, nth: usize) -> SopsToolError {
        match self.body.iter().filter(|line| line.item != Item::Blank).nth(nth) {
            Some(Line { number, item: Item::Pair { key, .. } }) => {
                SopsError::NotUtf8 { line: *number, key: (*key).to_owned() }.into()
            }
            Some(Line { number, .. }) => {
                SopsError::Comment { line: *number, source: ValueError::NotText }.into()
            }
            None => SopsToolError::BadAnswer,
        }
    }
}

/// What may be encrypted of a line.
pub(super) fn content<'a>(item: &Item<'a>) -> &'a str {
    match item {
        Item::Blank => "",
        Item::Comment(text) | Item::Pair { value: text, .. } => text,
    }
}

/// Whether a line that the rule picks has to be opened; an error when it cannot be.
fn check(line: &Line<'_>, picked: bool) -> Result<bool, SopsError> {
    let number = line.number;
    let text = content(&line.item);
    if !picked || text.is_empty() {
        return Ok(false);
    }
    match line.item {
        Item::Blank => Ok(false),
        // A comment that was added by hand stays as it is.
        Item::Comment(_) if !value::looks_encrypted(text) => Ok(false),
        Item::Comment(_) => match Sealed::parse(text) {
            Ok(sealed) if sealed.value_type() == ValueType::Comment => Ok(true),
            Ok(_) => Err(SopsError::Comment { line: number, source: ValueError::NotText }),
            Err(source) => Err(SopsError::Comment { line: number, source }),
        },
        Item::Pair { key, .. } => {
            let key = key.to_owned();
            if !value::looks_encrypted(text) {
                return Err(SopsError::ValueInClear { line: number, key });
            }
            match Sealed::parse(text).map(|sealed| sealed.value_type()) {
                Ok(ValueType::Bytes | ValueType::Comment) => {
                    Err(SopsError::TypeChanged { line: number, key })
                }
                Ok(_) => Ok(true),
                Err(source) => Err(SopsError::Value { line: number, key, source }),
            }
        }
    }
}

/// The line that sops made of `line`.
fn opened<'a>(line: &Line<'a>, sealed: bool, answer: &str) -> Result<Plain<'a>, SopsToolError> {
    let (text, what) = match line.item {
        Item::Pair { key, .. } => (answer.strip_prefix(key).and_then(|rest| rest.strip_prefix('=')), key),
        Item::Comment(_) | Item::Blank => (answer.strip_prefix('#'), "a comment"),
    };
    let text = text.ok_or(SopsToolError::Lines)?;
    let before = content(&line.item);
    let changed = || SopsToolError::Changed { line: line.number, what: what.to_owned() };
    let shape = if sealed { shape(before) } else { None };
    let Item::Pair { key, .. } = line.item else {
        // sops hands out a comment that it cannot open as it stands.
        return match shape {
            Some(_) if text == before => {
                Err(SopsError::Comment { line: line.number, source: ValueError::Damaged }.into())
            }
            Some(shape) if text.len() != shape.length => Err(changed()),
            None if text != before => Err(changed()),
            _ => Ok(Plain::Comment(Secret::new(text))),
        };
    };
    let decoded = store::decode(text);
    let value = match shape {
        // A number or bool that `sops set` wrote is shown in another form than it is kept in.
        Some(shape) if shape.value_type != ValueType::Str => decoded,
        Some(shape) if shape.length == decoded.expose().len() => decoded,
        // The value itself has a backslash and an n, which a dotenv file cannot tell from a line break.
        Some(shape) if shape.length > decoded.expose().len() && shape.length <= text.len() => {
            Secret::new(text)
        }
        None if text == before => decoded,
        _ => return Err(changed()),
    };
    Ok(Plain::Pair { key, value })
}
