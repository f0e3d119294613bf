//! The pointer into a file that an error shows: path, line, column and the line itself with a caret.
//!
//! Whoever builds a [`Snippet`] vouches that the line holds no secret; a config file has none, an env file does.

use std::fmt;
use std::path::{Path, PathBuf};

/// One place in one text file, with the line it is on.
///
/// `Display` renders it like a compiler does, without a final newline:
///
/// ```text
///   --> envdrift.toml:3:11
///    |
///  3 | backend = 5
///    |           ^
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The file, spelled as the user knows it.
    pub path: PathBuf,
    /// Line number, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The whole line without its line end.
    pub source_line: String,
}

impl Snippet {
    /// Points at byte `offset` of `text`; an offset beyond the end points at the end.
    pub fn at(path: &Path, text: &str, offset: usize) -> Self {
        let offset = text.floor_char_boundary(offset);
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            path: path.to_path_buf(),
            line: text[..start].matches('\n').count() + 1,
            column: text[start..offset].chars().count() + 1,
            source_line: text[start..].lines().next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, source_line } = self;
        let gutter = line.to_string().len();
        // One column per character, whatever it is: the caret stays under its character and a terminal
        // never receives a control sequence from a file.
        let text: String = source_line
            .chars()
            .map(|c| match c {
                '\t' => ' ',
                c if c.is_control() => char::REPLACEMENT_CHARACTER,
                c => c,
            })
            .collect();
        writeln!(f, " {:gutter$}--> {}:{line}:{column}", "", path.display())?;
        writeln!(f, " {:gutter$} |", "")?;
        writeln!(f, " {line} | {text}")?;
        write!(f, " {:gutter$} | {:>column$}", "", "^")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_character() {
        let text = "a = 1\r\nbäckend\t= 5\r\n";
        let snippet = Snippet::at(Path::new("e.toml"), text, text.find('5').unwrap());
        assert_eq!(snippet.to_string(), "  --> e.toml:2:11\n   |\n 2 | bäckend = 5\n   |           ^");
    }

    #[test]
    fn the_gutter_is_as_wide_as_the_line_number() {
        let text = "\n".repeat(9) + "x\u{1b}[31m";
        let snippet = Snippet::at(Path::new("e"), &text, 9);
        assert_eq!(snippet.to_string(), "   --> e:10:1\n    |\n 10 | x\u{fffd}[31m\n    | ^");
    }

    #[test]
    fn an_offset_inside_a_character_or_beyond_the_end_is_moved_back() {
        assert_eq!(Snippet::at(Path::new("e"), "aä", 2).column, 2);
        let end = Snippet::at(Path::new("e"), "a\n", 99);
        assert_eq!((end.line, end.column, end.source_line.as_str()), (2, 1, ""));
    }
}
