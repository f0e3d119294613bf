//! Who can open a file, and what is said when nobody can.

use super::super::error::SopsError;
use super::super::fixture::{Folder, Identity};

fn groups(folder: &Folder, threshold: &str, groups: &[&[&Identity]]) {
    let list: String = groups.iter().fold(String::new(), |list, group| {
        let names: Vec<&str> = group.iter().map(|identity| identity.public.as_str()).collect();
        list + &format!("      - age: [{}]\n", names.join(", "))
    });
    folder.put(".sops.yaml", format!("creation_rules:\n  - {threshold}\n    key_groups:\n{list}"));
}

/// The error of opening `text` with these identities.
fn refused(text: &str, identities: &[&Identity]) -> SopsError {
    let mut folder = Folder::new();
    for identity in identities {
        folder.set("SOPS_AGE_KEY", &identity.secret);
    }
    folder.decrypt(text).unwrap_err()
}

#[test]
fn each_of_several_recipients_opens_the_file_alone() {
    let all = [(); 3].map(|()| Identity::new());
    let mut folder = Folder::new();
    folder.recipients.age = all.iter().map(|identity| identity.public.clone()).collect();
    let text = folder.encrypt("A=1\n").unwrap().text;
    for identity in &all {
        let mut reader = Folder::new();
        reader.set("SOPS_AGE_KEY", &identity.secret);
        assert_eq!(reader.decrypt(&text).unwrap(), "A=1\n");
    }
}

#[test]
fn two_of_three_groups_are_enough_and_one_is_not() {
    let [a, b, c] = [(); 3].map(|()| Identity::new());
    let folder = Folder::new();
    groups(&folder, "shamir_threshold: 2", &[&[&a], &[&b, &a], &[&c]]);
    let text = folder.encrypt("A=1\n").unwrap().text;
    assert!(text.contains("sops_shamir_threshold=2\n"));
    for pair in [[&a, &c], [&b, &c], [&a, &b]] {
        let mut reader = Folder::new();
        let keys = format!("{} {}", pair[0].secret, pair[1].secret);
        reader.set("SOPS_AGE_KEY", &keys);
        assert_eq!(reader.decrypt(&text).unwrap(), "A=1\n");
    }
    let error = refused(&text, &[&c]);
    assert_eq!(error.code(), "sops.too_few_groups");
    assert_eq!(
        error.to_string(),
        format!(
            "1 of the 2 key groups needed could be opened; also needed is one of {}, {}, {}",
            a.public, b.public, a.public
        )
    );
}

#[test]
fn a_threshold_that_does_not_suit_the_groups_is_refused() {
    let [a, b] = [(); 2].map(|()| Identity::new());
    for (threshold, fits) in [(1, false), (2, true), (3, false)] {
        let folder = Folder::new();
        groups(&folder, &format!("shamir_threshold: {threshold}"), &[&[&a], &[&b]]);
        assert_eq!(folder.encrypt("A=1\n").is_ok(), fits, "{threshold}");
    }
}

