//! `.sops.yaml` and where recipients come from.

use std::path::Path;

use super::{Plan, PlanRequest, Recipients, RulesError, plan};
use crate::backend::sops::fixture::Folder;
use crate::backend::sops::mac::MacScope;
use crate::backend::sops::selection::RuleKind;
use crate::env::Env;

fn plan_in(folder: &Folder, name: &str) -> Result<Plan, RulesError> {
    let recipients = &folder.recipients;
    plan(&PlanRequest { name: &folder.path().join(name), recipients, sops_config: None, env: &folder.env() })
}

fn plan_with(yaml: &str) -> Result<Plan, RulesError> {
    let folder = Folder::new();
    folder.put(".sops.yaml", yaml);
    plan_in(&folder, "app/.env")
}

fn ids(plan: &Plan) -> Vec<Vec<String>> {
    plan.groups.iter().map(|group| group.iter().map(super::KeyRef::id).collect()).collect()
}

#[test]
fn without_any_recipient_the_three_ways_are_named() {
    let folder = Folder::new();
    let error = plan_in(&folder, ".env").unwrap_err();
    assert_eq!(error.code(), "sops.no_recipients");
    let hint = error.hint().unwrap();
    for way in ["--age", "age_recipients", ".sops.yaml"] {
        assert!(hint.contains(way), "{hint}");
    }
    folder.put(".sops.yml", "creation_rules:\n  - age: age1a\n");
    assert!(plan_in(&folder, ".env").unwrap_err().hint().unwrap().contains(".sops.yml"));
}

#[test]
fn flags_are_lists_with_commas_and_blanks() {
    let mut folder = Folder::new();
    folder.recipients.age = vec![" age1a, age1b ,".into(), "age1c".into()];
    folder.recipients.kms = vec!["arn:aws:kms:r:1:key/k".into()];
    let plan = plan_in(&folder, ".env").unwrap();
    assert_eq!(ids(&plan), [["arn:aws:kms:r:1:key/k", "age1a", "age1b", "age1c"]]);
    assert_eq!((plan.rule.kind, plan.origin), (RuleKind::UnencryptedSuffix, None));
}

#[test]
fn variables_count_for_the_kinds_that_no_flag_gives() {
    let mut folder = Folder::new();
    folder.set("SOPS_AGE_RECIPIENTS", "age1env");
    folder.set("SOPS_KMS_ARN", "arn:aws:kms:r:1:key/env");
    assert_eq!(ids(&plan_in(&folder, ".env").unwrap()), [["arn:aws:kms:r:1:key/env", "age1env"]]);
    folder.recipients.age = vec!["age1flag".into()];
    assert_eq!(ids(&plan_in(&folder, ".env").unwrap()), [["arn:aws:kms:r:1:key/env", "age1flag"]]);
}

#[test]
fn the_search_climbs_from_the_folder_of_the_file() {
    let folder = Folder::new();
    folder.put(".sops.yaml", "creation_rules:\n  - path_regex: ^a/b/\\.env$\n    age: age1root\n");
    assert_eq!(ids(&plan_in(&folder, "a/b/.env").unwrap()), [["age1root"]]);
    folder.put("a/.sops.yaml", "creation_rules:\n  - path_regex: ^b/\\.env$\n    age: age1a\n");
    let plan = plan_in(&folder, "a/b/.env").unwrap();
    assert_eq!(ids(&plan), [["age1a"]]);
    assert!(plan.origin.unwrap().ends_with("a/.sops.yaml, rule 1"));
}

