//! The one classifier: what is a value, a line, a file, and which backend made it.
//!
//! Everything that asks "is this encrypted?" asks here: `encrypt --check`, the refusals, the checks after
//! encrypting, and backend detection. A ciphertext has to have the shape of one (base64, length, the fields), so
//! `encrypted:hello` is plaintext and a value glued to a ciphertext is seen. Headers, comments and metadata are
//! evidence of nothing: they survive decryption.

use crate::backend::dotenvx::ecies;
use crate::backend::{BackendKind, sops};
use crate::envfile::{EnvFile, Stray};
use crate::keys::KeyName;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueClass {
    /// Nothing.
    Empty,
    /// Readable.
    Plain,
    /// `encrypted:…`, well-formed.
    Dotenvx,
    /// `ENC[AES256_GCM,…]`, well-formed.
    Sops,
    /// Meant to be ciphertext, but cut or edited. Counts as readable.
    Damaged,
}

/// Classifies one value, as it reads without its quotes.
pub fn value_class(value: &str) -> ValueClass {
    if value.is_empty() {
        ValueClass::Empty
    } else if let Some(body) = value.strip_prefix(ecies::PREFIX) {
        dotenvx_class(value, body)
    } else if value.starts_with(sops::VALUE_PREFIX) {
        if sops::is_sealed(value) { ValueClass::Sops } else { ValueClass::Damaged }
    } else {
        ValueClass::Plain
    }
}

fn dotenvx_class(value: &str, body: &str) -> ValueClass {
    if ecies::Sealed::is_sealed(value) {
        return ValueClass::Dotenvx;
    }
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    // The first byte of every sealed value is 04; a note such as `encrypted: yes` is a plain value.
    let was_sealed = body.len() >= 16 && body.starts_with('B') && body.bytes().take(16).all(base64);
    if was_sealed { ValueClass::Damaged } else { ValueClass::Plain }
}

/// What one line contributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The key as it stands in the file; for a line that is no assignment, what stands before its `=` where that is
    /// surely a name and no part of a secret, else `line N`.
    pub key: String,
    /// 1-based line.
    pub line: usize,
    /// What its value is.
    pub class: ValueClass,
    /// Where its key stands in the text.
    key_span: std::ops::Range<usize>,
    /// Where its value stands in the text.
    span: std::ops::Range<usize>,
}

impl Evidence {
    /// The value as it stands in `file`, without its quotes.
    pub fn value<'a>(&self, file: &'a EnvFile) -> &'a str {
        &file.text()[self.span.clone()]
    }

    /// What stands before the `=`, without quotes, for the rules about names; it may hold a piece of a secret and is
    /// never shown.
    pub fn full_key<'a>(&self, file: &'a EnvFile) -> &'a str {
        let key = file.text()[self.key_span.clone()].trim();
        key.strip_prefix("export ").unwrap_or(key).trim_matches([' ', '"', '\''])
    }
}

/// What a file holds, line by line. Public keys and SOPS metadata are left out.
#[derive(Debug, Default)]
pub struct Evidences {
    /// In file order.
    pub lines: Vec<Evidence>,
    /// A dotenvx public key is there.
    pub has_public_key: bool,
    /// `sops_mac` and `sops_version` are there.
    pub has_sops_metadata: bool,
}

impl Evidences {
    /// Looks at every line of `file`.
    pub fn of(file: &EnvFile) -> Self {
        let mut found = Self::default();
        let (mut mac, mut version) = (false, false);
        for entry in file.entries() {
            let key = file.key(entry);
            let class = value_class(file.raw(entry));
            mac |= key == "sops_mac";
            version |= key == "sops_version";
            if is_public_key(key) && class == ValueClass::Plain {
                found.has_public_key = true;
            } else if !sops::is_metadata_key(key) {
                let (key_span, span) = (entry.key.clone(), file.raw_span(entry));
                found.lines.push(Evidence { key: key.to_owned(), line: entry.line, class, key_span, span });
            }
        }
        found.lines.extend(file.strays().iter().filter_map(|stray| stray_evidence(file, stray)));
        found.has_sops_metadata = (mac && version) || sops::other_store::detect(file.text()).is_some();
        found
    }

    /// The lines of one class.
    pub fn of_class(&self, class: ValueClass) -> impl Iterator<Item = &Evidence> {
        self.lines.iter().filter(move |line| line.class == class)
    }

    /// The backend whose ciphertext the file holds, by its values alone.
    pub fn by_value(&self) -> Option<BackendKind> {
        if self.has_sops_metadata || self.of_class(ValueClass::Sops).next().is_some() {
            return Some(BackendKind::Sops);
        }
        self.of_class(ValueClass::Dotenvx).next().map(|_| BackendKind::Dotenvx)
    }

    /// The backend of the file: by its values, else by a header that dotenvx left behind.
    pub fn backend(&self) -> Option<BackendKind> {
        self.by_value().or_else(|| self.has_public_key.then_some(BackendKind::Dotenvx))
    }

    /// Key and line of everything that can be read.
    pub fn readable(&self) -> impl Iterator<Item = &Evidence> {
        self.lines.iter().filter(|line| matches!(line.class, ValueClass::Plain | ValueClass::Damaged))
    }
}

