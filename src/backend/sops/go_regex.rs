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

const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

/// The escapes that stand for a set of characters.
const SETS: [char; 8] = ['d', 'D', 'w', 'W', 's', 'S', 'p', 'P'];

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
        while !self.rest.is_empty() {
            if self.rest.starts_with(']') && !first {
                self.copy(1);
                return Ok(());
            }
            first = false;
            let posix = self.posix_class()?;
            if posix > 0 {
                self.copy(posix);
            } else if self.rest.starts_with('\\') && self.rest[1..].starts_with(SETS) {
                self.escape(Place::Class)?;
            } else {
                self.class_char()?;
                let is_range = self.rest.starts_with('-') && !self.rest[1..].starts_with(']');
                if is_range && self.rest.len() > 1 {
                    self.copy(1);
                    self.class_char()?;
                }
            }
        }
        Err(RegexError::Syntax("a bracket is never closed".to_owned()))
    }

    /// One character of a class, which loses every meaning it has to the crate alone.
    fn class_char(&mut self) -> Result<(), RegexError> {
        let c = self.rest.chars().next().unwrap_or('\\');
        if c == '\\' {
            return match self.rest[1..].chars().next() {
                Some(set) if SETS.contains(&set) => Err(RegexError::Escape(set)),
                _ => self.escape(Place::Class),
            };
        }
        self.out.extend(["\\x{", &format!("{:x}", u32::from(c)), "}"]);
        self.rest = &self.rest[c.len_utf8()..];
        Ok(())
    }

    /// The length of the `[:name:]` that starts here, or 0.
    fn posix_class(&self) -> Result<usize, RegexError> {
        let Some(inner) = self.rest.strip_prefix("[:") else { return Ok(0) };
        let Some((name, _)) = inner.split_once(":]") else { return Ok(0) };
        if !POSIX_CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(RegexError::Syntax(format!("the class [:{name}:] is unknown")));
        }
        Ok(name.len() + 4)
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
            'p' | 'P' => return self.with_argument(1),
            'x' => return self.with_argument(2),
            'a' | 'f' | 't' | 'n' | 'r' | 'v' => format!("\\{c}"),
            '0'..='7' => return self.octal(),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => regex::escape(&c.to_string()),
            _ => return Err(RegexError::Escape(c)),
        };
        self.out.push_str(&text);
        self.rest = &self.rest[c.len_utf8()..];
        Ok(())
    }

    /// An escape with `{…}` or so many characters behind it.
    fn with_argument(&mut self, short: usize) -> Result<(), RegexError> {
        let argument = &self.rest[1..];
        let length = match argument.strip_prefix('{') {
            Some(inner) => inner.find('}').map(|end| end + 2),
            None => argument.char_indices().map(|(at, c)| at + c.len_utf8()).nth(short - 1),
        };
        let letter = self.rest.chars().next().unwrap_or('x');
        let length = length.ok_or(RegexError::Escape(letter))?;
        self.out.push('\\');
        self.copy(1 + length);
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
        assert!(matches("^[+--]+$", "+,-"));
        assert!(matches("^[a-]+$", "a-"));
        assert!(matches("^[[:alpha:]_]+$", "a_"));
        assert!(matches("a]", "a]"));
    }

    #[test]
    fn quoted_text_and_octal_escapes_are_read() {
        assert!(matches(r"^\Qa.b\E$", "a.b"));
        assert!(!matches(r"^\Qa.b\E$", "axb"));
        assert!(matches(r"\Q.*", "a.*"));
        assert!(matches(r"^\101\x42[\x43-\x{44}]\p{Greek}\pL$", "ABCΩé"));
        assert!(matches(r"\_\<\-", "_<-"));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in [
            "(",
            ")",
            "[a",
            "a**",
            "a*+",
            "a{2}{3}",
            "*a",
            "x{1001}",
            "x{2,1}",
            r"\Z",
            r"\y",
            r"\1",
            "a\\",
            "(?x)a",
            "(?=a)",
            "(?<!a)",
            "[b-a]",
            r"\pX",
            r"[\b]",
            "[[:nope:]]",
            r"\u{41}",
        ] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
        assert!(compile("a*?").is_ok());
        assert!(compile("(?P<n>a)(?<m>b)(?i:c)(?s-m:.)").is_ok());
    }
}
