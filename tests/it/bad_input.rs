//! What cannot be worked on: every message says what and what to do, and no byte on disk changes.

use std::path::Path;

use crate::support::{Run, Sandbox, Tree, skipped};

const PLAIN: &str = "A=1\nAPI_KEY=abc\n";
const KEY: &str = "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90";

/// Runs both commands on `name` and asserts that both refuse with the phrases and touch nothing.
fn both_refuse(sandbox: &Sandbox, name: &str, phrases: &[&str]) {
    let before = sandbox.tree();
    for args in [&["encrypt", "--", name][..], &["decrypt", "--", name], &["decrypt", "--stdout", "--", name]]
    {
        sandbox.envdrift(args).refuses(phrases);
        sandbox.assert_untouched(&before);
    }
    let run = sandbox.envdrift(["encrypt", "--check", "--", name]);
    run.refuses(phrases);
    sandbox.assert_untouched(&before);
}

#[test]
fn a_directory_is_not_a_file() {
    let sandbox = Sandbox::new();
    sandbox.folder(".env");
    sandbox.write("folder/.env", PLAIN);
    for name in [".env", "folder", "folder/", ".", ".."] {
        both_refuse(&sandbox, name, &["Not a file: ", "is a directory"]);
    }
}

#[test]
fn a_missing_file_a_dangling_link_and_a_file_taken_for_a_folder_are_not_found() {
    let sandbox = Sandbox::new();
    sandbox.link(".env.dangling", "nowhere");
    sandbox.write("file", "A=1\n");
    for name in [".env", "no/folder/.env", ".env.dangling", "file/.env"] {
        both_refuse(&sandbox, name, &[&format!("ENV file not found: {name}")]);
    }
}

#[test]
fn a_pipe_a_socket_and_a_device_do_not_block() {
    let sandbox = Sandbox::new();
    let made = std::os::unix::net::UnixListener::bind(sandbox.path("socket"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        sandbox.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    both_refuse(&sandbox, "pipe", &["Not a file: ", "is a named pipe"]);
    if made.is_ok() {
        both_refuse(&sandbox, "socket", &["Not a file: ", "is a socket"]);
    }
    both_refuse(&sandbox, "/dev/zero", &["Not a file: /dev/zero is a special file"]);
}

#[test]
fn links_that_point_at_each_other_are_explained() {
    let sandbox = Sandbox::new();
    sandbox.link(".env", ".env.b");
    sandbox.link(".env.b", ".env");
    both_refuse(&sandbox, ".env", &["Cannot read ", "symbolic link"]);
}

#[test]
fn text_that_is_not_utf8_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    for (bytes, line) in [
        (&b"A=\xff\n"[..], 1),
        (b"A=1\r\nB=2\r\nC=\xe9\r\n", 3),
        (b"\xff\xfeA\0=\x001\0\n\0", 1),
        (b"A=1\rB=\x80", 2),
    ] {
        sandbox.write(".env", bytes);
        both_refuse(
            &sandbox,
            ".env",
            &["Could not read ", "as UTF-8 text", &format!("line {line} is not UTF-8")],
        );
    }
}

#[test]
fn a_file_that_may_not_be_read_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", PLAIN);
    sandbox.set_mode(".env", 0o000);
    let before = nobodys_tree(&sandbox);
    for command in ["encrypt", "decrypt"] {
        let run = sandbox.call_as_nobody([command]).run();
        run.refuses(&["Cannot read ", "Permission denied"]);
        assert!(run.stderr.contains("owner and the mode"), "{run}");
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_key_store_that_may_not_be_read_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", PLAIN);
    sandbox.write(".env.new", PLAIN);
    sandbox.set_mode(".env.keys", 0o000);
    let before = nobodys_tree(&sandbox);
    for args in [["encrypt", ".env.new"], ["decrypt", ".env"]] {
        let run = sandbox.call_as_nobody(args).run();
        assert_eq!(run.code, 1, "{run}");
        run.says_on_stderr(&["Cannot read ", ".env.keys: Permission denied"]);
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_folder_that_may_not_be_written_changes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.encrypted("f/.env.done", PLAIN);
    sandbox.write("f/.env", PLAIN);
    sandbox.set_mode("f/.env.keys", 0o644);
    nobodys_tree(&sandbox);
    sandbox.set_mode("f", 0o555);
    let before = sandbox.tree();
    for args in [["encrypt", "f/.env"], ["decrypt", "f/.env.done"]] {
        let run = sandbox.call_as_nobody(args).run();
        assert_eq!(run.code, 1, "{run}");
        run.says_on_stderr(&["Permission denied"]);
        assert!(run.stderr.contains("hint: check the owner and the mode"), "{run}");
        sandbox.assert_untouched(&before);
    }
    sandbox.set_mode("f", 0o755);
}

#[test]
fn a_key_store_of_another_user_is_not_taken_away_from_its_owner() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only root can make a file of another user");
    }
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    sandbox.write(".env.new", PLAIN);
    sandbox.write(".env", sandbox.text(".env") + "B=2\n");
    nobodys_tree(&sandbox);
    std::os::unix::fs::chown(sandbox.path(".env.keys"), Some(1234), Some(1234)).unwrap();
    sandbox.set_mode(".env.keys", 0o644);
    let before = sandbox.tree();
    let envdrift = sandbox.beside("bin/envdrift");
    let run = sandbox.program_as_nobody(&envdrift, ["encrypt", ".env.new"]).run();
    run.refuses(&[".env.keys: it belongs to another user, who could not read it any more"]);
    sandbox.assert_untouched(&before);
    let run = sandbox.program_as_nobody(&envdrift, ["encrypt", ".env"]).run();
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "[OK] Encrypted .env using dotenvx\n"),
        "no new key is needed"
    );
    run.says_on_stderr(&[
        "[WARN] Cannot restrict the mode of ",
        "others may be able to read the private keys",
    ]);
    assert_eq!(sandbox.mode(".env.keys"), 0o644);
}

