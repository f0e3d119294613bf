//! Binaries that lie, break or babble: what they do is never believed, and what they print is never repeated.

use std::time::{Duration, Instant};

use crate::support::Identity;
use envdrift::backend::sops::builtin::DecryptRequest;
use envdrift::backend::sops::tool::{Cause, SopsToolError};
use envdrift::files::{Mode, write_atomic};

use super::bench::{Bench, By};

const BODY: &str = "# top secret\nA=hunter2\n\nB=other\nC_unencrypted=1\n";

/// A bench whose binary is a shell script; `@sops` in it is the real one.
fn lying(script: &str) -> Option<Bench> {
    let mut bench = Bench::new()?;
    let text = format!("#!/bin/sh\n{}\n", script.replace("@sops", &bench.sops.display().to_string()));
    bench.sops = bench.home().join("bin/sops");
    bench.put("bin/sops", "");
    write_atomic(&bench.sops, text.as_bytes(), Mode::Executable).unwrap();
    Some(bench)
}

/// The error of an encryption, after a look for what it must not hold.
fn encryption(script: &str) -> Option<SopsToolError> {
    let bench = lying(script)?;
    let error = bench.encrypt(BODY).err().unwrap_or_else(|| panic!("believed: {script}"));
    check(&error, script);
    Some(error)
}

/// The error of a decryption of what the built-in engine encrypted.
fn decryption(script: &str) -> Option<SopsToolError> {
    let bench = lying(script)?;
    let encrypted = bench.encrypt_by(By::Builtin, BODY).unwrap();
    let error = bench.decrypt_by(By::Tool, &encrypted).err().unwrap_or_else(|| panic!("believed: {script}"));
    check(&error, script);
    Some(error)
}

/// Looks for what no error may hold.
fn check(error: &SopsToolError, script: &str) {
    let all = format!("{error} {error:?} {:?}", error.hint());
    assert!(!all.contains("hunter2") && !all.contains("top secret"), "{script}: {all}");
}

#[test]
fn a_binary_that_does_nothing_or_gives_the_plaintext_back_is_not_believed() {
    for script in
        ["exit 0", "cat", "cat; echo sops_version=3.13.3", "echo nonsense", "head -c 100 /dev/urandom"]
    {
        let Some(error) = encryption(script) else { return };
        let code = error.code();
        assert!(["engine.bad_answer", "tool.not_utf8"].contains(&code), "{script}: {error}");
    }
    for (script, code) in [
        ("exit 0", "engine.bad_answer"),
        ("grep -v ^sops_", "sops.comment_damaged"),
        ("echo nonsense", "engine.bad_answer"),
        ("@sops \"$@\" | tail -n +2", "engine.bad_answer"),
        ("@sops \"$@\"; echo D=4", "engine.bad_answer"),
        ("@sops \"$@\" | sed 's/^A=/X=/'", "engine.bad_answer"),
        ("@sops \"$@\" | sed 's/hunter2/hunter22/'", "engine.changed_value"),
        ("@sops \"$@\" | sed 's/C_unencrypted=1/C_unencrypted=2/'", "engine.changed_value"),
        ("@sops \"$@\" | sed 's/top secret/secret/'", "engine.changed_value"),
        ("printf '# top secret\\nA=hunt\\377r2\\n'", "sops.not_utf8"),
    ] {
        let Some(error) = decryption(script) else { return };
        assert_eq!(error.code(), code, "{script}: {error}");
    }
}

#[test]
fn a_value_changed_to_another_of_the_same_length_is_found_where_an_identity_is_at_hand() {
    let Some(error) = encryption("sed s/other/Other/ | @sops \"$@\"") else { return };
    assert_eq!(error.to_string(), "sops and the built-in reader do not agree on the value of B");
    let Some(error) = decryption("@sops \"$@\" | sed s/other/Other/") else { return };
    assert_eq!(error.to_string(), "sops and the built-in reader do not agree on the value of B");
    let Some(error) = decryption("@sops \"$@\" | sed 's/top secret/TOP secret/'") else { return };
    assert!(error.to_string().ends_with("the text between the values"), "{error}");
}

#[test]
fn a_value_that_is_dropped_added_or_left_readable_is_named_by_its_line() {
    for (script, expected) in [
        ("grep -v ^B | @sops \"$@\"", "the answer of sops has other keys, comments or lines than the file"),
        (
            "{ cat; echo D=4; } | @sops \"$@\"",
            "the answer of sops has other keys, comments or lines than the file",
        ),
        ("sed /^#/d | @sops \"$@\"", "the answer of sops has other keys, comments or lines than the file"),
        ("sed 's/hunter2/hunter22/' | @sops \"$@\"", "line 2: sops changed A"),
        ("@sops \"$@\" | sed 's/^A=.*/A=hunter2/'", "line 2: encryption did not take effect for A"),
        ("@sops \"$@\" | sed 's/^B=.*/B=ENC[broken]/'", "line 4: encryption did not take effect for B"),
        ("@sops \"$@\" | sed 's/^#.*/# top secret/'", "line 1: encryption did not take effect for a comment"),
        ("sed 's/^C.*/C_unencrypted=2/' | @sops \"$@\"", "line 5: sops changed C_unencrypted"),
    ] {
        let Some(error) = encryption(script) else { return };
        assert_eq!(error.to_string(), expected, "{script}");
    }
}

