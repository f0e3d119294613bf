//! From an encrypted text and its data key to the plain text.
//!
//! The order of refusals is that of SOPS: lines and metadata, then each value, then the MAC. Nothing is given out
//! before the MAC has agreed.

use super::error::SopsError;
use super::layout::Layout;
use super::mac::{Mac, MacScope};
use super::metadata::{Metadata, MetadataError};
use super::other_store::{self, BinaryFile, OtherStore};
use super::selection::Selector;
use super::store::{self, Item, Line, Plain};
use super::timestamp;
use super::typed::{self, Misfit, Typed, ValueType};
use super::value::{self, DataKey, Sealed, ValueCipher, ValueError};
use crate::secret::Secret;

/// What became of the layout line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayoutUse {
    /// The file has none.
    None,
    /// It was applied.
    Applied,
    /// It was made for other lines; the text is spelled as SOPS spells it.
    Ignored,
}

/// A decrypted file.
pub struct Decrypted {
    /// The plain text.
    pub text: String,
    /// Whether its spelling is the original one.
    pub layout: LayoutUse,
}

/// An encrypted file, parsed.
pub enum Source<'a> {
    /// A dotenv-store file.
    Dotenv {
        /// Its lines without the metadata.
        body: Vec<Line<'a>>,
        /// Its metadata.
        metadata: Metadata,
    },
    /// A binary-store file.
    Binary(Box<BinaryFile>),
}

impl<'a> Source<'a> {
    /// Parses `text`, which must be encrypted.
    pub fn parse(text: &'a str) -> Result<Self, SopsError> {
        match other_store::detect(text) {
            Some(OtherStore::Binary) => return Ok(Self::Binary(Box::new(other_store::read_binary(text)?))),
            Some(other) => return Err(SopsError::OtherStore(other)),
            None => {}
        }
        let (body, lines) = store::split_encrypted(text)?;
        Ok(Self::Dotenv { body, metadata: Metadata::from_lines(&lines)? })
    }

    /// The metadata, whatever the store.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Dotenv { metadata, .. } => metadata,
            Self::Binary(file) => &file.metadata,
        }
    }

    /// Decrypts it with its data key.
    pub fn open(&self, data_key: &DataKey) -> Result<Decrypted, SopsError> {
        Ok(self.open_lines(data_key)?.1)
    }

    /// The same, with the decrypted lines of a dotenv-store file.
    pub(super) fn open_lines(&self, data_key: &DataKey) -> Result<(Vec<Plain<'a>>, Decrypted), SopsError> {
        let cipher = ValueCipher::new(data_key);
        match self {
            Self::Dotenv { body, metadata } => {
                let plain = open_body(body, metadata, &cipher)?;
                let decrypted = lay_out(body, &plain, metadata);
                Ok((plain, decrypted))
            }
            Self::Binary(file) => Ok((Vec::new(), open_binary(file, &cipher)?)),
        }
    }
}

fn open_body<'a>(
    body: &[Line<'a>],
    metadata: &Metadata,
    cipher: &ValueCipher,
) -> Result<Vec<Plain<'a>>, SopsError> {
    // SOPS takes a pattern that does not compile for one that never matches, and so must a reader.
    let selector = Selector::lenient(metadata.rule.clone());
    let mut walk = selector.walk();
    let mut mac = Mac::new(metadata.mac_scope);
    let plain = body
        .iter()
        .map(|line| {
            let encrypted = walk.encrypts(&line.item);
            open_line(line, encrypted, cipher, &mut mac)
        })
        .collect::<Result<Vec<_>, _>>()?;
    check_mac(mac, metadata, cipher).map_err(|error| match Selector::new(metadata.rule.clone()) {
        Err(rule) if error == SopsError::MacMismatch => rule.into(),
        _ => error,
    })?;
    Ok(plain)
}