/// Gives the sandbox to the user without rights, by a call that changes nothing, and looks at it.
fn nobodys_tree(sandbox: &Sandbox) -> Tree {
    assert_eq!(sandbox.call_as_nobody(["--version"]).run().code, 0);
    sandbox.tree()
}

#[test]
fn a_limit_on_the_size_of_files_changes_nothing() {
    let sandbox = Sandbox::new();
    let text = format!("A={}\n", "x".repeat(3_000));
    sandbox.write(".env", &text);
    sandbox.encrypted(".env.done", &text);
    let before = sandbox.tree();
    for args in [["encrypt", ".env"], ["decrypt", ".env.done"]] {
        // The limit is in blocks of 512 bytes.
        let shell = ["-c", "ulimit -f 2 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_envdrift")];
        let run = sandbox.program(Path::new("/bin/sh"), [&shell[..], &args].concat()).run();
        assert_eq!(run.code, 1, "{run}");
        run.says_on_stderr(&["Cannot write ", "File too large"]);
        assert!(run.stderr.contains("hint: make room"), "{run}");
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    let sandbox = Sandbox::new();
    let Some(run) = on_a_full_disk(&sandbox, "encrypt .env .env.b") else { return };
    run.says_on_stderr(&["No space left on device"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("hint: make room"), "{run}");
    assert_eq!(sandbox.text("after/.env").len(), 8_000);
    assert!(sandbox.text("after/.env").starts_with("A=xxxx"));
    assert_eq!(sandbox.text("after/.env.b"), "B=1\n");
    let mut names: Vec<String> = std::fs::read_dir(sandbox.path("after"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [".env", ".env.b", "ballast"], "nothing stray");
}

/// Runs a command in a file system with two pages left, and copies what it holds afterwards into `after`; none where
/// this machine does not let one be mounted.
fn on_a_full_disk(sandbox: &Sandbox, command: &str) -> Option<Run> {
    sandbox.folder("disk");
    sandbox.folder("after");
    let script = format!(
        "set -e; PATH=/usr/sbin:/usr/bin:/sbin:/bin
         mount -t tmpfs -o size=96k tmpfs disk 2>/dev/null || {{ echo unmountable; exit 0; }}
         cd disk
         printf 'A=%07997d\\n' 0 | tr 0 x > .env
         printf 'B=1\\n' > .env.b
         dd if=/dev/zero of=ballast bs=4096 2>/dev/null || true
         dd if=/dev/zero of=ballast bs=4096 count=19 2>/dev/null
         set +e
         \"$0\" {command}; code=$?
         cp -a . ../after/
         exit $code"
    );
    let args = ["-m", "/bin/sh", "-c", &script, env!("CARGO_BIN_EXE_envdrift")];
    let program = which::which("unshare").ok()?;
    let run = sandbox.program(&program, args).run();
    if run.stdout.contains("unmountable") || run.stderr.contains("unshare") {
        skipped("no file system can be mounted here");
        return None;
    }
    Some(run)
}

#[test]
fn a_key_store_that_is_no_file_or_no_text_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.encrypted("done/.env", PLAIN);
    sandbox.remove("done/.env.keys");
    sandbox.folder("done/.env.keys");
    sandbox.write("new/.env", PLAIN);
    sandbox.write("new/.env.keys", b"# \xff\n");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["decrypt", "done/.env"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&["Not a file: ", ".env.keys is a directory"]);
    sandbox
        .envdrift(["encrypt", "new/.env"])
        .refuses(&["Could not read ", ".env.keys as UTF-8 text: line 1"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn a_private_key_that_is_none_stops_encryption_and_gets_no_second_one_beside_it() {
    for value in
        ["zz", "12", &KEY[1..], &format!("{KEY}00"), &KEY.replace('a', "g"), &"0".repeat(64), &"f".repeat(64)]
    {
        let sandbox = Sandbox::new();
        sandbox.write(".env", PLAIN);
        sandbox.write(".env.keys", format!("DOTENV_PRIVATE_KEY={value}\n"));
        let before = sandbox.tree();
        let run = sandbox.envdrift(["encrypt"]);
        run.refuses(&["DOTENV_PRIVATE_KEY in .env.keys is not a private key (64 hex digits)"]);
        assert!(run.stderr.contains("hint: restore the key"), "{run}");
        assert!(!run.output().contains(value), "{run}");
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_private_key_that_is_none_is_named_on_decryption_even_beside_others() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", PLAIN);
    for keys in [
        "DOTENV_PRIVATE_KEY=abc\n".to_owned(),
        format!("DOTENV_PRIVATE_KEY=abc\nDOTENV_PRIVATE_KEY_X={KEY}\n"),
    ] {
        sandbox.write(".env.keys", keys);
        let before = sandbox.tree();
        let run = sandbox.envdrift(["decrypt"]);
        assert_eq!(run.code, 1);
        run.says_on_stderr(&[
            "Decryption failed: .env: DOTENV_PRIVATE_KEY in .env.keys is not a private key",
        ]);
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn two_files_that_fight_for_one_key_name_are_told_apart() {
    let sandbox = Sandbox::new();
    sandbox.encrypted("a/.env", "A=1\n");
    sandbox.encrypted("b/.env", "A=1\n");
    sandbox.write("b/.env", sandbox.text("a/.env") + "NEW=2\n");
    let before = sandbox.tree();
    let run = sandbox.envdrift(["encrypt", "b/.env"]);
    run.refuses(&["two files fight for one key name", "DOTENV_PRIVATE_KEY"]);
    assert!(run.stderr.contains("hint: put the private key of 0"), "{run}");
    sandbox.assert_untouched(&before);
}

#[test]
fn a_ciphertext_that_was_cut_short_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", PLAIN);
    let whole = sandbox.text(".env");
    let (line, sealed) = whole.lines().enumerate().find(|(_, line)| line.starts_with("API_KEY=")).unwrap();
    for keep in [sealed.len() - 1, sealed.len() - 2, 120, 60, 40] {
        sandbox.write(".env", whole.replace(sealed, &sealed[..keep]));
        let before = sandbox.tree();
        let place = format!(".env:{}: API_KEY holds a damaged ciphertext", line + 1);
        sandbox.envdrift(["encrypt"]).refuses(&[&place]);
        let run = sandbox.envdrift(["decrypt"]);
        assert_eq!(run.code, 1, "{run}");
        run.says_on_stderr(&[&format!("damaged ciphertext: line {}, API_KEY", line + 1)]);
        assert_eq!(sandbox.envdrift(["encrypt", "--check"]).code, 1, "a damaged value blocks");
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_file_that_is_half_encrypted_and_whose_key_is_lost_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    let sealed = sandbox.text(".env").lines().last().unwrap().to_owned();
    sandbox.write(".env", format!("{sealed}\nB=2\n"));
    sandbox.remove(".env.keys");
    let before = sandbox.tree();
    sandbox.envdrift(["encrypt"]).refuses(&["Encryption failed: .env: no private key: DOTENV_PRIVATE_KEY"]);
    sandbox.write(".env.keys", format!("DOTENV_PRIVATE_KEY={KEY}\n"));
    sandbox
        .envdrift(["encrypt"])
        .refuses(&["Encryption failed: .env: wrong private key", "A; tried DOTENV_PRIVATE_KEY"]);
    sandbox.remove(".env.keys");
    sandbox.assert_untouched(&before);
}

#[test]
fn a_public_key_that_is_none_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    for value in ["", "02", "zz", KEY] {
        sandbox.write(".env", format!("# header\nDOTENV_PUBLIC_KEY=\"{value}\"\nA=1\n"));
        let before = sandbox.tree();
        sandbox.envdrift(["encrypt"]).refuses(&[".env:2: DOTENV_PUBLIC_KEY is not a public key"]);
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn lines_that_would_stay_readable_are_refused_with_their_number() {
    let sandbox = Sandbox::new();
    for (text, line) in [
        ("A=1\nNAME: value\n", 2),
        ("A=1\n\njust some words\n", 3),
        ("CAFÉ=1\n", 1),
        ("A=1\n\"K\"=x\n", 2),
        ("A=1\n=value\n", 2),
        ("A=-----BEGIN KEY-----\nMIIEvQ==\n-----END KEY-----\n", 3),
        ("A=\"no end\nof the quote\n", 2),
    ] {
        sandbox.write(".env", text);
        let before = sandbox.tree();
        let run = sandbox.envdrift(["encrypt"]);
        run.refuses(&[&format!(".env:{line}: "), "would leave it readable"]);
        sandbox.assert_untouched(&before);
    }
}

#[test]
fn a_name_with_a_space_can_be_decrypted_though_not_encrypted() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    sandbox.rename(".env", "my file.env");
    let run = sandbox.envdrift(["decrypt", "my file.env"]);
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(sandbox.text("my file.env"), "A=1\n");
    let before = sandbox.tree();
    sandbox
        .envdrift(["encrypt", "my file.env"])
        .refuses(&["Refusing to encrypt my file.env: ", "undecryptable"]);
    sandbox.assert_untouched(&before);
}

#[test]
fn a_name_that_is_not_utf8_is_handled() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b".env.\xff");
    sandbox.write(".env", PLAIN);
    if std::fs::copy(sandbox.path(".env"), sandbox.path("").join(name)).is_err() {
        return; // This file system has no such names.
    }
    let before = sandbox.tree();
    let run = sandbox.envdrift([OsStr::new("encrypt"), name]);
    run.refuses(&["Refusing to encrypt", "undecryptable"]);
    let run = sandbox.envdrift([OsStr::new("encrypt"), OsStr::new("--json"), name]);
    assert_eq!(run.json()["ok"], false, "{run}");
    sandbox.assert_untouched(&before);
}

#[test]
fn files_that_are_hard_to_read_are_read_in_time() {
    let sandbox = Sandbox::new();
    let start = std::time::Instant::now();
    for text in [
        "A=\"\\\"\n".repeat(20_000),
        "A='\n".repeat(40_000),
        "\n".repeat(400_000),
        "A\n".repeat(100_000),
        "A=`\\`".repeat(40_000),
    ] {
        sandbox.write(".env", text);
        let run = sandbox.envdrift(["encrypt", "--check"]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    }
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
}
