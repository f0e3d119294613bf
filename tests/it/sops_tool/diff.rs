//! What a reviewer sees after decrypt, edit, encrypt by the binary.

use crate::support::Identity;
use envdrift::backend::sops::builtin::EncryptRequest;
use envdrift::backend::sops::keep::{Kept, Previous};
use envdrift::backend::sops::tool::{Checked, Encrypted};

use super::bench::{BOTH, Bench, By};

const BODY: &str = "# top\nA=hello\n\nPEM=\"x\ny\"\r\nB_unencrypted=1\nDUP=1\nDUP=2\n  # end\nLAST=z";

fn after(bench: &Bench, text: &str, previous: &str) -> Encrypted {
    let previous = Some(Previous { text: previous, age_key_file: None, run: None });
    bench.with_request(text, |request| {
        bench.engine().encrypt(&EncryptRequest { previous, ..*request }).ok().unwrap()
    })
}

/// The names of the lines of `new` that are not in `old`.
fn changed<'a>(old: &str, new: &'a str) -> Vec<&'a str> {
    let old: Vec<&str> = old.lines().collect();
    new.lines().filter(|line| !old.contains(line)).map(|line| line.split('=').next().unwrap()).collect()
}

#[test]
fn a_file_without_an_edit_is_the_very_same() {
    let Some(bench) = Bench::new() else { return };
    for by in BOTH {
        let previous = bench.encrypt_by(by, BODY).unwrap();
        let encrypted = after(&bench, BODY, &previous);
        assert_eq!(encrypted.text, previous);
        assert_eq!((encrypted.kept, encrypted.checked), (Kept::Everything, Checked::Opened));
        assert_eq!(encrypted.left_plain, ["B_unencrypted"]);
    }
}

#[test]
fn an_edited_value_changes_its_line_and_the_mac() {
    let Some(bench) = Bench::new() else { return };
    for by in BOTH {
        let previous = bench.encrypt_by(by, BODY).unwrap();
        for (from, to, names, kept) in [
            ("hello", "say \"hi\"\\n", vec!["A"], 6),
            ("x\ny", "one\\n\ntwo\r\n", vec!["PEM", "sops_envdrift_layout"], 6),
            ("unencrypted=1", "unencrypted=2", vec!["B_unencrypted"], 7),
            ("A=hello\n", "", vec!["sops_envdrift_layout"], 6),
            ("LAST=z", "LAST=z\nNEW=n", vec!["NEW", "sops_envdrift_layout"], 7),
            ("A=hello", "A=", vec!["A"], 6),
        ] {
            let text = BODY.replacen(from, to, 1);
            let encrypted = after(&bench, &text, &previous);
            let mut lines = changed(&previous, &encrypted.text);
            lines.retain(|name| !["sops_lastmodified", "sops_mac"].contains(name));
            assert_eq!(lines, names, "{by:?}, {to:?}");
            assert_eq!(encrypted.kept, Kept::Lines(kept), "{by:?}, {to:?}");
            for by in BOTH {
                assert_eq!(bench.decrypt_by(by, &encrypted.text).unwrap(), text);
            }
        }
    }
}

#[test]
fn an_edit_of_the_layout_alone_runs_nothing_and_keeps_the_mac() {
    let Some(mut bench) = Bench::new() else { return };
    let previous = bench.encrypt_by(By::Tool, BODY).unwrap();
    let text = format!("\n{}\r\n", BODY.replace("x\ny", "x\\ny"));
    bench.sops = "/nonexistent".into();
    let text = text.replace("LAST=z\r\n", "LAST=z\n");
    let encrypted = after(&bench, &text, &previous);
    assert!(changed(&previous, &encrypted.text).iter().all(|name| *name == "sops_envdrift_layout"));
    assert_eq!(bench.decrypt_by(By::Builtin, &encrypted.text).unwrap(), text);
}

#[test]
fn what_sops_cannot_edit_or_nobody_can_open_is_encrypted_afresh() {
    let Some(mut bench) = Bench::new() else { return };
    let previous = bench.encrypt_by(By::Tool, BODY).unwrap();
    let fresh = |bench: &Bench, text: &str, previous: &str, words: &str| {
        let encrypted = after(bench, text, previous);
        assert_eq!(bench.decrypt_by(By::Tool, &encrypted.text).unwrap(), text);
        let Kept::Unusable(reason) = &encrypted.kept else { panic!("{words}: {:?}", encrypted.kept) };
        assert!(reason.contains(words), "{reason}");
        assert!(changed(previous, &encrypted.text).len() > 5);
    };
    fresh(&bench, &BODY.replace("# top", "# title"), &previous, "set and unset");
    fresh(&bench, &BODY.replace("DUP=2", "DUP=3"), &previous, "set and unset");
    fresh(&bench, &BODY.replace("hello", "bye"), "A=1\n", "no SOPS metadata");
    let ours = bench.recipients.age.clone();
    bench.recipients.age.push(Identity::new().public);
    fresh(&bench, BODY, &previous, "keys or its rule changed");
    bench.recipients.age = ours;
    bench.put("ours.txt", &bench.identity.secret);
    bench.with_identity = false;
    bench.vars = vec![("SOPS_AGE_KEY_CMD".to_owned(), "cat ours.txt".to_owned())];
    fresh(&bench, BODY, &previous, "no age identity");
}

#[test]
fn a_number_that_sops_set_wrote_is_encrypted_afresh_as_the_text_it_is_shown_as() {
    let Some(bench) = Bench::new() else { return };
    let previous = bench.put("typed.env", &bench.encrypt_by(By::Tool, "A=1\nB=2\n").unwrap());
    let args = ["--config", "/dev/null", "set", "--input-type", "dotenv", "--output-type", "dotenv"];
    let cmd = envdrift::process::Cmd::new(&bench.sops).args(args).arg(&previous).args(["[\"A\"]", "8080"]);
    let cmd = cmd.env("SOPS_AGE_KEY", &bench.identity.secret).env("SOPS_DISABLE_VERSION_CHECK", "1");
    cmd.env("HOME", bench.home()).run().unwrap().success().unwrap();
    let previous = std::fs::read_to_string(previous).unwrap();
    let encrypted = after(&bench, "A=8080.0\nB=3\n", &previous);
    assert!(matches!(encrypted.kept, Kept::Unusable(_)), "{:?}", encrypted.kept);
    assert_eq!(bench.decrypt_by(By::Builtin, &encrypted.text).unwrap(), "A=8080.0\nB=3\n");
}
