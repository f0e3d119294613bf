//! Alice encrypts, Bob decrypts: every dotenvx engine with every other, and the real dotenvx reading our files.

use std::path::{Path, PathBuf};

use envdrift::backend::dotenvx::builtin::Builtin;
use envdrift::backend::dotenvx::tool::DotenvxTool;
use envdrift::backend::dotenvx::{Dotenvx, DotenvxRules};
use envdrift::backend::{Engine, Job, Proved};
use envdrift::cipher::Cipher;
use envdrift::env::Env;
use envdrift::envfile::EnvFile;
use envdrift::keys::{KeyName, KeyRing, PrivateKey};
use envdrift::ops::previous::Reuse;
use envdrift::process::{Cmd, Tool, ToolName};
use envdrift::workspace::target::Target;

use crate::support;

const VERSIONS: [&str; 3] = ["1.75.1", "2.21.0", "2.38.2"];

/// Everything that a version of the tool is known to change when it is let near the text.
const TRICKY: &str = concat!(
    "#!/usr/bin/env x\r\n",
    "# top\r\n",
    "DOLLAR=p@$$w0rd\r\n",
    "HOME_REF=${HOME}/x\r\n",
    "COMMAND=$(touch pwned)\r\n",
    "BACKTICK=\"`touch pwned`\"\r\n",
    "QUOTE='it\\'s'\r\n",
    "NEWLINE=\"a\\nb\"\r\n",
    "PEM=\"-----BEGIN KEY-----\r\nabc/+=\r\n-----END KEY-----\r\n\"\r\n",
    "A = x\r\n",
    "INLINE=hello # comment\r\n",
    "export EMPTY=\r\n",
    "PATH=/from/the/file\r\n",
    "DUP=1\r\n",
    "DUP=1\r\n",
    "UNICODE=héé日本🔑 \r\n",
    "my.key-x=`a\"b'c`",
);

fn tool(version: &str, env: &Env) -> Option<Box<dyn Engine>> {
    let path = support::tool(&format!("bin/dotenvx-{version}/dotenvx"))?;
    let env = env_with(env, &path);
    let tool = Tool::find(ToolName::Dotenvx, &env).unwrap().unwrap();
    Some(Box::new(Dotenvx(DotenvxTool::new(tool, env))))
}

fn env_with(env: &Env, tool: &Path) -> Env {
    let path = format!("{}:/usr/bin:/bin", tool.parent().unwrap().display());
    let tool = tool.display().to_string();
    Env::fixed(env.cwd(), [("ENVDRIFT_DOTENVX", tool), ("PATH", path), ("HOME", "/nonexistent".into())])
}

fn cipher(engine: Box<dyn Engine>) -> Cipher {
    Cipher { backend: Box::new(DotenvxRules), engine }
}

#[test]
fn every_engine_opens_what_every_engine_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let env = Env::fixed(folder.path(), [("A", "fromenv")]);
    let mut engines: Vec<(String, Cipher)> = vec![("builtin".into(), cipher(Box::new(Dotenvx(Builtin))))];
    for version in VERSIONS {
        let Some(engine) = tool(version, &env) else { return };
        assert!(engine.label().contains(version), "{}", engine.label());
        engines.push((version.into(), cipher(engine)));
    }
    let target = Target::new(folder.path(), Path::new(".env.production"));
    let file = EnvFile::parse(TRICKY);
    let mut ring = KeyRing::default();
    let key = PrivateKey::generate().unwrap();
    let public = Some((KeyName::for_file(".env.production"), key.public().unwrap()));
    ring.insert(KeyName::for_file(".env.production"), key);
    for (alice, engine) in &engines {
        let job = Job { target: &target, file: &file, ring: &ring, public: public.clone(), previous: None };
        let proven = engine.encrypt(&job).unwrap_or_else(|error| panic!("{alice}: {error}"));
        assert_eq!(proven.proved, Proved::Opened, "{alice}");
        let encrypted = EnvFile::parse(proven.encrypted.text);
        for (bob, engine) in &engines {
            let job = Job { target: &target, file: &encrypted, ring: &ring, public: None, previous: None };
            let plain = engine.decrypt(&job).unwrap_or_else(|error| panic!("{alice} to {bob}: {error}"));
            assert_eq!(plain, TRICKY, "{alice} to {bob}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// What dotenvx itself hands to a program from a file that envdrift encrypted.
fn values_by_dotenvx(binary: &PathBuf, folder: &Path) -> serde_json::Value {
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let output = Cmd::new(binary)
        .args(["get", "-f", ".env.production", "-fk", ".env.keys"])
        .env("PATH", path)
        .env("HOME", folder)
        .env("CI", "1")
        .env("DOTENVX_NO_ARMOR", "true")
        .dir(folder)
        .run()
        .unwrap();
    serde_json::from_slice(output.stdout()).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test lays out its own folder")]
fn the_real_dotenvx_reads_the_values_of_our_files() {
    let text = "PLAIN=hello world  # note\nDQ=\"a\\nb\"\nSQ='it\\'s'\nEMPTY=\nPEM=\"l1\nl2\n\"\n";
    for version in VERSIONS {
        let Some(binary) = support::tool(&format!("bin/dotenvx-{version}/dotenvx")) else { return };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".env.production"), text).unwrap();
        let env = Env::fixed(folder.path(), [("HOME", "/nonexistent")]);
        let targets = [Target::new(folder.path(), Path::new(".env.production"))];
        let cipher = cipher(Box::new(Dotenvx(Builtin)));
        let request = envdrift::ops::encrypt::Request {
            targets: &targets,
            cipher: &cipher,
            reuse: Reuse::Nothing,
            env: &env,
        };
        assert!(envdrift::ops::encrypt::run(&request).report.is_ok());
        let values = values_by_dotenvx(&binary, folder.path());
        let wanted =
            [("PLAIN", "hello world"), ("DQ", "a\nb"), ("SQ", "it's"), ("EMPTY", ""), ("PEM", "l1\nl2\n")];
        for (key, value) in wanted {
            assert_eq!(values[key], value, "{version} {key}");
        }
    }
}
