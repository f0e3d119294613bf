//! Values out of a dotenvx file and back into it, every other byte as it was.

use std::collections::HashMap;

use crate::backend::classify::{ValueClass, is_public_key, value_class};
use crate::backend::{EngineError, Job};
use crate::envfile::value::{Spelling, spell, spelling_of};
use crate::envfile::{self, Entry, EnvFile, Quote, Replacement, Separator};
use crate::keys::{KeyName, PrivateKey, PublicKey};
use crate::secret::Secret;

use super::builtin::Opener;
use super::layout::{self, Layout};
use super::tool::DotenvxToolError;
use super::{PLAIN_SUFFIX, SealedEntry, header_key};

/// The entries that encryption seals: all in clear, also the empty ones, but no public key and no `_PLAIN` value.
pub(super) fn to_encrypt(file: &EnvFile) -> Vec<usize> {
    indices(file, |key, value, separator| {
        let sealed = matches!(value_class(value), ValueClass::Dotenvx | ValueClass::Sops);
        !sealed && !key.ends_with(PLAIN_SUFFIX) && !is_public_key(key) && separator == Separator::Equals
    })
}

/// The entries that decryption opens.
///
/// # Errors
/// A damaged ciphertext: then nothing of the file is decrypted.
pub(super) fn to_decrypt(file: &EnvFile) -> Result<Vec<usize>, EngineError> {
    let damaged = indices(file, |_, value, _| value_class(value) == ValueClass::Damaged);
    if let Some(&index) = damaged.first() {
        let entry = &file.entries()[index];
        return Err(EngineError::Damaged { key: file.key(entry).to_owned(), line: entry.line });
    }
    Ok(indices(file, |_, value, _| value_class(value) == ValueClass::Dotenvx))
}

fn indices(file: &EnvFile, keep: impl Fn(&str, &str, Separator) -> bool) -> Vec<usize> {
    file.entries()
        .iter()
        .enumerate()
        .filter(|(_, entry)| keep(file.key(entry), file.raw(entry), entry.separator))
        .map(|(index, _)| index)
        .collect()
}

/// The value of one entry as dotenvx reads it.
pub(super) fn value(file: &EnvFile, index: usize) -> Secret {
    Secret::new(file.value(&file.entries()[index]))
}

/// Names key and line where the tool only knows the index of a value.
pub(super) fn name_value(file: &EnvFile, picked: &[usize], error: EngineError) -> EngineError {
    let EngineError::DotenvxTool(DotenvxToolError::Unrepresentable { index, why }) = error else {
        return error;
    };
    match picked.get(index).map(|&entry| &file.entries()[entry]) {
        Some(entry) => {
            EngineError::Unrepresentable { key: file.key(entry).to_owned(), line: entry.line, why }
        }
        None => error,
    }
}

/// The ciphertexts at `picked`.
pub(super) fn sealed_entries<'a>(file: &'a EnvFile, picked: &[usize]) -> Vec<SealedEntry<'a>> {
    let entries = picked.iter().map(|&index| &file.entries()[index]);
    entries
        .map(|entry| SealedEntry { key: file.key(entry), line: entry.line, value: file.raw(entry) })
        .collect()
}

/// What encryption leaves readable on purpose or by the format: worth a line in the report.
pub(super) fn left_readable(file: &EnvFile) -> Vec<String> {
    let mut notes = Vec::new();
    for entry in file.entries() {
        let key = file.key(entry);
        if key.ends_with(PLAIN_SUFFIX) && !file.raw(entry).is_empty() {
            notes
                .push(format!("line {}: {key} stays readable (its name ends in {PLAIN_SUFFIX})", entry.line));
        }
        let glued = entry.quote == Quote::None && file.text()[entry.slot.end..].starts_with('#');
        if glued && !entry.slot.is_empty() {
            notes.push(format!(
                "line {}: what follows the # of {key} is a comment to dotenvx and stays readable; quote the value if it belongs to it",
                entry.line
            ));
        }
    }
    notes
}

