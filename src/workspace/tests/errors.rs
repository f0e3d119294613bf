//! What a broken config says, and where it points.

use std::path::Path;

use proptest::prelude::*;

use super::{config, error, own, pyproject};
use crate::workspace::known::known_keys;

/// The message after `Invalid config in envdrift.toml: `, and the text that the caret points at.
fn invalid(text: &str) -> (String, String) {
    let error = error(text);
    let message = error.to_string();
    let detail = message.strip_prefix("Invalid config in envdrift.toml: ").expect(&message).to_owned();
    let at = error.snippet().unwrap();
    assert_eq!(at.path, Path::new("envdrift.toml"));
    (detail, at.source_line.chars().skip(at.column - 1).collect())
}

fn detail(text: &str) -> String {
    invalid(text).0
}

#[test]
fn a_syntax_error_has_its_line_column_and_a_caret() {
    let error = error("[encryption]\nbackend = sops\n");
    let message = error.to_string();
    assert!(message.starts_with("TOML syntax error in envdrift.toml: "), "{message}");
    assert!(message.ends_with(" (at line 2, column 11)"), "{message}");
    assert_eq!(
        error.snippet().unwrap().to_string(),
        "  --> envdrift.toml:2:11\n   |\n 2 | backend = sops\n   |           ^"
    );
    assert_eq!(error.code(), "config.syntax");
}

#[test]
fn a_key_written_twice_is_a_syntax_error() {
    assert_eq!(error("[guard]\n[guard]\n").code(), "config.syntax");
    assert_eq!(error("[guard]\nskip_duplicate = true\nskip_duplicate = true\n").code(), "config.syntax");
}

#[test]
fn a_value_of_the_wrong_type_is_named_and_pointed_at() {
    assert_eq!(
        invalid("[encryption.dotenvx]\nauto_install = \"false\"\n"),
        (
            "[encryption.dotenvx] auto_install must be a boolean, got a string (leave out the quotes)"
                .to_owned(),
            "\"false\"".to_owned()
        )
    );
    assert_eq!(
        detail("encryption.backend = 123"),
        "[encryption] backend must be a string, got the integer 123"
    );
    assert_eq!(
        detail("[guard]\nscanners = ['native', 5]\n"),
        "[guard] scanners must be a string or a list of strings, got a list with the integer 5 in it"
    );
    assert_eq!(
        detail("guard.check_entropy = 'yes'"),
        "[guard] check_entropy must be a boolean, got a string"
    );
    assert_eq!(
        detail("guard.fail_on_severity = 3"),
        "[guard] fail_on_severity must be a severity string, got the integer 3"
    );
    assert_eq!(
        detail("guard.entropy_threshold = true"),
        "[guard] entropy_threshold must be a number, got the boolean true"
    );
    for endless in ["nan", "-inf", "'inf'", "'NaN'"] {
        let text = format!("guard.entropy_threshold = {endless}");
        assert_eq!(detail(&text), "[guard] entropy_threshold must be a finite number", "{endless}");
    }
    for workers in ["0", "-1", "true", "1.0", "'many'"] {
        let text = format!("vault.sync.max_workers = {workers}");
        let start = "[vault.sync] max_workers must be an integer of at least 1, got ";
        assert!(detail(&text).starts_with(start), "{workers}");
    }
}

/// A file in which `key` of `section` is a date and all else is valid.
fn with_a_date(section: &str, key: &str) -> String {
    let mut text = match section {
        "" => String::new(),
        "vault.sync.mappings" => "[[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\n".to_owned(),
        "partial_encryption.environments" => {
            "[partial_encryption]\nenabled = true\n[[partial_encryption.environments]]\nname = 'n'\n"
                .to_owned()
        }
        table => format!("[{table}]\n"),
    };
    if matches!(key, "secrets_dir" | "pattern") {
        text += "secrets_only = true\n";
    }
    let others: String =
        text.split_inclusive('\n').filter(|line| !line.starts_with(&format!("{key} ="))).collect();
    format!("{others}{key} = 2020-01-01\n")
}

#[test]
fn no_key_accepts_a_date() {
    for (section, key) in known_keys() {
        let text = with_a_date(section, key);
        let answer = own(&text).and_then(|(config, _)| {
            config.guardian.checked()?;
            config.partial_encryption.checked()?;
            Ok(())
        });
        let message = answer.expect_err(&text).to_string();
        assert!(message.contains(key) && !message.contains("missing"), "{text}{message}");
    }
}

#[test]
fn a_section_that_is_no_table_is_refused() {
    assert_eq!(
        invalid("encryption = 5\n"),
        ("[encryption] must be a table, got an integer".into(), "5".into())
    );
    assert_eq!(detail("vault.azure = 'x'"), "[vault.azure] must be a table, got a string");
    assert_eq!(detail("guard.ignore_rules = ['x']"), "[guard.ignore_rules] must be a table, got an array");
    assert_eq!(
        detail("[guard.ignore_rules]\n\"a rule\" = 5\n"),
        "[guard] ignore_rules.a rule must be a string or a list of strings, got the integer 5"
    );
    assert_eq!(
        detail("partial_encryption.environments = 5"),
        "partial_encryption.environments must be an array of tables ([[partial_encryption.environments]]), got an integer"
    );
    assert_eq!(
        detail("[vault.sync.mappings]\nsecret_name = 's'\n"),
        "vault.sync.mappings must be an array of tables ([[vault.sync.mappings]]), got a table"
    );
}

