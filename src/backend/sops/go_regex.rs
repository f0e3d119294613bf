//! Regular expressions as SOPS reads them: Go's RE2 dialect on top of the `regex` crate.
//!
//! The two are relatives, but a rule that picks one key more or fewer decides what stays in clear. So a pattern
//! is rewritten: `\d \w \s \b` mean ASCII only, `\Q…\E` is literal, `{` is literal unless it is a repeat, and
//! inside brackets `[ & ~` have no meaning. What Go refuses is refused here (`a**`, `\Z`, `(?x)`, `x{1001}`),
//! because SOPS takes a pattern that does not compile for one that never matches.
//! Source: the syntax page of Go's `regexp/syntax`.

use regex::Regex;
use thiserror::Error;

/// Why a pattern does not compile.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RegexError {
    /// An escape that Go does not know.
    #[error("the escape \\{0} is unknown")]
    Escape(char),
    /// A lone backslash at the end.
    #[error("it ends in a lone backslash")]
    TrailingBackslash,
    /// A group flag that Go does not know.
    #[error("the group flags (?{0} are unknown")]
    Flags(String),
    /// Two repeats in a row.
    #[error("a repeat follows another repeat")]
    NestedRepeat,
    /// A repeat of more than 1000.
    #[error("a repeat of more than 1000")]
    RepeatSize,
    /// Anything else: unbalanced brackets, a bad range, too large.
    #[error("{0}")]
    Syntax(String),
}

/// Compiles `pattern` as Go would.
pub fn compile(pattern: &str) -> Result<Regex, RegexError> {
    let translated = Translator { rest: pattern, out: String::with_capacity(pattern.len() + 16) }.run()?;
    Regex::new(&translated).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim();
        RegexError::Syntax(reason.strip_prefix("error: ").unwrap_or(reason).to_owned())
    })
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
}

