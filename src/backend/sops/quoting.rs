//! Where a quoted value ends: the one thing of shell-like syntax that the SOPS engine has to know.
//!
//! A value that opens with `"`, `'` or a backtick and closes on a later line is one value for every loader. To
//! SOPS its further lines would be junk, or pairs of their own whose start stays readable as a key name. The
//! rule is that of the dotenvx scanner: the value closes at the first quote that no backslash precedes; if
//! anything but blanks or a `#` comment follows there, at the last escaped quote before it where that holds;
//! if there is none, the quote was an ordinary character and the value ends with its line.

use super::store::is_blank;

/// The length of the value that starts `text`, without the line break after it.
pub fn value_length(text: &str) -> usize {
    let line_end = memchr::memchr(b'\n', text.as_bytes()).unwrap_or(text.len());
    let quote_at = text.len() - text.trim_start_matches(is_blank).len();
    let Some(&quote @ (b'"' | b'\'' | b'`')) = text.as_bytes().get(quote_at) else { return line_end };
    match closing_end(text.as_bytes(), quote_at + 1, quote) {
        // A quote that closes on its own line needs nothing from us.
        Some(end) => end.max(line_end),
        None => line_end,
    }
}

/// The end of the line on which the value that opened before `start` closes.
fn closing_end(text: &[u8], start: usize, quote: u8) -> Option<usize> {
    let mut escaped = None;
    for at in memchr::memchr_iter(quote, &text[start..]).map(|offset| start + offset) {
        let end = end_after(text, at + 1);
        if text[at - 1] != b'\\' || at == start {
            return end.or(escaped);
        }
        escaped = end.or(escaped);
    }
    escaped
}

/// The end of the line when only blanks or a comment stand from `at` on.
fn end_after(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    let blanks = rest.iter().take_while(|byte| is_blank(char::from(**byte))).count();
    match rest.get(blanks) {
        None => Some(text.len()),
        Some(b'\n') => Some(at + blanks),
        Some(b'#') => Some(memchr::memchr(b'\n', rest).map_or(text.len(), |offset| at + offset)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> &str {
        &text[..value_length(text)]
    }

    #[test]
    fn an_unquoted_value_ends_with_its_line() {
        assert_eq!(value("a\nB=2\n"), "a");
        assert_eq!(value("a'b\nc'"), "a'b");
        assert_eq!(value(""), "");
        assert_eq!(value("\n"), "");
    }

    #[test]
    fn a_quoted_value_reaches_to_the_line_of_its_closing_quote() {
        assert_eq!(value("\"k=1\nj=2\"\nB=2"), "\"k=1\nj=2\"");
        assert_eq!(value(" 'a\n\nb' # why\nB=2"), " 'a\n\nb' # why");
        assert_eq!(value("`a\r\nb`\r\nB=2"), "`a\r\nb`\r");
        assert_eq!(value("\"a\nb\""), "\"a\nb\"");
    }

    #[test]
    fn a_quote_that_never_closes_is_an_ordinary_character() {
        assert_eq!(value("\"abc\nB=1\n"), "\"abc");
        assert_eq!(value("'tis\nB=don't\n"), "'tis");
        assert_eq!(value("\"abc\nB=\"x\"\n"), "\"abc");
    }

    #[test]
    fn an_escaped_quote_closes_only_when_no_other_can() {
        assert_eq!(value("\"a\\\"\nb\"\nC=1"), "\"a\\\"\nb\"");
        assert_eq!(value("\"C:\\dir\\\"\nB=1\n"), "\"C:\\dir\\\"");
        assert_eq!(value("\"\\\"\nB=\"x\"\n"), "\"\\\"");
        assert_eq!(value("\"\"\nB=\"\n"), "\"\"");
    }
}
