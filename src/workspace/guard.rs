//! `[guard]` and `[guardian]`: what the scanner looks at, and what the background agent encrypts.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;

use super::diagnostic::ConfigError;
use super::leaf::{Leaf, OneOrMany, Typed};
use super::raw::{RawGuard, RawGuardian};
use super::reader::{Reader, Section};

/// `[guard]`: the secret scanner.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent key of the file")]
pub struct GuardConfig {
    /// The scanners as written; a missing binary of these fails closed. `None`: native and gitleaks, where found.
    pub scanners: Option<Vec<String>>,
    /// Whether missing scanners are downloaded.
    pub auto_install: bool,
    /// Whether the git history is scanned.
    pub include_history: bool,
    /// Whether the clear files of partial encryption are left out.
    pub skip_clear_files: bool,
    /// Whether encrypted files are left out.
    pub skip_encrypted_files: bool,
    /// Whether the same secret in several places is one finding.
    pub skip_duplicate: bool,
    /// Whether findings in ignored files are left out.
    pub skip_gitignored: bool,
    /// Whether scanners may try out what they found.
    pub verify_secrets: bool,
    /// Whether high-entropy strings are findings; `None` leaves it to the scanner.
    pub check_entropy: Option<bool>,
    /// The entropy, in bits per character, from which a string is a finding.
    pub entropy_threshold: f64,
    /// The lowest severity that fails, by name.
    pub fail_on_severity: String,
    /// Globs of paths without findings.
    pub ignore_paths: Vec<String>,
    /// For a rule, globs of paths without its findings.
    pub ignore_rules: BTreeMap<String, Vec<String>>,
}

impl GuardConfig {
    pub(super) fn read(reader: &Reader<'_>, raw: RawGuard) -> Result<Self, ConfigError> {
        let at = reader.section("guard");
        let list = |key, leaf: Leaf<OneOrMany>| Ok(at.value(key, leaf)?.map(|OneOrMany(list)| list));
        Ok(Self {
            scanners: list("scanners", raw.scanners)?,
            auto_install: at.flag("auto_install", raw.auto_install, true)?,
            include_history: at.flag("include_history", raw.include_history, false)?,
            skip_clear_files: at.flag("skip_clear_files", raw.skip_clear_files, false)?,
            skip_encrypted_files: at.flag("skip_encrypted_files", raw.skip_encrypted_files, true)?,
            skip_duplicate: at.flag("skip_duplicate", raw.skip_duplicate, false)?,
            skip_gitignored: at.flag("skip_gitignored", raw.skip_gitignored, false)?,
            verify_secrets: at.flag("verify_secrets", raw.verify_secrets, false)?,
            check_entropy: at.value("check_entropy", raw.check_entropy)?,
            entropy_threshold: match at.spanned("entropy_threshold", raw.entropy_threshold)? {
                None => 4.5,
                Some(number) if number.get_ref().0.is_finite() => number.get_ref().0,
                Some(number) => {
                    let detail = "[guard] entropy_threshold must be a finite number".to_owned();
                    return Err(reader.source.invalid(&number.span(), detail));
                }
            },
            fail_on_severity: at
                .value("fail_on_severity", raw.fail_on_severity)?
                .map_or_else(|| "high".to_owned(), |severity| severity.0),
            ignore_paths: list("ignore_paths", raw.ignore_paths)?.unwrap_or_default(),
            ignore_rules: ignore_rules(&at, raw.ignore_rules)?,
        })
    }
}

fn ignore_rules(
    at: &Section<'_>,
    raw: BTreeMap<String, Spanned<Typed<OneOrMany>>>,
) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
    let mut rules = BTreeMap::new();
    for (rule, value) in raw {
        let paths = at.value(&format!("ignore_rules.{}", rule.escape_debug()), Some(value))?;
        rules.extend(paths.map(|OneOrMany(paths)| (rule, paths)));
    }
    Ok(rules)
}

/// `[guardian]`: the background agent.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardianConfig {
    /// Whether the agent watches this project.
    pub enabled: bool,
    /// How long a file has to be left alone before it is encrypted.
    pub idle_timeout: Duration,
    /// Globs over the names of the files to encrypt.
    pub patterns: Vec<String>,
    /// Globs over the names of the files to leave alone.
    pub exclude: Vec<String>,
    /// Whether the desktop is told.
    pub notify: bool,
}

impl GuardianConfig {
    pub(super) fn read(reader: &Reader<'_>, raw: RawGuardian) -> Result<Self, ConfigError> {
        let at = reader.deferred("guardian");
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Ok(Self {
            enabled: at.flag("enabled", raw.enabled, false)?,
            idle_timeout: idle_timeout(&at, raw.idle_timeout)?,
            patterns: at.value("patterns", raw.patterns)?.unwrap_or_else(|| owned(&[".env*"])),
            exclude: at
                .value("exclude", raw.exclude)?
                .unwrap_or_else(|| owned(&[".env.example", ".env.sample", ".env.keys"])),
            notify: at.flag("notify", raw.notify, true)?,
        })
    }
}

fn idle_timeout(at: &Section<'_>, leaf: Leaf<String>) -> Result<Duration, ConfigError> {
    let Some(text) = at.spanned("idle_timeout", leaf)? else { return Ok(Duration::from_mins(5)) };
    duration(&text.get_ref().trim().to_lowercase()).ok_or_else(|| ConfigError::Section {
        detail: format!(
            "guardian.idle_timeout must be digits and one of s, m, h, d, such as \"5m\", got \"{}\"",
            text.get_ref().escape_debug()
        ),
        at: at.reader.source.at(&text.span()),
    })
}

fn duration(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    // `parse` alone would take a sign.
    let number: u64 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    number.checked_mul(unit).map(Duration::from_secs)
}
