//! The engine as a whole: law 3, what stays readable, and each way in which a file can be wrong.

mod identities;
mod kept;
mod tampering;

use proptest::prelude::*;

use super::builtin::{self, EncryptRequest, LayoutUse, ProofError};
use super::error::SopsError;
use super::fixture::{Folder, Identity, NOW};
use super::shape::{self, ValueShape};

/// A folder with one identity, and a `.sops.yaml` rule that holds `terms`.
fn ruled(terms: &str) -> Folder {
    let identity = Identity::new();
    let folder = Folder::of(&identity);
    folder.put(".sops.yaml", format!("creation_rules:\n  - age: {}\n    {terms}\n", identity.public));
    folder
}

fn code(result: Result<impl Sized, SopsError>) -> &'static str {
    result.err().map_or("none", |error| error.code())
}

#[test]
fn an_ordinary_file_looks_as_sops_would_have_written_it() {
    let folder = Folder::of(&Identity::new());
    let encrypted = folder.encrypt("# top\n\nA=hello\nB=\nC_unencrypted=x\\ny\n#\n").unwrap();
    let shape: Vec<String> = encrypted
        .text
        .lines()
        .map(|line| match line.find("data:").or_else(|| line.find("-----BEGIN AGE ENCRYPTED FILE-----\\n")) {
            Some(at) => line[..at].to_owned(),
            None => line.to_owned(),
        })
        .collect();
    assert_eq!(
        shape,
        [
            "#ENC[AES256_GCM,",
            "",
            "A=ENC[AES256_GCM,",
            "B=",
            "C_unencrypted=x\\ny",
            "#",
            "sops_age__list_0__map_enc=",
            &format!("sops_age__list_0__map_recipient={}", folder.recipients.age[0]),
            "sops_lastmodified=2026-11-24T21:59:42Z",
            "sops_mac=ENC[AES256_GCM,",
            "sops_unencrypted_suffix=_unencrypted",
            "sops_version=3.13.3",
        ]
    );
    assert!(encrypted.text.contains("-----END AGE ENCRYPTED FILE-----\\n\n"));
}

#[test]
fn what_stays_readable_is_told() {
    let folder = ruled("encrypted_regex: ^(PASSWORD|EMPTY)$");
    let encrypted = folder
        .encrypt("PASSWORD=x\nexport PASSWORD=y\nEMPTY=\nPORT=80\n# PASSWORD=old\n# a note\n#export X=1\n# Y=\nnot a name=z\n")
        .unwrap();
    assert_eq!(encrypted.left_plain, ["export PASSWORD", "PORT", "not a name"]);
    let comments: Vec<_> = encrypted.plain_comments.iter().map(|c| (c.line, c.key.as_str())).collect();
    assert_eq!(comments, [(5, "PASSWORD"), (7, "X")]);
    assert_eq!(encrypted.odd_names, [9]);
}

#[test]
fn a_rule_that_leaves_everything_in_clear_is_refused() {
    for (rule, expected) in [
        ("encrypted_regex: nothing", "sops.nothing_encrypted"),
        ("encrypted_suffix: _KEY", "sops.nothing_encrypted"),
        ("unencrypted_regex: .", "sops.nothing_encrypted"),
        ("encrypted_comment_regex: secret", "sops.nothing_encrypted"),
        ("encrypted_regex: (", "sops.regex"),
        ("encrypted_regex: 'A|\\\\n'", "sops.regex"),
        ("unencrypted_regex: 'a**'", "sops.regex"),
        ("unencrypted_comment_regex: ENC", "sops.rule_matches_ciphertext"),
    ] {
        assert_eq!(code(ruled(rule).encrypt("# note\nA=1\nB=2\n")), expected, "{rule}");
    }
    let folder = Folder::of(&Identity::new());
    assert_eq!(code(folder.encrypt("A_unencrypted=1\n")), "sops.nothing_encrypted");
    // Nothing to hide is no reason to refuse.
    for text in ["", "# note\n", "A=\n", "A_unencrypted=\n\n"] {
        assert!(folder.encrypt(text).is_ok(), "{text:?}");
    }
}

#[test]
fn a_comment_whose_ciphertext_sets_off_the_rule_by_chance_is_encrypted_anew() {
    // One ciphertext in two or so holds this pair of letters.
    let folder = ruled("unencrypted_comment_regex: '[Aa][Bb]|[Cc][Dd]|[Ee][Ff]|[Gg][Hh]'");
    for _ in 0..20 {
        let encrypted = folder.encrypt("# note\nA=1\n").unwrap();
        assert_eq!(folder.decrypt(&encrypted.text).unwrap(), "# note\nA=1\n");
    }
}

#[test]
fn what_is_encrypted_already_is_not_encrypted_again() {
    let folder = Folder::of(&Identity::new());
    let once = folder.encrypt("A=1\n").unwrap().text;
    assert_eq!(code(folder.encrypt(&once)), "sops.already_encrypted");
    assert_eq!(code(folder.encrypt("A=1\nsops_token=x\n")), "sops.reserved_key");
    assert_eq!(code(folder.decrypt("A=1\n")), "sops.not_encrypted");
    assert_eq!(code(folder.decrypt("")), "sops.not_encrypted");
}

