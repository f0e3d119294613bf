//! How dotenvx reads a file: one pass that finds the assignments and the lines nobody reads.
//!
//! dotenvx scans with one regular expression,
//! `^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$`
//! (flags m and g, on text whose CR and CRLF became LF; identical in 1.75.1, 2.21.0 and 2.38.2). This module is
//! that expression by hand, on the original bytes, because a general engine with captures needs 100 ms for a
//! large file; a property test holds the two against each other. Known difference: JavaScript ends a line at
//! U+2028 and U+2029 too.

use std::ops::Range;

use memchr::{memchr, memchr2, memchr3, memrchr2};

use super::{Entry, Quote, Separator, Stray};

/// Finds the assignments and the stray lines of `text`.
pub fn scan(text: &str) -> (Vec<Entry>, Vec<Stray>) {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), line: 1, counted: 0 };
    let (mut entries, mut strays) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        if let Some((entry, end)) = scanner.assignment(at) {
            entries.push(entry);
            at = scanner.next_line(scanner.line_end(end));
        } else {
            // The lines before the next text are blank; from each of them the match would fail at the same place.
            let text_at = scanner.skip_blank(at);
            let span = scanner.line_start(at, text_at)..scanner.line_end(text_at);
            at = scanner.next_line(span.end);
            if scanner.is_stray(span.clone()) {
                strays.push(Stray { line: scanner.line_of(span.start), span });
            }
        }
    }
    (entries, strays)
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    line: usize,
    counted: usize,
}

