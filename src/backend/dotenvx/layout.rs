//! What envdrift adds to a file when it encrypts, and how it takes it away again.
//!
//! dotenvx puts a header with the public key on top of a file and leaves it there on decryption, and it forgets
//! whether a line break in double quotes was a real one or the two characters `\n`. To give back the original
//! bytes, envdrift writes one comment line above its own header,
//!
//! ```text
//! # envdrift:layout:1 header A:e PEM#2:n
//! ```
//!
//! `header`: the seven lines below were added with it. `KEY:letters`: how the line breaks of that value were
//! spelled (see [`Spelling`]); `#2` is the second assignment of that key. The line holds no secret, dotenvx reads over
//! it, and a file that needs nothing restored gets none. Only the first such line counts, so a file that
//! already has one in clear gets another above it.

use std::collections::HashMap;

use crate::envfile::line_end;
use crate::envfile::value::Spelling;
use crate::keys::{KeyName, PublicKey};

const MARK: &str = "# envdrift:layout:1";

/// The lines of dotenvx's own header above and below the public key, byte for byte.
const HEADER_TOP: [&str; 4] = [
    "#/-------------------[DOTENV_PUBLIC_KEY]--------------------/",
    "#/            public-key encryption for .env files          /",
    "#/       [how it works](https://dotenvx.com/encryption)     /",
    "#/----------------------------------------------------------/",
];

/// What has to be restored on decryption.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// The header was added together with this line.
    pub(super) header: bool,
    /// Spelling of values, by key and occurrence (from 1).
    pub(super) spellings: HashMap<(String, usize), Spelling>,
    /// Order of the spellings, for writing.
    order: Vec<(String, usize)>,
}

impl Layout {
    pub(super) fn add(&mut self, key: &str, occurrence: usize, spelling: Spelling) {
        let id = (key.to_owned(), occurrence);
        if self.spellings.insert(id.clone(), spelling).is_none() {
            self.order.push(id);
        }
    }

    fn render(&self) -> String {
        let mut line = MARK.to_owned();
        if self.header {
            line.push_str(" header");
        }
        for id in &self.order {
            let letters = self.spellings[id].letters();
            let (key, occurrence) = id;
            let occurrence = if *occurrence == 1 { String::new() } else { format!("#{occurrence}") };
            line.extend([" ", key, &occurrence, ":", letters]);
        }
        line
    }

    fn read(line: &str) -> Option<Self> {
        let words = line.strip_prefix(MARK)?;
        if !words.is_empty() && !words.starts_with(' ') {
            return None;
        }
        let mut layout = Self::default();
        for word in words.split_ascii_whitespace() {
            if word == "header" {
                layout.header = true;
            } else if let Some((id, letters)) = word.rsplit_once(':') {
                let (key, occurrence) = id.rsplit_once('#').unwrap_or((id, "1"));
                if let (Ok(occurrence), Some(spelling)) =
                    (occurrence.parse(), Spelling::from_letters(letters))
                {
                    layout.add(key, occurrence, spelling);
                }
            }
        }
        Some(layout)
    }
}

/// `text` with the layout line (and the header for `key` where it has none) put on top of it.
pub(super) fn added(
    text: &str,
    layout: &Layout,
    base_name: &str,
    key: Option<(&KeyName, &PublicKey)>,
) -> String {
    if key.is_none() && layout.order.is_empty() && find(text).is_none() {
        return text.to_owned();
    }
    let end = line_end(text);
    let at = insertion_point(text);
    let mut top = layout.render() + end;
    if let Some((name, public)) = key {
        let own = [format!("{}=\"{public}\"", name.public()), String::new(), format!("# {base_name}")];
        for line in HEADER_TOP.iter().copied().chain(own.iter().map(String::as_str)) {
            top.push_str(line);
            top.push_str(end);
        }
    }
    [&text[..at], &top, &text[at..]].concat()
}

/// The layout of an encrypted `text`, if it has one.
pub(super) fn of(text: &str) -> Option<Layout> {
    find(text).map(|(_, layout)| layout)
}

/// Where the layout line of an encrypted `text` starts, if it has one.
pub(super) fn start(text: &str) -> Option<usize> {
    find(text).map(|(span, _)| span.start)
}

/// `text` without what [`added`] put there.
pub(super) fn removed(text: &str) -> String {
    removed_at(text, start(text))
}

