//! What every command shares: streams, `--json`, `-q`, `-v`, colours, the choice of the engine, help and usage errors.

use crate::support::Sandbox;

const CANARY: &str = "c4nary-v4lue";

#[test]
fn without_arguments_the_help_is_shown_and_the_exit_code_is_2() {
    let run = Sandbox::new().envdrift([""; 0]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run}");
    for word in ["Usage: envdrift", "encrypt", "decrypt"] {
        assert!(run.stderr.contains(word), "{run}");
    }
}

#[test]
fn usage_errors_end_with_2_and_point_to_the_help() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let before = sandbox.tree();
    for args in [
        &["encrypt", "--nonsense"][..],
        &["nonsense"],
        &["encrypt", "--engine", "magic"],
        &["encrypt", "-q", "-v"],
        &["encrypt", "--backend"],
        &["decrypt", "--stdout", "--check"],
        &["decrypt", "--stdout", "--json"],
        &["completions", "tcsh"],
        &["--color", "sometimes", "encrypt"],
    ] {
        let run = sandbox.envdrift(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?} {run}");
        assert!(run.stderr.starts_with("error: "), "{run}");
        assert!(run.stderr.contains("--help"), "{run}");
    }
    sandbox.assert_untouched(&before);
}

#[test]
fn the_version_has_three_spellings() {
    let sandbox = Sandbox::new();
    for args in ["--version", "-V", "version"] {
        sandbox.envdrift([args]).answers(&[concat!("envdrift ", env!("CARGO_PKG_VERSION"))]);
    }
}

#[test]
fn completions_exist_for_five_shells() {
    let sandbox = Sandbox::new();
    for (shell, mark) in [
        ("bash", "complete -F _envdrift"),
        ("zsh", "#compdef envdrift"),
        ("fish", "complete -c envdrift"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[envdrift]"),
    ] {
        let run = sandbox.envdrift(["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
        assert!(run.stdout.contains(mark) && run.stdout.contains("decrypt"), "{shell}: {run}");
    }
}

#[test]
fn manual_pages_are_roff() {
    let sandbox = Sandbox::new();
    for (args, title) in [(&["man"][..], ".TH envdrift 1"), (&["man", "encrypt"], ".TH envdrift-encrypt 1")] {
        let run = sandbox.envdrift(args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
        assert!(run.stdout.contains(title) && run.stdout.contains(".SH SYNOPSIS"), "{run}");
    }
    sandbox.envdrift(["man", "nonsense"]).refuses(&["There is no command 'nonsense'"]);
}

#[test]
fn quiet_says_nothing_but_warnings_and_errors() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    sandbox.envdrift(["-q", "encrypt", "--check"]).answers(&[]);
    sandbox.envdrift(["encrypt", "-q"]).answers(&[]);
    sandbox.envdrift(["encrypt", "--quiet"]).only_warns(&[".env is already encrypted (no change)"]);
    sandbox.envdrift(["decrypt", "-q"]).answers(&[]);
    sandbox.envdrift(["decrypt", "-q", "none"]).refuses(&["ENV file not found: none"]);
}

#[test]
fn verbose_names_the_config_and_the_engine_on_standard_error() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let config = format!("config: {}\n", sandbox.beside("envdrift.toml").display());
    for command in ["encrypt", "decrypt"] {
        let run = sandbox.envdrift(["-v", command]);
        assert_eq!(run.code, 0, "{run}");
        assert_eq!(run.stderr, format!("{config}.env: engine built-in\n"), "{run}");
        assert!(!run.stdout.contains("engine"), "{run}");
    }
}

#[test]
fn the_engine_is_chosen_by_flag_then_environment_then_config() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let missing = "dotenvx is not installed";
    let config =
        |engine: &str| sandbox.write("envdrift.toml", format!("[encryption]\nengine = \"{engine}\"\n"));
    let before = |args: &[&str], variable: Option<&str>| {
        sandbox.write(".env", "A=1\n");
        let call = sandbox.call([&["encrypt"], args].concat());
        let run = match variable {
            Some(engine) => call.var("ENVDRIFT_ENGINE", engine).run(),
            None => call.run(),
        };
        if run.code == 1 {
            run.says_on_stderr(&[missing]);
        } else {
            run.answers(&["[OK] Encrypted .env using dotenvx"]);
        }
        run.code == 0
    };
    assert!(before(&[], None), "auto falls back to the built-in engine");
    config("tool");
    assert!(!before(&[], None));
    assert!(before(&[], Some("builtin")), "the environment beats the config");
    assert!(before(&[], Some(" auto ")));
    assert!(!before(&[], Some(" ")), "a blank variable is none");
    assert!(!before(&["--engine", "tool"], Some("builtin")), "the flag beats the environment");
    config("builtin");
    assert!(!before(&[], Some("tool")));
    assert!(before(&["--engine", "builtin"], Some("tool")));
    assert!(before(&["--engine", "auto"], Some("nonsense")), "what is not asked is not judged");
    sandbox.write(".env", "A=1\n");
    let run = sandbox.call(["encrypt"]).var("ENVDRIFT_ENGINE", "nonsense").run();
    run.refuses(&["nonsense"]);
}

#[test]
fn a_config_can_be_named_and_a_missing_one_is_an_error() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    sandbox.write("conf/my.toml", "[encryption]\nengine = \"tool\"\n");
    for flag in ["--config", "-c"] {
        let run = sandbox.envdrift(["encrypt", flag, "conf/my.toml"]);
        assert_eq!(run.code, 1);
        run.says_on_stderr(&["dotenvx is not installed"]);
        sandbox
            .envdrift(["encrypt", flag, "none.toml"])
            .refuses(&["Configuration file not found: none.toml"]);
        sandbox.envdrift(["encrypt", flag, "conf"]).refuses(&["Configuration path is not a file: conf"]);
    }
}