impl Translator<'_> {
    fn run(mut self) -> Result<String, RegexError> {
        // Whether the thing before is a repeat, so that another one may not follow.
        let mut after_repeat = false;
        while let Some(c) = self.rest.chars().next() {
            let repeat = match c {
                '*' | '+' | '?' => Some(1),
                '{' => self.counted_repeat()?,
                _ => None,
            };
            if let Some(length) = repeat {
                if after_repeat {
                    return Err(RegexError::NestedRepeat);
                }
                self.copy(length);
                if self.rest.starts_with('?') {
                    self.copy(1);
                }
                after_repeat = true;
                continue;
            }
            after_repeat = false;
            match c {
                '\\' => self.escape(Place::Outside)?,
                '[' => self.class()?,
                '(' if self.rest.starts_with("(?") => self.group()?,
                '{' | '}' | ']' => {
                    self.out.push('\\');
                    self.copy(1);
                }
                _ => self.copy(c.len_utf8()),
            }
        }
        Ok(self.out)
    }

    fn copy(&mut self, bytes: usize) {
        let (head, tail) = self.rest.split_at(bytes);
        self.out.push_str(head);
        self.rest = tail;
    }

    /// The length of the `{n}`, `{n,}` or `{n,m}` that starts here; anything else is literal text in Go.
    fn counted_repeat(&self) -> Result<Option<usize>, RegexError> {
        let Some((inner, _)) = self.rest[1..].split_once('}') else { return Ok(None) };
        let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(low) || !(high.is_empty() || digits(high)) {
            return Ok(None);
        }
        let small = |text: &str| text.is_empty() || text.parse::<u32>().is_ok_and(|number| number <= 1000);
        if small(low) && small(high) { Ok(Some(inner.len() + 2)) } else { Err(RegexError::RepeatSize) }
    }

    fn group(&mut self) -> Result<(), RegexError> {
        let inner = &self.rest[2..];
        if inner.starts_with("P<") || inner.starts_with('<') {
            self.copy(2);
            return Ok(());
        }
        let end = inner.find([':', ')']).unwrap_or(inner.len());
        let flags = &inner[..end];
        if end == inner.len() || !flags.chars().all(|c| "imsU-".contains(c)) {
            return Err(RegexError::Flags(flags.chars().take(16).collect()));
        }
        self.copy(2 + end + 1);
        Ok(())
    }

    fn class(&mut self) -> Result<(), RegexError> {
        self.copy(1);
        if self.rest.starts_with('^') {
            self.copy(1);
        }
        let mut first = true;
        while let Some(c) = self.rest.chars().next() {
            match c {
                ']' if !first => {
                    self.copy(1);
                    return Ok(());
                }
                '[' if self.posix_class() > 0 => self.copy(self.posix_class()),
                '\\' => self.escape(Place::Class)?,
                ']' | '[' | '&' | '~' => {
                    self.out.push('\\');
                    self.copy(1);
                }
                // `--` is a set operation to the crate and a range or a literal to Go.
                '-' if self.rest.starts_with("--") => {
                    self.out.push('\\');
                    self.copy(1);
                }
                _ => self.copy(c.len_utf8()),
            }
            first = false;
        }
        Err(RegexError::Syntax("a bracket is never closed".to_owned()))
    }

    /// The length of the `[:name:]` that starts here, or 0.
    fn posix_class(&self) -> usize {
        let Some(inner) = self.rest.strip_prefix("[:") else { return 0 };
        inner.find(":]").map_or(0, |end| end + 4)
    }

    fn escape(&mut self, place: Place) -> Result<(), RegexError> {
        self.rest = &self.rest[1..];
        let c = self.rest.chars().next().ok_or(RegexError::TrailingBackslash)?;
        let class = |inside: &str, negated: bool| match (place, negated) {
            (Place::Class, false) => inside.to_owned(),
            (_, false) => format!("[{inside}]"),
            (_, true) => format!("[^{inside}]"),
        };
        let text = match c {
            'd' | 'D' => class("0-9", c == 'D'),
            'w' | 'W' => class("0-9A-Za-z_", c == 'W'),
            's' | 'S' => class("\\t\\n\\x0c\\r ", c == 'S'),
            'b' | 'B' if place == Place::Outside => format!("(?-u:\\{c})"),
            'A' | 'z' if place == Place::Outside => format!("\\{c}"),
            'Q' if place == Place::Outside => {
                self.quoted();
                return Ok(());
            }
            'p' | 'P' | 'x' | 'a' | 'f' | 't' | 'n' | 'r' | 'v' => format!("\\{c}"),
            '0'..='7' => return self.octal(),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => regex::escape(&c.to_string()),
            _ => return Err(RegexError::Escape(c)),
        };
        self.out.push_str(&text);
        self.rest = &self.rest[c.len_utf8()..];
        Ok(())
    }

    fn quoted(&mut self) {
        let inner = &self.rest[1..];
        let (literal, rest) = inner.split_once("\\E").unwrap_or((inner, ""));
        self.out.push_str(&regex::escape(literal));
        self.rest = rest;
    }

    fn octal(&mut self) -> Result<(), RegexError> {
        let digits = self.rest.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let (text, rest) = self.rest.split_at(digits);
        // `\1` alone would be a back reference, which neither engine has.
        if digits == 1 && text != "0" {
            return Err(RegexError::Escape(text.chars().next().unwrap_or('1')));
        }
        let value = u32::from_str_radix(text, 8).unwrap_or(0);
        self.out.extend(["\\x{", &format!("{value:x}"), "}"]);
        self.rest = rest;
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Class,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")).is_match(text)
    }

    #[test]
    fn patterns_are_unanchored_and_case_sensitive() {
        assert!(matches("PASS", "DB_PASSWORD"));
        assert!(!matches("pass", "DB_PASSWORD"));
        assert!(matches("(?i)pass", "DB_PASSWORD"));
        assert!(matches("^(DB|API)_", "API_KEY"));
        assert!(matches("", "ANY"));
    }

    #[test]
    fn perl_classes_are_ascii_as_in_go() {
        assert!(!matches(r"^\d$", "٣"));
        assert!(!matches(r"^\w$", "é"));
        assert!(matches(r"^[\W\d]+$", "é1"));
        assert!(!matches(r"\s", "\u{a0}\x0b"));
        assert!(matches(r"\bé", "aé"));
        assert!(matches(r"x\By", "xy"));
    }

    #[test]
    fn braces_and_brackets_that_mean_nothing_are_literal() {
        assert!(matches("a{,3}", "a{,3}"));
        assert!(matches("a{x", "a{x"));
        assert!(matches("^a{2}$", "aa"));
        assert!(matches("[]a]b", "]b"));
        assert!(matches("^[a[b]$", "["));
        assert!(matches("^[a&&b]$", "&"));
        assert!(matches("^[a~~]$", "~"));
        assert!(matches("^[[:alpha:]_]+$", "a_"));
        assert!(matches("a]", "a]"));
    }

    #[test]
    fn quoted_text_and_octal_escapes_are_read() {
        assert!(matches(r"^\Qa.b\E$", "a.b"));
        assert!(!matches(r"^\Qa.b\E$", "axb"));
        assert!(matches(r"\Q.*", "a.*"));
        assert!(matches(r"^\101\x42$", "AB"));
        assert!(matches(r"\_\<\-", "_<-"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in [
            "(", ")", "[a", "a**", "a*+", "a{2}{3}", "*a", "x{1001}", "x{2,1}", r"\Z", r"\y", r"\1", "a\\",
            "(?x)a", "(?=a)", "(?<!a)", "[b-a]", r"\pX", r"[\b]", r"\u{41}",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        assert!(compile("a*?").is_ok());
        assert!(compile("(?P<n>a)(?<m>b)(?i:c)(?s-m:.)").is_ok());
    }
}