#[test]
fn a_config_named_by_hand_replaces_the_search_and_must_exist() {
    let mut folder = Folder::new();
    folder.put(".sops.yaml", "creation_rules:\n  - age: age1found\n");
    folder.put("conf/rules.yaml", "creation_rules:\n  - path_regex: ^/.*\\.env$\n    age: age1named\n");
    let recipients = Recipients::default();
    let with = |path: &str, env: &Env| {
        let name = folder.path().join(".env");
        plan(&PlanRequest { name: &name, recipients: &recipients, sops_config: Some(Path::new(path)), env })
    };
    assert_eq!(ids(&with("conf/rules.yaml", &folder.env()).unwrap()), [["age1named"]]);
    // Outside the folder of the config the path stays absolute; inside, `..` steps do not matter.
    assert_eq!(ids(&with("conf/../.sops.yaml", &folder.env()).unwrap()), [["age1found"]]);
    let error = with("gone.yaml", &folder.env()).unwrap_err();
    assert!(error.to_string().starts_with("SOPS config file not found: "), "{error}");
    folder.set("SOPS_CONFIG", "conf/rules.yaml");
    assert_eq!(ids(&plan_in(&folder, ".env").unwrap()), [["age1named"]]);
    folder.set("SOPS_CONFIG", "gone.yaml");
    assert_eq!(plan_in(&folder, ".env").unwrap_err().code(), "sops.config_missing");
}

#[test]
fn the_first_matching_rule_wins_and_none_is_an_error_even_with_a_flag() {
    let yaml = "creation_rules:\n  - {path_regex: 'prod', age: age1p}\n  - {path_regex: 'app', age: age1a}\n  - age: age1rest\n";
    assert_eq!(ids(&plan_with(yaml).unwrap()), [["age1a"]]);
    let mut folder = Folder::new();
    folder.recipients.age = vec!["age1flag".into()];
    folder.put(".sops.yaml", "creation_rules:\n  - path_regex: ^x\n  - path_regex: ^y\n");
    let error = plan_in(&folder, "app/.env").unwrap_err();
    let config = folder.path().join(".sops.yaml");
    assert_eq!(
        error.to_string(),
        format!("no creation rule in {} matches app/.env; tried ^x, ^y", config.display())
    );
    folder.put(".sops.yaml", "creation_rules: []\n");
    assert!(plan_in(&folder, ".env").unwrap_err().to_string().ends_with("tried none, the list is empty"));
}

#[test]
fn a_flag_replaces_the_keys_of_the_rule_but_not_its_terms() {
    let mut folder = Folder::new();
    folder.recipients.age = vec!["age1flag".into()];
    folder.put(
        ".sops.yaml",
        "creation_rules:\n  - age: age1rule\n    encrypted_suffix: _KEY\n    mac_only_encrypted: true\n    shamir_threshold: 3\n",
    );
    let plan = plan_in(&folder, ".env").unwrap();
    assert_eq!(ids(&plan), [["age1flag"]]);
    assert_eq!((plan.rule.kind, plan.rule.text.as_str()), (RuleKind::EncryptedSuffix, "_KEY"));
    assert_eq!((plan.mac_scope, plan.threshold), (MacScope::Encrypted, Some(3)));
}

#[test]
fn a_file_without_rules_is_as_good_as_none() {
    for yaml in [
        "",
        "# nothing\n",
        "keys:\n  - &me age1a\n",
        "creation_rules:\n",
        "destination_rules:\n  - s3_bucket: b\nstores:\n  json:\n    indent: 2\n",
    ] {
        assert_eq!(plan_with(yaml).unwrap_err().code(), "sops.no_recipients", "{yaml}");
    }
}

#[test]
fn anchors_lists_and_comma_texts_are_read() {
    let yaml = "keys:\n  - &a age1a\n  - &b age1b\ncreation_rules:\n  - age: [*a, *b]\n    pgp: 'AB CD, EF'\n    kms: >-\n      arn:aws:kms:r:1:key/k,\n      arn:aws:kms:r:2:key/k\n    aws_profile: p\n    gcp_kms:\n    hckms: [r:1]\n    azure_keyvault: https://v.vault.azure.net/keys/k/1\n    hc_vault_transit_uri: [https://h/v1/transit/keys/k]\n";
    let plan = plan_with(yaml).unwrap();
    assert_eq!(
        ids(&plan),
        [[
            "age1a",
            "age1b",
            "ABCD",
            "EF",
            "arn:aws:kms:r:1:key/k",
            "arn:aws:kms:r:2:key/k",
            "r:1",
            "https://v.vault.azure.net/keys/k/1",
            "https://h/v1/transit/keys/k"
        ]]
    );
    assert!(matches!(&plan.groups[0][4], super::KeyRef::Kms { aws_profile, .. } if aws_profile == "p"));
}

