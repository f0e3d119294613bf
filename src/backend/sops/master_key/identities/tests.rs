//! Each place of an identity, and what can be wrong with it.

use super::*;
use crate::backend::sops::fixture::{Folder, Identity};

/// The public parts found, by place; places are relative to the folder.
fn found(folder: &Folder, run: Option<&KeyCommand<'_>>) -> Vec<(String, Vec<String>, Option<Problem>)> {
    let env = folder.env();
    let identities = Identities::new(IdentitySources { env: &env, age_key_file: None, run });
    let root = format!("{}/", folder.path().display());
    let places = identities.places("age1recipient").into_iter();
    places
        .map(|place| (place.name.replace(&root, ""), place.public, place.problem))
        .filter(|(_, public, problem)| !public.is_empty() || problem.is_some())
        .collect()
}

#[test]
fn every_place_counts_and_all_of_them_are_collected() {
    let [a, b, c, d] = [(); 4].map(|()| Identity::new());
    let mut folder = Folder::new();
    folder.set("SOPS_AGE_KEY", &format!(" {}\t{}\n", a.secret, b.secret));
    folder.set("SOPS_AGE_KEY_FILE", "keys.txt");
    folder.put("keys.txt", format!("\u{feff}# created\r\n# public key: x\r\n\r\n  {}\r\n", c.secret));
    folder.put(".config/sops/age/keys.txt", &d.secret);
    let expected = [
        ("SOPS_AGE_KEY".to_owned(), vec![a.public, b.public], None),
        ("keys.txt".to_owned(), vec![c.public], None),
        (".config/sops/age/keys.txt".to_owned(), vec![d.public], None),
    ];
    assert_eq!(found(&folder, None), expected);
}

#[test]
fn a_named_key_file_takes_the_place_of_the_variable() {
    let (named, variable) = (Identity::new(), Identity::new());
    let mut folder = Folder::new();
    let path = folder.put("named.txt", &named.secret);
    folder.set("SOPS_AGE_KEY_FILE", folder.put("var.txt", &variable.secret).to_str().unwrap());
    let env = folder.env();
    let sources = IdentitySources { env: &env, age_key_file: Some(&path), run: None };
    let public: Vec<String> =
        Identities::new(sources).places("").into_iter().flat_map(|place| place.public).collect();
    assert_eq!(public, [named.public]);
}

#[test]
fn xdg_config_home_moves_the_default_key_file() {
    let identity = Identity::new();
    let mut folder = Folder::new();
    folder.put("xdg/sops/age/keys.txt", &identity.secret);
    let xdg = folder.path().join("xdg");
    folder.set("XDG_CONFIG_HOME", xdg.to_str().unwrap());
    assert_eq!(found(&folder, None)[0].0, "xdg/sops/age/keys.txt");
}

#[test]
fn ssh_keys_are_found_and_locked_ones_are_told_apart() {
    let key = include_str!("../../../../../tests/vectors/sops/keys/ssh_ed25519");
    let mut folder = Folder::new();
    folder.put(".ssh/id_ed25519", key.replace('\n', "\r\n"));
    folder.put(".ssh/id_rsa", "-----BEGIN nonsense");
    folder.put("named", key);
    folder.set("SOPS_AGE_SSH_PRIVATE_KEY_FILE", "named");
    let found = found(&folder, None);
    assert_eq!(
        found.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(),
        ["named", ".ssh/id_ed25519", ".ssh/id_rsa"]
    );
    assert!(found[0].1[0].starts_with("ssh-ed25519 AAAA") && found[0].1 == found[1].1);
    assert_eq!(found[2].2, Some(Problem::Unusable("it is not a private SSH key".into())));
}

#[test]
fn a_place_that_cannot_be_used_says_why_and_never_shows_its_text() {
    for (content, reason) in [
        (&b"AGE-SECRET-KEY-1HUNTER2"[..], "line 1 is not an age identity (AGE-SECRET-KEY-1…)"),
        (b"# ok\n\nage1x", "line 3 is a recipient (public key), not an identity"),
        (b"AGE-PLUGIN-YUBIKEY-1X", "line 1 is an age plugin identity, which only the sops binary can use"),
        (b"AGE-SECRET-KEY-PQ-1X", "line 1 is a post-quantum identity, which only the sops binary can use"),
        (
            b"-----BEGIN OPENSSH PRIVATE KEY-----",
            "line 1 is an SSH key, which belongs in SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        ),
        (b"\xff\xfeA\0", "it is UTF-16 text, as PowerShell's > writes it; save it as UTF-8"),
        (b"\x80", "it is not text"),
    ] {
        let mut folder = Folder::new();
        folder.put("k", content);
        folder.set("SOPS_AGE_KEY_FILE", "k");
        assert_eq!(found(&folder, None)[0].2, Some(Problem::Unusable(reason.into())));
    }
    let mut folder = Folder::new();
    folder.set("SOPS_AGE_KEY_FILE", "gone");
    assert_eq!(found(&folder, None)[0].2, Some(Problem::Unusable("there is no such file".into())));
    for locked in ["-----BEGIN AGE ENCRYPTED FILE-----\nX\n", "age-encryption.org/v1\n-> scrypt"] {
        folder.put("gone", locked);
        assert_eq!(found(&folder, None)[0].2, Some(Problem::Passphrase));
    }
}

#[test]
fn a_good_line_counts_although_another_is_broken() {
    let identity = Identity::new();
    let mut folder = Folder::new();
    folder.set("SOPS_AGE_KEY", &format!("{}\nnonsense\n", identity.secret));
    let (_, public, problem) = found(&folder, None).remove(0);
    assert_eq!(public, [identity.public]);
    assert!(problem.is_some());
}

#[test]
fn a_key_command_gets_the_recipient_and_is_reported_when_nobody_runs_it() {
    let identity = Identity::new();
    let mut folder = Folder::new();
    folder.set("SOPS_AGE_KEY_CMD", "pass show key");
    let run = |command: &str, recipient: &str| {
        assert_eq!((command, recipient), ("pass show key", "age1recipient"));
        Ok(Secret::new(identity.secret.clone()))
    };
    assert_eq!(found(&folder, Some(&run))[0].1.join(" "), identity.public);
    let failing = |_: &str, _: &str| Err("it ended with exit code 1".to_owned());
    assert_eq!(
        found(&folder, Some(&failing))[0].2,
        Some(Problem::Unusable("it ended with exit code 1".into()))
    );
    assert_eq!(found(&folder, None)[0].2, Some(Problem::Unusable("the command was not run".into())));
}
