//! The made-up files that dotenvx is given, and what it answers.
//!
//! A value is written in the one spelling that every version (1.75.1, 2.21.0, 2.38.2 were run) reads as exactly
//! that value. Their scanner: `'…'` and `` `…` `` hold everything but their own quote; `"…"` turns `\n`, `\r`, `\t`
//! into the characters; unquoted text is trimmed and ends at `#`; a line break of any kind becomes `\n`; version 2
//! reads `\'` in single quotes as `'`. A backslash before the closing quote takes the quote for text if a later
//! quote can close it, so such a value must be the last of its file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::DotenvxToolError;
use crate::secret::Secret;

/// How every ciphertext begins.
pub(super) const PREFIX: &str = "encrypted:";
/// Ephemeral public key (65), nonce (16), tag (16).
const OVERHEAD: usize = 65 + 16 + 16;
/// How an uncompressed point begins.
const POINT: u8 = 4;

/// One value and the quote that holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) plaintext: &'a str,
    quote: &'static str,
}

impl<'a> Line<'a> {
    /// Chooses the spelling that holds `plaintext` exactly, or says why there is none.
    pub(super) fn holding(plaintext: &'a str) -> Result<Self, &'static str> {
        let with = |quote| Ok(Self { plaintext, quote });
        let has = |needle: char| plaintext.contains(needle);
        if plaintext.starts_with(PREFIX) {
            return Err("it begins with `encrypted:`, which dotenvx takes for already encrypted");
        }
        if plaintext.ends_with('\\') && plain_without_quotes(plaintext) {
            return with("");
        }
        if has('\r') {
            if plain_in_double_quotes(plaintext) {
                return with("\"");
            }
            return Err("it holds a carriage return together with a double quote or a backslash escape");
        }
        match (has('\''), has('`')) {
            (false, _) => with("'"),
            (true, false) => with("`"),
            (true, true) if plain_in_double_quotes(plaintext) => with("\""),
            (true, true) if plain_without_quotes(plaintext) => with(""),
            (true, true) => {
                Err("it holds all three kinds of quotes together with a line break, a `#` or outer blanks")
            }
        }
    }

    /// Whether a later line of the same file could be taken for the end of this one.
    pub(super) fn must_be_last(&self) -> bool {
        !self.quote.is_empty() && self.plaintext.ends_with('\\')
    }

    fn push(&self, text: &mut String) {
        text.push_str(self.quote);
        match self.quote {
            "\"" => self.plaintext.split('\r').enumerate().for_each(|(at, part)| {
                text.push_str(if at == 0 { "" } else { r"\r" });
                text.push_str(part);
            }),
            _ => text.push_str(self.plaintext),
        }
        text.push_str(self.quote);
    }
}

fn plain_in_double_quotes(plaintext: &str) -> bool {
    !plaintext.contains('"') && ![r"\n", r"\r", r"\t"].iter().any(|escape| plaintext.contains(escape))
}

/// Line separators count as line ends for some of the tool's patterns.
fn plain_without_quotes(plaintext: &str) -> bool {
    !plaintext.contains(['\n', '\r', '#', '\u{2028}', '\u{2029}'])
        && !plaintext.starts_with(['\'', '"', '`'])
        && !plaintext.starts_with(is_js_blank)
        && !plaintext.ends_with(is_js_blank)
        && !plaintext.is_empty()
}

/// What JavaScript trims.
fn is_js_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

/// A name that no variable of any environment has.
pub(super) fn fresh_name() -> Result<String, DotenvxToolError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|_| DotenvxToolError::NoRandomness)?;
    Ok(format!("K{}", hex::encode(bytes)))
}

/// The key of one value in the made-up file.
pub(super) fn key(name: &str, index: usize) -> String {
    format!("{name}_{index}")
}