#[test]
fn json_is_one_document_whatever_happens() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", format!("A={CANARY}\n"));
    sandbox.write(".env.b", format!("{CANARY}\nA=1\n"));
    sandbox.write("broken.toml", "[");
    let outcome = |args: &[&str], code: i32, wanted: &[&str]| {
        let run = sandbox.envdrift([args, &["--json"]].concat());
        let json = run.json();
        assert_eq!(run.code, code, "{run}");
        assert_eq!(json["schema"], 1, "{run}");
        assert_eq!(json["command"], args[0], "{run}");
        assert_eq!(json["ok"], code == 0, "{run}");
        let rows = json["rows"].as_array().unwrap();
        let outcomes: Vec<&str> = rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect();
        assert_eq!(outcomes, wanted, "{run}");
        assert!(!run.output().contains(CANARY), "{run}");
        json
    };
    outcome(&["encrypt", "none"], 1, &["failed"]);
    outcome(&["encrypt", ".env", ".env.b"], 1, &["skipped", "failed"]);
    let json = outcome(&["encrypt", "-c", "broken.toml"], 1, &[]);
    assert_eq!(json["error"]["code"], "config.syntax");
    assert!(json["error"]["reason"].as_str().unwrap().contains("TOML syntax error in broken.toml"));
    outcome(&["encrypt", "-b", "gpg"], 1, &[]);
    outcome(&["encrypt", "--engine", "tool"], 1, &[]);
    outcome(&["encrypt", "--check"], 0, &["passed"]);
    outcome(&["encrypt", "--check", "--strict"], 1, &["blocked"]);
    let json = outcome(&["encrypt"], 0, &["encrypted"]);
    let row = &json["rows"][0];
    assert_eq!(
        (&row["backend"], &row["engine"], &row["proof"]),
        (&"dotenvx".into(), &"built-in".into(), &"opened".into())
    );
    outcome(&["encrypt"], 0, &["unchanged"]);
    outcome(&["decrypt", "--check"], 0, &["would_decrypt"]);
    outcome(&["decrypt"], 0, &["decrypted"]);
    outcome(&["decrypt"], 0, &["unchanged"]);
    outcome(&["decrypt", ".env.example"], 1, &["failed"]);
    outcome(&["decrypt", "--verify-vault"], 1, &[]);
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    let escape = |args: &[&str], vars: &[(&str, &str)]| {
        let call = vars.iter().fold(sandbox.call(args), |call, (name, value)| call.var(name, value));
        call.run().output().contains('\u{1b}')
    };
    assert!(!escape(&["encrypt"], &[]));
    assert!(escape(&["encrypt"], &[("FORCE_COLOR", "1")]));
    assert!(!escape(&["encrypt"], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]));
    assert!(!escape(&["encrypt", "--color", "never"], &[("FORCE_COLOR", "1")]));
    assert!(escape(&["encrypt", "--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!escape(&["encrypt", "--json", "--color", "never"], &[]));
}

#[test]
fn names_cannot_send_control_sequences_to_a_terminal() {
    let sandbox = Sandbox::new();
    let name = "no\u{1b}[31mpe\u{7}";
    let run = sandbox.envdrift(["encrypt", name, "two\nlines"]);
    assert_eq!(run.code, 1);
    assert!(!run.output().contains(['\u{1b}', '\u{7}']), "{run}");
    assert!(run.stderr.contains(r"no\u{1b}[31mpe\u{7}"), "{run}");
    sandbox.write(".env", "A\u{1b}]0;x\u{7}_KEY=1\n");
    let run = sandbox.envdrift(["encrypt", "--check"]);
    assert_eq!(run.code, 1);
    assert!(!run.output().contains(['\u{1b}', '\u{7}']), "{run}");
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    if !std::path::Path::new("/dev/full").exists() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    for args in [&["decrypt", "--stdout"][..], &["man"], &["version"], &["encrypt", "--check"]] {
        let run = sandbox.call(args).run_into("/dev/full");
        assert_eq!(run.code, 1, "{args:?} {run}");
        run.says_on_stderr(&["[ERROR] Cannot write to standard output: "]);
    }
}

#[test]
fn a_folder_that_is_gone_is_explained() {
    let sandbox = Sandbox::new();
    sandbox.folder("gone");
    let folder = sandbox.path("gone");
    let shell = std::path::Path::new("/bin/sh");
    let script = "rmdir \"$1\" && exec \"$2\" encrypt";
    let envdrift = env!("CARGO_BIN_EXE_envdrift").to_owned();
    let args = [
        "-c".to_owned(),
        script.replace("rmdir", "/bin/rmdir"),
        "sh".into(),
        folder.display().to_string(),
        envdrift,
    ];
    let run = sandbox.program(shell, args).within(&folder).run();
    run.refuses(&["Cannot determine the current folder"]);
}
