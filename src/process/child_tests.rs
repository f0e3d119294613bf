//! Children are shell scripts here; the compiled fake tool serves the integration tests.

use std::path::PathBuf;

use super::super::Cmd;
use super::*;
use crate::env::Env;
use crate::files::memory_file;
use crate::secret::Secret;

fn shell(script: &str) -> Cmd {
    Cmd::new("/bin/sh").args(["-c", script])
}

fn bytes(text: &[u8]) -> Stdin {
    Stdin::Bytes(Zeroizing::new(text.to_vec()))
}

/// Whether a process of this number is alive (a zombie is not).
fn lives(id: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", id.trim()))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap_or_default().starts_with('Z'))
}

#[test]
fn both_outputs_and_the_exit_code_come_back() {
    let output = shell("printf out; printf err >&2; exit 7").run().unwrap();
    assert_eq!((output.code(), output.stdout(), output.stderr().as_str()), (7, &b"out"[..], "err"));
    let error = output.success().unwrap_err();
    assert_eq!(error.to_string(), "/bin/sh failed (exit 7)");
}

#[test]
fn the_child_sees_only_what_it_is_given() {
    let env = Env::fixed("/", [("PATH", "/usr/bin:/bin"), ("SECRET", "hunter2")]);
    let output = Cmd::new("/usr/bin/env").pass(&env, ["PATH", "NOT_SET"]).env("A", "1").run().unwrap();
    let mut lines: Vec<&str> = output.text().unwrap().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A=1", "PATH=/usr/bin:/bin"]);
}

#[test]
fn a_shown_command_masks_secrets_and_quotes_words() {
    let env = Env::fixed("/", [("PATH", "/bin")]);
    let cmd = Cmd::new("/opt/my tools/sops")
        .arg("it's")
        .arg("")
        .arg("--age=x")
        .env("CI", "1")
        .secret_env("SOPS_AGE_KEY", &Secret::new("AGE-SECRET-KEY-1"))
        .pass(&env, ["PATH"]);
    let shown = r"CI=1 SOPS_AGE_KEY=*** PATH=*** '/opt/my tools/sops' 'it'\''s' '' --age=x";
    assert_eq!(cmd.to_string(), shown);
    assert_eq!(format!("{cmd:?}"), format!("Cmd({shown})"));
}

#[test]
fn the_child_reads_nothing_or_bytes_or_a_file() {
    let read = |stdin| shell("cat").stdin(stdin).run().unwrap().stdout().to_vec();
    assert_eq!(read(Stdin::Null), b"");
    let large = vec![b'x'; 300_000];
    assert_eq!(read(bytes(&large)), large);
    if let Some(file) = memory_file(b"in memory").unwrap() {
        assert_eq!(read(Stdin::File(file)), b"in memory");
    }
}

#[test]
fn a_child_that_does_not_read_its_input_is_no_error() {
    let output = shell("exit 0").stdin(bytes(&vec![b'x'; 1 << 20])).run().unwrap();
    assert_eq!(output.code(), 0);
}

#[test]
fn large_outputs_on_both_streams_do_not_block() {
    let script = "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2";
    let output = shell(script).env("PATH", "/usr/bin:/bin").run().unwrap();
    assert_eq!(output.stdout().len(), 3_000_000);
    assert_eq!(output.stderr.len(), STDERR_KEPT, "the rest is thrown away");
}

