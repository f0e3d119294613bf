//! What each section means once it is valid.

use std::path::Path;
use std::time::Duration;

use super::{config, error, pyproject};
use crate::backend::{BackendKind, EngineChoice};
use crate::workspace::{Config, HookCheck, PartialMode};

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = config("");
    assert_eq!(config.envdrift.environments, ["development", "staging", "production"]);
    assert!(config.validation.check_encryption && config.validation.strict_extra);
    assert_eq!(config.encryption.backend.checked().unwrap(), &BackendKind::Dotenvx);
    assert_eq!(config.encryption.engine, EngineChoice::Auto);
    assert!(!config.encryption.smart_encryption && !config.encryption.dotenvx_auto_install);
    assert_eq!(config.vault.provider.checked().unwrap().as_str(), "azure");
    assert_eq!(
        (config.vault.aws_region.as_str(), config.vault.hashicorp_mount.as_str()),
        ("us-east-1", "secret")
    );
    assert_eq!((config.vault.sync.max_workers, config.vault.sync.ephemeral_keys), (None, false));
    assert_eq!(config.git_hook_check.checked().unwrap(), &None);
    assert_eq!((config.guard.scanners.as_ref(), config.guard.check_entropy), (None, None));
    assert!(config.guard.auto_install && config.guard.skip_encrypted_files && !config.guard.skip_duplicate);
    assert_eq!((config.guard.entropy_threshold, config.guard.fail_on_severity.as_str()), (4.5, "high"));
    let guardian = config.guardian.checked().unwrap();
    assert_eq!(
        (guardian.enabled, guardian.idle_timeout, guardian.notify),
        (false, Duration::from_mins(5), true)
    );
    assert_eq!(guardian.exclude, [".env.example", ".env.sample", ".env.keys"]);
}

#[test]
fn pyproject_has_the_same_sections_below_its_table() {
    let own = config(
        "[envdrift]\nschema = 'm:S'\n[encryption]\nbackend = 'SOPS'\n[encryption.sops]\nkms_arn = 'a, b,'\n",
    );
    let text = "[encryption]\nbackend = 'gpg'\n[tool.envdrift]\nschema = 'm:S'\nencryption.backend = 'SOPS'\n\
                [tool.envdrift.encryption.sops]\nkms_arn = 'a, b,'\n";
    assert_eq!(pyproject(text).unwrap(), (own, vec![]));
}

#[test]
fn a_pyproject_without_settings_is_the_defaults_whatever_else_it_holds() {
    for text in [
        "[encryption]\nbackend = 'sops'\n",
        "[encryption]\nbackend = 'sops'\n[tool.envdrift]\n",
        "tool = 1\n",
    ] {
        assert_eq!(pyproject(text).unwrap(), (config(""), vec![]), "{text}");
    }
}

#[test]
fn sops_settings_are_lists_and_resolved_paths() {
    let sops = config(
        "[encryption.sops]\nconfig_file = './conf//.sops.yaml'\nage_key_file = '~/k.txt'\nage_recipients = ' age1x ,,age1y'\n\
         gcp_kms = ' '\n",
    )
    .encryption
    .sops;
    assert_eq!(sops.age_recipients, ["age1x", "age1y"]);
    assert!(sops.gcp_kms.is_empty());
    let config_file = sops.config_file.unwrap();
    assert_eq!(config_file.written, "./conf//.sops.yaml");
    assert_eq!(config_file.resolved.to_str(), Path::new("/project/conf/.sops.yaml").to_str());
    assert_eq!(sops.age_key_file.unwrap().resolved, Path::new("/home/ada/k.txt"));
}

#[test]
fn the_one_provider_table_chooses_even_when_it_is_empty() {
    assert_eq!(config("[vault.hashicorp]\n").vault.provider.checked().unwrap().as_str(), "hashicorp");
    let vault = config("[vault.hashicorp]\nurl = ' http://v '\nmount = '/kv/team/'\nnamespace = ''\n").vault;
    assert_eq!(vault.hashicorp_url.as_deref(), Some("http://v"));
    assert_eq!((vault.hashicorp_mount.as_str(), vault.hashicorp_namespace), ("kv/team", None));
}

fn mappings(config: &Config) -> Vec<(&str, &Path, &str, bool)> {
    let mappings = config.vault.sync.mappings.iter();
    mappings
        .map(|m| {
            (
                m.secret_name.as_str(),
                m.folder_path.resolved.as_path(),
                m.effective_environment(),
                m.ephemeral_keys,
            )
        })
        .collect()
}

