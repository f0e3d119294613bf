//! The dotenvx engine over a tool that fails, lies or does nothing.

use std::time::{Duration, Instant};

use envdrift::backend::dotenvx::tool::{DotenvxTool, DotenvxToolError};
use envdrift::env::Env;
use envdrift::process::{Cmd, ToolName};
use envdrift::secret::Secret;

use crate::fake::FakeTool;

const PUBLIC: &str = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5";
const PRIVATE: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddee77";

/// A well-formed ciphertext of three bytes.
fn sealed() -> String {
    let mut bytes = vec![4];
    bytes.resize(100, 9);
    format!("encrypted:{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes))
}

/// What a script makes of an encryption and a decryption of `abc`; nothing of the private folder may stay behind.
fn both(script: &str) -> Option<(DotenvxToolError, DotenvxToolError)> {
    let fake = FakeTool::plant(ToolName::Dotenvx, script)?;
    let temp = tempfile::tempdir().unwrap();
    let env = Env::fixed("/", [("TMPDIR", temp.path().as_os_str())]);
    let engine = DotenvxTool::new(fake.tool(), env).deadline(Duration::from_millis(500));
    let encrypt = engine.seal(PUBLIC, &[Secret::new("abc")]).map(drop);
    let decrypt = engine.open(&[Secret::new(PRIVATE)], &[sealed()]).map(drop);
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0, "{script}");
    Some((encrypt.unwrap_err(), decrypt.unwrap_err()))
}

#[test]
fn every_way_a_tool_can_fail_is_an_error_of_its_own_and_shows_nothing_it_printed() {
    let cases = [
        ("", "engine.bad_answer", "engine.bad_answer"),
        ("exit 3", "tool.exit", "tool.exit"),
        ("stdout abc=PRINTED\nexit 0", "engine.bad_answer", "engine.bad_answer"),
        ("stderr could not decrypt PRINTED", "engine.wrong_key", "engine.wrong_key"),
        ("stderr [wrong_PRIVATE_key] 0011223 PRINTED", "engine.wrong_key", "engine.wrong_key"),
        ("stderr [MISSING_PRIVATE_KEY] PRINTED\nexit 1", "engine.missing_key", "engine.missing_key"),
        ("stderr [INVALID_PRIVATE_KEY] PRINTED\nexit 1", "engine.bad_private_key", "engine.bad_private_key"),
        ("stderr second arg must be public key PRINTED", "engine.bad_public_key", "engine.bad_public_key"),
        ("stderr-hex fffe00\nstdout-hex fffe00", "tool.not_utf8", "engine.bad_answer"),
        ("stderr PRINTED\nkill 9", "tool.signal", "tool.signal"),
        ("kill 15", "tool.signal", "tool.signal"),
        ("hang", "tool.timed_out", "tool.timed_out"),
    ];
    for (script, encrypt, decrypt) in cases {
        let Some((first, second)) = both(script) else { return };
        assert_eq!((first.code(), second.code()), (encrypt, decrypt), "{script}: {first}; {second}");
        for error in [first, second] {
            let text = format!("{error} {error:?} {:?}", error.hint());
            assert!(!text.contains("PRINTED") && !text.contains("0011223"), "{text}");
        }
    }
}

#[test]
fn a_tool_that_leaves_a_value_as_it_was_is_caught() {
    let Some(fake) = FakeTool::plant(ToolName::Dotenvx, "") else { return };
    let engine = DotenvxTool::new(fake.tool(), Env::fixed("/", [("HOME", "/")]));
    let seal = || engine.seal(PUBLIC, &[Secret::new("abc"), Secret::new("de")]);
    let open = || engine.open(&[Secret::new(PRIVATE)], &[sealed()]);
    fake.script("seal 0");
    assert!(seal().is_ok(), "the checks accept what is well-formed");
    fake.script("seal 1");
    assert_eq!(seal().unwrap_err().code(), "engine.changed_value", "a ciphertext of another value");
    fake.script("echo");
    assert_eq!(open().unwrap_err().code(), "engine.failed");
    fake.script("get abc");
    assert_eq!(open().unwrap()[0].expose(), "abc");
    fake.script("get abcd");
    assert_eq!(open().unwrap_err().code(), "engine.changed_value");
    fake.script("get abc\nstderr [DECRYPTION_FAILED] K\nexit 0");
    assert_eq!(open().unwrap_err().code(), "engine.wrong_key", "error words count on exit 0");
    fake.script("get abc\nexit 5");
    assert_eq!(open().unwrap_err().code(), "tool.exit");
}

