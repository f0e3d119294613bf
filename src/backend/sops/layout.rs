//! What a SOPS file cannot show of the original text, in one metadata line that holds no secret.
//!
//! `sops_envdrift_layout=1:<sum>:<op>;…` where an op is `u` (a byte order mark opens the file), `e` (the last
//! line has no line break), `<blanks>@<lines>` (these blanks stand before a comment, or make up an empty line;
//! `s` space, `t` tab, `r` CR, `v` and `f`, each with an optional count) or `n<breaks>@<lines>` (these line
//! breaks of a value are real ones, all of them when no numbers follow the `n`). Lines and breaks count from 1,
//! as lists of numbers and ranges. `<sum>` covers the order of comments, empty lines and key names.
//!
//! SOPS ignores the line and drops it when it rewrites the file. The MAC does not cover it, so it is believed
//! only as long as it chooses between spellings of the same lines: the sum must fit, and the text it gives
//! must split into the decrypted lines again. Otherwise the spelling of SOPS results.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::ranges;
use super::store::{self, Item, Plain};

/// The metadata key, without its `sops_` prefix.
pub const NAME: &str = "envdrift_layout";

/// The most blanks and break numbers that a layout may stand for, so that a forged one stays cheap.
const BUDGET: usize = 1 << 24;

/// Which line breaks of a value are real ones; the others are spelled `\n`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breaks {
    /// Every one.
    All,
    /// Those with these numbers, counted from 1 in ascending order.
    Some(Vec<usize>),
}

impl Breaks {
    /// The breaks of `value` as it stands in a plain file; `None` when none is real.
    pub fn of(value: &str) -> Option<Self> {
        memchr::memchr(b'\n', value.as_bytes())?;
        let bytes = value.as_bytes();
        let (mut real, mut count, mut at) = (Vec::new(), 0, 0);
        while at < bytes.len() {
            match &bytes[at..] {
                [b'\n', ..] => {
                    count += 1;
                    real.push(count);
                    at += 1;
                }
                [b'\\', b'n', ..] => {
                    count += 1;
                    at += 2;
                }
                _ => at += 1,
            }
        }
        Some(if real.len() == count { Self::All } else { Self::Some(real) })
    }

    fn is_real(&self, number: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(real) => real.binary_search(&number).is_ok(),
        }
    }
}

/// The layout of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// A byte order mark opens the file.
    pub bom: bool,
    /// The last line has no line break.
    pub open_end: bool,
    indents: BTreeMap<usize, String>,
    breaks: BTreeMap<usize, Breaks>,
    sum: String,
}

impl Layout {
    /// Records the blanks before the comment on line `index`, or those that make up an empty line.
    pub(super) fn indent(&mut self, index: usize, blanks: &str) {
        if !blanks.is_empty() {
            self.indents.insert(index, blanks.to_owned());
        }
    }

    /// Records the real line breaks of the value on line `index`.
    pub(super) fn breaks(&mut self, index: usize, breaks: Option<Breaks>) {
        if let Some(breaks) = breaks {
            self.breaks.insert(index, breaks);
        }
    }

