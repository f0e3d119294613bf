//! Cuts Python source into logical lines of tokens, as far as finding classes and their fields needs it.
//!
//! Nothing is evaluated and nothing is an error: whatever Python would reject becomes tokens that match no rule.
//! Brackets, backslashes and triple quotes join physical lines; comments vanish.

/// One token; what no rule looks into is told apart only as far as it must not be mistaken for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or a keyword.
    Name(String),
    /// A plain string literal, escapes not decoded.
    Text(String),
    /// A string whose text only Python knows: formatted, or bytes.
    Formatted,
    /// A number.
    Number,
    /// Any other character.
    Op(char),
}

impl Token {
    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Name(found) if found == name)
    }
}

/// A statement, or the head of a compound one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Columns before the first token; a tab goes to the next multiple of eight.
    pub(super) indent: usize,
    /// Never empty.
    pub(super) tokens: Vec<Token>,
}

impl Line {
    fn opens_scope(&self) -> bool {
        let head = if self.tokens[0].is_name("async") { self.tokens.get(1) } else { self.tokens.first() };
        head.is_some_and(|token| token.is_name("class") || token.is_name("def"))
    }
}

/// The lines of one scope, each with the lines of the scope that it opens. Blocks of `if` and `try` count as part of
/// the scope around them, since either branch may be the one that runs.
pub(super) fn scope(lines: &[Line]) -> Vec<(&Line, &[Line])> {
    let mut found = Vec::new();
    let mut rest = lines;
    while let Some((line, after)) = rest.split_first() {
        let inner = if line.opens_scope() {
            after.iter().take_while(|inner| inner.indent > line.indent).count()
        } else {
            0
        };
        let (body, after) = after.split_at(inner);
        found.push((line, body));
        rest = after;
    }
    found
}

/// What stands for the argument or entry `name`: the tokens after `name=` or `"name":`, up to the comma or bracket that
/// ends them.
pub(super) fn argument<'a>(tokens: &'a [Token], name: &str) -> Option<&'a [Token]> {
    let start = tokens.windows(3).position(|found| match (&found[0], &found[1]) {
        (Token::Name(found_name), Token::Op('=')) => found_name == name && found[2] != Token::Op('='),
        (Token::Text(found_name), Token::Op(':')) => found_name == name,
        _ => false,
    })?;
    arguments(&tokens[start + 2..]).into_iter().next()
}

