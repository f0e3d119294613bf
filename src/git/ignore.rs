//! The text of `.gitignore` files: which names they certainly ignore, and how lines are added.
//!
//! Only patterns that need no interpretation are judged here (a file name, with or without `*`); git is the judge of
//! all others. So the answer is exact where it is "yes", and the usual `.env.keys` costs no process.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// Whether `path`, relative to `root`, is ignored beyond doubt: a plain pattern in a `.gitignore` on the way to it hits
/// its name, and no pattern behind that one re-includes anything.
pub(super) fn surely_ignored(root: &Path, path: &Path) -> bool {
    let Some(name) = path.file_name() else { return false };
    let folders: Vec<&Path> = path.ancestors().skip(1).collect();
    let mut ignored = false;
    // From the root down: a deeper file wins over a higher one, a later line over an earlier one.
    for folder in folders.into_iter().rev() {
        let file = root.join(folder).join(".gitignore");
        // Git does not follow a symlink here.
        if file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            let Ok(text) = fs::read(&file) else { return false };
            ignored = ignored_after(&text, name.as_encoded_bytes(), ignored);
        }
    }
    ignored
}

fn ignored_after(text: &[u8], name: &[u8], before: bool) -> bool {
    lines(text)
        .fold(before, |ignored, line| !line.starts_with(b"!") && (ignored || is_plain_match(line, name)))
}

/// Whether `pattern` has no syntax but `*` and matches `name` in any folder.
fn is_plain_match(pattern: &[u8], name: &[u8]) -> bool {
    let is_plain = !pattern.starts_with(b"#")
        && !pattern.ends_with(b" ")
        && !pattern.iter().any(|byte| matches!(byte, b'/' | b'?' | b'[' | b'\\'));
    let mut pieces = pattern.split(|&byte| byte == b'*');
    let Some(mut rest) = pieces.next().filter(|_| is_plain).and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&[u8]> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = memchr::memmem::find(rest, piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// The lines of an ignore file as git cuts them: a byte order mark and the `\r` of a line end do not count.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether the file has the line `entry` and nothing behind it that re-includes. Git drops blanks at the end of a line,
/// and nothing else.
pub(super) fn has_effective_line(text: &[u8], entry: &str) -> bool {
    lines(text).fold(false, |found, line| {
        let blanks = line.iter().rev().take_while(|&&byte| byte == b' ').count();
        !line.starts_with(b"!") && (found || line[..line.len() - blanks] == *entry.as_bytes())
    })
}

/// The line that ignores exactly `path`, which is relative to the root.
pub(super) fn entry(path: &OsStr) -> String {
    let escaped = escaped(path);
    if escaped.starts_with(['#', '!']) { format!("\\{escaped}") } else { escaped }
}

/// `path` as a pattern that matches it literally. A line end, which no pattern can spell, becomes `?`; so does a byte
/// that is not UTF-8.
pub(super) fn escaped(path: &OsStr) -> String {
    let path = path.as_encoded_bytes();
    let blanks_from = path.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
    let mut pattern = String::with_capacity(path.len());
    for chunk in path[..blanks_from].utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\r' => pattern.push('?'),
                '*' | '?' | '[' | '\\' => pattern.extend(['\\', c]),
                _ => pattern.push(c),
            }
        }
        pattern.extend(chunk.invalid().iter().map(|_| '?'));
    }
    pattern + &"\\ ".repeat(path.len() - blanks_from)
}

/// `existing` with `entries` added, each on its own line at the end.
///
/// What is there stays byte for byte, whatever its encoding; a missing final line end is added first, and the new lines
/// end as the first line of the file does. An entry that is already the last word on its subject is not added again.
pub fn appended(existing: &[u8], entries: &[String]) -> Vec<u8> {
    let first_line = existing.iter().position(|&byte| byte == b'\n').map_or(existing, |end| &existing[..end]);
    let line_end: &[u8] = if first_line.ends_with(b"\r") { b"\r\n" } else { b"\n" };
    let mut text = existing.to_vec();
    for entry in entries {
        if has_effective_line(&text, entry) {
            continue;
        }
        if !text.is_empty() && !text.ends_with(b"\n") {
            text.extend_from_slice(line_end);
        }
        text.extend_from_slice(entry.as_bytes());
        text.extend_from_slice(line_end);
    }
    text
}
