//! `envdrift encrypt --check`: its report, what blocks, and that it only reads.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use crate::support::Sandbox;

const SOPS_FILE: &str = include_str!("../vectors/sops/files/layout.enc.env");

/// The names of variables in a `--json` row.
fn names(value: &serde_json::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn the_report_has_its_lines_in_the_order_that_scripts_know() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "ONE=1\nTWO=2\n");
    let text = sandbox.text(".env")
        + "PORT=80\nEMPTY=\nZED_KEY=abc\nAPI_TOKEN=ghp_x\nDB=postgres://u:p@h/d\nDOTENV_PUBLIC_KEYSTORE=x\n";
    sandbox.write(".env", text);
    let before = sandbox.whole_tree();
    let run = sandbox.envdrift(["encrypt", "--check"]);
    assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{run}");
    let wanted = "
envdrift encrypt --check
------------------------
Encryption Status: .env

File is partially encrypted

Variables:
  Encrypted: 2
  Plaintext: 5
  Empty:     1
  Encryption ratio: 29%

PLAINTEXT SECRETS DETECTED:
  * API_TOKEN
  * DB
  * ZED_KEY

WARNINGS:
  * 'ZED_KEY' has a name suggesting sensitive data
  * 'API_TOKEN' has a value that looks like a secret
  * 'DB' has a value that looks like a secret

Recommendation:
  Run: envdrift encrypt .env
";
    assert_eq!(run.stdout, wanted);
    assert_eq!(before.changes(&sandbox.whole_tree()), Vec::<String>::new(), "a check only reads");
}

#[test]
fn a_fully_encrypted_file_passes_and_an_empty_one_is_not_encrypted() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "ONE=1\nTWO=2\n");
    sandbox.write(".env.empty", "# nothing\n");
    let run = sandbox.envdrift(["encrypt", "--check", ".env", ".env.empty"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
    let (full, empty) = run.stdout.split_once("Encryption Status: .env.empty").unwrap();
    for phrase in [
        "Encryption Status: .env\n",
        "File is fully encrypted",
        "Encrypted: 2",
        "Plaintext: 0",
        "ratio: 100%",
    ] {
        assert!(full.contains(phrase), "{phrase}: {run}");
    }
    for phrase in ["File is not encrypted", "Encrypted: 0", "Empty:     0", "ratio: 0%"] {
        assert!(empty.contains(phrase), "{phrase}: {run}");
    }
    assert!(!run.stdout.contains("Recommendation") && !run.stdout.contains("SECRETS"), "{run}");
}

#[test]
fn only_what_looks_like_a_secret_blocks_unless_strict() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "PORT=8080\nNAME=envdrift\n");
    assert_eq!(sandbox.envdrift(["encrypt", "--check"]).code, 0);
    let run = sandbox.envdrift(["encrypt", "--check", "--strict"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("Run: envdrift encrypt .env"), "{run}");
    sandbox.encrypted(".env.full", "PORT=8080\nREADABLE_PLAIN=x\n");
    assert_eq!(sandbox.envdrift(["encrypt", "--check", ".env.full"]).code, 0);
    assert_eq!(sandbox.envdrift(["encrypt", "--strict"]).code, 2, "strict belongs to check");
}

#[test]
fn a_line_that_no_reader_understands_is_warned_of_by_its_number() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\nBARE\n");
    sandbox.write(".env", sandbox.text(".env") + "canary\n");
    let line = sandbox.text(".env").lines().count();
    let run = sandbox.envdrift(["encrypt", "--check"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
    let warning = format!(
        "WARNINGS:\n  * line {line} is neither KEY=value, nor a comment, nor blank; it stays readable\n"
    );
    assert!(run.stdout.contains(&warning) && !run.stdout.contains("canary"), "{run}");
    assert_eq!(sandbox.envdrift(["encrypt", "--check", "--strict"]).code, 1);
}

#[test]
fn companions_are_skipped_and_do_not_abort_the_batch() {
    let sandbox = Sandbox::new();
    for name in [".env.example", ".env.KEYS", "x.template"] {
        sandbox.write(name, "API_KEY=abc\n");
    }
    sandbox.write(".env", "A=1\n");
    let skipping =
        |name: &str| format!("Skipping {name}: it is a plaintext companion file, not a secret store.");
    let lines = [skipping(".env.example"), skipping(".env.KEYS"), skipping("x.template")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let run = sandbox.envdrift(["encrypt", "--check", ".env.example", ".env.KEYS", "x.template"]);
    run.only_warns(&lines);
    let run = sandbox.envdrift(["encrypt", "--check", ".env.example", ".env"]);
    assert_eq!((run.code, run.stderr), (0, format!("[WARN] {}\n", lines[0])));
    assert!(run.stdout.contains("Encryption Status: .env\n"));
    let json = sandbox.envdrift(["encrypt", "--check", "--json", ".env.example", ".env"]).json();
    assert_eq!(json["rows"][0]["outcome"], "skipped", "in argument order");
}

#[test]
fn every_assignment_counts_also_one_that_a_later_line_hides() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "API_KEY=1\n");
    sandbox.write(".env", format!("API_KEY=in the clear\n{}", sandbox.text(".env")));
    let run = sandbox.envdrift(["encrypt", "--check"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("partially encrypted") && run.stdout.contains("  * API_KEY\n"), "{run}");
}

#[test]
fn what_only_looks_encrypted_is_plaintext() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env.real", "A=1\n");
    let real = sandbox.text(".env.real");
    let sealed = real.lines().find_map(|line| line.strip_prefix("A=")).unwrap();
    let cut = &sealed[..sealed.len() - 7];
    sandbox.write(
        ".env",
        format!("A_KEY=encrypted:hello\nB={cut}\nC={sealed}\nD=\"{sealed}\" # note\n# E={sealed}\n"),
    );
    let run = sandbox.envdrift(["encrypt", "--check", "--json"]);
    let row = &run.json()["rows"][0];
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(names(&row["encrypted"]), ["C", "D"], "{run}");
    assert_eq!(names(&row["secrets"]), ["A_KEY", "B"], "{run}");
}