/// The file to encrypt. It carries the public key, so that the tool mints none.
pub(super) fn plain_file(public_key: &str, name: &str, lines: &[(usize, Line<'_>)]) -> Zeroizing<String> {
    let room: usize = lines.iter().map(|(_, line)| 2 * line.plaintext.len() + 32).sum();
    // Large enough never to grow, which would leave a copy behind in freed memory.
    let mut text = Zeroizing::new(String::with_capacity(room + 128));
    text.extend(["DOTENV_PUBLIC_KEY=\"", public_key, "\"\n"]);
    for (index, line) in lines {
        text.push_str(&key(name, *index));
        text.push('=');
        line.push(&mut text);
        text.push('\n');
    }
    text
}

/// The file to decrypt. Single quotes keep every version from expanding or executing what comes out.
pub(super) fn sealed_file(name: &str, sealed: &[String]) -> String {
    let mut text = String::new();
    for (index, sealed) in sealed.iter().enumerate() {
        text.extend([key(name, index).as_str(), "='", sealed, "'\n"]);
    }
    text
}

/// The key store with every key in one list, which all versions try in turn.
pub(super) fn keys_file(private_keys: &[Secret]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(65 * private_keys.len() + 32));
    text.push_str("DOTENV_PRIVATE_KEY=\"");
    for (at, key) in private_keys.iter().enumerate() {
        text.push_str(if at == 0 { "" } else { "," });
        text.push_str(key.expose());
    }
    text.push_str("\"\n");
    text
}

/// The ciphertext of one value in what the tool printed.
pub(super) fn find_sealed(
    printed: &str,
    name: &str,
    index: usize,
    plaintext: &str,
) -> Result<String, DotenvxToolError> {
    let start = format!("{}=", key(name, index));
    let mut found = printed.lines().filter_map(|line| line.strip_prefix(start.as_str()));
    let (Some(value), None) = (found.next(), found.next()) else {
        return Err(DotenvxToolError::BadAnswer);
    };
    let value = value.trim_matches(['\'', '"', '`']);
    match plaintext_len(value) {
        Some(length) if length == plaintext.len() => Ok(value.to_owned()),
        Some(_) => Err(DotenvxToolError::Changed { index }),
        None => Err(DotenvxToolError::NotSealed { index }),
    }
}

/// The length of what a well-formed ciphertext holds; `None` when it is none.
pub(super) fn plaintext_len(sealed: &str) -> Option<usize> {
    let bytes = STANDARD.decode(sealed.strip_prefix(PREFIX)?).ok()?;
    (bytes.first() == Some(&POINT)).then(|| bytes.len().checked_sub(OVERHEAD))?
}

/// Whether `text` is a compressed point of the curve in hex; the tool would fail on another one without a word.
pub(super) fn is_public_key(text: &str) -> bool {
    text.len() == 66 && text.parse::<secp256k1::PublicKey>().is_ok()
}

/// Whether `text` is 32 bytes in hex.
pub(super) fn is_private_key(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(plaintext: &str) -> Result<String, &'static str> {
        Line::holding(plaintext).map(|line| {
            let mut text = String::new();
            line.push(&mut text);
            text
        })
    }

    #[test]
    fn each_value_gets_a_spelling_that_holds_it() {
        for (plaintext, spelled) in [
            ("", "''"),
            ("p@$$w0rd", "'p@$$w0rd'"),
            ("it's", "`it's`"),
            ("a\nb # c", "'a\nb # c'"),
            (r"a\nb", r"'a\nb'"),
            ("a\r\nb\r", "\"a\\r\nb\\r\""),
            ("'`", "\"'`\""),
            ("'`\"", "'`\"\u{0}"),
            ("x'`\"", "x'`\""),
            (r"C:\", r"C:\"),
            (r" \", r"' \'"),
        ] {
            let found = spelling(plaintext);
            match spelled.strip_suffix('\u{0}') {
                None => assert_eq!(found.as_deref(), Ok(spelled)),
                Some(_) => assert!(found.is_err(), "{plaintext:?}"),
            }
        }
    }

    #[test]
    fn a_value_that_no_spelling_holds_is_refused_with_the_reason() {
        for (plaintext, word) in [
            ("encrypted:x", "already encrypted"),
            ("\"\r", "carriage return"),
            ("\\n\r", "carriage return"),
            ("x'`\"\n", "quotes"),
            ("x'`\"#", "quotes"),
            (" x'`\"", "quotes"),
            ("x'`\"\u{a0}", "quotes"),
        ] {
            let why = spelling(plaintext).unwrap_err();
            assert!(why.contains(word), "{plaintext:?}: {why}");
        }
    }

    #[test]
    fn only_a_quoted_value_that_ends_in_a_backslash_must_be_last() {
        let last = |text| Line::holding(text).unwrap().must_be_last();
        assert!(last("a\n\\") && last(r"'\") && last(r"#\"));
        assert!(!last(r"'x") && !last(r"C:\") && !last("x'`\"\\"));
    }

    #[test]
    fn a_ciphertext_is_judged_by_prefix_base64_point_and_length() {
        let of = |bytes: &[u8]| format!("{PREFIX}{}", STANDARD.encode(bytes));
        let mut bytes = vec![0; OVERHEAD + 3];
        assert_eq!(plaintext_len(&of(&bytes)), None, "not a point");
        bytes[0] = POINT;
        assert_eq!(plaintext_len(&of(&bytes)), Some(3));
        assert_eq!(plaintext_len(&of(&bytes[..OVERHEAD])), Some(0));
        assert_eq!(plaintext_len(&of(&bytes[..OVERHEAD - 1])), None, "cut short");
        assert_eq!(plaintext_len("encrypted:hello"), None);
        assert_eq!(plaintext_len(&STANDARD.encode(&bytes)), None, "no prefix");
    }

    #[test]
    fn an_answer_must_hold_each_value_once_and_with_its_length() {
        let mut bytes = vec![POINT; OVERHEAD + 2];
        bytes[0] = POINT;
        let good = format!("{PREFIX}{}", STANDARD.encode(&bytes));
        let find = |printed: &str| find_sealed(printed, "K", 0, "ab").map_err(|error| error.code());
        assert_eq!(find(&format!("K_0='{good}'\n")).unwrap(), good);
        assert_eq!(find(&format!("K_1='{good}'\n")), Err("engine.bad_answer"));
        assert_eq!(find(&format!("K_0={good}\nK_0={good}\n")), Err("engine.bad_answer"));
        assert_eq!(find("K_0='ab'\n"), Err("engine.not_encrypted"));
        let longer = format!("{PREFIX}{}", STANDARD.encode([bytes, vec![1]].concat()));
        assert_eq!(find(&format!("K_0='{longer}'\n")), Err("engine.changed_value"));
    }
}