#[test]
fn a_proof_that_fails_names_the_keys() {
    let folder = Folder::of(&Identity::new());
    let encrypted = folder.encrypt("A=1\nB=2\nC=3\n").unwrap();
    assert_eq!(
        builtin::prove("A=1\nB=other\nC=3\n", &encrypted),
        Err(ProofError::Values(vec!["B".to_owned()]))
    );
    assert_eq!(builtin::prove("A=1\nB=2\nC=3", &encrypted), Err(ProofError::Text));
}

#[test]
fn recipients_are_listed_and_only_the_tool_can_do_some() {
    let folder = Folder::of(&Identity::new());
    let text = folder.encrypt("A=1\n").unwrap().text;
    let listed = builtin::recipients_of(&text).unwrap();
    assert_eq!((listed.len(), listed[0].kind.as_str(), listed[0].group), (1, "age", 0));
    assert_eq!(listed[0].id, folder.recipients.age[0]);
    assert_eq!(builtin::needs_tool_to_decrypt(&text), Ok(None));
    let pgp = text
        .replace("sops_age__list_0__map_recipient", "sops_pgp__list_0__map_fp")
        .replace("sops_age", "sops_pgp");
    assert!(builtin::needs_tool_to_decrypt(&pgp).unwrap().unwrap().contains("PGP"));
    assert_eq!(code(folder.decrypt(&pgp)), "sops.needs_tool");
    let plugin = text.replace(&folder.recipients.age[0], "age1yubikey1qq");
    assert!(builtin::needs_tool_to_decrypt(&plugin).unwrap().unwrap().contains("plugin"));

    let mut folder = folder;
    folder.recipients.kms = vec!["arn:aws:kms:eu-west-1:111122223333:key/k".into()];
    let name = folder.path().join(".env");
    let request = EncryptRequest {
        text: "A=1\n",
        name: &name,
        recipients: &folder.recipients,
        sops_config: None,
        env: &folder.env(),
        now: NOW.parse().unwrap(),
        previous: None,
    };
    assert!(builtin::needs_tool_to_encrypt(&request).unwrap().unwrap().contains("AWS KMS"));
    assert_eq!(code(builtin::encrypt(&request)), "sops.needs_tool");
}

#[test]
fn a_survey_tells_what_each_value_is() {
    let folder = Folder::of(&Identity::new());
    let text = folder.encrypt("A=1\nB=\nC_unencrypted=x\nD=2\nE=3\n").unwrap().text;
    let line_of_d = text.lines().nth(3).unwrap();
    let text = text.replace(line_of_d, "D=typed over").replacen(
        "\nE=ENC[AES256_GCM,data:",
        "\nE=ENC[AES256_GCM,data:!",
        1,
    );
    let rows = shape::survey(&text).unwrap();
    let exposed: Vec<&str> = rows.iter().filter(|row| row.is_exposed()).map(|row| row.key.as_str()).collect();
    assert_eq!(exposed, ["D"]);
    let shapes: Vec<_> = rows.iter().map(|row| (row.line, row.selected, &row.shape)).collect();
    assert_eq!(
        shapes[..4],
        [
            (1, true, &ValueShape::Encrypted),
            (2, true, &ValueShape::Empty),
            (3, false, &ValueShape::Plain),
            (4, true, &ValueShape::Plain)
        ]
    );
    assert!(matches!(shapes[4].2, ValueShape::Malformed(_)));
    assert_eq!(shape::of_value(""), ValueShape::Empty);
}

/// Pieces that real and strange files are made of.
fn text() -> impl Strategy<Value = String> {
    let one_of = |pieces: &'static [&'static str]| prop::sample::select(pieces).prop_map(str::to_owned);
    let piece = prop_oneof![
        6 => "[A-Z_]{1,6}=",
        4 => "[a-z0-9 ]{0,8}",
        3 => one_of(&["\n", "\r\n", "\n\n", "\r", "\t", "  "]),
        3 => one_of(&["\"", "'", "`", "\\n", "\\", "\\\"", "#", "=", "# A=1"]),
        1 => any::<char>().prop_map(String::from),
        1 => one_of(&["\u{feff}", "_unencrypted=", "export ", "sops_x=", "ENC[AES256_GCM,", "\0"]),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_text_comes_back_byte_for_byte_or_is_refused(text in text()) {
        let folder = Folder::of(&Identity::new());
        match folder.encrypt(&text) {
            Ok(encrypted) => {
                let opened = folder.open(&encrypted.text).unwrap();
                prop_assert_eq!(&opened.text, &text);
                prop_assert!(opened.layout != LayoutUse::Ignored);
            }
            Err(error) => {
                let refusals = ["sops.line", "sops.reserved_key", "sops.nothing_encrypted"];
                prop_assert!(refusals.contains(&error.code()), "{}", error);
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in text(), tail in "(sops_[a-z_0-9]{0,20}=[a-zA-Z0-9\\[\\]:,=\\n-]{0,40}\n){0,6}") {
        let folder = Folder::new();
        let _ = folder.decrypt(&format!("{text}\n{tail}"));
        let _ = shape::survey(&format!("{text}\n{tail}"));
    }
}
