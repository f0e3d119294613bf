//! What can be wrong with the recipients and rules of a new file.

use std::path::PathBuf;

use thiserror::Error;

use crate::backend::sops::go_regex::RegexError;
use crate::backend::sops::master_key::refs::KeyRefError;
use crate::backend::sops::selection::SelectionError;

/// Why there is no plan for a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RulesError {
    /// A `.sops.yaml` named by flag, configuration or `SOPS_CONFIG` does not exist.
    #[error("SOPS config file not found: {}", path.display())]
    ConfigMissing {
        /// The path.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    ConfigUnreadable {
        /// The path.
        path: PathBuf,
        /// What the system or the encoding said.
        reason: String,
    },
    /// It is not the YAML that SOPS expects.
    #[error("{}{}: {reason}", path.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Syntax {
        /// The path.
        path: PathBuf,
        /// Line from 1.
        line: Option<u64>,
        /// What the parser said.
        reason: String,
    },
    /// A rule has a key that SOPS ignores.
    #[error("{}, rule {rule}: SOPS does not know the key {key} and would ignore it", config.display())]
    UnknownKey {
        /// The path.
        config: PathBuf,
        /// The rule, counted from 1.
        rule: usize,
        /// The key.
        key: String,
        /// A known key that looks like it.
        suggestion: Option<String>,
    },
    /// There are no rules, but a key that looks like `creation_rules`.
    #[error("{} has no creation_rules, but the key {key}", config.display())]
    MisspeltRules {
        /// The path.
        config: PathBuf,
        /// The key.
        key: String,
    },
    /// No rule matches the file.
    #[error(
        "no creation rule in {} matches {file}; tried {}",
        config.display(),
        if tried.is_empty() { "none, the list is empty".to_owned() } else { tried.join(", ") }
    )]
    NoMatch {
        /// The path.
        config: PathBuf,
        /// The file as the rules see it: below the folder of the config.
        file: String,
        /// Each `path_regex`.
        tried: Vec<String>,
    },
    /// A `path_regex` does not compile.
    #[error("{}, rule {rule}: path_regex {pattern} is not a valid regular expression: {reason}", config.display())]
    PathRegex {
        /// The path.
        config: PathBuf,
        /// The rule, counted from 1.
        rule: usize,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: RegexError,
    },
    /// The rule names no key, or one of its groups does not.
    #[error(
        "{}, rule {rule}{} names no key",
        config.display(),
        group.map(|group| format!(", key group {group}")).unwrap_or_default()
    )]
    EmptyGroup {
        /// The path.
        config: PathBuf,
        /// The rule, counted from 1.
        rule: usize,
        /// The group, counted from 1, when there are several.
        group: Option<usize>,
    },
    /// The rule has two selection rules.
    #[error("{}, rule {rule}: {source}", config.display())]
    Selection {
        /// The path.
        config: PathBuf,
        /// The rule, counted from 1.
        rule: usize,
        /// Which two.
        source: SelectionError,
    },
    /// A recipient names no key.
    #[error(transparent)]
    Key(#[from] KeyRefError),
    /// Nobody could open the file.
    #[error("no recipients for {}: nobody could open it again", file.display())]
    NoRecipients {
        /// The file.
        file: PathBuf,
        /// A `.sops.yml`, which SOPS does not read.
        misnamed: Option<PathBuf>,
    },
}

impl RulesError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ConfigMissing { .. } => "check --sops-config, [encryption.sops] config_file and SOPS_CONFIG".to_owned(),
            Self::ConfigUnreadable { .. } | Self::Syntax { .. } | Self::Key(_) => return None,
            Self::UnknownKey { suggestion: Some(known), .. } => format!("did you mean {known}?"),
            Self::UnknownKey { suggestion: None, .. } => "remove the key".to_owned(),
            Self::MisspeltRules { .. } => "did you mean creation_rules?".to_owned(),
            Self::NoMatch { .. } => "add a rule with a matching path_regex; a rule without one matches every file".to_owned(),
            Self::PathRegex { .. } => "mend the pattern".to_owned(),
            Self::EmptyGroup { .. } => "add a recipient, such as age: age1…".to_owned(),
            Self::Selection { .. } => "keep one of them".to_owned(),
            Self::NoRecipients { misnamed: Some(path), .. } => {
                format!("SOPS reads .sops.yaml only; rename {}", path.display())
            }
            Self::NoRecipients { misnamed: None, .. } => {
                "pass --age age1…, set age_recipients under [encryption.sops], or add a creation rule to .sops.yaml"
                    .to_owned()
            }
        })
    }

    /// The stable token of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ConfigMissing { .. } => "sops.config_missing",
            Self::ConfigUnreadable { .. } | Self::Syntax { .. } => "sops.config_syntax",
            Self::UnknownKey { .. } | Self::MisspeltRules { .. } => "sops.config_unknown_key",
            Self::NoMatch { .. } => "sops.no_matching_rule",
            Self::PathRegex { .. } | Self::Selection { .. } | Self::EmptyGroup { .. } => "sops.rule",
            Self::Key(_) => "sops.recipient",
            Self::NoRecipients { .. } => "sops.no_recipients",
        }
    }
}
