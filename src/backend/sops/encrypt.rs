//! From a plain text, a plan and a data key to the encrypted text.

use super::data_key;
use super::error::SopsError;
use super::keep::{Kept, Reuse};
use super::mac::Mac;
use super::metadata::{Metadata, VERSION};
use super::rules::Plan;
use super::selection::Selector;
use super::store::{self, Item, Line};
use super::typed::ValueType;
use super::value::{DataKey, ValueCipher};
use crate::secret::Secret;

/// How often a comment is encrypted anew because its ciphertext sets off the rule by chance.
const COMMENT_TRIES: usize = 32;

/// A commented-out assignment that stays readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainComment {
    /// Its line in the plain text, from 1.
    pub line: usize,
    /// The key it assigns.
    pub key: String,
}

/// An encrypted file, and what of it stays readable.
pub struct Encrypted {
    /// The text to write.
    pub text: String,
    /// Keys whose value stays in clear, by the rule or by their suffix.
    pub left_plain: Vec<String>,
    /// Commented-out assignments that stay in clear.
    pub plain_comments: Vec<PlainComment>,
    /// Lines whose text before the `=` is no key name. It stays readable, as all key names do.
    pub odd_names: Vec<usize>,
    /// What was taken over from the last encrypted form.
    pub kept: Kept,
    pub(super) data_key: DataKey,
}

/// What [`seal_file`] starts from.
pub(super) struct Terms {
    /// The key of the values.
    pub data_key: DataKey,
    /// The metadata, whose MAC is set at the end.
    pub metadata: Metadata,
    /// Ciphertexts that may stand again.
    pub reuse: Reuse,
}

/// Encrypts `lines` of a file and appends its metadata.
pub(super) fn seal_file(lines: &[Line<'_>], terms: Terms) -> Result<Encrypted, SopsError> {
    let Terms { data_key, mut metadata, reuse } = terms;
    let selector = Selector::for_new_file(metadata.rule.clone())?;
    let mut sealer = Sealer {
        cipher: ValueCipher::new(&data_key),
        selector: &selector,
        mac: Mac::new(metadata.mac_scope),
        reuse,
        encrypted_values: 0,
        out: Encrypted {
            text: String::new(),
            left_plain: Vec::new(),
            plain_comments: Vec::new(),
            odd_names: Vec::new(),
            kept: Kept::Nothing,
            data_key,
        },
    };
    let mut walk = selector.walk();
    for line in lines {
        let encrypt = walk.encrypts(&line.item);
        sealer.line(line, encrypt)?;
    }
    if sealer.encrypted_values == 0 && !sealer.out.left_plain.is_empty() {
        return Err(SopsError::NothingEncrypted { rule: metadata.rule });
    }
    let mac = sealer.mac.finish();
    metadata.mac = Some(sealer.cipher.seal(&mac, &metadata.last_modified, ValueType::Str)?);
    let mut encrypted = sealer.out;
    if sealer.reuse.taken > 0 {
        encrypted.kept = Kept::Lines(sealer.reuse.taken);
    }
    metadata.write(&mut encrypted.text);
    Ok(encrypted)
}

struct Sealer<'a> {
    cipher: ValueCipher,
    selector: &'a Selector,
    mac: Mac,
    reuse: Reuse,
    encrypted_values: usize,
    out: Encrypted,
}

impl Sealer<'_> {
    fn line(&mut self, line: &Line<'_>, encrypt: bool) -> Result<(), SopsError> {
        match line.item {
            Item::Blank => {}
            Item::Comment(text) if encrypt => {
                let sealed = self.comment(line.number, text)?;
                self.out.text.extend(["#", &sealed]);
            }
            Item::Comment(text) => {
                self.out.text.extend(["#", text]);
                let key = commented_out_key(text).map(str::to_owned);
                self.out.plain_comments.extend(key.map(|key| PlainComment { line: line.number, key }));
            }
            Item::Pair { key, value } => {
                self.pair(key, &store::decode(value), encrypt)?;
                self.out.odd_names.extend((!is_key_name(key)).then_some(line.number));
            }
        }
        self.out.text.push('\n');
        Ok(())
    }

    fn pair(&mut self, key: &str, value: &Secret, encrypt: bool) -> Result<(), SopsError> {
        let value = value.expose();
        self.mac.add(value, encrypt);
        self.out.text.extend([key, "="]);
        if encrypt {
            let sealed = self.seal(value, &format!("{key}:"), ValueType::Str)?;
            self.encrypted_values += usize::from(!sealed.is_empty());
            self.out.text.push_str(&sealed);
        } else {
            store::encode_onto(&mut self.out.text, value);
            self.out.left_plain.extend((!value.is_empty()).then(|| key.to_owned()));
        }
        Ok(())
    }

    fn comment(&mut self, line: usize, text: &str) -> Result<String, SopsError> {
        for _ in 0..COMMENT_TRIES {
            let sealed = self.seal(text, ":", ValueType::Comment)?;
            if !self.selector.takes_for_plain(&sealed) {
                return Ok(sealed);
            }
        }
        Err(SopsError::RuleMatchesCiphertext { line, rule: self.selector.rule().clone() })
    }

    fn seal(&mut self, text: &str, aad: &str, value_type: ValueType) -> Result<String, SopsError> {
        match self.reuse.take(aad, text) {
            Some(sealed) => Ok(sealed),
            None => Ok(self.cipher.seal(text, aad, value_type)?),
        }
    }
}

/// The metadata of a new file, without its MAC.
pub(super) fn new_metadata(
    plan: &Plan,
    wrapped: data_key::Wrapped,
    now: String,
    layout: Option<String>,
) -> Metadata {
    Metadata {
        groups: wrapped.groups,
        threshold: wrapped.threshold,
        last_modified: now,
        mac: None,
        rule: plan.rule.clone(),
        mac_scope: plan.mac_scope,
        version: VERSION.to_owned(),
        layout,
    }
}

/// The key that a comment would assign if its `#` were gone.
fn commented_out_key(comment: &str) -> Option<&str> {
    let (before, value) = comment.split_once('=')?;
    let name = without_export(before.trim());
    (is_key_name(name) && !value.trim().is_empty()).then_some(name)
}

fn is_key_name(key: &str) -> bool {
    let name = without_export(key.trim());
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

fn without_export(text: &str) -> &str {
    match text.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => text,
    }
}