#[test]
fn key_groups_are_merged_first_and_hold_no_key_twice() {
    let yaml = "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n      - merge:\n          - age: [age1m]\n            merge:\n              - pgp: [AB]\n          - kms: [{arn: arn:x, role: r, context: {app: web}, aws_profile: p}]\n        age: [age1m, age1own]\n        azure_keyvault: [{vaultUrl: https://v.vault.azure.net/, key: k, version: ''}]\n      - hc_vault: [https://h/v1/t/keys/k]\n        gcp_kms: [{resource_id: projects/p}]\n        hckms: [{key_id: r:1}]\n";
    let plan = plan_with(yaml).unwrap();
    assert_eq!(
        ids(&plan),
        [
            vec!["AB", "age1m", "arn:x+r", "age1own", "https://v.vault.azure.net/keys/k"],
            vec!["projects/p", "r:1", "https://h/v1/t/keys/k"]
        ]
    );
    assert_eq!(plan.threshold, Some(2));
}

#[test]
fn a_rule_or_group_without_a_key_is_an_error() {
    let error = plan_with("creation_rules:\n  - path_regex: env\n").unwrap_err().to_string();
    assert!(error.ends_with(", rule 1 names no key"), "{error}");
    let error = plan_with("creation_rules:\n  - key_groups: [{age: [age1a]}, {}]\n").unwrap_err().to_string();
    assert!(error.ends_with(", rule 1, key group 2 names no key"), "{error}");
}

#[test]
fn a_key_that_sops_would_ignore_is_named_with_the_one_that_was_meant() {
    let unknown = |yaml: &str| {
        let error = plan_with(yaml).unwrap_err();
        assert_eq!(error.code(), "sops.config_unknown_key", "{error}");
        (error.to_string().split(": ").nth(1).unwrap().to_owned(), error.hint().unwrap())
    };
    let (message, hint) = unknown("creation_rules:\n  - age: age1a\n    encrypted_regx: ^A\n");
    assert_eq!(message, "SOPS does not know the key encrypted_regx and would ignore it");
    assert_eq!(hint, "did you mean encrypted_regex?");
    let (_, hint) = unknown("creation_rules:\n  - key_groups: [{age: [age1a], azure_kv: []}]\n");
    assert_eq!(hint, "remove the key");
    let (_, hint) = unknown("creation_rules:\n  - key_groups: [{kms: [{arn: a, profile: p}]}]\n");
    assert_eq!(hint, "did you mean aws_profile?");
    let error = plan_with("creation_rule:\n  - age: age1a\n").unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean creation_rules?"));
    // A later rule is not this file's business.
    assert!(plan_with("creation_rules:\n  - age: age1a\n  - agee: x\n").is_ok());
}

#[test]
fn what_is_not_the_yaml_of_sops_is_refused_with_its_line() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            text.extend([format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", "))]);
        }
        text + "creation_rules:\n  - age: *a11\n"
    };
    for yaml in [
        "creation_rules: [\n",
        "creation_rules: x\n",
        "creation_rules:\n  - age: {x: y}\n",
        "creation_rules:\n  - shamir_threshold: many\n",
        "creation_rules:\n  - age: [1, [2]]\n",
        "\tcreation_rules: x\n",
        "creation_rules:\n  - age: *unknown\n",
        &bomb,
    ] {
        let error = plan_with(yaml).unwrap_err();
        assert_eq!(error.code(), "sops.config_syntax", "{yaml}: {error}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let folder = Folder::new();
    folder.put(".sops.yaml", [0xff, 0xfe]);
    assert!(plan_in(&folder, ".env").unwrap_err().to_string().ends_with("it is not UTF-8"));
}

#[test]
fn a_pattern_that_does_not_compile_and_two_rules_at_once_are_errors() {
    let error = plan_with("creation_rules:\n  - path_regex: (\n    age: age1a\n").unwrap_err();
    assert!(error.to_string().contains("rule 1: path_regex ( is not a valid regular expression"), "{error}");
    let error =
        plan_with("creation_rules:\n  - age: age1a\n    encrypted_regex: a\n    encrypted_suffix: b\n");
    assert!(
        error.unwrap_err().to_string().ends_with("encrypted_suffix and encrypted_regex exclude each other")
    );
}
