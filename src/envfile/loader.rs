//! The loader dialect: what an application sees when python-dotenv 1.2.4 reads the file.
//!
//! `--check`, `diff`, `validate` and the proof of an encryption must judge a file as the program that will load it
//! does: which statements are variables, what their values decode to, and which lines that program silently drops.
//! Everything here is pure, keeps byte spans into the text it was given, and takes time linear in that text.
//! The grammar is that of python-dotenv's parser after Python's universal newlines; a differential test holds the two
//! together. [`interpolate`] resolves `${NAME}` afterwards, because most callers want the text as it is written.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter};

use crate::secret::Secret;

mod interpolate;

pub use interpolate::{InterpolateError, interpolate};

/// Which unquoted names count as variables.
///
/// A single-quoted name is taken in both modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only `[A-Za-z_][A-Za-z0-9_]*`; a statement with another name is an unparsed line.
    Strict,
    /// Any run without whitespace, `=` and `#`, as the loader itself does: `1PW`, `X-API-KEY`, `CAFÉ`.
    Lenient,
}

/// What a text holds, in file order. Spans are byte ranges of the text that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The text starts with U+FEFF, which is not part of the first statement.
    pub leading_bom: bool,
    /// Every assignment, also those that a later one of the same name hides.
    pub assignments: Vec<Assignment>,
    /// Names that stand alone, without `=`.
    pub bare_keys: Vec<BareKey>,
    /// Lines that hold only a comment.
    pub comments: Vec<Comment>,
    /// 1-based lines on which a statement starts that is neither of these; the loader drops it.
    pub unparsed_lines: Vec<usize>,
}

/// One `NAME=value`.
#[derive(Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name, without the quotes of a quoted one.
    pub name: String,
    /// The value without quotes, escapes decoded, line ends as `\n`, `${…}` still in place.
    pub value: Secret,
    /// 1-based line on which the statement starts.
    pub line: usize,
    /// The statement, from `export` or the name to the end of its last line, without the line end.
    pub span: Range<usize>,
    /// The value as it is written, with its quotes; where it is empty, the place right after `=`.
    pub value_span: Range<usize>,
}

/// A name without `=`: no variable, but it hides an earlier variable of that name.
#[derive(Debug, PartialEq, Eq)]
pub struct BareKey {
    /// The name, without the quotes of a quoted one.
    pub name: String,
    /// 1-based line on which the statement starts.
    pub line: usize,
    /// The statement, without the line end.
    pub span: Range<usize>,
}

/// A line that holds only a comment.
#[derive(Debug, PartialEq, Eq)]
pub struct Comment {
    /// 1-based line.
    pub line: usize,
    /// From `#` to the end of the line, without the line end.
    pub span: Range<usize>,
}

/// Reads `text` as python-dotenv would; never fails, since the loader never does.
///
/// It does not interpolate and consults no environment. A statement that the loader drops is reported in
/// [`Loaded::unparsed_lines`] and takes with it exactly the lines that the loader skips.
pub fn assignments(text: &str, mode: Mode) -> Loaded {
    let leading_bom = text.starts_with('\u{feff}');
    let mut loaded = Loaded { leading_bom, ..Loaded::default() };
    let mut scanner = Scanner { text, at: if leading_bom { '\u{feff}'.len_utf8() } else { 0 } };
    let mut lines = Lines { text, counted: 0, line: 1 };

    while let Some(start) = scanner.next_start() {
        let line = lines.at(start);
        let statement = scanner.statement();
        let span = start..scanner.finish_line();
        match statement {
            Ok(Statement::Comment) => loaded.comments.push(Comment { line, span }),
            Ok(Statement::Bare(key)) if key.accepted(mode) => {
                loaded.bare_keys.push(BareKey { name: key.name, line, span });
            }
            Ok(Statement::Assignment(key, value)) if key.accepted(mode) => {
                let Value { text: value, span: value_span } = value;
                loaded.assignments.push(Assignment { name: key.name, value, line, span, value_span });
            }
            Ok(_) | Err(Malformed) => loaded.unparsed_lines.push(line),
        }
    }
    loaded
}

