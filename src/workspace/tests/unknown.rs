//! The warnings about keys that nothing reads.

use super::{own, pyproject};
use crate::workspace::unknown::closest;

fn warnings(text: &str) -> Vec<String> {
    let lines = own(text).unwrap().1.into_iter();
    lines
        .map(|line| line.strip_prefix("Warning: envdrift.toml: unknown config key ").unwrap().to_owned())
        .collect()
}

#[test]
fn a_near_key_of_the_same_section_is_suggested() {
    let text = "gaurd = 1\n[guard]\nfail_on_severty = 'x'\n[encryption]\nbackends = 'x'\n[encryption.sops]\n\
                autoinstall = true\n[vault.sync]\nephemerl_keys = true\n\
                [[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\nenviroment = 'x'\n";
    assert_eq!(
        warnings(text),
        [
            "'gaurd' at the top level (did you mean 'guard'?)",
            "'fail_on_severty' in [guard] (did you mean 'fail_on_severity'?)",
            "'backends' in [encryption] (did you mean 'backend'?)",
            "'autoinstall' in [encryption.sops] (did you mean 'auto_install'?)",
            "'ephemerl_keys' in [vault.sync] (did you mean 'ephemeral_keys'?)",
            "'enviroment' in [vault.sync.mappings] (did you mean 'environment'?)",
        ]
    );
}

#[test]
fn nothing_is_suggested_when_nothing_is_near() {
    let text = "[vault]\nregion = 'x'\nprovider = 'aws'\n[vault.hashicorp]\ntoken = 'x'\n";
    assert_eq!(warnings(text), ["'region' in [vault]", "'token' in [vault.hashicorp]"]);
}

#[test]
fn flat_backend_keys_are_told_their_section() {
    let text = "[encryption]\nsops_config_file = 'x'\nage_recipients = 'age1x'\nsops_age_recipients = 'age1x'\n\
                auto_install = true\ndotenvx_auto_install = true\n";
    assert_eq!(
        warnings(text),
        [
            "'sops_config_file' in [encryption] (write it as 'config_file' in [encryption.sops])",
            "'age_recipients' in [encryption] (write it as 'age_recipients' in [encryption.sops])",
            "'sops_age_recipients' in [encryption] (write it as 'age_recipients' in [encryption.sops])",
            "'auto_install' in [encryption]",
            "'dotenvx_auto_install' in [encryption] (write it as 'auto_install' in [encryption.dotenvx])",
        ]
    );
    let config = own(text).unwrap().0;
    assert_eq!((config.encryption.sops.config_file, config.encryption.sops.age_recipients), (None, vec![]));
}

#[test]
fn free_tables_are_not_entered_and_an_unknown_section_is_one_finding() {
    let text = "[vault.mappings]\nanything = { at = 'all' }\nhuge = 99999999999999999999999999\n[precommit.schemas]\ndev = 'm:S'\n\
                [guard.ignore_rules]\nmine = 'x'\n[outside]\na = 1\nb = 2\n[vault.sycn.deep]\nc = 1\n";
    assert_eq!(warnings(text), ["'outside' at the top level", "'sycn' in [vault] (did you mean 'sync'?)"]);
}

#[test]
fn every_entry_is_checked_and_the_same_finding_is_said_once() {
    let entry = "[[partial_encryption.environments]]\nclaer_file = 'x'\n";
    let found = warnings(&entry.repeat(3));
    assert_eq!(found, ["'claer_file' in [partial_encryption.environments] (did you mean 'clear_file'?)"]);
}

#[test]
fn pyproject_sections_are_named_as_written() {
    let text = "gaurd = 1\n[guard]\nx = 1\n[tool.envdrift]\nschma = 'x'\nvualt = 1\nenvdrift = 5\n[tool.envdrift.vault.sync]\nx = 1\n";
    let path = "Warning: pyproject.toml: unknown config key";
    assert_eq!(
        pyproject(text).unwrap().1,
        [
            format!("{path} 'schma' in [tool.envdrift] (did you mean 'schema'?)"),
            format!("{path} 'vualt' in [tool.envdrift] (did you mean 'vault'?)"),
            format!("{path} 'envdrift' in [tool.envdrift]"),
            format!("{path} 'x' in [tool.envdrift.vault.sync]"),
        ]
    );
    assert_eq!(pyproject("[guard]\nx = 1\n").unwrap().1.len(), 0);
}

#[test]
fn a_key_cannot_forge_a_second_line() {
    assert_eq!(warnings("\"a\\nWarning: b\\u001b\" = 1\n"), [r"'a\nWarning: b\u{1b}' at the top level"]);
}

#[test]
fn similarity_starts_at_six_tenths() {
    assert_eq!(closest("abcxx", &["abcde"]), Some("abcde"));
    assert_eq!(closest("abxxx", &["abcde"]), None);
}