/// Cuts `tokens` at the commas outside brackets and stops at the bracket that closes around them.
pub(super) fn arguments(tokens: &[Token]) -> Vec<&[Token]> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (i, token) in tokens.iter().enumerate() {
        match token {
            Token::Op('(' | '[' | '{') => depth += 1,
            Token::Op(')' | ']' | '}') if depth == 0 => {
                found.push(&tokens[start..i]);
                return found;
            }
            Token::Op(')' | ']' | '}') => depth -= 1,
            Token::Op(',') if depth == 0 => {
                found.push(&tokens[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    found.push(&tokens[start..]);
    found
}

/// Cuts `source` into its logical lines.
pub(super) fn logical_lines(source: &str) -> Vec<Line> {
    let mut lexer =
        Lexer { rest: source, in_indent: true, indent: 0, depth: 0, tokens: Vec::new(), lines: Vec::new() };
    while let Some(c) = lexer.rest.chars().next() {
        lexer.step(c);
    }
    lexer.end_line();
    lexer.lines
}

struct Lexer<'a> {
    rest: &'a str,
    in_indent: bool,
    indent: usize,
    depth: usize,
    tokens: Vec<Token>,
    lines: Vec<Line>,
}

impl Lexer<'_> {
    fn step(&mut self, c: char) {
        let in_indent = std::mem::take(&mut self.in_indent);
        match c {
            '\n' | '\r' => {
                self.take(1);
                if self.depth == 0 {
                    self.end_line();
                    self.in_indent = true;
                    self.indent = 0;
                }
            }
            ' ' | '\t' | '\u{c}' => {
                self.take(1);
                self.in_indent = in_indent;
                if in_indent {
                    self.indent += if c == '\t' { 8 - self.indent % 8 } else { 1 };
                }
            }
            '\\' => {
                let joined = ["\\\r\n", "\\\n", "\\\r"].iter().find(|joined| self.rest.starts_with(**joined));
                self.take(joined.map_or(1, |joined| joined.len()));
            }
            '#' => self.take(self.rest.find(['\n', '\r']).unwrap_or(self.rest.len())),
            ';' if self.depth == 0 => {
                self.take(1);
                self.end_line();
            }
            '"' | '\'' => self.string(""),
            '0'..='9' => {
                self.take(word_length(self.rest));
                self.tokens.push(Token::Number);
            }
            _ if is_word(c) => self.word(),
            _ => self.operator(c),
        }
    }

    fn take(&mut self, length: usize) {
        self.rest = &self.rest[length..];
    }

    fn end_line(&mut self) {
        let tokens = std::mem::take(&mut self.tokens);
        if !tokens.is_empty() {
            self.lines.push(Line { indent: self.indent, tokens });
        }
    }

    fn word(&mut self) {
        let (word, after) = self.rest.split_at(word_length(self.rest));
        self.rest = after;
        let is_prefix = word.len() <= 2 && word.chars().all(|c| "rRbBuUfFtT".contains(c));
        if is_prefix && after.starts_with(['"', '\'']) {
            self.string(word);
        } else {
            self.tokens.push(Token::Name(word.to_owned()));
        }
    }

    fn operator(&mut self, c: char) {
        match c {
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.take(c.len_utf8());
        self.tokens.push(Token::Op(c));
    }

    /// Reads a literal whose opening quote comes next. An unclosed one ends with its line, or with the text.
    fn string(&mut self, prefix: &str) {
        let quote = &self.rest[..1];
        let triple = quote.repeat(3);
        let delimiter = if self.rest.starts_with(&triple) { triple.as_str() } else { quote };
        let body = &self.rest[delimiter.len()..];
        let mut end = 0;
        while let Some(c) = body[end..].chars().next() {
            if body[end..].starts_with(delimiter) || (delimiter.len() == 1 && c == '\n') {
                break;
            }
            end += c.len_utf8();
            if c == '\\' {
                end += body[end..].chars().next().map_or(0, char::len_utf8);
            }
        }
        let computed = prefix.contains(['b', 'B', 'f', 'F', 't', 'T']);
        self.tokens.push(if computed { Token::Formatted } else { Token::Text(body[..end].to_owned()) });
        let after = &body[end..];
        self.rest = after.strip_prefix(delimiter).unwrap_or(after);
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_length(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Token {
        Token::Name(text.to_owned())
    }

    fn text(text: &str) -> Token {
        Token::Text(text.to_owned())
    }

    #[test]
    fn brackets_backslashes_and_triple_quotes_join_lines() {
        let source = "a(b, # c )\n  d)\ne = \\\n  f\n'''x\n'y' ''' ; g\n\n# only\n\th";
        let lines = logical_lines(source);
        let heads: Vec<_> = lines.iter().map(|line| (line.indent, line.tokens[0].clone())).collect();
        assert_eq!(
            heads,
            [(0, name("a")), (0, name("e")), (0, text("x\n'y' ")), (0, name("g")), (8, name("h"))]
        );
        assert_eq!(lines[1].tokens, [name("e"), Token::Op('='), name("f")]);
    }

    #[test]
    fn strings_hide_what_is_in_them() {
        let lines = logical_lines("a = 'it\\'s # no' + r\"\\\" + f'{x}' + b'y' + 'open\nb = 1");
        assert_eq!(
            lines[0].tokens,
            [
                name("a"),
                Token::Op('='),
                text("it\\'s # no"),
                Token::Op('+'),
                text("\\\" + f'{x}' + b'y' + 'open"),
            ]
        );
        assert_eq!(lines[1].tokens, [name("b"), Token::Op('='), Token::Number]);
        assert_eq!(logical_lines("f'{x}' rb''''''")[0].tokens, [Token::Formatted, Token::Formatted]);
    }

    #[test]
    fn a_scope_keeps_branches_and_leaves_out_inner_scopes() {
        let lines = logical_lines(
            "if X:\n  a = 1\nclass B:\n  b = 1\n  def c():\n    d = 1\nasync def e():\n  f = 1\ng = 1",
        );
        let found = scope(&lines);
        let heads: Vec<_> = found.iter().map(|(line, body)| (line.tokens[0].clone(), body.len())).collect();
        assert_eq!(
            heads,
            [(name("if"), 0), (name("a"), 0), (name("class"), 3), (name("async"), 1), (name("g"), 0)]
        );
    }

    #[test]
    fn any_text_is_cut_without_a_panic() {
        for source in
            ["", "\\", "'", "'''", "'\\", "r", "r'", ")", "é = 'é", "((", "\u{feff}a", "\"\\é", "1é"]
        {
            logical_lines(source);
        }
    }
}