#[test]
fn mappings_have_a_folder_an_environment_and_an_inherited_ephemeral_flag() {
    let config = config(
        "[vault.sync]\nephemeral_keys = true\nenv_keys_filename = ''\n\
         [[vault.sync.mappings]]\nsecret_name = 'a'\nfolder_path = 'services/a'\nenv_file = ''\nactivate_to = ''\n\
         [[vault.sync.mappings]]\nsecret_name = 'b'\nfolder_path = '~/b'\nprofile = 'local'\nephemeral_keys = false\n\
         [[vault.sync.mappings]]\nsecret_name = 'c'\nfolder_path = '/c'\nprofile = 'local'\nenvironment = ''\n",
    );
    assert_eq!(
        mappings(&config),
        [
            ("a", Path::new("/project/services/a"), "production", true),
            ("b", Path::new("/home/ada/b"), "local", false),
            ("c", Path::new("/c"), "", true),
        ]
    );
    let first = &config.vault.sync.mappings[0];
    assert_eq!(
        (&first.env_file, &first.activate_to, first.folder_path.written.as_str()),
        (&None, &None, "services/a")
    );
    assert_eq!(config.vault.sync.env_keys_filename, ".env.keys");
}

#[test]
fn a_profile_selects_its_own_and_the_untagged_mappings() {
    let config = config(
        "[[vault.sync.mappings]]\nsecret_name = 'a'\nfolder_path = '.'\n\
         [[vault.sync.mappings]]\nsecret_name = 'b'\nfolder_path = '.'\nprofile = 'local'\n",
    );
    let chosen = |wanted| {
        let mappings = config.vault.sync.mappings.iter().filter(|mapping| mapping.in_profile(wanted));
        mappings.map(|mapping| mapping.secret_name.as_str()).collect::<String>()
    };
    assert_eq!(
        (chosen(None), chosen(Some("local")), chosen(Some("x"))),
        ("a".into(), "ab".into(), "a".into())
    );
}

#[test]
fn a_dedicated_sync_file_has_its_settings_at_the_top() {
    let text = "max_workers = 3\n[[mappings]]\nsecret_name = 'a'\nfolder_path = 'x'\nenviroment = 'y'\n";
    let (config, warnings) = super::own(text).unwrap();
    assert_eq!(mappings(&config), [("a", Path::new("/project/x"), "production", false)]);
    assert_eq!(config.vault.sync.max_workers.map(std::num::NonZeroUsize::get), Some(3));
    assert_eq!(
        warnings,
        [
            "Warning: envdrift.toml: unknown config key 'enviroment' in [mappings] (did you mean 'environment'?)"
        ]
    );
    assert!(error("mappings = 5").to_string().contains("mappings must be an array of tables ([[mappings]])"));
}

#[test]
fn git_hook_methods_have_aliases_and_complain_at_use() {
    let direct = config("git_hook_check.method = ' Direct git hooks '");
    assert_eq!(direct.git_hook_check.checked().unwrap(), &Some(HookCheck::Direct));
    let precommit = config("[git_hook_check]\nmethod = 'pre-commit'\nprecommit_config = 'ci/hooks.yaml'\n");
    let Some(HookCheck::Precommit { config: file }) = precommit.git_hook_check.checked().unwrap() else {
        panic!("no precommit check");
    };
    assert_eq!(file.resolved, Path::new("/project/ci/hooks.yaml"));
    assert_eq!(config("git_hook_check.method = ' '").git_hook_check.checked().unwrap(), &None);
    let complaint = |text| config(text).git_hook_check.checked().unwrap_err().to_string();
    assert_eq!(
        complaint("git_hook_check.method = 'husky'"),
        "Unknown git_hook_check.method value. Use 'precommit.yaml' or 'direct git hook'."
    );
    assert_eq!(
        complaint("git_hook_check.method = 'precommit.yml'"),
        "git_hook_check.precommit_config is required for precommit checks."
    );
}

