//! `${NAME}` and `${NAME:-default}` in the values of a loaded text, as python-dotenv resolves them.
//!
//! Values are resolved in file order, each against the results before it, and a result is not looked at again. The
//! file beats the environment; a bare key hides both. Whoever judges a file at rest should not call this: its answer
//! depends on the caller's environment.

use std::borrow::Cow;
use std::collections::HashMap;

use memchr::{memchr, memchr2, memmem};

use super::Loaded;
use crate::secret::Secret;

/// What the references of one text may grow to in all. Each line may double the one before it, so forty short lines
/// would fill any memory.
const EXPANSION_LIMIT: usize = 64 << 20;

/// Why values could not be resolved.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InterpolateError {
    /// The references multiply into more text than any file means.
    #[error("line {line}: the references in {name} expand to more than 64 MiB")]
    TooLarge {
        /// The variable whose value passed the limit.
        name: String,
        /// 1-based line on which it is assigned.
        line: usize,
    },
}

impl InterpolateError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { .. } => Some(
                "variables that repeat each other double with every line; write the value out".to_owned(),
            ),
        }
    }

    /// A stable token for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "loader.expansion",
        }
    }
}

/// Resolves every value of `loaded`; the result stands in the order of [`Loaded::assignments`].
///
/// `lookup` answers for the environment and is asked only about names that the text has not mentioned before. A name
/// that nobody knows is its default, or empty. `$NAME`, `${A:d}` and an unclosed `${` stay as they are.
pub fn interpolate(
    loaded: &Loaded,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Secret>, InterpolateError> {
    let mut resolved: Vec<Secret> = Vec::with_capacity(loaded.assignments.len());
    // The latest mention of a name: where its result is, or `None` for a bare key.
    let mut known: HashMap<&str, Option<usize>> = HashMap::new();
    let mut bare_keys = loaded.bare_keys.iter().peekable();
    let mut budget = EXPANSION_LIMIT;

    for (index, assignment) in loaded.assignments.iter().enumerate() {
        while let Some(bare) = bare_keys.next_if(|bare| bare.span.start < assignment.span.start) {
            known.insert(&bare.name, None);
        }
        let mut parts = Vec::new();
        for piece in pieces(assignment.value.expose()) {
            let part = match piece {
                Piece::Text(text) => Cow::Borrowed(text),
                Piece::Reference { name, default } => {
                    let part = match known.get(name) {
                        Some(Some(earlier)) => Cow::Borrowed(resolved[*earlier].expose()),
                        Some(None) => Cow::Borrowed(""),
                        None => lookup(name).map_or(Cow::Borrowed(default), Cow::Owned),
                    };
                    budget = budget.checked_sub(part.len()).ok_or_else(|| InterpolateError::TooLarge {
                        name: assignment.name.clone(),
                        line: assignment.line,
                    })?;
                    part
                }
            };
            parts.push(part);
        }
        // `concat` asks for the exact size once, so no smaller copy of the secret stays behind.
        resolved.push(Secret::new(parts.concat()));
        known.insert(&assignment.name, Some(index));
    }
    Ok(resolved)
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Reference { name: &'a str, default: &'a str },
}

/// Cuts a value into its text and its references. A name ends at the first `}` or `:`; with the latter only `:-` makes
/// a reference. No byte is searched twice for the same delimiter, so `${${${…` costs no more than its length.
fn pieces(value: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut done, mut from) = (0, 0);
    while let Some(open) = memmem::find(&value.as_bytes()[from..], b"${").map(|i| from + i) {
        let name_start = open + 2;
        let Some(name_end) = memchr2(b'}', b':', &value.as_bytes()[name_start..]).map(|i| name_start + i)
        else {
            break;
        };
        let name = &value[name_start..name_end];
        let after = &value[name_end..];
        let (default, close) = if after.starts_with('}') {
            ("", name_end)
        } else if let Some(default) = after.strip_prefix(":-") {
            let Some(length) = memchr(b'}', default.as_bytes()) else { break };
            (&default[..length], name_end + 2 + length)
        } else {
            // Every `${` before this colon would fail on it too.
            from = name_end + 1;
            continue;
        };
        if open > done {
            pieces.push(Piece::Text(&value[done..open]));
        }
        pieces.push(Piece::Reference { name, default });
        done = close + 1;
        from = done;
    }
    if done < value.len() {
        pieces.push(Piece::Text(&value[done..]));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envfile::loader::{Mode, assignments};

    fn resolved(text: &str) -> Vec<String> {
        let environment = |name: &str| (name == "FROM_ENV").then(|| "env".to_owned());
        let values = interpolate(&assignments(text, Mode::Lenient), environment).unwrap();
        values.iter().map(|value| value.expose().to_owned()).collect()
    }

    #[test]
    fn references_see_earlier_lines_then_the_environment_then_the_default() {
        assert_eq!(resolved("A=1\nB=${A}-${FROM_ENV}-${C:-d}-${C}\nC=late\n"), ["1", "1-env-d-", "late"]);
        assert_eq!(resolved("FROM_ENV=file\nB='${FROM_ENV}'"), ["file", "file"]);
        assert_eq!(resolved("A=\nB=${A:-default}"), ["", ""]);
    }

    #[test]
    fn a_bare_key_hides_the_variable_the_environment_and_the_default() {
        assert_eq!(resolved("A=1\nA\nB=[${A:-d}]\nA=2\nC=${A}"), ["1", "[]", "2", "2"]);
        assert_eq!(resolved("FROM_ENV\nB=[${FROM_ENV:-d}]"), ["[]"]);
    }

    #[test]
    fn a_result_is_not_resolved_again() {
        assert_eq!(resolved("A='$'\nB=${A}{A}\nC=${B}"), ["$", "${A}", "${A}"]);
    }

    #[test]
    fn what_is_no_reference_stays_as_it_is() {
        for text in ["$A", "${A:d}", "${A", "${A:-d", "$", "${", "a}b", "${A:x${B:y}"] {
            assert_eq!(resolved(&format!("K={text}")), [text]);
        }
        assert_eq!(resolved("A-d=odd\nK=[${A-d}${}${:-x}]"), ["odd", "[oddx]"]);
        assert_eq!(resolved("K=${A:x${FROM_ENV}"), ["${A:xenv"]);
    }

    #[test]
    fn references_that_double_with_every_line_are_refused() {
        let line = |i: usize| format!("V{i}=${{V{0}:-xxxxxxxx}}${{V{0}:-xxxxxxxx}}", i - 1);
        let text = (1..=40).map(line).collect::<Vec<_>>().join("\n");
        let error = interpolate(&assignments(&text, Mode::Strict), |_| None).unwrap_err();
        assert_eq!(error, InterpolateError::TooLarge { name: "V23".to_owned(), line: 23 });
        assert_eq!(error.code(), "loader.expansion");
    }

    #[test]
    fn unclosed_references_take_linear_time() {
        let text = format!("K='{}'\nL='{}'", "${".repeat(1 << 20), "${a:-".repeat(1 << 20));
        assert_eq!(resolved(&text)[0].len(), 2 << 20);
    }
}
