//! Walks a config's tables by the known sections: a section of the wrong shape is an error, a key that nothing
//! reads is a warning with the nearest known key.
//!
//! Free-form tables, whose keys are the user's own names, are not entered, and neither is an unknown section: it
//! is reported once, by its own name.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::ConfigError;
use super::known::{KNOWN, Known, Shape, keys_of};
use super::raw::{RawConfig, RawProject, RawSync};
use super::source::{Form, Source, kind, must_be_table};

/// Checks the shape of every known section and returns the warnings, in the order of the file, each once.
pub(super) fn check(source: &Source<'_>, root: &DeTable<'_>) -> Result<Vec<String>, ConfigError> {
    let mut walk = Walk { source, found: BTreeMap::new() };
    walk.table(root, "", &root_keys(source.form, root))?;
    let mut warnings = Vec::new();
    for warning in walk.found.into_values() {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    Ok(warnings)
}

/// Whether the file is one of those that hold nothing but `[vault.sync]`, written at the top level.
pub(super) fn is_sync_file(root: &DeTable<'_>) -> bool {
    let vault = root.get("vault").and_then(|vault| vault.get_ref().as_table());
    root.contains_key("mappings") && !vault.is_some_and(|vault| vault.contains_key("sync"))
}

fn root_keys(form: Form, root: &DeTable<'_>) -> Vec<&'static str> {
    let mut keys = keys_of::<RawConfig>().to_vec();
    if form == Form::Pyproject {
        keys.retain(|key| *key != "envdrift");
        keys.extend(keys_of::<RawProject>());
    }
    if is_sync_file(root) {
        keys.extend(keys_of::<RawSync>());
    }
    keys
}

struct Walk<'a> {
    source: &'a Source<'a>,
    /// Warnings by the byte at which their key starts.
    found: BTreeMap<usize, String>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str, keys: &[&'static str]) -> Result<(), ConfigError> {
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                self.found.insert(key.span().start, self.warning(path, name, keys));
                continue;
            }
            let child = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if let Some(section) = KNOWN.iter().find(|section| section.path == child) {
                self.section(section, value)?;
            }
        }
        Ok(())
    }

    fn section(&mut self, section: &Known, value: &Spanned<DeValue<'_>>) -> Result<(), ConfigError> {
        let path = section.path;
        let invalid = |value: &Spanned<DeValue<'_>>, detail| Err(self.source.invalid(&value.span(), detail));
        match (section.shape, value.get_ref()) {
            (Shape::Free, DeValue::Table(_)) => Ok(()),
            (Shape::Table, DeValue::Table(table)) => self.table(table, path, (section.keys)()),
            (Shape::Rows, DeValue::Array(entries)) => {
                for entry in entries {
                    match entry.get_ref() {
                        DeValue::Table(table) => self.table(table, path, (section.keys)())?,
                        other => {
                            return invalid(
                                entry,
                                format!("{path} entry must be a table, got {}", kind(other)),
                            );
                        }
                    }
                }
                Ok(())
            }
            (Shape::Rows, other) => {
                invalid(value, format!("{path} must be an array of tables ([[{path}]]), got {}", kind(other)))
            }
            (Shape::Table | Shape::Free, other) => invalid(value, must_be_table(path, other)),
        }
    }

    fn warning(&self, path: &str, key: &str, keys: &[&'static str]) -> String {
        let file = self.source.path.display();
        let place = match self.source.written(path) {
            top if top.is_empty() => "at the top level".to_owned(),
            section => format!("in [{section}]"),
        };
        let advice = match (moved(path, key), closest(key, keys)) {
            (Some((child, known)), _) => {
                format!(" (write it as '{known}' in [{}])", self.source.written(child))
            }
            (None, Some(known)) => format!(" (did you mean '{known}'?)"),
            (None, None) => String::new(),
        };
        format!("Warning: {file}: unknown config key '{}' {place}{advice}", key.escape_debug())
    }
}

/// Finds the one backend section that a key written flat below `[encryption]` is meant for.
fn moved(path: &str, key: &str) -> Option<(&'static str, &'static str)> {
    let tables = [("encryption.dotenvx", "dotenvx_"), ("encryption.sops", "sops_")];
    let mut homes = tables.into_iter().filter_map(|(table, prefix)| {
        let section = KNOWN.iter().find(|section| section.path == table)?;
        let bare = key.strip_prefix(prefix).unwrap_or(key);
        let known = (section.keys)().iter().find(|known| **known == bare)?;
        Some((table, *known))
    });
    let home = homes.next().filter(|_| path == "encryption")?;
    homes.next().is_none().then_some(home)
}

/// The candidate most like `word`, when one is like it at all (similarity of at least 0.6).
pub(super) fn closest(word: &str, candidates: &[&'static str]) -> Option<&'static str> {
    similar::get_close_matches(word, candidates, 1, 0.6).first().copied()
}
