//! Spelling and meaning of a value in the dotenvx dialect.
//!
//! [`decode`] gives what dotenvx hands to the program: line breaks become `\n`; in double quotes the two
//! characters `\n`, `\r`, `\t` become the control character (dotenvx does not look at a backslash before them);
//! in single quotes `\'` becomes `'`. Several spellings have one meaning, so [`Spelling`] remembers which one a
//! file used: [`spell`] with it gives back the original bytes. It says how each line break and tab was written
//! and nothing else about the value, so it may stand in the file in clear.
//!
//! Source: the `clean` function of @dotenvx/primitives 2.2 and 3.3.

use super::Quote;

/// How the line breaks and tabs of one value are spelled, one letter each; a single letter stands for all.
///
/// `n` `\n`, `c` `\r\n`, `r` `\r`, `t` a literal tab, `q` a literal single quote, `e` the two-character escape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling(String);

impl Spelling {
    /// Reads the letters; none where they are not a spelling.
    pub fn from_letters(letters: &str) -> Option<Self> {
        let known = !letters.is_empty() && letters.bytes().all(|letter| b"ncrtqe".contains(&letter));
        known.then(|| Self(letters.to_owned()))
    }

    /// Every line break and tab as an escape: what double quotes hold on one line.
    pub fn escaped() -> Self {
        Self("e".into())
    }

    /// The letters.
    pub fn letters(&self) -> &str {
        &self.0
    }

    fn letter(&self, index: usize) -> Option<u8> {
        let letters = self.0.as_bytes();
        if letters.len() == 1 { letters.first().copied() } else { letters.get(index).copied() }
    }
}

/// The value that the raw text between `quote`s stands for.
pub fn decode(raw: &str, quote: Quote) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['\r', '\\']) {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let (decoded, used) = decode_special(tail, quote);
        out.push_str(decoded);
        rest = &tail[used..];
    }
    out.push_str(rest);
    out
}

/// The meaning of a text that starts with `\r` or `\`, and how many bytes carry it.
fn decode_special(tail: &str, quote: Quote) -> (&str, usize) {
    let bytes = tail.as_bytes();
    match (bytes[0], bytes.get(1).copied(), quote) {
        (b'\r', Some(b'\n'), _) => ("\n", 2),
        (b'\r', _, _) => ("\n", 1),
        (_, Some(b'n'), Quote::Double) => ("\n", 2),
        (_, Some(b'r'), Quote::Double) => ("\r", 2),
        (_, Some(b't'), Quote::Double) => ("\t", 2),
        (_, Some(b'\''), Quote::Single) => ("'", 2),
        _ => (&tail[..1], 1),
    }
}

/// The raw text that stands for `value` between `quote`s, spelled as `spelling` says or in the plain way.
///
/// The plain way is dotenvx's own: literal line breaks (as `line_end`) and tabs.
pub fn spell(value: &str, quote: Quote, line_end: &str, spelling: Option<&Spelling>) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    let mut seen = 0;
    for (at, ch) in value.char_indices() {
        match ch {
            '\n' | '\t' | '\r' | '\'' if ch != '\'' || quote == Quote::Single => {
                let letter = spelling.and_then(|spelling| spelling.letter(seen));
                out.push_str(spell_special(ch, quote, line_end, letter));
                seen += 1;
            }
            _ => out.push_str(&value[at..at + ch.len_utf8()]),
        }
    }
    out
}

fn spell_special(ch: char, quote: Quote, line_end: &str, letter: Option<u8>) -> &str {
    let escaped = quote == Quote::Double && (ch == '\r' || letter == Some(b'e'));
    match (ch, letter) {
        ('\n', _) if escaped => "\\n",
        ('\t', _) if escaped => "\\t",
        ('\r', _) if escaped => "\\r",
        ('\n', Some(b'n')) => "\n",
        ('\n', Some(b'c')) => "\r\n",
        ('\n', Some(b'r')) => "\r",
        ('\n', _) => line_end,
        ('\t', _) => "\t",
        ('\'', Some(b'q')) => "'",
        ('\'', _) => "\\'",
        _ => "\r",
    }
}

/// The spelling that turns the value of `raw` back into `raw`; none where the plain way does.
///
/// Every raw text has one (a property test holds that); the proof of the pipeline would refuse a text without.
pub fn spelling_of(raw: &str, quote: Quote, line_end: &str) -> Option<Spelling> {
    if spell(&decode(raw, quote), quote, line_end, None) == raw {
        return None;
    }
    let letters = letters_of(raw, quote);
    let short = match letters.as_bytes() {
        [first, rest @ ..] if rest.iter().all(|letter| letter == first) => letters[..1].to_owned(),
        _ => letters,
    };
    Spelling::from_letters(&short)
}

fn letters_of(raw: &str, quote: Quote) -> String {
    let mut letters = String::new();
    let mut rest = raw;
    while let Some(at) = rest.find(['\r', '\n', '\t', '\\', '\'']) {
        let tail = &rest[at..];
        let used = match (tail.as_bytes()[0], tail.as_bytes().get(1)) {
            (b'\n', _) => (Some('n'), 1),
            (b'\t', _) => (Some('t'), 1),
            (b'\r', Some(b'\n')) => (Some('c'), 2),
            (b'\r', _) => (Some('r'), 1),
            (b'\'', _) => ((quote == Quote::Single).then_some('q'), 1),
            (_, Some(b'n' | b'r' | b't')) if quote == Quote::Double => (Some('e'), 2),
            (_, Some(b'\'')) if quote == Quote::Single => (Some('e'), 2),
            _ => (None, 1),
        };
        letters.extend(used.0);
        rest = &tail[used.1..];
    }
    letters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_mean_what_dotenvx_reads() {
        let cases = [
            ("a\\nb", Quote::Double, "a\nb"),
            ("a\\nb", Quote::Single, "a\\nb"),
            ("a\\nb", Quote::Backtick, "a\\nb"),
            ("C:\\\\temp", Quote::Double, "C:\\\temp"),
            ("it\\'s", Quote::Single, "it's"),
            ("a\r\nb\rc", Quote::Double, "a\nb\nc"),
            ("he said \\\"hi\\\"", Quote::Double, "he said \\\"hi\\\""),
        ];
        for (raw, quote, value) in cases {
            assert_eq!(decode(raw, quote), value, "{raw:?}");
        }
    }

    #[test]
    fn a_value_spelled_the_plain_way_needs_no_spelling() {
        for (raw, quote) in [("a\nb", Quote::Double), ("it\\'s", Quote::Single), ("a\tb", Quote::Backtick)] {
            assert_eq!(spelling_of(raw, quote, "\n"), None, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn spelling_gives_back_every_raw_text(raw in r#"([a'"\\nrt\r\n\t`]|\\n|\\t){0,12}"#, crlf: bool) {
            for quote in [Quote::Double, Quote::Backtick, Quote::Single, Quote::None] {
                let end = if crlf { "\r\n" } else { "\n" };
                let spelling = spelling_of(&raw, quote, end);
                let value = decode(&raw, quote);
                prop_assert_eq!(spell(&value, quote, end, spelling.as_ref()), raw.clone());
            }
        }
    }
}