#[test]
fn output_past_the_limit_ends_the_child() {
    let start = Instant::now();
    let error = shell("yes; sleep 60").env("PATH", "/usr/bin:/bin").output_limit(1000).run().unwrap_err();
    assert!(matches!(error, ToolError::TooMuchOutput { limit: 1000, .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(30));
    let exact = shell("printf 1234").output_limit(4).run().unwrap();
    assert_eq!(exact.stdout(), b"1234");
}

#[test]
fn output_into_a_file_is_whole_and_limited_too() {
    let large = vec![b'x'; 200_000];
    let run = |script, limit| {
        let file = tempfile::tempfile().unwrap();
        shell(script)
            .env("PATH", "/usr/bin:/bin")
            .stdin(bytes(&large))
            .stdout_into(file)
            .output_limit(limit)
            .run()
    };
    assert_eq!(run("cat", 200_000).unwrap().stdout(), large);
    assert_eq!(run("cat", 199_999).unwrap_err().code(), "tool.too_much_output");
    assert_eq!(run("cat; sleep 60", 199_999).unwrap_err().code(), "tool.too_much_output");
}

#[test]
fn output_that_is_not_utf8_is_told_apart() {
    let output = shell(r"printf '\377'; printf '\377' >&2").run().unwrap();
    assert_eq!(output.text().unwrap_err().code(), "tool.not_utf8");
    assert_eq!(output.stderr().as_str(), "\u{fffd}");
    assert_eq!(output.stdout(), b"\xff");
}

#[test]
fn a_child_killed_by_a_signal_names_the_signal() {
    let error = shell("kill -9 $$").run().unwrap_err();
    assert!(matches!(error, ToolError::Signal { signal: 9, .. }), "{error}");
}

#[test]
fn missing_and_not_executable_binaries_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let run = |path: PathBuf| Cmd::new(path).run().unwrap_err().code();
    assert_eq!(run(dir.path().join("none")), "tool.not_found");
    assert_eq!(run(dir.path().to_path_buf()), "tool.not_executable");
    let script = dir.path().join("script");
    crate::files::write_atomic(&script, b"#!/no/such/interpreter\n", crate::files::Mode::Executable).unwrap();
    assert_eq!(run(script), "tool.not_found");
    let text = dir.path().join("text");
    crate::files::write_atomic(&text, b"\x7fELFgarbage", crate::files::Mode::Executable).unwrap();
    assert_eq!(run(text), "tool.spawn");
}

#[test]
fn a_child_that_hangs_is_killed_with_its_children_at_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let error = shell("sleep 60 & echo $! > child; wait")
        .env("PATH", "/usr/bin:/bin")
        .dir(dir.path())
        .deadline(Duration::from_millis(300))
        .run()
        .unwrap_err();
    assert!(matches!(error, ToolError::TimedOut { .. }), "{error}");
    assert_eq!(error.to_string(), "/bin/sh command timed out after 0.3 s");
    assert!(start.elapsed() < Duration::from_secs(10));
    let grandchild = std::fs::read_to_string(dir.path().join("child")).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(!lives(&grandchild));
}

#[test]
fn a_grandchild_that_keeps_the_pipe_open_costs_the_grace_and_is_ended() {
    let start = Instant::now();
    let output = shell("sleep 60 & echo $!").env("PATH", "/usr/bin:/bin").run().unwrap();
    assert!(start.elapsed() < GRACE * 5);
    std::thread::sleep(Duration::from_millis(100));
    assert!(!lives(output.text().unwrap()));
}

#[test]
fn a_child_leads_its_own_group() {
    let output = shell("cut -d' ' -f5 /proc/$$/stat; echo $$").env("PATH", "/usr/bin:/bin").run().unwrap();
    let mut lines = output.text().unwrap().lines();
    assert_eq!(lines.next(), lines.next());
}

#[test]
fn a_child_that_stops_for_the_terminal_is_ended_at_once() {
    let error = shell("kill -TTIN $$").deadline(Duration::from_secs(30)).run().unwrap_err();
    assert!(matches!(error, ToolError::WantsTerminal { .. }), "{error}");
    assert!(error.hint().unwrap().contains("passphrase"));
}

#[test]
fn many_children_at_once_do_not_mix_their_outputs() {
    std::thread::scope(|scope| {
        for at in 0..8 {
            scope.spawn(move || {
                let output = shell("cat; cat >&2").stdin(bytes(at.to_string().as_bytes())).run().unwrap();
                assert_eq!(output.text().unwrap(), at.to_string());
            });
        }
    });
}