#[test]
fn guard_lists_take_one_string_and_the_threshold_takes_a_spelled_number() {
    let guard = config(
        "[guard]\nscanners = 'native'\nignore_paths = 'a/**'\nentropy_threshold = ' 5 '\n\
         [guard.ignore_rules]\none = 'x'\ntwo = ['y', 'z']\n",
    )
    .guard;
    assert_eq!(guard.scanners.unwrap(), ["native"]);
    assert_eq!(guard.ignore_paths, ["a/**"]);
    assert!((guard.entropy_threshold - 5.0).abs() < f64::EPSILON);
    assert_eq!(guard.ignore_rules["one"], ["x"]);
    assert_eq!(guard.ignore_rules["two"], ["y", "z"]);
}

#[test]
fn the_idle_timeout_is_digits_and_a_unit_and_complains_at_use() {
    let timeout = |text: &str| {
        config(&format!("guardian.idle_timeout = {text}")).guardian.checked().map(|g| g.idle_timeout)
    };
    assert_eq!(timeout("' 2H '"), Ok(Duration::from_hours(2)));
    assert_eq!(timeout("'90s'"), Ok(Duration::from_secs(90)));
    for bad in [
        "''",
        "'5'",
        "'m'",
        "'+5m'",
        "'5 m'",
        "'1.5h'",
        "'5€'",
        "'99999999999999999999d'",
        "'9999999999999999999d'",
        "5",
    ] {
        let error = timeout(bad).expect_err(bad);
        assert!(error.to_string().starts_with("guardian.idle_timeout must "), "{error}");
        assert_eq!((error.code(), error.snippet().unwrap().line), ("config.section", 1));
    }
}

const COMBINE: &str = "[[partial_encryption.environments]]\nname = 'prod'\nclear_file = 'c'\nsecret_file = 's'\ncombined_file = 'f'\n";

fn enabled(entries: &str) -> Config {
    config(&format!("[partial_encryption]\nenabled = true\n{entries}"))
}

#[test]
fn partial_environments_have_one_of_two_modes() {
    let only = "[[partial_encryption.environments]]\nname = 'dev'\nsecrets_only = true\nsecrets_dir = 'd/'\n";
    let config = enabled(&format!("{COMBINE}{only}"));
    let environments = config.partial_encryption.checked().unwrap().unwrap();
    assert_eq!((environments[0].name.as_str(), environments[1].name.as_str()), ("prod", "dev"));
    let PartialMode::Combine { clear_file, .. } = &environments[0].mode else { panic!("{environments:?}") };
    assert_eq!(clear_file.resolved, Path::new("/project/c"));
    let PartialMode::SecretsOnly { secrets_dir, pattern } = &environments[1].mode else {
        panic!("{environments:?}")
    };
    assert_eq!(
        (secrets_dir.written.as_str(), secrets_dir.resolved.as_path()),
        ("d/", Path::new("/project/d"))
    );
    assert_eq!(pattern, ".env*");
}

#[test]
fn a_partial_mistake_is_the_contracts_message_at_use_and_hides_no_other_entry() {
    let cases = [
        ("name = ' '", "partial_encryption environment is missing the required 'name' field"),
        (
            "name = 'n'\nsecrets_only = true\nsecrets_dir = ' '",
            "partial_encryption environment 'n': secrets_dir is required when secrets_only=true",
        ),
        (
            "name = 'n'\nsecret_file = 's'",
            "partial_encryption environment 'n': missing required field(s) for combine mode: clear_file, combined_file",
        ),
        (
            "name = 'n'\nsecrets_only = 'yes'",
            "partial_encryption.environments.secrets_only must be a boolean, got a string",
        ),
    ];
    for (entry, message) in cases {
        let config = enabled(&format!("[[partial_encryption.environments]]\n{entry}\n{COMBINE}"));
        let error = config.partial_encryption.checked().unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.snippet().unwrap().line >= 3);
        let usable: Vec<_> =
            config.partial_encryption.usable().map(|environment| &environment.name).collect();
        assert_eq!(usable, ["prod"]);
    }
}

#[test]
fn partial_encryption_that_is_not_enabled_has_no_environments_and_no_mistakes() {
    let off = config(&format!("{COMBINE}[[partial_encryption.environments]]\n"));
    assert_eq!(off.partial_encryption.checked(), Ok(None));
    assert_eq!(off.partial_encryption.usable().count(), 0);
    let unclear = config(&format!("partial_encryption.enabled = 1\n{COMBINE}")).partial_encryption;
    assert_eq!(
        unclear.checked().unwrap_err().to_string(),
        "partial_encryption.enabled must be a boolean, got the integer 1"
    );
    assert_eq!(unclear.usable().count(), 0);
}