#[test]
fn the_tool_sees_neither_the_users_environment_nor_a_secret_in_its_arguments() {
    let Some(fake) = FakeTool::plant(ToolName::Dotenvx, "seal 0") else { return };
    let temp = tempfile::tempdir().unwrap();
    let vars = [
        ("PATH", "/usr/bin"),
        ("TMPDIR", temp.path().to_str().unwrap()),
        ("HOME", "/home/user"),
        ("DOTENV_PRIVATE_KEY", "k"),
        ("DOTENV_KEY", "k"),
        ("NODE_OPTIONS", "--require=x"),
        ("AWS_SECRET_ACCESS_KEY", "k"),
        ("LD_PRELOAD", ""),
    ];
    let engine = DotenvxTool::new(fake.tool(), Env::fixed("/", vars));
    engine.seal(PUBLIC, &[Secret::new("hunter2")]).unwrap();
    fake.script("get abc");
    engine.open(&[Secret::new(PRIVATE)], &[sealed()]).unwrap();
    let calls = fake.calls();
    let argv = |at: usize| calls[at]["argv"].as_array().unwrap()[1..].to_vec();
    assert_eq!(argv(0), ["encrypt", "--stdout", "-f", ".env", "-fk", ".env.keys"]);
    assert_eq!(argv(1), ["get", "-f", ".env", "-fk", ".env.keys"]);
    for call in &calls {
        let env = call["env"].as_object().unwrap();
        let mut names: Vec<&str> = env.keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected = [
            "CI",
            "DOTENVX_NO_1PASSWORD",
            "DOTENVX_NO_ARMOR",
            "DOTENVX_NO_BITWARDEN",
            "DOTENVX_NO_NATIVE",
            "HOME",
            "PATH",
        ];
        assert_eq!(names, expected);
        assert_eq!(env["HOME"], call["cwd"]);
        assert!(call["cwd"].as_str().unwrap().starts_with(temp.path().to_str().unwrap()));
        assert!(!call["argv"].to_string().contains("hunter2") && !call["argv"].to_string().contains(PRIVATE));
    }
}

/// What an interrupted envdrift does, seen from outside: another process of this test program plays it.
#[test]
fn ctrl_c_ends_the_tool_with_its_group_and_leaves_nothing() {
    let Some(fake) = FakeTool::plant(ToolName::Dotenvx, "hang") else { return };
    let temp = tempfile::tempdir().unwrap();
    for signal in ["INT", "TERM"] {
        let before = fake.calls().len();
        let start = Instant::now();
        let script = format!(
            "\"$0\" --exact lying_tool::the_interrupted_process --ignored --nocapture & \
             while [ $(cat '{calls}' 2>/dev/null | wc -l) -le {before} ]; do sleep 0.02; done; \
             kill -{signal} $!; wait $!",
            calls = fake.path().with_extension("calls").display(),
        );
        let output = Cmd::new("/bin/sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env("PATH", "/usr/bin:/bin")
            .env("TMPDIR", temp.path())
            .env("ENVDRIFT_DOTENVX", fake.path())
            .deadline(Duration::from_mins(1))
            .run()
            .unwrap();
        let text = String::from_utf8_lossy(output.stdout()).into_owned();
        assert!(
            text.contains("ended with tool.interrupted") && text.contains("1 passed"),
            "{signal}: {text}"
        );
        assert!(start.elapsed() < Duration::from_secs(30));
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0, "{signal}");
    }
}

#[test]
#[ignore = "played by another test"]
fn the_interrupted_process() {
    let env = Env::capture().unwrap();
    let tool = envdrift::process::Tool::find(ToolName::Dotenvx, &env).unwrap().unwrap();
    let error = DotenvxTool::new(tool, env).seal(PUBLIC, &[Secret::new("abc")]).unwrap_err();
    println!("ended with {}", error.code());
}