/// What a line that no reader takes for an assignment assigns all the same.
fn stray_evidence(file: &EnvFile, stray: &Stray) -> Option<Evidence> {
    let (key, value) = file.stray(stray).split_once('=')?;
    let bare = value.trim().trim_matches(['"', '\'', '`']);
    let start = stray.span.end - value.len() + value.find(bare).unwrap_or(0);
    Some(Evidence {
        key: stray_name(key).map_or_else(|| format!("line {}", stray.line), str::to_owned),
        line: stray.line,
        class: value_class(bare),
        key_span: stray.span.start..stray.span.start + key.len(),
        span: start..start + bare.len(),
    })
}

/// What stands before the `=` of a stray line, where it reads as a name. The rest may be the end of a key in base64, a
/// piece of JSON or a sentence, and is not shown to anybody.
fn stray_name(text: &str) -> Option<&str> {
    let name = text.trim();
    let quotes: &[_] = &['"', '\''];
    let inner = match name.strip_prefix(quotes) {
        Some(rest) => rest.strip_suffix(quotes)?,
        None => name.strip_prefix("export ").unwrap_or(name),
    };
    let plain = |ch: char| ch.is_alphanumeric() || matches!(ch, '_' | '-' | '.' | '[' | ']');
    (inner.chars().count() <= 64 && inner.starts_with(char::is_alphabetic) && inner.chars().all(plain))
        .then_some(name)
}

/// A line that is a name and nothing else; loaders read it as a variable without a value.
pub fn is_bare_word(line: &str) -> bool {
    let word = line.trim();
    let word = word.strip_prefix("export ").unwrap_or(word).trim_start();
    word.len() <= 64
        && word.starts_with(|ch: char| ch.is_ascii_uppercase() || ch == '_')
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// True for `DOTENV_PUBLIC_KEY` and `DOTENV_PUBLIC_KEY_<ENV>`, not for `DOTENV_PUBLIC_KEYSTORE`.
pub fn is_public_key(key: &str) -> bool {
    key.starts_with(crate::keys::DOTENV_PUBLIC_KEY) && KeyName::of_variable(key).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PrivateKey;
    use crate::secret::Secret;

    fn sealed() -> String {
        let public = PrivateKey::generate().unwrap().public().unwrap();
        ecies::seal(&Secret::new("x"), &public).unwrap().0
    }

    fn classes(text: &str) -> Vec<(String, ValueClass)> {
        let found = Evidences::of(&EnvFile::parse(text));
        found.lines.into_iter().map(|line| (line.key, line.class)).collect()
    }

    #[test]
    fn a_ciphertext_has_to_have_the_shape_of_one() {
        let sealed = sealed();
        let cases = [
            ("encrypted:hello", ValueClass::Plain),
            ("encrypted: yes, all of it", ValueClass::Plain),
            ("ENCRYPTED:x", ValueClass::Plain),
            (" ", ValueClass::Plain),
            ("", ValueClass::Empty),
            (&sealed, ValueClass::Dotenvx),
            (&sealed[..sealed.len() - 1], ValueClass::Damaged),
            (&format!("{sealed}NAME=glued"), ValueClass::Damaged),
            ("ENC[AES256_GCM,data:x]", ValueClass::Damaged),
            ("ENC[x", ValueClass::Plain),
        ];
        for (value, class) in cases {
            assert_eq!(value_class(value), class, "{value}");
        }
    }

    #[test]
    fn quotes_comments_and_odd_keys_do_not_hide_a_value() {
        let sealed = sealed();
        let text = format!(
            "A=\"{sealed}\" # note\nexport B='{sealed}'\nC={sealed}#glued\n\"D\"=plain\nX[b]=plain\nDOTENV_PUBLIC_KEYSTORE=s\nDOTENV_PUBLIC_KEY=02\nsops_token=t\n"
        );
        let wanted = [
            ("A", ValueClass::Dotenvx),
            ("B", ValueClass::Dotenvx),
            ("C", ValueClass::Dotenvx),
            ("DOTENV_PUBLIC_KEYSTORE", ValueClass::Plain),
            ("sops_token", ValueClass::Plain),
            ("\"D\"", ValueClass::Plain),
            ("X[b]", ValueClass::Plain),
        ];
        assert_eq!(classes(&text), wanted.map(|(key, class)| (key.to_owned(), class)));
    }

    #[test]
    fn a_line_that_may_be_a_piece_of_a_secret_is_called_by_its_number() {
        let text = "A=1\nab+cd/ef==\n\"token\":\"s3cr==\"\nmy password is x=1\nCAFÉ=1\n\"K\"=1\nX[/b]=1\n";
        let names: Vec<String> = classes(text).into_iter().map(|(key, _)| key).collect();
        assert_eq!(names, ["A", "line 2", "line 3", "line 4", "CAFÉ", "\"K\"", "line 7"]);
    }

    #[test]
    fn a_backend_is_known_by_its_values_and_a_header_only_counts_without_them() {
        let by = |text: &str| Evidences::of(&EnvFile::parse(text)).backend();
        assert_eq!(by("# DOTENV_PUBLIC_KEY\nA=https://sops:8200"), None);
        assert_eq!(by("DOTENV_PUBLIC_KEY=02\nA=1"), Some(BackendKind::Dotenvx));
        assert_eq!(by(&format!("A={}", sealed())), Some(BackendKind::Dotenvx));
        assert_eq!(by("A=1\nsops_mac=ENC[x]\nsops_version=3.13.3"), Some(BackendKind::Sops));
    }
}