#[test]
fn a_file_made_for_others_or_by_another_rule_is_not_believed() {
    let other = Identity::new().public;
    let args =
        "--config /dev/null encrypt --input-type dotenv --output-type dotenv --filename-override /.env";
    for (more, code) in [
        (format!("--age {other}"), "sops.other_recipients"),
        (format!("--age {other} --encrypted-regex ^A$"), "sops.other_rule"),
    ] {
        let Some(error) = encryption(&format!("@sops {args} {more}")) else { return };
        assert_eq!(error.code(), code, "{more}: {error}");
    }
    // One more than asked for.
    let Some(bench) = lying("exit 0") else { return };
    let both = format!(
        "for arg; do shift; case $arg in --age=*) arg=$arg,{other};; esac; set -- \"$@\" \"$arg\"; done"
    );
    let real = crate::support::tool("bin/sops-3.13.3/sops").unwrap();
    let script = format!("#!/bin/sh\n{both}\nexec {} \"$@\"\n", real.display());
    write_atomic(&bench.sops, script.as_bytes(), Mode::Executable).unwrap();
    let error = bench.refusal(BODY);
    assert_eq!(
        error.to_string(),
        format!("sops did not encrypt for the recipients asked for (unasked: {other})")
    );
}

#[test]
fn every_exit_code_is_an_error_of_its_own_and_nothing_printed_is_repeated() {
    for (code, said, expected) in [
        (1, "failed to parse input, unknown recipient type: hunter2", Cause::Recipient),
        (1, "error loading config: no matching creation rules found", Cause::NoMatchingRule),
        (1, "error loading config: hunter2", Cause::Config),
        (
            1,
            "config file not found, or has no creation rules, and no keys provided through command line options",
            Cause::NoRecipients,
        ),
        (1, "hunter2", Cause::Other(1)),
        (2, "Error unmarshalling file: invalid dotenv input line: hunter2", Cause::Text),
        (2, "panic: runtime error: hunter2", Cause::Crash),
        (3, "", Cause::Write),
        (4, "", Cause::Write),
        (8, "", Cause::Call),
        (21, "", Cause::Values),
        (23, "Error encrypting tree: hunter2", Cause::Values),
        (23, "Encrypted comment \"hunter2\" matches UnencryptedCommentRegex!", Cause::CommentRule),
        (25, "Input string hunter2 does not match sops' data format", Cause::Damaged),
        (51, "MAC mismatch. File has AA, computed hunter2", Cause::MacMismatch),
        (51, "Cannot decrypt MAC: hunter2", Cause::MacDamaged),
        (100, "Error: no file specified", Cause::Call),
        (112, "Duplicate decryption key type: hunter2", Cause::DecryptionOrder),
        (203, "", Cause::AlreadyEncrypted),
        (77, "hunter2", Cause::Other(77)),
    ] {
        let script =
            format!("cat > /dev/null; printf '%s' '{}' >&2; exit {code}", said.replace('\'', "'\\''"));
        let Some(error) = encryption(&script) else { return };
        assert!(
            matches!(error, SopsToolError::Failed { cause, .. } if cause == expected),
            "{code} {said}: {error:?}"
        );
        assert!(error.to_string().starts_with("SOPS encryption failed: "), "{error}");
    }
}

#[test]
fn a_binary_that_hangs_dies_or_floods_is_ended() {
    for (script, code) in
        [("sleep 60", "tool.timed_out"), ("kill -9 $$", "tool.signal"), ("exec yes", "tool.too_much_output")]
    {
        let Some(bench) = lying(script) else { return };
        let encrypted = bench.encrypt_by(By::Builtin, BODY).unwrap();
        let start = Instant::now();
        let request = DecryptRequest { text: &encrypted, age_key_file: None, env: &bench.env(), run: None };
        let error = bench.engine().deadline(Duration::from_secs(2)).decrypt(&request).err().unwrap();
        let limit_or_time = [code, "tool.timed_out"];
        assert!(limit_or_time.contains(&error.code()), "{script}: {error}");
        assert!(start.elapsed() < Duration::from_secs(20), "{script}");
    }
}

#[test]
fn an_old_binary_is_refused_with_its_version_wherever_it_lies() {
    let (Some(old), Some(mut bench)) = (crate::support::tool("bin/sops-3.9.4/sops"), Bench::new()) else {
        return;
    };
    let encrypted = bench.encrypt_by(By::Builtin, BODY).unwrap();
    let elsewhere = bench.home().join("elsewhere");
    std::fs::hard_link(&old, &elsewhere).or_else(|_| std::fs::copy(&old, &elsewhere).map(drop)).unwrap();
    for path in [old, elsewhere] {
        bench.sops = path.clone();
        let expected = format!("{} is sops 3.9.4; envdrift needs 3.11.0 or newer", path.display());
        assert_eq!(bench.refusal(BODY).to_string(), expected);
        assert_eq!(bench.decrypt_by(By::Tool, &encrypted).unwrap_err().to_string(), expected);
        assert_eq!(bench.engine().label(), format!("sops 3.9.4 ({})", path.display()));
    }
    // A version that works, but is older all the same, tells it by what it writes.
    let Some(bench) = lying("@sops \"$@\" | sed s/^sops_version=.*/sops_version=3.10.2/") else { return };
    assert_eq!(bench.refusal(BODY).code(), "sops.too_old");
}

#[test]
fn a_binary_that_is_not_there_is_an_error_and_has_a_label() {
    let Some(mut bench) = Bench::new() else { return };
    let encrypted = bench.encrypt_by(By::Builtin, BODY).unwrap();
    bench.sops = "/nowhere/sops".into();
    assert_eq!(bench.engine().label(), "sops (/nowhere/sops)");
    assert_eq!(bench.refusal(BODY).code(), "tool.not_found");
    assert_eq!(bench.decrypt_by(By::Tool, &encrypted).unwrap_err().code(), "tool.not_found");
    // What can be told without it, is.
    assert_eq!(bench.decrypt_by(By::Tool, BODY).unwrap_err().code(), "sops.not_encrypted");
    assert_eq!(bench.refusal(&encrypted).code(), "sops.already_encrypted");
}