/// The encrypted text: `sealed` in place of the values at `picked`, and the header on top where there is none.
pub(super) fn encrypted(
    job: &Job<'_>,
    picked: &[usize],
    sealed: &[String],
    key: (&KeyName, &PublicKey),
) -> String {
    let file = job.file;
    let replacements: Vec<Replacement> = picked
        .iter()
        .zip(sealed)
        .map(|(&entry, raw)| Replacement { entry, raw: raw.clone(), quote: file.entries()[entry].quote })
        .collect();
    let body = file.with_values(&replacements);
    let known = if holds_ciphertext(file) { layout::of(file.text()) } else { None };
    let fresh_header = matches!(header_key(file), Ok(None));
    // The line end of the text without the values: it is what decryption sees, a value may hold another one.
    let mut layout = spellings(file, picked, envfile::line_end(&body), known.as_ref());
    layout.header = known.as_ref().map_or(fresh_header, |known| known.header);
    if known.is_some() {
        return layout::updated(&body, &layout);
    }
    layout::added(&body, &layout, &job.target.base_name(), fresh_header.then_some(key))
}

/// True where some values are encrypted already.
pub(super) fn holds_ciphertext(file: &EnvFile) -> bool {
    file.entries().iter().any(|entry| value_class(file.raw(entry)) == ValueClass::Dotenvx)
}

/// The spellings of the values at `picked` as they stand there, and of the others as they are `known`.
fn spellings(file: &EnvFile, picked: &[usize], end: &str, known: Option<&Layout>) -> Layout {
    let mut layout = Layout::default();
    let mut picked = picked.iter().copied().peekable();
    for (index, (key, occurrence)) in occurrences(file).into_iter().enumerate() {
        let entry = &file.entries()[index];
        let spelling = if picked.next_if_eq(&index).is_some() {
            spelling_of(file.raw(entry), entry.quote, end)
        } else {
            known.and_then(|known| known.spellings.get(&(key.to_owned(), occurrence)).cloned())
        };
        if let Some(spelling) = spelling {
            layout.add(key, occurrence, spelling);
        }
    }
    layout
}

/// Key and occurrence (from 1) of every entry.
pub(super) fn occurrences(file: &EnvFile) -> Vec<(&str, usize)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let entries = file.entries().iter();
    entries
        .map(|entry| {
            let count = seen.entry(file.key(entry)).or_default();
            *count += 1;
            (file.key(entry), *count)
        })
        .collect()
}

/// The private keys to try, the one of the file's public key first.
///
/// # Errors
/// No key at hand, or a malformed one where no other is there.
pub(super) fn keys_for<'a>(job: &'a Job<'_>) -> Result<Vec<&'a PrivateKey>, EngineError> {
    let header = header_key(job.file).ok().flatten();
    let name =
        header.as_ref().map_or_else(|| KeyName::for_file(&job.target.base_name()), |(name, _)| name.clone());
    let mut keys: Vec<&PrivateKey> = job.ring.by_preference(&name).into_iter().map(|key| &key.key).collect();
    if keys.is_empty() {
        return Err(match job.ring.malformed(&name) {
            Some(variable) => EngineError::MalformedKey { variable: variable.to_owned() },
            None => EngineError::MissingKey { name: name.private(), store: job.target.key_store() },
        });
    }
    if let Some(first) = header.and_then(|(_, public)| job.ring.matching(&public, &name)) {
        keys.retain(|key| *key != first);
        keys.insert(0, first);
    }
    let mut unique: Vec<&PrivateKey> = Vec::with_capacity(keys.len());
    for key in keys {
        if !unique.contains(&key) {
            unique.push(key);
        }
    }
    Ok(unique)
}