#[test]
fn a_mapping_names_everything_that_is_missing_or_wrong() {
    assert_eq!(
        invalid("[vault.sync]\nmappings = [{}, 'x']"),
        ("vault.sync.mappings entry must be a table, got a string".into(), "'x']".into())
    );
    assert_eq!(
        detail("vault.sync.mappings = [{}]"),
        "vault.sync.mappings entry 1: missing required key(s) secret_name, folder_path"
    );
    let good = "[[vault.sync.mappings]]\nsecret_name = 's'\nfolder_path = '.'\n";
    assert_eq!(
        invalid(&format!("{good}[[vault.sync.mappings]]\nsecret_name = ' '\nfolder_path = ''\n")),
        (
            "vault.sync.mappings entry 2: missing required key(s) secret_name".into(),
            "[[vault.sync.mappings]]".into()
        )
    );
    assert_eq!(
        invalid(&format!("{good}env_file = 1\nactivate_to = 2\nephemeral_keys = 'no'\n")),
        (
            "vault.sync.mappings entry 1: wrong value type(s) for env_file, activate_to, ephemeral_keys"
                .into(),
            "1".into()
        )
    );
}

#[test]
fn several_vault_tables_need_a_choice() {
    let tables = "[vault.gcp]\n[vault.aws]\nregion = 'x'\n";
    assert_eq!(
        detail(tables),
        "[vault] provider is not set but multiple provider sections are configured (aws, gcp); \
         set provider to one of them"
    );
    let chosen = config(&format!("[vault]\nprovider = 'gcp'\n{tables}"));
    assert_eq!(chosen.vault.provider.checked().unwrap().as_str(), "gcp");
}

#[test]
fn an_unknown_engine_lists_the_known_ones() {
    assert_eq!(
        invalid("encryption.engine = 'fast'"),
        ("[encryption] engine must be auto, tool or builtin, got 'fast'".into(), "'fast'".into())
    );
}

#[test]
fn an_unknown_backend_or_provider_is_an_error_only_where_it_is_used() {
    let config = config("[encryption]\nbackend = 'gpg'\n[vault]\nprovider = 'AWS'\n");
    let backend = config.encryption.backend.checked().unwrap_err();
    assert_eq!(backend.to_string(), "Unknown encryption backend: gpg\nSupported backends: dotenvx, sops");
    assert_eq!(
        (backend.code(), backend.hint().unwrap().as_str()),
        ("config.backend", "Change line 2 of envdrift.toml.")
    );
    let provider = config.vault.provider.checked().unwrap_err();
    assert!(
        provider.to_string().starts_with("Unknown vault provider 'AWS' (did you mean 'aws'?)"),
        "{provider}"
    );
    assert_eq!((provider.snippet().unwrap().line, provider.snippet().unwrap().column), (4, 12));
}

#[test]
fn pyproject_errors_point_into_the_whole_file() {
    let error = pyproject("[project]\nname = 'x'\n[tool.envdrift.guard]\nscanners = 5\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "Invalid config in pyproject.toml: [guard] scanners must be a string or a list of strings, got the integer 5"
    );
    assert_eq!((error.snippet().unwrap().line, error.snippet().unwrap().column), (4, 12));
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    for text in
        ["a.".repeat(100_000) + "a = 1", "a = ".to_owned() + &"[".repeat(100_000), "a={".repeat(100_000)]
    {
        assert_eq!(error(&text).code(), "config.syntax");
    }
}

#[test]
fn a_number_out_of_range_is_named_like_any_wrong_value_and_is_deferred_like_it() {
    for number in ["9999999999999999999", "99999999999999999999999999999999999999999", "1e999"] {
        assert_eq!(
            detail(&format!("encryption.files = {number}\n")),
            "[encryption] files must be a list of strings, got a value out of range"
        );
        assert!(config(&format!("guardian.notify = {number}\n")).guardian.checked().is_err());
    }
}

/// Whatever the text, the answer is a config or an error with a message, a code and a hint.
fn is_answered(text: &str) {
    for outcome in [own(text), pyproject(text)] {
        match outcome {
            Ok((config, warnings)) => {
                assert!(warnings.iter().all(|line| line.starts_with("Warning: ") && !line.contains('\n')));
                let _ = (config.guardian.checked().is_ok(), config.partial_encryption.checked().is_ok());
            }
            Err(error) => {
                assert!(!error.to_string().is_empty() && error.hint().is_some());
                assert!(error.snippet().is_none_or(|snippet| snippet.to_string().lines().count() == 4));
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        is_answered(&text);
    }

    #[test]
    fn any_settings_are_answered(
        lines in prop::collection::vec((any::<prop::sample::Index>(), value(), any::<bool>()), 0..8),
        nested in any::<bool>(),
    ) {
        let keys: Vec<_> = known_keys().collect();
        let text: String = lines
            .iter()
            .map(|(index, value, row)| {
                let (section, key) = keys[index.index(keys.len())];
                let prefix = if nested { "tool.envdrift." } else { "" };
                let section = format!("{prefix}{section}");
                let section = section.trim_matches('.');
                match (section.is_empty(), row) {
                    (true, _) => format!("{key} = {value}\n"),
                    (false, true) => format!("[[{section}]]\n{key} = {value}\n"),
                    (false, false) => format!("[{section}]\n{key} = {value}\n"),
                }
            })
            .collect();
        is_answered(&text);
    }
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:?}")),
        "[a-zA-Z0-9~/. ]{0,6}".prop_map(|text| format!("'{text}'")),
        "[0-9]{1,25}[smhd]".prop_map(|text| format!("'{text}'")),
        Just("1979-05-27T07:32:00Z".to_owned()),
        Just("{ '$__toml_private_datetime' = 1 }".to_owned()),
        Just("{ '$__serde_spanned_private_value' = 1 }".to_owned()),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            inner.prop_map(|item| format!("{{ name = {item}, secret_name = 's', folder_path = {item} }}")),
        ]
    })
}