    /// Ties the layout to the lines it was made for.
    pub(super) fn seal<'a>(&mut self, items: impl Iterator<Item = &'a Item<'a>>) {
        self.sum = sum(items);
    }

    /// Whether the text of SOPS needs nothing added.
    pub fn is_empty(&self) -> bool {
        !self.bom && !self.open_end && self.indents.is_empty() && self.breaks.is_empty()
    }

    /// The metadata value, or `None` when the file needs none.
    pub fn to_text(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let mut ops: Vec<String> = Vec::new();
        ops.extend(self.bom.then(|| "u".to_owned()));
        for (blanks, lines) in grouped(&self.indents) {
            ops.push(format!("{}@{}", blanks_to_text(blanks), ranges::to_text(&lines)));
        }
        for (breaks, lines) in grouped(&self.breaks) {
            let numbers = match breaks {
                Breaks::All => String::new(),
                Breaks::Some(real) => ranges::to_text(real),
            };
            ops.push(format!("n{numbers}@{}", ranges::to_text(&lines)));
        }
        ops.extend(self.open_end.then(|| "e".to_owned()));
        Some(format!("1:{}:{}", self.sum, ops.join(";")))
    }

    /// Reads a metadata value; `None` when it is not ours or was made for other lines than `items`.
    pub fn parse<'a>(text: &str, items: impl Iterator<Item = &'a Item<'a>> + Clone) -> Option<Self> {
        let (sum_text, ops) = text.strip_prefix("1:")?.split_once(':')?;
        if sum(items.clone()) != sum_text {
            return None;
        }
        let is_pair: Vec<bool> = items.map(|item| matches!(item, Item::Pair { .. })).collect();
        let mut budget = BUDGET;
        let mut layout = Self { sum: sum_text.to_owned(), ..Self::default() };
        for op in ops.split(';') {
            match (op, op.split_once('@')) {
                ("u", _) => layout.bom = true,
                ("e", _) => layout.open_end = true,
                (_, Some((what, lines))) => {
                    let lines = ranges::parse(lines, is_pair.len())?;
                    let of_value = what.starts_with('n');
                    if lines.iter().any(|line| is_pair[line - 1] != of_value) {
                        return None;
                    }
                    layout.read_op(what, &lines, &mut budget)?;
                }
                _ => return None,
            }
        }
        Some(layout)
    }

    fn read_op(&mut self, what: &str, lines: &[usize], budget: &mut usize) -> Option<()> {
        let mut spend = |each: usize| {
            *budget = budget.checked_sub(each.checked_mul(lines.len())?)?;
            Some(())
        };
        let fresh = if let Some(numbers) = what.strip_prefix('n') {
            let breaks = if numbers.is_empty() {
                Breaks::All
            } else {
                let real = ranges::parse(numbers, BUDGET)?;
                spend(real.len())?;
                Breaks::Some(real)
            };
            lines.iter().all(|line| self.breaks.insert(line - 1, breaks.clone()).is_none())
        } else {
            let blanks = blanks_from_text(what)?;
            spend(blanks.len())?;
            lines.iter().all(|line| self.indents.insert(line - 1, blanks.clone()).is_none())
        };
        fresh.then_some(())
    }

    /// The text of `lines` in this layout.
    pub fn join(&self, lines: &[Plain<'_>]) -> String {
        let mut out = String::new();
        out.extend(self.bom.then_some('\u{feff}'));
        for (index, line) in lines.iter().enumerate() {
            let indent = self.indents.get(&index).map_or("", String::as_str);
            match line {
                Plain::Blank => out.push_str(indent),
                Plain::Comment(text) => out.extend([indent, "#", text.expose()]),
                Plain::Pair { key, value } => {
                    out.extend([key, "="]);
                    self.push_value(&mut out, index, value.expose());
                }
            }
            out.push('\n');
        }
        if self.open_end && out.ends_with('\n') {
            out.pop();
        }
        out
    }

    fn push_value(&self, out: &mut String, index: usize, value: &str) {
        let Some(breaks) = self.breaks.get(&index) else { return store::encode_onto(out, value) };
        for (number, part) in value.split('\n').enumerate() {
            if number > 0 {
                out.push_str(if breaks.is_real(number) { "\n" } else { "\\n" });
            }
            out.push_str(part);
        }
    }
}

/// Four bytes of SHA-256, in hex, over the kinds of the lines and their key names.
fn sum<'a>(items: impl Iterator<Item = &'a Item<'a>>) -> String {
    let mut hash = Sha256::new();
    for item in items {
        match item {
            Item::Blank => hash.update(b"\n"),
            Item::Comment(_) => hash.update(b"#\n"),
            Item::Pair { key, .. } => {
                hash.update(key.as_bytes());
                hash.update(b"=\n");
            }
        }
    }
    hex::encode(&hash.finalize()[..4])
}

fn grouped<T: Ord>(by_line: &BTreeMap<usize, T>) -> BTreeMap<&T, Vec<usize>> {
    let mut groups: BTreeMap<&T, Vec<usize>> = BTreeMap::new();
    for (index, what) in by_line {
        groups.entry(what).or_default().push(index + 1);
    }
    groups
}

const BLANKS: [(char, char); 5] = [('s', ' '), ('t', '\t'), ('r', '\r'), ('v', '\x0b'), ('f', '\x0c')];

fn blanks_to_text(blanks: &str) -> String {
    let mut out = String::new();
    let mut rest = blanks.chars().peekable();
    while let Some(blank) = rest.next() {
        let mut count = 1;
        while rest.next_if_eq(&blank).is_some() {
            count += 1;
        }
        out.extend(BLANKS.iter().find(|(_, c)| *c == blank).map(|(letter, _)| *letter));
        if count > 1 {
            // Writing to a String cannot fail.
            let _ = write!(out, "{count}");
        }
    }
    out
}

