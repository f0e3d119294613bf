//! Files made from a seed, and how sops spells them.
#![expect(clippy::unwrap_used, reason = "a helper of tests may panic")]

use envdrift::backend::sops::store::{self, Item};

/// `text` as sops spells it: no empty lines, every line ended, one line per value.
pub(super) fn as_sops_spells_it(text: &str) -> String {
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
    "A",
    "DB_URL",
    "export TOKEN",
    "  INDENTED",
    "SPACED ",
    "my.key-x",
    "A",
    "ключ",
    "X_unencrypted",
    "a b",
    "",
    "\u{feff}B",
    "K\\n",
    "sops",
    "SOPS_AGE_KEY",
    "\rC",
];
const PIECES: &[&str] = &[
    "hello",
    " ",
    "\"",
    "'",
    "`",
    "\\",
    "\\\\n",
    "=",
    "#",
    " # c",
    "$VAR",
    "$(id)",
    "héé 日本 🔑",
    "\t",
    "\r",
    "\u{0}",
    "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]",
    "encrypted:BAB",
    "postgres://u:p@h/db?x=1",
    "{\"a\":1}",
    "",
];
const LINES: &[&str] = &[
    "",
    "# comment",
    "#",
    "#\r",
    "  # OLD=secret",
    "\t# c",
    "   ",
    "\r",
    "# a\\nb",
    "\x0b",
    "P=\"-----BEGIN KEY-----\nabc/+=\nMIIE\n-----END KEY-----\n\"",
    "J='{\n  \"a\": 1,\n\n  # b\n}'",
    "M=`x\\ny\nz`",
    "Q=\"a\\\"\nb\" # c",
    "U_unencrypted=\"l1\nl2\"",
    "# DB_PASSWORD=old",
];

/// The file of `seed`.
pub(super) fn file(seed: u64) -> String {
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

const TOKENS: &[&str] = &[
    "A",
    "B",
    "1",
    "_",
    "a",
    "K",
    "é",
    ".",
    "^",
    "$",
    "|",
    "(",
    ")",
    "(?:",
    "(?i:",
    "*",
    "+",
    "?",
    "{2}",
    "{1,}",
    "{,1}",
    "{",
    "}",
    "[",
    "]",
    "[^",
    "-",
    "&&",
    "~",
    "--",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "\\.",
    "\\]",
    "\\-",
    "\\\\",
    "\\pL",
    "\\p{Lu}",
    "[:alpha:]",
    "[[:upper:]]",
    "\\x41",
    "[A-Z]",
    "[^A]",
    "[a-",
    "\\Q",
    "\\E",
    "\\A",
    "\\z",
    ":",
    "=",
    " ",
];

/// The regular expression of `seed`, valid or not.
pub(super) fn pattern(seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    // The first rolls of neighbouring seeds are alike.
    for _ in 0..8 {
        dice.roll(2);
    }
    // Flags stand at the start only: Go lets a repeat behind them reach over to what stands before.
    let flags = dice.pick(&["", "", "", "(?i)"]);
    let tokens: String = (0..=dice.roll(6)).map(|_| dice.pick(TOKENS)).collect();
    format!("{flags}{tokens}")
}