/// Whether Python calls `c` whitespace; Rust leaves out the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Whitespace that does not end a line. U+2028, NEL, form feed and vertical tab do not.
fn is_inline_space(c: char) -> bool {
    is_space(c) && !matches!(c, '\r' | '\n')
}

/// `raw` with `\r\n` and `\r` turned into `\n`, as Python does when it opens a file.
fn with_unix_line_ends(raw: &str) -> String {
    if memchr(b'\r', raw.as_bytes()).is_none() {
        return raw.to_owned();
    }
    raw.replace("\r\n", "\n").replace('\r', "\n")
}

/// Turns offsets that only grow into line numbers, looking at each byte once.
struct Lines<'a> {
    text: &'a str,
    counted: usize,
    line: usize,
}

impl Lines<'_> {
    fn at(&mut self, offset: usize) -> usize {
        let bytes = self.text.as_bytes();
        let passed = &bytes[self.counted..offset];
        self.line += memchr2_iter(b'\r', b'\n', passed)
            .filter(|&i| passed[i] == b'\n' || bytes.get(self.counted + i + 1) != Some(&b'\n'))
            .count();
        self.counted = offset;
        self.line
    }
}

struct Malformed;

enum Statement {
    Comment,
    Bare(Key),
    Assignment(Key, Value),
}

struct Key {
    name: String,
    quoted: bool,
}

impl Key {
    fn accepted(&self, mode: Mode) -> bool {
        let identifier = || {
            !self.name.starts_with(|c: char| c.is_ascii_digit())
                && self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        self.quoted || mode == Mode::Lenient || identifier()
    }
}

struct Value {
    text: Secret,
    span: Range<usize>,
}

/// Walks the text statement by statement. After a malformed one it stands where the grammar broke, because the loader
/// resumes on the line after that place, not after the line on which the statement began.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip(&mut self, skipped: fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(skipped).len();
    }

    /// Skips whitespace and blank lines; `None` at the end of the text.
    fn next_start(&mut self) -> Option<usize> {
        self.skip(is_space);
        (self.at < self.text.len()).then_some(self.at)
    }

    /// The offset of the next line end, or of the end of the text.
    fn line_end(&self) -> usize {
        memchr2(b'\r', b'\n', self.rest().as_bytes()).map_or(self.text.len(), |i| self.at + i)
    }

    /// Moves past the rest of the line and its line end; gives the offset of the line end.
    fn finish_line(&mut self) -> usize {
        let end = self.line_end();
        let terminator = &self.text[end..];
        self.at = end + if terminator.starts_with("\r\n") { 2 } else { usize::from(!terminator.is_empty()) };
        end
    }

    fn statement(&mut self) -> Result<Statement, Malformed> {
        if self.peek() == Some(b'#') {
            return Ok(Statement::Comment);
        }
        self.skip_export();
        let key = self.key()?;
        self.skip(is_inline_space);
        let statement = if self.peek() == Some(b'=') {
            self.at += 1;
            Statement::Assignment(key, self.value()?)
        } else {
            Statement::Bare(key)
        };
        self.expect_end()?;
        Ok(statement)
    }

    /// `export` is a prefix only when whitespace of the same line follows; else it is (the start of) a name.
    fn skip_export(&mut self) {
        if let Some(rest) = self.rest().strip_prefix("export")
            && rest.starts_with(is_inline_space)
        {
            self.at += "export".len();
            self.skip(is_inline_space);
        }
    }

    fn key(&mut self) -> Result<Key, Malformed> {
        let rest = self.rest();
        if let Some(quoted) = rest.strip_prefix('\'') {
            let end = memchr(b'\'', quoted.as_bytes()).filter(|&end| end > 0).ok_or(Malformed)?;
            self.at += end + 2;
            return Ok(Key { name: with_unix_line_ends(&quoted[..end]), quoted: true });
        }
        let end = rest.find(|c| c == '=' || c == '#' || is_space(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(Malformed);
        }
        self.at += end;
        Ok(Key { name: rest[..end].to_owned(), quoted: false })
    }

    /// Reads what follows `=`.
    fn value(&mut self) -> Result<Value, Malformed> {
        let after_equals = self.at;
        self.skip(is_inline_space);
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.quoted_value(quote),
            // With whitespace before it, `#` starts a comment; `K=#FF` is a value.
            Some(b'#') if self.at > after_equals => Ok(Value::empty(after_equals)),
            None | Some(b'\r' | b'\n') => Ok(Value::empty(after_equals)),
            Some(_) => Ok(self.unquoted_value()),
        }
    }

    fn quoted_value(&mut self, quote: u8) -> Result<Value, Malformed> {
        let inside = self.at + 1;
        let close = closing_quote(self.text.as_bytes(), inside, quote).ok_or(Malformed)?;
        let span = self.at..close + 1;
        self.at = span.end;
        Ok(Value { text: unescape(&self.text[inside..close], quote).into(), span })
    }

    fn unquoted_value(&mut self) -> Value {
        let line = &self.text[self.at..self.line_end()];
        let comment = memchr_iter(b'#', line.as_bytes()).find(|&i| line[..i].ends_with(is_space));
        let value = line[..comment.unwrap_or(line.len())].trim_end_matches(is_space);
        let span = self.at..self.at + value.len();
        self.at = span.end;
        Value { text: Secret::new(value), span }
    }

    /// After a name or a value only whitespace and a comment may follow.
    fn expect_end(&mut self) -> Result<(), Malformed> {
        self.skip(is_inline_space);
        match self.peek() {
            None | Some(b'#' | b'\r' | b'\n') => Ok(()),
            Some(_) => Err(Malformed),
        }
    }
}

