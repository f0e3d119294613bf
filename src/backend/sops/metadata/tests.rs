//! Metadata read and written.

use super::*;

const KMS: &str = "sops_kms__list_0__map_arn=arn:aws:kms:eu-west-1:1:key/k
sops_kms__list_0__map_aws_profile=
sops_kms__list_0__map_context__map_app=web
sops_kms__list_0__map_created_at=2026-11-24T21:59:42Z
sops_kms__list_0__map_enc=AQIC
sops_kms__list_0__map_role=arn:aws:iam::1:role/r
";
const TAIL: &str = "sops_lastmodified=2026-11-24T21:59:42Z
sops_mac=ENC[x]
sops_unencrypted_suffix=_unencrypted
sops_version=3.13.3
";
const AGE: &str = "sops_age__list_0__map_enc=-----BEGIN\\nX\\n
sops_age__list_0__map_recipient=age1x
";
const OTHERS: &str = "sops_azure_kv__list_0__map_created_at=2026-11-24T21:59:42Z
sops_azure_kv__list_0__map_enc=e
sops_azure_kv__list_0__map_name=n
sops_azure_kv__list_0__map_vault_url=https://v.vault.azure.net
sops_azure_kv__list_0__map_version=1
sops_gcp_kms__list_0__map_created_at=2026-11-24T21:59:42Z
sops_gcp_kms__list_0__map_enc=e
sops_gcp_kms__list_0__map_resource_id=projects/p
sops_hc_vault__list_0__map_created_at=2026-11-24T21:59:42Z
sops_hc_vault__list_0__map_enc=vault:v1:e
sops_hc_vault__list_0__map_engine_path=transit
sops_hc_vault__list_0__map_key_name=k
sops_hc_vault__list_0__map_vault_address=https://vault
sops_hckms__list_0__map_created_at=2026-11-24T21:59:42Z
sops_hckms__list_0__map_enc=e
sops_hckms__list_0__map_key_id=r:k
";
const PGP: &str = "sops_pgp__list_0__map_created_at=2026-11-24T21:59:42Z
sops_pgp__list_0__map_enc=-----BEGIN PGP MESSAGE-----\\n
sops_pgp__list_0__map_fp=ABCD
";

fn read(text: &str) -> Result<Metadata, MetadataError> {
    Metadata::from_lines(&store::split_encrypted(text).unwrap().1)
}

fn written(metadata: &Metadata) -> String {
    let mut out = String::new();
    metadata.write(&mut out);
    out
}

#[test]
fn every_kind_of_key_is_written_as_it_was_read() {
    let (tail_before_pgp, rest) = TAIL.split_at(TAIL.find("sops_unencrypted").unwrap());
    let text = format!("{AGE}{OTHERS}{KMS}{tail_before_pgp}{PGP}{rest}");
    let metadata = read(&text).unwrap();
    assert_eq!(metadata.groups[0].len(), 7);
    assert_eq!(written(&metadata), text);
}

#[test]
fn groups_a_threshold_a_scope_and_a_layout_are_written_in_order() {
    let text = "sops_encrypted_regex=^A
sops_envdrift_layout=1:00000000:e
sops_key_groups__list_0__map_age__list_0__map_enc=a
sops_key_groups__list_0__map_age__list_0__map_recipient=age1a
sops_key_groups__list_1__map_pgp__list_0__map_created_at=2026-11-24T21:59:42Z
sops_key_groups__list_1__map_pgp__list_0__map_enc=b
sops_key_groups__list_1__map_pgp__list_0__map_fp=AB
sops_lastmodified=2026-11-24T21:59:42Z
sops_mac=ENC[x]
sops_mac_only_encrypted=true
sops_shamir_threshold=2
sops_version=3.13.3
";
    let metadata = read(text).unwrap();
    assert_eq!((metadata.groups.len(), metadata.threshold), (2, Some(2)));
    assert_eq!(written(&metadata), text);
}

#[test]
fn unknown_names_are_dropped_as_sops_drops_them() {
    let metadata = read(&format!("{AGE}{TAIL}sops_future=1\nsops_future_list__list_0=1\n")).unwrap();
    assert_eq!(written(&metadata), format!("{AGE}{TAIL}"));
}

#[test]
fn what_a_reader_needs_is_asked_for_by_name() {
    let without = |name: &str| {
        let text = format!("{AGE}{TAIL}");
        text.split_inclusive('\n').filter(|line| !line.starts_with(name)).collect::<String>()
    };
    for (text, error) in [
        ("A=1\n".to_owned(), MetadataError::Absent),
        (without("sops_lastmodified"), MetadataError::Missing("lastmodified")),
        (without("sops_version"), MetadataError::Missing("version")),
        (without("sops_age"), MetadataError::NoKeys),
    ] {
        assert_eq!(read(&text).unwrap_err(), error, "{text}");
    }
    assert_eq!(read(&without("sops_mac")).unwrap().mac, None);
    for (from, to) in [
        ("sops_version=3.13.3", "sops_version="),
        ("2026-11-24T21:59:42Z", "yesterday"),
        ("sops_mac=ENC[x]", "sops_mac=ENC[x]\nsops_shamir_threshold=two"),
        ("sops_mac=ENC[x]", "sops_mac=ENC[x]\nsops_mac_only_encrypted=yes"),
        ("sops_mac=ENC[x]", "sops_mac=ENC[x]\nsops_encrypted_regex=^A"),
    ] {
        let error = read(&format!("{AGE}{TAIL}").replace(from, to)).unwrap_err();
        assert_eq!(error.code(), "sops.metadata", "{to}");
    }
}

#[test]
fn a_variable_of_a_user_is_no_metadata() {
    for name in [
        "sops_version",
        "sops_mac",
        "sops_age__list_0__map_enc",
        "sops_key_groups__list_0__map_age__list_0__map_enc",
        "sops_hc_vault__list_0__map_enc",
        "sops_encrypted_comment_regex",
        "sops_envdrift_layout",
    ] {
        assert!(is_metadata_key(name), "{name}");
    }
    for name in ["sops_token", "sops_age", "sops_age_backup", "sops_aged__list_0", "SOPS_MAC", "mac", "sops_"]
    {
        assert!(!is_metadata_key(name), "{name}");
    }
}
