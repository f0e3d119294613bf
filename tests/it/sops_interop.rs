//! The built-in SOPS engine against the real sops binary, both ways.
//!
//! What the engine encrypts, sops must open with its MAC verified and read as the same values; what sops encrypts,
//! the engine must open to the same bytes. The binary and age-keygen are those that tests/tools.sh installs; where
//! they are absent the tests of this file say so and pass.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use envdrift::backend::sops::builtin::{self, DecryptRequest, EncryptRequest};
use envdrift::backend::sops::rules::Recipients;
use envdrift::backend::sops::store::{self, Item};
use envdrift::env::Env;

const NOW: &str = "2026-11-24T21:59:42Z";

/// An age identity made for these tests; it protects nothing.
struct Identity {
    secret: String,
    public: String,
}

impl Identity {
    fn new() -> Self {
        let identity = age::x25519::Identity::generate();
        let secret = age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned();
        Self { secret, public: identity.to_public().to_string() }
    }
}

/// A folder without any configuration, the binary, and an identity.
struct Bench {
    sops: PathBuf,
    home: tempfile::TempDir,
    identity: Identity,
}

impl Bench {
    fn new() -> Option<Self> {
        let sops = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/sops-3.13.3/sops");
        if !sops.is_file() {
            eprintln!("skipped: {} is not installed", sops.display());
            return None;
        }
        Some(Self { sops, home: tempfile::tempdir().unwrap(), identity: Identity::new() })
    }

    fn env(&self) -> Env {
        Env::fixed(self.home.path(), [("HOME", self.home.path().to_str().unwrap()), ("SOPS_AGE_KEY", &self.identity.secret)])
    }