impl Value {
    fn empty(at: usize) -> Self {
        Self { text: Secret::new(""), span: at..at }
    }
}

/// The offset of the first `quote` at or after `from` that no backslash escapes, across lines.
fn closing_quote(bytes: &[u8], mut from: usize, quote: u8) -> Option<usize> {
    loop {
        let found = from + memchr2(quote, b'\\', bytes.get(from..)?)?;
        if bytes[found] == quote {
            return Some(found);
        }
        from = found + 2;
    }
}

/// Decodes the escapes that the loader knows between `quote`s; any other backslash stays.
fn unescape(raw: &str, quote: u8) -> String {
    // Never longer than `raw`, so no reallocation leaves a copy of a secret behind.
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(found) = memchr2(b'\\', b'\r', rest.as_bytes()) {
        decoded.push_str(&rest[..found]);
        let special = &rest[found..];
        let (text, length) = if special.starts_with('\r') {
            ("\n", if special.starts_with("\r\n") { 2 } else { 1 })
        } else {
            match special.as_bytes().get(1).and_then(|&escape| decoded_escape(escape, quote)) {
                Some(text) => (text, 2),
                None => ("\\", 1),
            }
        };
        decoded.push_str(text);
        rest = &special[length..];
    }
    decoded.push_str(rest);
    decoded
}

fn decoded_escape(escape: u8, quote: u8) -> Option<&'static str> {
    Some(match (escape, quote) {
        (b'\\', _) => "\\",
        (b'\'', _) => "'",
        (b'"', b'"') => "\"",
        (b'a', b'"') => "\u{7}",
        (b'b', b'"') => "\u{8}",
        (b'f', b'"') => "\u{c}",
        (b'n', b'"') => "\n",
        (b'r', b'"') => "\r",
        (b't', b'"') => "\t",
        (b'v', b'"') => "\u{b}",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
