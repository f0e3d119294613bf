//! Which values and comments of a file SOPS encrypts: one of six rules.
//!
//! Suffixes and regexes look at the key; the two comment regexes look at the comment lines since the last pair.
//! Without a rule, every value is encrypted but those whose key ends in `_unencrypted`. Comments follow the
//! same rule with an empty key. SOPS takes a regex that does not compile for one that never matches, which
//! leaves every value in clear; compiling it is therefore a step of its own, with an error.
//! Source: `shouldBeEncrypted` in `sops.go`, checked against SOPS 3.13.3.

use regex::Regex;
use thiserror::Error;

use super::go_regex::{self, RegexError};
use super::store::Item;

/// The suffix that leaves a value in clear when no rule is given.
pub const DEFAULT_SUFFIX: &str = "_unencrypted";

/// The name of a rule, in `.sops.yaml` and in the metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// Keys with this suffix stay in clear.
    UnencryptedSuffix,
    /// Only keys with this suffix are encrypted.
    EncryptedSuffix,
    /// Keys that match stay in clear.
    UnencryptedRegex,
    /// Only keys that match are encrypted.
    EncryptedRegex,
    /// A matching comment leaves itself, later comments and the next pair in clear.
    UnencryptedCommentRegex,
    /// A matching comment has later comments and the next pair encrypted, and nothing else is.
    EncryptedCommentRegex,
}

impl RuleKind {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::UnencryptedSuffix,
        Self::EncryptedSuffix,
        Self::UnencryptedRegex,
        Self::EncryptedRegex,
        Self::UnencryptedCommentRegex,
        Self::EncryptedCommentRegex,
    ];

    /// The name as SOPS writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnencryptedSuffix => "unencrypted_suffix",
            Self::EncryptedSuffix => "encrypted_suffix",
            Self::UnencryptedRegex => "unencrypted_regex",
            Self::EncryptedRegex => "encrypted_regex",
            Self::UnencryptedCommentRegex => "unencrypted_comment_regex",
            Self::EncryptedCommentRegex => "encrypted_comment_regex",
        }
    }

    fn is_suffix(self) -> bool {
        matches!(self, Self::UnencryptedSuffix | Self::EncryptedSuffix)
    }
}

/// A rule as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which of the six.
    pub kind: RuleKind,
    /// The suffix or pattern.
    pub text: String,
}

impl Default for Rule {
    fn default() -> Self {
        Self { kind: RuleKind::UnencryptedSuffix, text: DEFAULT_SUFFIX.to_owned() }
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.text)
    }
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SelectionError {
    /// The pattern does not compile.
    #[error("{rule} is not a valid regular expression: {reason}")]
    Regex {
        /// The rule as written.
        rule: Rule,
        /// What is wrong with it.
        reason: RegexError,
    },
    /// The rule would read as another one from the file.
    #[error("{rule} cannot be kept in the file: SOPS would read the \\n in it as a line break")]
    LineBreak {
        /// The rule as written.
        rule: Rule,
    },
    /// Two rules at once.
    #[error("{} and {} exclude each other", .0.as_str(), .1.as_str())]
    Two(RuleKind, RuleKind),
}

/// Picks the rule out of the six possible ones; none given means the default.
pub fn one_of(given: impl IntoIterator<Item = Rule>) -> Result<Rule, SelectionError> {
    let mut given = given.into_iter().filter(|rule| !rule.text.is_empty());
    let rule = given.next().unwrap_or_default();
    match given.next() {
        Some(second) => Err(SelectionError::Two(rule.kind, second.kind)),
        None => Ok(rule),
    }
}

/// A compiled rule.
pub struct Selector {
    rule: Rule,
    /// `None` for suffixes, and for a regex that SOPS would treat as never matching.
    regex: Option<Regex>,
}

impl Selector {
    /// Compiles `rule`.
    pub fn new(rule: Rule) -> Result<Self, SelectionError> {
        if rule.kind.is_suffix() {
            return Ok(Self { rule, regex: None });
        }
        match go_regex::compile(&rule.text) {
            Ok(regex) => Ok(Self { rule, regex: Some(regex) }),
            Err(reason) => Err(SelectionError::Regex { rule, reason }),
        }
    }

    /// Compiles `rule` for a file that is yet to be written.
    pub fn for_new_file(rule: Rule) -> Result<Self, SelectionError> {
        if rule.text.contains("\\n") {
            return Err(SelectionError::LineBreak { rule });
        }
        Self::new(rule)
    }

    /// Takes `rule` as SOPS does, where a pattern that does not compile never matches.
    pub fn lenient(rule: Rule) -> Self {
        let regex = if rule.kind.is_suffix() { None } else { go_regex::compile(&rule.text).ok() };
        Self { rule, regex }
    }