/// The same for a decrypted `text`: its values may hold lines that look like a layout line, so the encrypted one
/// has to say where the layout line starts.
pub(super) fn removed_at(text: &str, start: Option<usize>) -> String {
    let Some((start, (span, layout))) = start.and_then(|start| Some((start, find(&text[start..])?))) else {
        return text.to_owned();
    };
    let mut rest = &text[start + span.end..];
    if layout.header
        && let Some(len) = header_len(rest)
    {
        rest = &rest[len..];
    }
    [&text[..start + span.start], rest].concat()
}

/// `text` with the facts of its layout line replaced, for a file that is encrypted further.
pub(super) fn updated(text: &str, layout: &Layout) -> String {
    let Some((span, _)) = find(text) else { return text.to_owned() };
    let line = &text[span.clone()];
    let end = &line[line.trim_end_matches(['\r', '\n']).len()..];
    [&text[..span.start], &layout.render(), end, &text[span.end..]].concat()
}

/// Where the layout line stands, with its line end.
fn find(text: &str) -> Option<(std::ops::Range<usize>, Layout)> {
    let mut from = 0;
    while let Some(found) = text[from..].find(MARK) {
        let start = from + found;
        let len = text[start..].find(['\r', '\n']).unwrap_or(text.len() - start);
        let at_line_start = start == 0 || text[..start].ends_with(['\n', '\r', '\u{feff}']);
        if let (true, Some(layout)) = (at_line_start, Layout::read(&text[start..start + len])) {
            let rest = &text[start + len..];
            let end_len = if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
            return Some((start..start + len + end_len, layout));
        }
        from = start + MARK.len();
    }
    None
}

/// Behind a byte order mark and a `#!` line.
fn insertion_point(text: &str) -> usize {
    let bom = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if !text[bom..].starts_with("#!") {
        return bom;
    }
    match text.find(['\r', '\n']) {
        Some(at) if text[at..].starts_with("\r\n") => at + 2,
        Some(at) => at + 1,
        None => text.len(),
    }
}

/// The length of the header at the start of `text`; none where its lines are not those of [`added`].
fn header_len(text: &str) -> Option<usize> {
    let mut len = 0;
    let own: [fn(&str) -> bool; 3] = [
        |line| line.starts_with(crate::keys::DOTENV_PUBLIC_KEY),
        str::is_empty,
        |line| line.starts_with("# "),
    ];
    let mut own = own.iter();
    let mut top = HEADER_TOP.iter();
    for _ in 0..HEADER_TOP.len() + 3 {
        let rest = &text[len..];
        let line_len = rest.find(['\r', '\n'])?;
        let line = &rest[..line_len];
        let expected =
            top.next().map(|wanted| line == *wanted).or_else(|| own.next().map(|is_own| is_own(line)));
        if expected != Some(true) {
            return None;
        }
        len += line_len + if rest[line_len..].starts_with("\r\n") { 2 } else { 1 };
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::PrivateKey;

    #[test]
    fn what_is_added_is_removed_from_every_kind_of_text() {
        let public = PrivateKey::generate().unwrap().public().unwrap();
        let name = KeyName::for_file(".env");
        let mark = format!("{MARK} header\nA=1\n");
        for text in
            ["A=1", "A=1\r\nB=2\r\n", "#!/bin/x\nA=1\n", "\u{feff}A=1\n", "A=1\rB=2\r", "\n\nA=1", &mark]
        {
            let layout = Layout { header: true, ..Layout::default() };
            let grown = added(text, &layout, ".env", Some((&name, &public)));
            assert!(grown.contains(&public.to_string()), "{grown}");
            assert_eq!(removed(&grown), text, "{grown}");
        }
    }

    #[test]
    fn a_text_that_needs_nothing_gets_nothing() {
        assert_eq!(added("A=1\n", &Layout::default(), ".env", None), "A=1\n");
    }

    #[test]
    fn a_layout_line_reads_back() {
        let mut layout = Layout { header: true, ..Layout::default() };
        layout.add("A", 1, Spelling::from_letters("e").unwrap());
        layout.add("B.c-d", 2, Spelling::from_letters("nce").unwrap());
        assert_eq!(layout.render(), "# envdrift:layout:1 header A:e B.c-d#2:nce");
        assert_eq!(of(&format!("{}\nA=1", layout.render())), Some(layout));
    }

    #[test]
    fn a_header_that_was_edited_is_left_alone() {
        let text = format!("{MARK} header\n#/ mine\nA=1\n");
        assert_eq!(removed(&text), "#/ mine\nA=1\n");
    }
}
