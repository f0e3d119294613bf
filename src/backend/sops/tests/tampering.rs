//! Files that somebody changed.

use super::super::builtin::LayoutUse;
use super::super::error::SopsError;
use super::super::fixture::{Folder, Identity};

const PLAIN: &str = "A=hunter2\nB=swordfish\n\nEMPTY=\n# note\nC_unencrypted=open\n";

/// The file and its lines, `A` and `B` first.
fn encrypted(folder: &Folder) -> (String, Vec<String>) {
    let text = folder.encrypt(PLAIN).unwrap().text;
    let lines = text.lines().map(str::to_owned).collect();
    (text, lines)
}

fn joined(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Every tampered form with the code that it must be refused with.
fn forms(text: &str, lines: &[String]) -> Vec<(&'static str, String, &'static str)> {
    let edit = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.to_vec();
        change(&mut lines);
        joined(&lines)
    };
    let value = |line: &String| line.split_once('=').unwrap().1.to_owned();
    vec![
        (
            "values swapped",
            edit(&|l| (l[0], l[1]) = (format!("A={}", value(&l[1])), format!("B={}", value(&l[0])))),
            "sops.value_damaged",
        ),
        ("lines swapped", edit(&|l| l.swap(0, 1)), "sops.mac_mismatch"),
        ("line deleted", edit(&|l| drop(l.remove(1))), "sops.mac_mismatch"),
        ("line doubled", edit(&|l| l.insert(0, l[0].clone())), "sops.mac_mismatch"),
        ("value emptied", edit(&|l| "A=".clone_into(&mut l[0])), "sops.mac_mismatch"),
        ("value typed over", edit(&|l| "A=letmein".clone_into(&mut l[0])), "sops.value_in_clear"),
        ("value added", edit(&|l| l.insert(0, "NEW=letmein".into())), "sops.value_in_clear"),
        ("value quoted", edit(&|l| l[0] = format!("A=\"{}\"", value(&l[0]))), "sops.value_in_clear"),
        ("value cut", edit(&|l| l[0].truncate(60)), "sops.value_damaged"),
        ("base64 cut", text.replacen(",iv:", "=,iv:", 1), "sops.value_damaged"),
        ("plain value changed", text.replace("=open", "=shut"), "sops.mac_mismatch"),
        ("type int", text.replacen("type:str", "type:int", 1), "sops.type_changed"),
        ("type bytes", text.replacen("type:str", "type:bytes", 1), "sops.type_changed"),
        ("type comment", text.replacen("type:str", "type:comment", 1), "sops.type_changed"),
        ("type unknown", text.replacen("type:str", "type:hunter", 1), "sops.value_damaged"),
        ("comment retyped", text.replacen("type:comment", "type:str", 1), "sops.comment_damaged"),
        (
            "comment damaged",
            text.replacen("#ENC[AES256_GCM,data:", "#ENC[AES256_GCM,data:AAAA", 1),
            "sops.comment_damaged",
        ),
        ("MAC gone", edit(&|l| l.retain(|line| !line.starts_with("sops_mac"))), "sops.mac_missing"),
        (
            "MAC empty",
            edit(&|l| {
                l.iter_mut().filter(|line| line.starts_with("sops_mac")).for_each(|line| line.truncate(9));
            }),
            "sops.mac_missing",
        ),
        (
            "MAC of a value",
            edit(&|l| {
                let other = value(&l[0]);
                l.iter_mut()
                    .filter(|line| line.starts_with("sops_mac"))
                    .for_each(|line| *line = format!("sops_mac={other}"));
            }),
            "sops.mac_damaged",
        ),
        ("time changed", text.replace("21:59:42Z", "21:59:43Z"), "sops.mac_damaged"),
        ("time gone", edit(&|l| l.retain(|line| !line.starts_with("sops_lastmodified"))), "sops.metadata"),
        ("scope added", format!("{text}sops_mac_only_encrypted=true\n"), "sops.mac_mismatch"),
        ("metadata twice", format!("{text}sops_version=3.13.3\n"), "sops.metadata_twice"),
        ("metadata hole", text.replace("__list_0", "__list_1"), "sops.metadata_hole"),
        ("junk", format!("hunter2\n{text}"), "sops.line"),
        ("rule changed", text.replace("_suffix=_unencrypted", "_suffix=A"), "sops.value_in_clear"),
        (
            "rule broken",
            text.replace("sops_unencrypted_suffix=_unencrypted", "sops_encrypted_regex=("),
            "sops.regex",
        ),
    ]
}

#[test]
fn each_change_is_refused_for_its_own_reason_and_no_value_is_shown() {
    let folder = Folder::of(&Identity::new());
    let (text, lines) = encrypted(&folder);
    for (what, tampered, code) in forms(&text, &lines) {
        let error = folder.decrypt(&tampered).err().unwrap_or_else(|| panic!("{what} was accepted"));
        assert_eq!(error.code(), code, "{what}: {error}");
        let said = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
        for secret in ["hunter", "swordfish", "letmein"] {
            assert!(!said.contains(secret), "{what}: {said}");
        }
    }
}