/// Opens `sealed` in process and names the keys where the engine's `values` differ.
pub(super) fn compare(
    keys: &[&PrivateKey],
    sealed: &[SealedEntry<'_>],
    values: &[Secret],
) -> Result<(), EngineError> {
    let differs = |(entry, value): &(&SealedEntry<'_>, &Secret)| opened(keys, entry).as_ref() != Some(*value);
    let pairs = sealed.iter().zip(values);
    let changed: Vec<String> = pairs.filter(differs).map(|(entry, _)| entry.key.to_owned()).collect();
    if values.len() == sealed.len() && changed.is_empty() {
        return Ok(());
    }
    Err(EngineError::Changed { keys: changed })
}

/// Why `sealed` did not open, found out in process; none where it does open and the fault is the engine's.
pub(super) fn diagnose(
    job: &Job<'_>,
    keys: &[&PrivateKey],
    sealed: &[SealedEntry<'_>],
) -> Option<EngineError> {
    let closed: Vec<&SealedEntry<'_>> = sealed.iter().filter(|entry| opened(keys, entry).is_none()).collect();
    let first = closed.first()?;
    let header = header_key(job.file).ok().flatten();
    let right_key = header.as_ref().is_some_and(|(name, public)| job.ring.matching(public, name).is_some());
    if right_key || closed.len() < sealed.len() {
        return Some(EngineError::Damaged { key: first.key.to_owned(), line: first.line });
    }
    let name = header.map_or_else(|| KeyName::for_file(&job.target.base_name()), |(name, _)| name);
    if let Some(variable) = job.ring.malformed_named(&name) {
        return Some(EngineError::MalformedKey { variable: variable.to_owned() });
    }
    let keys = closed.iter().map(|entry| entry.key.to_owned()).collect();
    Some(EngineError::WrongKey { keys, tried: job.ring.names() })
}

fn opened(keys: &[&PrivateKey], entry: &SealedEntry<'_>) -> Option<Secret> {
    keys.iter().find_map(|key| Opener::Private(key).open(entry.value, 0))
}

/// The plain text: `values` in place of the ciphertexts at `picked`, spelled as they were.
///
/// A slot whose quotes cannot hold its value (the file was edited, or another tool wrote it) gets quotes that can.
///
/// # Errors
/// A value that no quotes can hold.
pub(super) fn decrypted(file: &EnvFile, picked: &[usize], values: &[Secret]) -> Result<String, EngineError> {
    let layout = layout::of(file.text()).unwrap_or_default();
    let names = occurrences(file);
    let mut attempts = vec![0; picked.len()];
    loop {
        let slots: Vec<Replacement> = (0..picked.len())
            .map(|at| {
                let (key, occurrence) = names[picked[at]];
                let spelling = layout.spellings.get(&(key.to_owned(), occurrence));
                attempt(file, picked[at], &values[at], attempts[at], spelling)
            })
            .collect();
        let text = file.with_values(&slots);
        let wrong = misread(&EnvFile::parse(text.clone()), file, picked, values);
        if wrong.is_empty() {
            let start = layout::start(file.text()).filter(|&at| !in_a_value(file, at));
            let bare = layout::removed_at(&text, start.map(|at| moved(file, &slots, at)));
            // Without the line above it, a stray line could be read as the value of the name before.
            return Ok(if reads_alike(&bare, &text) { bare } else { text });
        }
        for at in wrong {
            attempts[at] += 1;
            if attempts[at] == ATTEMPTS {
                let entry = &file.entries()[picked[at]];
                return Err(EngineError::Unwritable { key: file.key(entry).to_owned(), line: entry.line });
            }
        }
    }
}

fn in_a_value(file: &EnvFile, at: usize) -> bool {
    file.entries().iter().any(|entry| entry.slot.contains(&at))
}

/// Where the text at `at` of `file`, outside of every value, stands once `slots` have taken their places.
fn moved(file: &EnvFile, slots: &[Replacement], at: usize) -> usize {
    let before = slots.iter().map(|new| (new, &file.entries()[new.entry].slot));
    before
        .take_while(|(_, slot)| slot.start < at)
        .fold(at, |at, (new, slot)| at + new.raw.len() + 2 * new.quote.as_str().len() - slot.len())
}

/// True where both texts have the same values under the same keys, public keys aside.
fn reads_alike(one: &str, other: &str) -> bool {
    let (one, other) = (EnvFile::parse(one), EnvFile::parse(other));
    let pairs = |file: &EnvFile| -> Vec<(String, String)> {
        let own = file.entries().iter().filter(|entry| !is_public_key(file.key(entry)));
        own.map(|entry| (file.key(entry).to_owned(), file.raw(entry).to_owned())).collect()
    };
    pairs(&one) == pairs(&other)
}

/// How many ways of writing a value there are.
const ATTEMPTS: usize = 4;

/// The `number`th way of writing a value: as the file has it, then in single, double and backtick quotes.
fn attempt(
    file: &EnvFile,
    entry: usize,
    value: &Secret,
    number: usize,
    spelling: Option<&Spelling>,
) -> Replacement {
    let on_one_line = Spelling::escaped();
    let (quote, spelling) = match number {
        0 => (file.entries()[entry].quote, spelling),
        1 => (Quote::Single, None),
        2 => (Quote::Double, Some(&on_one_line)),
        _ => (Quote::Backtick, None),
    };
    Replacement { entry, raw: spell(value.expose(), quote, file.line_end(), spelling), quote }
}

/// Which of `values` do not read back from `text`; where the rest of `file` does not, those that may be the reason.
fn misread(text: &EnvFile, file: &EnvFile, picked: &[usize], values: &[Secret]) -> Vec<usize> {
    if rest_reads_back(text, file, picked) {
        let reads_back = |&at: &usize| text.value(&text.entries()[picked[at]]) == values[at].expose();
        return (0..values.len()).filter(|at| !reads_back(at)).collect();
    }
    let suspects: Vec<usize> = (0..values.len()).filter(|&at| needs_quotes(values[at].expose())).collect();
    if suspects.is_empty() { (0..values.len()).collect() } else { suspects }
}

/// True where `text` has the keys of `file`, and its values except those at `picked`.
fn rest_reads_back(text: &EnvFile, file: &EnvFile, picked: &[usize]) -> bool {
    let mut picked = picked.iter().copied().peekable();
    let same = |(index, (new, old)): (usize, (&Entry, &Entry))| {
        let opened = picked.next_if_eq(&index).is_some();
        text.key(new) == file.key(old) && (opened || text.raw(new) == file.raw(old))
    };
    let pairs = text.entries().iter().zip(file.entries());
    text.entries().len() == file.entries().len() && pairs.enumerate().all(same)
}

fn needs_quotes(value: &str) -> bool {
    value.contains(['\n', '\r', '#', '"', '\'', '`']) || value.trim() != value
}

/// Proves that `encrypted` opens to `original`: entry by entry, then byte for byte.
pub(super) fn prove(original: &EnvFile, encrypted: &EnvFile, opener: &Opener<'_>) -> Result<(), EngineError> {
    let picked = to_encrypt(original);
    let shift = encrypted.entries().len().checked_sub(original.entries().len()).ok_or(EngineError::Layout)?;
    let mut changed = Vec::new();
    let mut slots = Vec::with_capacity(picked.len());
    for (order, &index) in picked.iter().enumerate() {
        let entry = &original.entries()[index];
        let sealed = encrypted.entries().get(index + shift).ok_or(EngineError::Layout)?;
        let same_key = encrypted.key(sealed) == original.key(entry);
        let value = opener.open(encrypted.raw(sealed), order);
        if !same_key || value.as_ref().map(Secret::expose) != Some(original.value(entry).as_str()) {
            changed.push(original.key(entry).to_owned());
        }
        slots.push((index + shift, value));
    }
    if !changed.is_empty() {
        return Err(EngineError::Changed { keys: changed });
    }
    prove_text(original, encrypted, slots)
}

fn prove_text(
    original: &EnvFile,
    encrypted: &EnvFile,
    slots: Vec<(usize, Option<Secret>)>,
) -> Result<(), EngineError> {
    let (picked, values): (Vec<usize>, Vec<Secret>) =
        slots.into_iter().filter_map(|(index, value)| Some((index, value?))).unzip();
    let back = decrypted(encrypted, &picked, &values)?;
    // A file that was partly encrypted keeps its layout line; it is compared without it.
    let wanted = if holds_ciphertext(original) {
        layout::removed(original.text())
    } else {
        original.text().to_owned()
    };
    if back == wanted { Ok(()) } else { Err(EngineError::Layout) }
}