    /// The rule as written.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Walks a body in file order.
    pub fn walk(&self) -> Walk<'_> {
        Walk { selector: self, block: Block::default() }
    }

    /// Whether a reader would take the ciphertext of a comment for the sign to leave it in clear.
    pub fn takes_for_plain(&self, sealed: &str) -> bool {
        self.rule.kind == RuleKind::UnencryptedCommentRegex && !sealed.is_empty() && self.is_match(sealed)
    }

    fn fires_on_comment(&self, text: &str) -> bool {
        matches!(self.rule.kind, RuleKind::UnencryptedCommentRegex | RuleKind::EncryptedCommentRegex)
            && self.is_match(text)
    }

    fn is_match(&self, text: &str) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    fn picks(&self, key: Option<&str>, block: &Block) -> bool {
        let on_key = |test: &dyn Fn(&str) -> bool| key.is_some_and(test);
        match self.rule.kind {
            RuleKind::UnencryptedSuffix => !on_key(&|key| key.ends_with(&self.rule.text)),
            RuleKind::EncryptedSuffix => on_key(&|key| key.ends_with(&self.rule.text)),
            RuleKind::UnencryptedRegex => !on_key(&|key| self.is_match(key)),
            RuleKind::EncryptedRegex => on_key(&|key| self.is_match(key)),
            RuleKind::UnencryptedCommentRegex => !block.fired,
            RuleKind::EncryptedCommentRegex => block.fired_before_last || (key.is_some() && block.fired),
        }
    }
}

/// The comment lines since the last pair.
#[derive(Default)]
struct Block {
    /// One of them matches.
    fired: bool,
    /// One of them matches, the last one left aside.
    fired_before_last: bool,
}

/// Asks the rule about one line after another.
pub struct Walk<'a> {
    selector: &'a Selector,
    block: Block,
}

impl Walk<'_> {
    /// Whether the rule encrypts `item`; `comment` is its text as the file holds it.
    ///
    /// Encrypting, that is the plain text; decrypting, the ciphertext. Empty lines do not end a block.
    pub fn encrypts(&mut self, item: &Item<'_>) -> bool {
        match item {
            Item::Blank => false,
            Item::Comment(text) => {
                self.block.fired_before_last = self.block.fired;
                self.block.fired |= self.selector.fires_on_comment(text);
                self.selector.picks(None, &self.block)
            }
            Item::Pair { key, .. } => {
                let picked = self.selector.picks(Some(key), &self.block);
                self.block = Block::default();
                picked
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(kind: RuleKind, text: &str, lines: &[&str]) -> Vec<bool> {
        let selector = Selector::new(Rule { kind, text: text.to_owned() }).unwrap();
        let mut walk = selector.walk();
        lines
            .iter()
            .map(|line| match line.strip_prefix('#') {
                Some(comment) => walk.encrypts(&Item::Comment(comment)),
                None => walk.encrypts(&Item::Pair { key: line, value: "x" }),
            })
            .collect()
    }

    #[test]
    fn without_a_rule_only_the_suffix_stays_in_clear() {
        let rule = Rule::default();
        assert_eq!(
            picked(rule.kind, &rule.text, &["A", "A_unencrypted", "A_unencrypted ", "A_UNENCRYPTED", "# c"]),
            [true, false, true, true, true]
        );
    }

    #[test]
    fn a_rule_that_names_what_to_encrypt_leaves_comments_in_clear() {
        assert_eq!(picked(RuleKind::EncryptedSuffix, "_KEY", &["A_KEY", "A", "# c"]), [true, false, false]);
        assert_eq!(picked(RuleKind::EncryptedRegex, "^A", &["A_KEY", "BA", "#A"]), [true, false, false]);
        assert_eq!(picked(RuleKind::UnencryptedRegex, "^A", &["A_KEY", "BA", "#A"]), [false, true, true]);
    }

    #[test]
    fn a_matching_comment_leaves_what_follows_up_to_the_next_pair_in_clear() {
        let lines = ["# one", "# plain", "# two", "A", "# three", "B"];
        assert_eq!(
            picked(RuleKind::UnencryptedCommentRegex, "plain", &lines),
            [true, false, false, false, true, true]
        );
    }

    #[test]
    fn a_matching_comment_has_what_follows_encrypted_but_not_itself() {
        let lines = ["# one", "# sops:enc", "# two", "A", "# three", "B"];
        assert_eq!(
            picked(RuleKind::EncryptedCommentRegex, "sops:enc", &lines),
            [false, false, true, true, false, false]
        );
    }

    #[test]
    fn two_rules_exclude_each_other_and_empty_ones_do_not_count() {
        let rule = |kind, text: &str| Rule { kind, text: text.to_owned() };
        let both = [rule(RuleKind::EncryptedRegex, "a"), rule(RuleKind::EncryptedSuffix, "b")];
        assert_eq!(
            one_of(both).unwrap_err().to_string(),
            "encrypted_regex and encrypted_suffix exclude each other"
        );
        let empty = [rule(RuleKind::EncryptedRegex, ""), rule(RuleKind::EncryptedSuffix, "b")];
        assert_eq!(one_of(empty).unwrap().kind, RuleKind::EncryptedSuffix);
        assert_eq!(one_of([]).unwrap(), Rule::default());
    }

    #[test]
    fn a_pattern_that_does_not_compile_is_an_error_and_leniently_never_matches() {
        let rule = Rule { kind: RuleKind::EncryptedRegex, text: "(".to_owned() };
        let Err(error) = Selector::new(rule.clone()) else { panic!("compiled") };
        assert!(
            error.to_string().starts_with("encrypted_regex: ( is not a valid regular expression"),
            "{error}"
        );
        assert!(!Selector::lenient(rule).walk().encrypts(&Item::Pair { key: "A", value: "x" }));
    }
}
