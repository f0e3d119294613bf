//! Old ciphertext for what did not change.

use super::super::fixture::{Folder, Identity};
use super::super::keep::Kept;

#[test]
fn decrypting_and_encrypting_without_an_edit_gives_the_very_bytes() {
    let folder = Folder::of(&Identity::new());
    let text = "# note\r\n\r\nA=\"x\ny\"\nB=2\nA=\"x\ny\"";
    let first = folder.encrypt(text).unwrap().text;
    let again = folder.encrypt_after(text, Some(&first)).unwrap();
    assert_eq!((again.text, again.kept), (first, Kept::Everything));
}

#[test]
fn only_the_changed_lines_change() {
    let folder = Folder::of(&Identity::new());
    let first = folder.encrypt("# note\nA=1\nB=2\nB=2\nC=3\n").unwrap().text;
    let second = folder.encrypt_after("# note\nA=1\nB=2\nNEW=x\nB=2\nC=4\n", Some(&first)).unwrap();
    assert_eq!(second.kept, Kept::Lines(4));
    let new: Vec<&str> = second
        .text
        .lines()
        .filter(|line| !first.lines().any(|old| old == *line))
        .map(|line| line.split('=').next().unwrap())
        .collect();
    assert_eq!(new, ["NEW", "C", "sops_mac"]);
    assert_eq!(folder.decrypt(&second.text).unwrap(), "# note\nA=1\nB=2\nNEW=x\nB=2\nC=4\n");
}

#[test]
fn a_value_never_takes_over_the_ciphertext_of_another_key() {
    let folder = Folder::of(&Identity::new());
    let first = folder.encrypt("A=1\nB=2\n").unwrap().text;
    let second = folder.encrypt_after("A=2\nB=1\n", Some(&first)).unwrap();
    assert_eq!(second.kept, Kept::Nothing);
    assert_eq!(folder.decrypt(&second.text).unwrap(), "A=2\nB=1\n");
}

#[test]
fn a_last_form_that_cannot_serve_means_an_ordinary_encryption() {
    let mine = Identity::new();
    let mut folder = Folder::of(&mine);
    let first = folder.encrypt("A=1\n").unwrap().text;
    let unusable = |folder: &Folder, previous: &str| {
        let encrypted = folder.encrypt_after("A=1\n", Some(previous)).unwrap();
        assert!(!encrypted.text.contains(first.lines().next().unwrap()));
        match encrypted.kept {
            Kept::Unusable(reason) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(unusable(&folder, "A=1\n").contains("no SOPS metadata"));
    assert!(unusable(&folder, &first.replace("sops_mac=ENC", "sops_mac=")).contains("MAC"));
    folder.recipients.age.push(Identity::new().public);
    assert_eq!(unusable(&folder, &first), "its keys or its rule changed");

    let mut stranger = Folder::of(&Identity::new());
    stranger.recipients.age = vec![mine.public];
    let encrypted = stranger.encrypt_after("A=1\n", Some(&first));
    // A stranger cannot prove it by decrypting, but the data key in memory did.
    assert!(
        matches!(encrypted.unwrap().kept, Kept::Unusable(reason) if reason.contains("none of the identities"))
    );
}
