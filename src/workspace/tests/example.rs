//! `envdrift.toml.example` is complete and true.

use toml::{Table, Value};

use super::{config, own};
use crate::workspace::known::known_keys;

const EXAMPLE: &str = include_str!("../../../envdrift.toml.example");

/// The lines that are settings, without their `#`.
fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = EXAMPLE.lines().scan("", |above, line| {
        let pair = (*above, line);
        *above = line;
        Some(pair)
    });
    lines.filter_map(|(above, line)| {
        let setting = line.strip_prefix('#').filter(|text| !text.is_empty() && !text.starts_with(' '))?;
        Some((above, setting))
    })
}

fn everything() -> String {
    settings().flat_map(|(_, setting)| [setting, "\n"]).collect()
}

/// The settings that say their default; a section marked as an example is left out whole.
fn defaults() -> String {
    let mut in_example = false;
    let mut text = String::new();
    for (above, setting) in settings() {
        let marked = above.ends_with("No default.");
        if setting.starts_with('[') {
            in_example = marked;
        }
        if !in_example && !marked {
            text += setting;
            text.push('\n');
        }
    }
    text
}

#[test]
fn every_setting_of_the_example_is_known_and_valid() {
    let (config, warnings) = own(&everything().replace("enabled = false", "enabled = true")).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(config.git_hook_check.checked().unwrap().is_some());
    assert!(config.guardian.checked().unwrap().enabled);
    assert_eq!(config.partial_encryption.checked().unwrap().unwrap().len(), 2);
}

#[test]
fn every_setting_without_the_mark_says_the_default() {
    let stated = config(&defaults());
    assert!(defaults().contains("entropy_threshold = 4.5"));
    assert_eq!(stated, config(""));
}

#[test]
fn every_key_that_the_code_knows_is_in_the_example() {
    let document: Table = everything().parse().unwrap();
    for (section, key) in known_keys() {
        assert!(has(&Value::Table(document.clone()), section, key), "[{section}] {key} is missing");
    }
}

fn has(value: &Value, section: &str, key: &str) -> bool {
    match value {
        Value::Array(entries) => entries.iter().any(|entry| has(entry, section, key)),
        Value::Table(table) if section.is_empty() => table.contains_key(key),
        Value::Table(table) => {
            let (first, rest) = section.split_once('.').unwrap_or((section, ""));
            table.get(first).is_some_and(|child| has(child, rest, key))
        }
        _ => false,
    }
}