impl Scanner<'_> {
    /// The assignment whose match starts at the line start `at`, and where its match ends.
    fn assignment(&mut self, at: usize) -> Option<(Entry, usize)> {
        let start = self.skip_blank(at);
        let after_export = self.bytes[start..]
            .starts_with(b"export")
            .then(|| start + "export".len())
            .filter(|&end| self.skip_blank(end) > end)
            .map(|end| self.skip_blank(end));
        let found = after_export.and_then(|key| self.pair(key)).or_else(|| self.pair(start));
        let (key, separator, slot, end) = found?;
        let quote = self.quote_of(&slot);
        let line = self.line_of(key.start);
        Some((Entry { key, slot, quote, separator, line }, end))
    }

    /// Key, separator and value from `at` on: their ranges and the end of the match.
    fn pair(&self, at: usize) -> Option<(Range<usize>, Separator, Range<usize>, usize)> {
        let key_len = self.bytes[at..].iter().take_while(|&&byte| is_key_byte(byte)).count();
        let key_end = at + key_len;
        if key_len == 0 {
            return None;
        }
        let equals = self.skip_blank(key_end);
        if self.bytes.get(equals) == Some(&b'=') {
            let (slot, end) = self.value(equals + 1)?;
            return Some((at..key_end, Separator::Equals, slot, end));
        }
        if self.bytes.get(key_end) != Some(&b':') {
            return None;
        }
        let after = key_end + 1;
        let blank = self.text[after..].chars().next().filter(|&ch| is_blank(ch))?;
        let crlf = self.bytes[after..].starts_with(b"\r\n");
        let (slot, end) = self.value(after + blank.len_utf8() + usize::from(crlf))?;
        Some((at..key_end, Separator::Colon, slot, end))
    }

    /// The value that starts at `at`: its range without surrounding blanks, and the end of the match.
    fn value(&self, at: usize) -> Option<(Range<usize>, usize)> {
        let opening = self.skip_blank(at);
        let quote = self.bytes.get(opening).map_or(Quote::None, |&byte| Quote::opened_by(byte));
        if quote != Quote::None
            && let Some((close, end)) = self.quoted(opening, quote.as_str().as_bytes()[0])
        {
            return Some((opening..close, end));
        }
        let stop = memchr3(b'#', b'\r', b'\n', &self.bytes[at..]).map_or(self.bytes.len(), |n| at + n);
        let (start, end) = self.trim(at..stop);
        let tail = self.tail(stop)?;
        // An empty value is written right behind the separator, so that the blanks after it stay where they are.
        Some((if start == end { at..at } else { start..end }, tail))
    }

    /// The end of the quoted value opened at `opening` and the end of its match.
    ///
    /// A quote behind a backslash may be an escape or the end, and the expression prefers the longest value that
    /// lets the rest of the line match: the first quote without a backslash, then the escaped ones from the back.
    fn quoted(&self, opening: usize, quote: u8) -> Option<(usize, usize)> {
        let mut escaped = Vec::new();
        let mut from = opening + 1;
        while let Some(found) = memchr(quote, &self.bytes[from..]).map(|n| from + n) {
            if found > opening + 1 && self.bytes[found - 1] == b'\\' {
                escaped.push(found);
                from = found + 1;
                continue;
            }
            if let Some(end) = self.tail(found + 1) {
                return Some((found + 1, end));
            }
            break;
        }
        escaped.into_iter().rev().find_map(|found| Some((found + 1, self.tail(found + 1)?)))
    }

    /// Where `\s*(?:#.*)?$` ends from `at` on.
    fn tail(&self, at: usize) -> Option<usize> {
        let rest = self.skip_blank(at);
        if rest == self.bytes.len() {
            return Some(rest);
        }
        if self.bytes[rest] == b'#' {
            return Some(self.line_end(rest));
        }
        // The blanks may have crossed line ends: the match then ends before the last of them.
        self.bytes[at..rest].iter().rposition(|&byte| byte == b'\n' || byte == b'\r').map(|n| {
            let crlf = n > 0 && self.bytes[at + n] == b'\n' && self.bytes[at + n - 1] == b'\r';
            at + n - usize::from(crlf)
        })
    }

    /// The quotes that dotenvx strips from the value in `slot`.
    fn quote_of(&self, slot: &Range<usize>) -> Quote {
        let value = &self.bytes[slot.clone()];
        match value {
            [first, .., last] if first == last => Quote::opened_by(*first),
            _ => Quote::None,
        }
    }

    fn is_stray(&self, line: Range<usize>) -> bool {
        let (start, end) = self.trim(line);
        start < end && self.bytes[start] != b'#'
    }

    fn trim(&self, range: Range<usize>) -> (usize, usize) {
        let inner = &self.text[range.clone()];
        let kept = inner.trim_start_matches(is_blank);
        let start = range.start + (inner.len() - kept.len());
        (start, start + kept.trim_end_matches(is_blank).len())
    }

    fn skip_blank(&self, at: usize) -> usize {
        match self.bytes.get(at) {
            Some(&byte) if byte.is_ascii() && !is_blank(char::from(byte)) => at,
            None => at,
            _ => self.text.len() - self.text[at..].trim_start_matches(is_blank).len(),
        }
    }

    /// The start of the line that `at` stands in, where that is not before `from`.
    fn line_start(&self, from: usize, at: usize) -> usize {
        memrchr2(b'\n', b'\r', &self.bytes[from..at]).map_or(from, |n| from + n + 1)
    }

    /// The end of the line that `at` stands in, before its line break.
    fn line_end(&self, at: usize) -> usize {
        memchr2(b'\n', b'\r', &self.bytes[at..]).map_or(self.bytes.len(), |n| at + n)
    }

    /// The start of the line after the one that ends at `end`.
    fn next_line(&self, end: usize) -> usize {
        let crlf = self.bytes[end..].starts_with(b"\r\n");
        (end + 1 + usize::from(crlf)).min(self.bytes.len())
    }

    /// The 1-based line of `at`; positions are asked for in rising order.
    fn line_of(&mut self, at: usize) -> usize {
        let passed = &self.bytes[self.counted..at];
        let breaks = passed.iter().enumerate().filter(|&(n, &byte)| {
            byte == b'\n' || (byte == b'\r' && self.bytes.get(self.counted + n + 1) != Some(&b'\n'))
        });
        self.line += breaks.count();
        self.counted = at;
        self.line
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// JavaScript's `\s`.
fn is_blank(ch: char) -> bool {
    ch != '\u{85}' && (ch.is_whitespace() || ch == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;
    use crate::envfile::value::decode;

    const BLANK: &str =
        r"[\t\n\x0B\x0C\r \u{A0}\u{FEFF}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}]";

    fn dotenvx_expression() -> Regex {
        let expression = r#"(?m)^\s*(?:export\s+)?([0-9A-Za-z_.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#[^\n\r]*)?$"#;
        Regex::new(&expression.replace(r"\s", BLANK)).unwrap()
    }

    fn dotenvx_reads(text: &str) -> Vec<(String, String)> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        dotenvx_expression()
            .captures_iter(&text)
            .map(|found| {
                let raw = found.get(2).map_or("", |value| value.as_str()).trim_matches(is_blank);
                let bytes = raw.as_bytes();
                let quote = match bytes {
                    [first, .., last] if first == last => Quote::opened_by(*first),
                    _ => Quote::None,
                };
                let width = quote.as_str().len();
                (found[1].to_owned(), decode(&raw[width..raw.len() - width], quote))
            })
            .collect()
    }

    fn envdrift_reads(text: &str) -> Vec<(String, String)> {
        let file = crate::envfile::EnvFile::parse(text);
        file.entries().iter().map(|entry| (file.key(entry).to_owned(), file.value(entry))).collect()
    }

    #[test]
    fn odd_lines_are_read_as_dotenvx_reads_them() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("A=hello#x", &[("A", "hello")]),
            ("A: hello", &[("A", "hello")]),
            ("A=#x", &[("A", "")]),
            ("A\nB=1", &[("B", "1")]),
            ("A=\"abc\nB=1", &[("A", "\"abc"), ("B", "1")]),
            ("export =v", &[("export", "v")]),
            ("A=\n\"x\"", &[("A", "x")]),
            ("A='C:\\'\nB='x'", &[("A", "C:\\"), ("B", "x")]),
            ("A='it\\'s' # c", &[("A", "it's")]),
            ("A=\"a\"b\"", &[("A", "a\"b")]),
            ("CAFÉ=1\nX-Y.z=2", &[("X-Y.z", "2")]),
        ];
        for (text, wanted) in cases {
            let wanted: Vec<_> = wanted.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(envdrift_reads(text), wanted, "{text:?}");
            assert_eq!(dotenvx_reads(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn strays_and_lines_are_numbered_across_line_ends_and_multi_line_values() {
        let file = crate::envfile::EnvFile::parse(
            "# c\r\nA=\"x\r\ny\"\r\n\r\npassword: x=1 \"\r\nsecret word\r\nB=1",
        );
        assert_eq!(file.entries().iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 5, 7]);
        assert_eq!(file.strays().iter().map(|stray| stray.line).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_long_run_of_blank_lines_is_read_once() {
        let text = format!("A=1\n{}# end", "\n".repeat(400_000));
        assert_eq!(scan(&text).0.len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_scanner_and_the_expression_of_dotenvx_agree(
            text in r#"([AB]=|[AB]|=|:|"|'|`|\\|#|\$| |\t|\n|\r\n|\r|export |n|é|﻿){0,24}"#
        ) {
            prop_assert_eq!(envdrift_reads(&text), dotenvx_reads(&text), "{:?}", text);
        }
    }
}