fn blanks_from_text(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (_, blank) = BLANKS.iter().find(|(l, _)| *l == letter)?;
        rest = &rest[1..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count = if digits == 0 { 1 } else { rest[..digits].parse().ok().filter(|n| *n <= BUDGET)? };
        out.extend(std::iter::repeat_n(*blank, count));
        rest = &rest[digits..];
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sops::store::{decode, split_plain};
    use proptest::prelude::*;

    fn plain<'a>(item: &Item<'a>) -> Plain<'a> {
        match *item {
            Item::Blank => Plain::Blank,
            Item::Comment(text) => Plain::Comment(text.to_owned().into()),
            Item::Pair { key, value } => Plain::Pair { key, value: decode(value) },
        }
    }

    fn layout_of(text: &str) -> Option<String> {
        split_plain(text).unwrap().1.to_text()
    }

    fn ops_of(text: &str) -> String {
        layout_of(text).unwrap().splitn(3, ':').nth(2).unwrap().to_owned()
    }

    fn there_and_back(text: &str) -> String {
        let (lines, layout) = split_plain(text).unwrap();
        let items: Vec<Item<'_>> = lines.iter().map(|line| line.item).collect();
        let read = match layout.to_text() {
            Some(text) => Layout::parse(&text, items.iter()).unwrap(),
            None => Layout::default(),
        };
        read.join(&items.iter().map(plain).collect::<Vec<_>>())
    }

    #[test]
    fn an_ordinary_file_needs_no_layout() {
        assert_eq!(layout_of("# top\n\nA=1\n  B = \"x y\"\nC=a\\nb\r\nexport D=\n\n\n"), None);
        assert_eq!(layout_of(""), None);
    }

    #[test]
    fn each_thing_that_sops_cannot_hold_has_its_op() {
        assert_eq!(ops_of("A=1"), "e");
        assert_eq!(ops_of("\u{feff}A=1\n"), "u");
        assert_eq!(ops_of("A=1\r\n\r\nB=2\r\n\r\n"), "r@2,4");
        assert_eq!(ops_of("    # OLD=1\n\t  \t# x\n"), "ts2t@2;s4@1");
        assert_eq!(ops_of("A=\"x\ny\"\nB='p\\nq\nr'\n"), "n@1;n2@2");
    }

    #[test]
    fn a_layout_made_for_other_lines_is_not_believed() {
        let text = layout_of("A=1\n\r\nB=2\n").unwrap();
        let lines = |text: &'static str| split_plain(text).unwrap().0.into_iter().map(|line| line.item);
        let fits = |items: Vec<Item<'_>>| Layout::parse(&text, items.iter()).is_some();
        assert!(fits(lines("A=9\n\nB=9\n").collect()));
        assert!(!fits(lines("A=9\n\nC=9\n").collect()));
        assert!(!fits(lines("A=9\nB=9\n\n").collect()));
        assert!(!fits(lines("A=9\n\nB=9\n#\n").collect()));
    }

    #[test]
    fn a_forged_layout_is_refused_cheaply() {
        let items = vec![Item::Blank; 1000];
        let prefix = format!("1:{}:", sum(items.iter()));
        for ops in [
            "x",
            "",
            "s@1001",
            "s@0",
            "s99999999@1",
            "s60000@1-1000",
            "n1-16000000@1-1000",
            "q@1",
            "s@1;t@1",
            "é@1",
        ] {
            assert_eq!(Layout::parse(&format!("{prefix}{ops}"), items.iter()), None, "{ops}");
        }
        assert_eq!(Layout::parse("2:00000000:e", items.iter()), None);
    }

    proptest! {
        #[test]
        fn splitting_and_joining_gives_the_text_back(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("A=\"x\ny\""), Just("B='a\\nb\n\\n'"), Just(" \t# c"), Just("\r"), Just(""),
                    Just("#"), Just("C=`\n\n`\r"), Just("D=plain"), Just("\x0b\x0c  "), Just("E=\"open"),
                ],
                0..12,
            ),
            bom in any::<bool>(),
            end in any::<bool>(),
        ) {
            let text = format!("{}{}{}", if bom { "\u{feff}" } else { "" }, lines.join("\n"), if end { "\n" } else { "" });
            prop_assert_eq!(there_and_back(&text), text);
        }
    }
}