#[test]
fn no_identity_names_every_place_and_the_recipients() {
    let identity = Identity::new();
    let text = Folder::of(&identity).encrypt("A=1\n").unwrap().text;
    let error = refused(&text, &[]);
    assert_eq!(error.code(), "sops.no_identity");
    for place in
        ["SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "sops/age/keys.txt", ".ssh/id_ed25519", "SOPS_AGE_KEY_CMD"]
    {
        assert!(error.to_string().contains(place), "{error}");
    }
    assert!(error.hint().unwrap().contains(&identity.public));
}

#[test]
fn a_wrong_identity_is_told_who_would_do_and_what_was_tried() {
    let (right, wrong) = (Identity::new(), Identity::new());
    let text = Folder::of(&right).encrypt("A=1\n").unwrap().text;
    let error = refused(&text, &[&wrong]);
    assert_eq!(error.code(), "sops.wrong_identity");
    assert!(error.to_string().ends_with(&right.public), "{error}");
    assert!(error.hint().unwrap().contains(&format!("{} (SOPS_AGE_KEY)", wrong.public)));
}

#[test]
fn a_locked_identity_is_an_error_of_its_own_only_where_it_could_help() {
    let identity = Identity::new();
    let text = Folder::of(&identity).encrypt("A=1\n").unwrap().text;
    let mut folder = Folder::new();
    folder.put("keys.age", "age-encryption.org/v1\n-> scrypt x 18\n");
    folder.set("SOPS_AGE_KEY_FILE", "keys.age");
    let error = folder.decrypt(&text).unwrap_err();
    assert_eq!(error.code(), "sops.encrypted_identity");
    assert!(error.to_string().contains("keys.age"), "{error}");
    // With another identity that opens the file, nobody needs to know.
    folder.set("SOPS_AGE_KEY", &identity.secret);
    assert_eq!(folder.decrypt(&text).unwrap(), "A=1\n");
}

/// An SSH key made for this test, with the passphrase hunter2.
const LOCKED_SSH_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCY92ywhz
vKlcClMxU2hLTQAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIKQML+SBs47ZOPzc
S0SuyONk7TxeAwwNAh19IWpTgqveAAAAkIQFWZzs9lyOMs1FZiH62N17eKD4j6Gf765HGM
30FWLbt2eiu8GCkgVKwHMWDYzWh8NbontsQz0ux2obq1jmMKt84Il4LWherOIIGiNoIyGc
5qZM1Vyu5Ze3aap3vkQ7ZBRHbHx/aD9YKNgJmsQYgchWUpXW7qN3/9QpwcIuJjp33A1xJz
D0UL0B7T0J9ZnYMg==
-----END OPENSSH PRIVATE KEY-----
";
const LOCKED_SSH_RECIPIENT: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKQML+SBs47ZOPzcS0SuyONk7TxeAwwNAh19IWpTgqve locked";

#[test]
fn a_locked_ssh_key_matters_only_to_a_file_with_an_ssh_recipient() {
    let mut folder = Folder::of(&Identity::new());
    let text = folder.encrypt("A=1\n").unwrap().text;
    folder.recipients.age.push(LOCKED_SSH_RECIPIENT.to_owned());
    let for_ssh_too = folder.encrypt("A=1\n").unwrap().text;
    let reader = Folder::new();
    reader.put(".ssh/id_ed25519", LOCKED_SSH_KEY);
    assert_eq!(reader.decrypt(&text).unwrap_err().code(), "sops.no_identity");
    let error = reader.decrypt(&for_ssh_too).unwrap_err();
    assert_eq!(error.code(), "sops.encrypted_identity");
    assert!(error.to_string().contains(".ssh/id_ed25519"), "{error}");
}

#[test]
fn an_ssh_key_opens_what_is_encrypted_for_it() {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/sops/keys/ssh_ed25519");
    let public = std::fs::read_to_string(format!("{vectors}.pub")).unwrap();
    let mut folder = Folder::new();
    folder.recipients.age = vec![public.trim().to_owned()];
    let text = folder.encrypt("A=1\n").unwrap().text;
    assert!(text.contains(&format!("recipient={}\n", public.trim())));
    assert_eq!(folder.decrypt(&text).unwrap_err().code(), "sops.no_identity");
    folder.put(".ssh/id_ed25519", std::fs::read(vectors).unwrap());
    assert_eq!(folder.decrypt(&text).unwrap(), "A=1\n");
}

#[test]
fn a_recipient_that_is_none_is_refused_and_a_private_key_is_never_shown() {
    let identity = Identity::new();
    for (recipient, code) in [
        ("bob", "sops.recipient"),
        ("age1nonsense", "sops.recipient"),
        ("ssh-ecdsa AAAA", "sops.recipient"),
        ("ssh-ed25519 AAAA", "sops.recipient"),
        (identity.secret.as_str(), "sops.recipient"),
    ] {
        let mut folder = Folder::new();
        folder.recipients.age = vec![recipient.to_owned()];
        let error = folder.encrypt("A=1\n").err().unwrap();
        assert_eq!(error.code(), code, "{recipient}");
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains(&identity.secret));
    }
}

#[test]
fn a_damaged_key_block_is_named() {
    let identity = Identity::new();
    let folder = Folder::of(&identity);
    let text = folder.encrypt("A=1\n").unwrap().text;
    let broken = text.replacen("YWdlLWVuY3J5cHRpb24", "YWdlLWVuY3J5cHRpb25", 1);
    assert_ne!(broken, text);
    let error = folder.decrypt(&broken).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains(&identity.public)), ("sops.key_damaged", true));
}
