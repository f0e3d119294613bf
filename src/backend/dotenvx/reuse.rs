//! A diff that a reviewer can read: values that did not change keep the ciphertext they had.
//!
//! Sealing the same value twice gives two different ciphertexts, so decrypting and encrypting a file would change
//! every line of it. The last encrypted form of the file is opened in memory with the keys at hand; where a value
//! is still the same, its old ciphertext is used again, and where the whole text is, the old file.

use std::collections::HashMap;

use crate::backend::Job;
use crate::envfile::EnvFile;
use crate::keys::PublicKey;
use crate::secret::Secret;

use super::ecies::{Sealed, ValueKey};
use super::{header_key, text};

/// The last encrypted form of a file, opened.
pub(super) struct Previous<'a> {
    file: &'a EnvFile,
    public: Option<PublicKey>,
    picked: Vec<usize>,
    values: Vec<Secret>,
    keys: Vec<ValueKey>,
}

/// A value that is still the same.
pub(super) struct KeptValue {
    /// Its ciphertext.
    pub(super) sealed: String,
    /// What proves it.
    pub(super) key: ValueKey,
}

impl<'a> Previous<'a> {
    /// Opens the previous form; none where there is none or where the keys at hand do not open all of it.
    pub(super) fn open(job: &Job<'a>) -> Option<Self> {
        let file = job.previous?;
        let previous = Job { file, ring: job.ring, target: job.target, public: None, previous: None };
        let picked = text::to_decrypt(file).ok()?;
        let private = text::keys_for(&previous).ok()?;
        let (mut values, mut keys) = (Vec::with_capacity(picked.len()), Vec::with_capacity(picked.len()));
        for entry in text::sealed_entries(file, &picked) {
            let sealed = Sealed::parse(entry.value)?;
            let (value, key) = private.iter().find_map(|private| {
                let key = sealed.key(private)?;
                let value = sealed.open(&key)?;
                Some((std::str::from_utf8(&value).ok().map(Secret::new)?, key))
            })?;
            values.push(value);
            keys.push(key);
        }
        let public = header_key(file).ok().flatten().map(|(_, public)| public);
        Some(Self { file, public, picked, values, keys })
    }

    /// The previous text and the keys that prove it, where it decrypts to the very bytes of `file`.
    pub(super) fn whole(&self, file: &EnvFile) -> Option<(String, Vec<ValueKey>)> {
        let plain = text::decrypted(self.file, &self.picked, &self.values).ok()?;
        (plain == file.text()).then(|| (self.file.text().to_owned(), self.keys.clone()))
    }

    /// The ciphertexts of the values at `picked` that were sealed for `public` and are the same as before.
    pub(super) fn kept(
        &self,
        file: &EnvFile,
        picked: &[usize],
        public: &PublicKey,
    ) -> Vec<Option<KeptValue>> {
        if self.public.as_ref() != Some(public) {
            return picked.iter().map(|_| None).collect();
        }
        let names = text::occurrences(self.file);
        let known: HashMap<(&str, usize), usize> =
            self.picked.iter().enumerate().map(|(at, &entry)| (names[entry], at)).collect();
        let now = text::occurrences(file);
        let same = |&entry: &usize| {
            let &at = known.get(&now[entry])?;
            if self.values[at] != text::value(file, entry) {
                return None;
            }
            let sealed = self.file.raw(&self.file.entries()[self.picked[at]]).to_owned();
            Some(KeptValue { sealed, key: self.keys[at].clone() })
        };
        picked.iter().map(same).collect()
    }
}