fn open_line<'a>(
    line: &Line<'a>,
    encrypted: bool,
    cipher: &ValueCipher,
    mac: &mut Mac,
) -> Result<Plain<'a>, SopsError> {
    let number = line.number;
    Ok(match line.item {
        Item::Blank => Plain::Blank,
        Item::Comment(text) if encrypted && value::looks_encrypted(text) => Plain::Comment(
            open_comment(text, cipher).map_err(|source| SopsError::Comment { line: number, source })?,
        ),
        Item::Comment(text) => Plain::Comment(text.to_owned().into()),
        Item::Pair { key, value } => {
            let typed = match (encrypted, value.is_empty()) {
                (true, false) => open_value(number, key, value, cipher)?,
                _ => Typed { shown: store::decode(value), counted: store::decode(value) },
            };
            mac.add(typed.counted.expose(), encrypted);
            Plain::Pair { key, value: typed.shown }
        }
    })
}

fn open_value(line: usize, key: &str, text: &str, cipher: &ValueCipher) -> Result<Typed, SopsError> {
    if !value::looks_encrypted(text) {
        return Err(SopsError::ValueInClear { line, key: key.to_owned() });
    }
    let fail = |source| SopsError::Value { line, key: key.to_owned(), source };
    let sealed = Sealed::parse(text).map_err(fail)?;
    let bytes = cipher.open(&sealed, &format!("{key}:")).map_err(fail)?;
    typed::read(sealed.value_type(), &bytes).map_err(|misfit| match misfit {
        Misfit::NotUtf8 => SopsError::NotUtf8 { line, key: key.to_owned() },
        Misfit::WrongType => SopsError::TypeChanged { line, key: key.to_owned() },
    })
}

fn open_comment(text: &str, cipher: &ValueCipher) -> Result<Secret, ValueError> {
    let sealed = Sealed::parse(text)?;
    let bytes = cipher.open(&sealed, ":")?;
    let comment = std::str::from_utf8(&bytes).map_err(|_| ValueError::NotText)?;
    if sealed.value_type() != ValueType::Comment || comment.contains('\n') {
        return Err(ValueError::NotText);
    }
    Ok(Secret::new(comment))
}

fn check_mac(mac: Mac, metadata: &Metadata, cipher: &ValueCipher) -> Result<(), SopsError> {
    let stored = metadata.mac.as_deref().filter(|text| !text.is_empty()).ok_or(SopsError::MacMissing)?;
    let aad = timestamp::canonical(&metadata.last_modified)
        .ok_or(MetadataError::Invalid { name: "lastmodified", expected: "a time" })?;
    let opened = Sealed::parse(stored).and_then(|sealed| cipher.open(&sealed, &aad));
    let stored = opened.map_err(|_| SopsError::MacDamaged)?;
    if mac.finish().as_bytes() == stored.as_slice() { Ok(()) } else { Err(SopsError::MacMismatch) }
}

/// The text in its original layout, when that says the same as the lines.
pub(super) fn lay_out(body: &[Line<'_>], plain: &[Plain<'_>], metadata: &Metadata) -> Decrypted {
    let as_sops_spells_it = |layout| Decrypted { text: Layout::default().join(plain), layout };
    let Some(recorded) = &metadata.layout else { return as_sops_spells_it(LayoutUse::None) };
    let Some(layout) = Layout::parse(recorded, body.iter().map(|line| &line.item)) else {
        return as_sops_spells_it(LayoutUse::Ignored);
    };
    let text = layout.join(plain);
    let says_the_same = store::split_plain(&text).is_ok_and(|(lines, _)| {
        lines.len() == plain.len() && lines.iter().zip(plain).all(|(line, plain)| line.item == *plain)
    });
    if says_the_same {
        Decrypted { text, layout: LayoutUse::Applied }
    } else {
        as_sops_spells_it(LayoutUse::Ignored)
    }
}

fn open_binary(file: &BinaryFile, cipher: &ValueCipher) -> Result<Decrypted, SopsError> {
    // Versions up to 3.10 applied the selection rule here, and might leave the whole file in clear.
    let encrypted = value::looks_encrypted(&file.data);
    let typed = if encrypted {
        open_value(1, "data", &file.data, cipher)?
    } else {
        Typed { shown: Secret::new(&*file.data), counted: Secret::new(&*file.data) }
    };
    let mut mac = Mac::new(file.metadata.mac_scope);
    mac.add(typed.counted.expose(), encrypted || file.metadata.mac_scope == MacScope::All);
    check_mac(mac, &file.metadata, cipher)?;
    Ok(Decrypted { text: typed.shown.expose().to_owned(), layout: LayoutUse::None })
}
