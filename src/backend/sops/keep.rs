//! Old ciphertext for values that did not change, so that a reviewer sees what did.
//!
//! When the last encrypted form of a file is at hand and an identity opens it, a new encryption for the same keys
//! under the same rule takes over its data key, and the ciphertext of every value and comment whose plaintext and
//! name are the same; a file without any change comes out as the very same bytes. That is what `sops edit` and
//! `sops set` do. Nothing else is ever reused, so no nonce meets a second plaintext.
//!
//! Whoever made the old form knew its data key. A reader that must not rely on that encrypts afresh.

use std::collections::HashMap;
use std::path::Path;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::data_key;
use super::decrypt::Source;
use super::master_key::identities::KeyCommand;
use super::master_key::{Identities, IdentitySources, KeyRef};
use super::metadata::Metadata;
use super::rules::Plan;
use super::store::{Item, Plain};
use super::typed::ValueType;
use super::value::{DataKey, Sealed};
use crate::env::Env;

/// The last encrypted form of a file and what may open it.
#[derive(Clone, Copy)]
pub struct Previous<'a> {
    /// The encrypted text.
    pub text: &'a str,
    /// A key file named by flag or configuration.
    pub age_key_file: Option<&'a Path>,
    /// Runs the key commands; leave it out so that nothing runs just for a tidy diff.
    pub run: Option<&'a KeyCommand<'a>>,
}

/// What was taken over from the last form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// No last form was given.
    Nothing,
    /// A last form was given, but could not be used.
    Unusable(String),
    /// The ciphertext of this many values and comments.
    Lines(usize),
    /// The whole file.
    Everything,
}

/// What may be reused: ciphertexts by the hash of associated data and plaintext.
#[derive(Default)]
pub(super) struct Reuse {
    lines: HashMap<[u8; 32], Vec<String>>,
    /// How many were taken.
    pub taken: usize,
}

impl Reuse {
    /// The ciphertext that `plain` had under `aad`, each only once.
    pub(super) fn take(&mut self, aad: &str, plain: &str) -> Option<String> {
        let found = self.lines.get_mut(&fingerprint(aad, plain))?.pop()?;
        self.taken += 1;
        Some(found)
    }
}

/// An opened last form.
pub(super) struct Opened {
    pub data_key: DataKey,
    pub metadata: Metadata,
    pub reuse: Reuse,
    /// Its plain text.
    pub plain: Zeroizing<String>,
}

/// Opens `previous` for reuse under `plan`; the error says why it cannot serve.
pub(super) fn open(previous: &Previous<'_>, plan: &Plan, env: &Env) -> Result<Opened, String> {
    let source = Source::parse(previous.text).map_err(|error| error.to_string())?;
    let Source::Dotenv { body, metadata } = &source else {
        return Err("the last form is no dotenv-store file".to_owned());
    };
    if !same_terms(metadata, plan) {
        return Err("its keys or its rule changed".to_owned());
    }
    let identities =
        Identities::new(IdentitySources { env, age_key_file: previous.age_key_file, run: previous.run });
    let data_key = data_key::unwrap(&metadata.groups, metadata.threshold, &identities)
        .map_err(|error| error.to_string())?;
    let (lines, opened) = source.open_lines(&data_key).map_err(|error| error.to_string())?;
    let mut reuse = Reuse::default();
    // Backwards, so that the first of two equal lines is taken first.
    for (line, opened) in body.iter().zip(&lines).rev() {
        let (aad, text, sealed, value_type) = match (line.item, opened) {
            (Item::Comment(sealed), Plain::Comment(text)) => {
                (":".to_owned(), text, sealed, ValueType::Comment)
            }
            (Item::Pair { key, value: sealed }, Plain::Pair { value, .. }) => {
                (format!("{key}:"), value, sealed, ValueType::Str)
            }
            _ => continue,
        };
        // A number that `sops set` wrote counts otherwise in the MAC than the text it is shown as.
        if Sealed::parse(sealed).is_ok_and(|sealed| sealed.value_type() == value_type) {
            let key = fingerprint(&aad, text.expose());
            reuse.lines.entry(key).or_default().push(sealed.to_owned());
        }
    }
    Ok(Opened { data_key, metadata: metadata.clone(), reuse, plain: Zeroizing::new(opened.text) })
}

fn fingerprint(aad: &str, plain: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(aad.len().to_le_bytes());
    hash.update(aad);
    hash.update(plain);
    hash.finalize().into()
}

/// Whether a file with `metadata` was made for the keys and by the rule of `plan`.
fn same_terms(metadata: &Metadata, plan: &Plan) -> bool {
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    let id = |key: &KeyRef| format!("{}:{}", key.kind().as_str(), key.id());
    let recorded =
        metadata.groups.iter().map(|group| sorted(group.iter().map(|wrapped| id(&wrapped.key)).collect()));
    let planned = plan.groups.iter().map(|group| sorted(group.iter().map(id).collect()));
    let needed = |threshold: Option<usize>| threshold.unwrap_or(plan.groups.len());
    recorded.eq(planned)
        && needed(metadata.threshold) == needed(plan.threshold)
        && metadata.rule == plan.rule
        && metadata.mac_scope == plan.mac_scope
}