#[test]
fn what_the_format_does_not_protect_is_accepted() {
    let folder = Folder::of(&Identity::new());
    let (text, lines) = encrypted(&folder);
    let reversed: Vec<String> = lines[6..].iter().rev().chain(&lines[..6]).cloned().collect();
    assert_eq!(folder.decrypt(&joined(&reversed)).unwrap(), PLAIN);
    assert_eq!(folder.decrypt(&text.replace('\n', "\r\n")).unwrap(), PLAIN);
    assert_eq!(folder.decrypt(text.trim_end()).unwrap(), PLAIN);
    assert_eq!(
        folder.decrypt(&text.replace("EMPTY=", "RENAMED=")).unwrap(),
        PLAIN.replace("EMPTY", "RENAMED")
    );
    assert_eq!(folder.decrypt(&text.replace("42Z", "42.000+00:00")).unwrap(), PLAIN);
    assert_eq!(folder.decrypt(&format!("# new\n{text}")).unwrap(), format!("# new\n{PLAIN}"));
}

#[test]
fn a_pattern_that_never_compiled_is_read_as_sops_reads_it() {
    let folder = Folder::of(&Identity::new());
    // What sops writes under `encrypted_regex: (`: every value in clear, with a good MAC.
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sops");
    let text =
        std::fs::read_to_string(format!("{vectors}/files/rule_that_does_not_compile.enc.env")).unwrap();
    let mut reader = Folder::new();
    reader.set("SOPS_AGE_KEY_FILE", &format!("{vectors}/keys/a.txt"));
    assert!(reader.decrypt(&text).is_ok());
    assert_eq!(folder.decrypt(&text).unwrap_err().code(), "sops.wrong_identity");
}

#[test]
fn a_layout_is_followed_only_while_it_says_the_same() {
    let folder = Folder::of(&Identity::new());
    let plain = "A=\"x\ny\"\n  # c\n\r\nB=1";
    let text = folder.encrypt(plain).unwrap().text;
    let layout = text.lines().find(|line| line.starts_with("sops_envdrift_layout=")).unwrap();
    assert!(layout.ends_with(":r@3;s2@2;n@1;e"), "{layout}");
    let as_sops_spells_it = "A=\"x\\ny\"\n# c\n\nB=1\n";
    let opened = |text: &str| folder.open(text).map(|opened| (opened.text, opened.layout)).unwrap();
    assert_eq!(opened(&text), (plain.to_owned(), LayoutUse::Applied));
    let ignored = (as_sops_spells_it.to_owned(), LayoutUse::Ignored);
    for (from, to) in [
        (":n@1", ":x@1"),
        ("=1:", "=2:"),
        ("n@1", "n@9"),
        ("n@1", "n@2"),
        ("s2@2", "s2@4"),
        ("r@3", "s2@2"),
        ("n@1", "n1-3@1;n@1"),
    ] {
        let forged = layout.replacen(&from.replace(":n", ";n"), to, 1);
        assert_ne!(forged, layout);
        assert_eq!(opened(&text.replacen(layout, &forged, 1)), ignored, "{forged}");
    }
    let gone = text.replace(&format!("{layout}\n"), "");
    assert_eq!(opened(&gone), (as_sops_spells_it.to_owned(), LayoutUse::None));
    let moved = format!("NOTE_unencrypted=\n{text}");
    assert_eq!(opened(&moved).1, LayoutUse::Ignored);
}

#[test]
fn a_forged_layout_cannot_split_a_value_into_lines() {
    let folder = Folder::of(&Identity::new());
    // Typed as \n inside an unquoted value; a real break there would make a line of its own.
    let text = folder.encrypt("A=x\\nB=2").unwrap().text;
    let layout = text.lines().find(|line| line.starts_with("sops_envdrift_layout=")).unwrap();
    let forged = text.replace(layout, &layout.replace(":e", ":n@1;e"));
    let opened = folder.open(&forged).unwrap();
    assert_eq!((opened.text.as_str(), opened.layout), ("A=x\\nB=2\n", LayoutUse::Ignored));
}

#[test]
fn bytes_that_are_no_text_are_refused_by_name() {
    let folder = Folder::of(&Identity::new());
    let encrypted = folder.encrypt("A=1\n").unwrap();
    let cipher = super::super::value::ValueCipher::new(&encrypted.data_key);
    // Sealing takes text only, so open a comment's text under a key that is no comment.
    let sealed = cipher.seal("x", "A:", super::super::typed::ValueType::Comment).unwrap();
    let line = encrypted.text.lines().next().unwrap();
    let error = folder.decrypt(&encrypted.text.replace(line, &format!("A={sealed}"))).unwrap_err();
    assert_eq!(error, SopsError::TypeChanged { line: 1, key: "A".to_owned() });
}