    /// Runs sops on stdin as a dotenv store; the exit code on failure.
    #[expect(clippy::disallowed_methods, reason = "the real binary is the other side of these tests")]
    fn run(&self, args: &[&str], input: &str) -> Result<String, i32> {
        let mut child = Command::new(&self.sops)
            .args(args)
            .args(["--input-type", "dotenv", "--output-type", "dotenv"])
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("SOPS_AGE_KEY", &self.identity.secret)
            .env("SOPS_DISABLE_VERSION_CHECK", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = input.to_owned();
        let writer = std::thread::spawn(move || {
            // sops may stop reading when it refuses.
            let _ = stdin.write_all(text.as_bytes());
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        match output.status.code() {
            Some(0) => Ok(String::from_utf8(output.stdout).unwrap()),
            code => Err(code.unwrap_or(-1)),
        }
    }

    fn sops_encrypt(&self, args: &[&str], text: &str) -> Result<String, i32> {
        let mut all = vec!["encrypt", "--filename-override", ".env", "--age", &self.identity.public];
        all.extend(args);
        self.run(&all, text)
    }

    fn sops_decrypt(&self, text: &str) -> Result<String, i32> {
        self.run(&["decrypt"], text)
    }

    fn encrypt(&self, text: &str) -> Result<String, String> {
        let recipients = Recipients { age: vec![self.identity.public.clone()], ..Recipients::default() };
        let name = self.home.path().join(".env");
        let env = self.env();
        let request = EncryptRequest {
            text,
            name: &name,
            recipients: &recipients,
            sops_config: None,
            env: &env,
            now: NOW.parse().unwrap(),
        };
        let encrypted = builtin::encrypt(&request).map_err(|error| error.to_string())?;
        builtin::prove(text, &encrypted).map_err(|error| error.to_string())?;
        Ok(encrypted.text)
    }

    fn decrypt(&self, text: &str) -> Result<String, String> {
        let env = self.env();
        let request = DecryptRequest { text, age_key_file: None, env: &env, run: None };
        builtin::decrypt(&request).map(|decrypted| decrypted.text).map_err(|error| error.to_string())
    }
}

/// `text` as sops spells it: no empty lines, every line ended, one line per value.
fn as_sops_spells_it(text: &str) -> String {
    let (lines, _) = store::split_plain(text).unwrap();
    let mut out = String::new();
    for line in lines {
        match line.item {
            Item::Blank => continue,
            Item::Comment(comment) => out.extend(["#", comment]),
            Item::Pair { key, value } => {
                out.extend([key, "="]);
                store::encode_onto(&mut out, store::decode(value).expose());
            }
        }
        out.push('\n');
    }
    out
}

/// A small generator of numbers, so that a seed gives the same files everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const KEYS: &[&str] = &[
    "A", "DB_URL", "export TOKEN", "  INDENTED", "SPACED ", "my.key-x", "A", "ключ", "X_unencrypted", "a b", "",
    "\u{feff}B", "K\\n", "sops", "SOPS_AGE_KEY", "\rC",
];
const PIECES: &[&str] = &[
    "hello", " ", "\"", "'", "`", "\\n", "\\", "\\\\n", "=", "#", " # c", "$VAR", "$(id)", "héé 日本 🔑", "\t", "\r", "\u{0}",
    "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]", "encrypted:BAB", "postgres://u:p@h/db?x=1", "{\"a\":1}", "",
];
const LINES: &[&str] = &[
    "", "# comment", "#", "#\r", "  # OLD=secret", "\t# c", "   ", "\r", "# a\\nb", "\x0b",
    "P=\"-----BEGIN KEY-----\nabc/+=\nMIIE\n-----END KEY-----\n\"", "J='{\n  \"a\": 1,\n\n  # b\n}'", "M=`x\\ny\nz`", "Q=\"a\\\"\nb\" # c",
    "U_unencrypted=\"l1\nl2\"", "# DB_PASSWORD=old",
];

fn file(seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let ending = dice.pick(&["\n", "\n", "\n", "\r\n"]);
    let mut text = String::new();
    if dice.roll(12) == 0 {
        text.push('\u{feff}');
    }
    for _ in 0..dice.roll(9) {
        if dice.roll(3) == 0 {
            text.push_str(&dice.pick(LINES).replace('\n', ending));
        } else {
            text.extend([dice.pick(KEYS), "="]);
            for _ in 0..dice.roll(5) {
                text.push_str(dice.pick(PIECES));
            }
        }
        text.push_str(ending);
    }
    if dice.roll(6) == 0 {
        text.truncate(text.trim_end_matches(ending).len());
    }
    text
}

/// Both ways over the files of `seeds`, on two threads.
fn both_ways(seeds: std::ops::Range<u64>) {
    let Some(bench) = Bench::new() else { return };
    let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = usize::try_from(seeds.end - seeds.start).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let seed = seeds.start + u64::try_from(index).unwrap();
                    if !one_file(&bench, seed) {
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let refused = refused.into_inner();
    assert!(refused * 10 < count, "{refused} of {count} files were refused");
}

/// Whether the engine took the file.
fn one_file(bench: &Bench, seed: u64) -> bool {
    let text = file(seed);
    let encrypted = match bench.encrypt(&text) {
        Ok(encrypted) => encrypted,
        Err(error) => {
            assert!(error.contains("leaves every value in clear"), "seed {seed}: {error}\n{text:?}");
            return false;
        }
    };
    assert_eq!(bench.decrypt(&encrypted).as_deref(), Ok(&*text), "seed {seed}");
    let plain = as_sops_spells_it(&text);
    assert_eq!(bench.sops_decrypt(&encrypted).as_deref(), Ok(&*plain), "seed {seed}: {text:?}\n{encrypted}");
    let by_sops = bench.sops_encrypt(&[], &plain).unwrap_or_else(|code| panic!("seed {seed}: exit {code}: {plain:?}"));
    assert_eq!(bench.decrypt(&by_sops).as_deref(), Ok(&*plain), "seed {seed}: {plain:?}\n{by_sops}");
    true
}

#[test]
fn a_hundred_files_read_the_same_both_ways() {
    both_ways(0..100);
}

#[test]
#[ignore = "two thousand files take a minute or two"]
fn two_thousand_files_read_the_same_both_ways() {
    both_ways(10_000..12_000);
}
