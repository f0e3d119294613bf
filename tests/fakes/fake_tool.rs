//! A program that plays dotenvx or sops for the tests.
//!
//! It is started through a link named like the tool. It appends each call to `<link>.calls` (one JSON object a line:
//! argv, env, cwd, stdin) and then does what `<link>.script` says; without a script it does nothing and exits 0.
//! A script is a file because a tool's environment is scrubbed. Its lines, run in order:
//!
//! ```text
//! when WORD             the rest is for calls with this argument only
//! stdout TEXT           prints, with \n \t \e and \\ understood; stderr TEXT likewise
//! stdout-hex HEX        prints bytes; stderr-hex HEX likewise
//! cat                   prints what came on standard input
//! write PATH TEXT       writes a file, relative to the working directory
//! seal EXTRA            plays `encrypt --stdout`: well-formed ciphertexts, EXTRA bytes longer than the values
//! get TEXT              plays `get`: every value of the file is TEXT
//! echo                  plays `get`: every value is given back as it stands in the file
//! kill NUMBER           dies of this signal
//! hang                  sleeps for an hour
//! exit CODE             ends
//! ```

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<ExitCode, Failure> {
    let argv: Vec<String> = std::env::args().collect();
    let link = PathBuf::from(argv.first().ok_or("no name")?);
    let mut stdin = Vec::new();
    std::io::stdin().read_to_end(&mut stdin)?;
    record(&link, &argv, &stdin)?;
    let script = std::fs::read_to_string(beside(&link, "script")).unwrap_or_default();
    for line in script.lines() {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "when" if argv.iter().any(|arg| arg == rest) => {}
            "when" => return Ok(ExitCode::SUCCESS),
            "stdout" => std::io::stdout().write_all(&unescaped(rest))?,
            "stderr" => std::io::stderr().write_all(&unescaped(rest))?,
            "stdout-hex" => std::io::stdout().write_all(&hex::decode(rest)?)?,
            "stderr-hex" => std::io::stderr().write_all(&hex::decode(rest)?)?,
            "cat" => std::io::stdout().write_all(&stdin)?,
            "write" => {
                let (path, text) = rest.split_once(' ').unwrap_or((rest, ""));
                append(Path::new(path), &unescaped(text))?;
            }
            "seal" => seal(&argv, rest.parse().unwrap_or(0))?,
            "get" => answer(&argv, |_| String::from_utf8_lossy(&unescaped(rest)).into_owned())?,
            "echo" => answer(&argv, str::to_owned)?,
            "kill" => die(rest.parse()?),
            "hang" => std::thread::sleep(Duration::from_hours(1)),
            "exit" => return Ok(ExitCode::from(rest.parse::<u8>()?)),
            "" | "#" => {}
            other => return Err(format!("unknown verb {other}").into()),
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn beside(link: &Path, what: &str) -> PathBuf {
    let mut path = link.as_os_str().to_os_string();
    path.push(".");
    path.push(what);
    path.into()
}

#[expect(clippy::disallowed_methods, reason = "the fake shows what a tool sees of its environment")]
fn record(link: &Path, argv: &[String], stdin: &[u8]) -> Result<(), Failure> {
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let call = serde_json::json!({
        "argv": argv,
        "env": env,
        "cwd": std::env::current_dir()?,
        "stdin": String::from_utf8_lossy(stdin),
    });
    append(&beside(link, "calls"), format!("{call}\n").as_bytes())
}

#[expect(clippy::disallowed_methods, reason = "the fake is no part of the program")]
fn append(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)?)
}

fn unescaped(text: &str) -> Vec<u8> {
    text.replace(r"\\", "\u{0}")
        .replace(r"\n", "\n")
        .replace(r"\t", "\t")
        .replace(r"\e", "\u{1b}")
        .replace('\u{0}', r"\")
        .into()
}

/// The pairs of the file behind `-f`, one a line, without quotes.
fn pairs(argv: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let at = argv.iter().position(|arg| arg == "-f").ok_or("no -f")?;
    let text = std::fs::read_to_string(argv.get(at + 1).ok_or("no file")?)?;
    let pair = |line: &str| {
        let (key, value) = line.split_once('=')?;
        Some((key.to_owned(), value.trim_matches(['\'', '"', '`']).to_owned()))
    };
    Ok(text.lines().filter_map(pair).collect())
}

fn seal(argv: &[String], extra: usize) -> Result<(), Failure> {
    for (key, value) in pairs(argv)? {
        let mut bytes = vec![4];
        bytes.resize(97 + value.len() + extra, 7);
        let sealed = format!("encrypted:{}", STANDARD.encode(bytes));
        let value = if key.starts_with("DOTENV_PUBLIC_KEY") { &value } else { &sealed };
        writeln!(std::io::stdout(), "{key}=\"{value}\"")?;
    }
    Ok(())
}

fn answer(argv: &[String], of: impl Fn(&str) -> String) -> Result<(), Failure> {
    let values: BTreeMap<String, String> =
        pairs(argv)?.into_iter().map(|(key, value)| (key, of(&value))).collect();
    Ok(serde_json::to_writer(std::io::stdout(), &values)?)
}

#[cfg(unix)]
fn die(signal: i32) {
    use rustix::process::{Signal, getpid, kill_process};
    if let Some(signal) = Signal::from_named_raw(signal) {
        let _ = kill_process(getpid(), signal);
    }
}

#[cfg(not(unix))]
fn die(_: i32) {}