#[test]
fn odd_keys_are_seen_and_the_rest_of_an_odd_line_is_not_shown() {
    let sandbox = Sandbox::new();
    let text = "1PW_KEY=canary\nX-API_KEY=canary\nCAFÉ_KEY=canary\n\"QUOTED_KEY\"=canary\nX[/b]_KEY=canary\ncanary/canary==\n";
    sandbox.write(".env", text);
    let run = sandbox.envdrift(["encrypt", "--check"]);
    assert_eq!(run.code, 1);
    for name in ["1PW_KEY", "X-API_KEY", "CAFÉ_KEY", "\"QUOTED_KEY\"", "line 5"] {
        assert!(run.stdout.contains(&format!("\n  * {name}\n")), "{name}: {run}");
    }
    let json = sandbox.envdrift(["encrypt", "--check", "--json"]);
    assert!(!run.output().contains("canary") && !json.output().contains("canary"), "{run}{json}");
}

#[test]
fn a_schema_marks_what_no_rule_would_find_and_one_that_cannot_be_read_fails() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "app/settings.py",
        "class Settings(BaseSettings):\n    favourite: str = Field(json_schema_extra={\"sensitive\": True})\n",
    );
    sandbox.write(".env", "FAVOURITE=blue\n");
    assert_eq!(sandbox.envdrift(["encrypt", "--check"]).code, 0);
    for args in [["-s", "app.settings:Settings", "-d", "."], ["-s", "settings:Settings", "-d", "app"]] {
        let run = sandbox.envdrift([&["encrypt", "--check"][..], &args].concat());
        assert_eq!(run.code, 1, "{run}");
        assert!(
            run.stdout.contains("'FAVOURITE' is marked sensitive in schema but has plaintext value"),
            "{run}"
        );
    }
    sandbox.envdrift(["encrypt", "--check", "-s", "app.none:Settings"]).refuses(&["Could not load schema: "]);
}

#[test]
fn the_recommendation_names_the_backend_of_a_sops_file() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", format!("NEW_KEY=plain\n{SOPS_FILE}"));
    let run = sandbox.envdrift(["encrypt", "--check"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stdout.contains("  Run: envdrift encrypt --backend sops .env\n"), "{run}");
    assert!(!run.stdout.contains("sops_mac"), "metadata is no variable: {run}");
}

#[test]
fn files_before_one_that_cannot_be_read_are_still_reported() {
    let sandbox = Sandbox::new();
    sandbox.write(".env", "A=1\n");
    sandbox.write(".env.bad", b"A=1\nB=\xff\n");
    sandbox.write(".env.after", "A=1\n");
    let run = sandbox.envdrift(["encrypt", "--check", ".env", ".env.bad", ".env.after"]);
    assert_eq!(run.code, 1);
    run.says_on_stderr(&["UTF-8", "line 2"]);
    assert!(run.stdout.contains("Encryption Status: .env\n"), "{run}");
    assert!(!run.stdout.contains(".env.after"), "{run}");
    let json = sandbox.envdrift(["encrypt", "--check", "--json", ".env", ".env.bad"]).json();
    assert_eq!(
        (&json["rows"][0]["outcome"], &json["rows"][1]["outcome"]),
        (&"passed".into(), &"failed".into())
    );
}

#[test]
fn no_engine_and_no_key_is_needed() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\n");
    sandbox.remove(".env.keys");
    sandbox.folder(".env.keys");
    let run = sandbox.envdrift(["encrypt", "--check", "--engine", "tool"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run}");
}

#[test]
fn strict_asks_only_for_what_encrypt_would_encrypt() {
    let sandbox = Sandbox::new();
    sandbox.encrypted(".env", "A=1\nNOTE_PLAIN=readable\n");
    assert_eq!(sandbox.envdrift(["encrypt", "--check", "--strict"]).code, 0);
    sandbox.write(".env", sandbox.text(".env") + "GREETING=hello\n");
    assert_eq!(sandbox.envdrift(["encrypt", "--check"]).code, 0);
    assert_eq!(sandbox.envdrift(["encrypt", "--check", "--strict"]).code, 1);
}
