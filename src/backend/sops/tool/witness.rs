//! The built-in reader as a second witness to what sops did.
//!
//! Where an identity is at hand in process, the file is opened without sops and the texts are compared. Where there is
//! none, the witness has nothing to say, and what sops did is believed as far as its form goes.

use std::path::Path;

use crate::backend::sops::builtin::{self, DecryptRequest};
use crate::backend::sops::error::SopsError;
use crate::backend::sops::store::{self, Item, Line};
use crate::env::{self, Env};
use crate::secret::Secret;

/// What the built-in reader says of an encrypted text.
pub(super) enum Testimony {
    /// It opens to this.
    Opened(Secret),
    /// It cannot be opened in process.
    Silent,
    /// It must not be believed.
    Refused(SopsError),
}

/// Opens `text` in process with the identities at hand; no key command is run.
pub(super) fn hear(text: &str, age_key_file: Option<&Path>, env: &Env) -> Testimony {
    if !may_be_read_twice(age_key_file, env) {
        return Testimony::Silent;
    }
    match builtin::decrypt(&DecryptRequest { text, age_key_file, env, run: None }) {
        Ok(opened) => Testimony::Opened(opened.text.into()),
        // A pattern that only Go knows, or no key.
        Err(SopsError::DataKey(_) | SopsError::Selection(_)) => Testimony::Silent,
        Err(error) => Testimony::Refused(error),
    }
}

/// Whether the identity files are plain files; a pipe gives its text once, and sops needs it.
pub(super) fn may_be_read_twice(age_key_file: Option<&Path>, env: &Env) -> bool {
    let named = |name| env.get(name).map(|text| env.resolve(env.cwd(), text));
    let key_file = age_key_file.map(|path| env.cwd().join(path)).or_else(|| named(env::SOPS_AGE_KEY_FILE));
    let ssh_file = named(env::SOPS_AGE_SSH_PRIVATE_KEY_FILE);
    [key_file, ssh_file].into_iter().flatten().all(|path| path.is_file() || !path.exists())
}

/// The keys whose values differ between two plain texts; what is between the values counts last.
pub(super) fn differing(one: &str, other: &str) -> Vec<String> {
    let (Ok((one, _)), Ok((other, _))) = (store::split_plain(one), store::split_plain(other)) else {
        return vec!["the whole file".to_owned()];
    };
    let name = |line: &Line<'_>| match line.item {
        Item::Pair { key, .. } => Some(key.to_owned()),
        Item::Comment(_) | Item::Blank => None,
    };
    let pairs = one.iter().zip(&other).filter(|(one, other)| one.item != other.item);
    let mut keys: Vec<String> = pairs.filter_map(|(one, _)| name(one)).collect();
    if keys.is_empty() {
        keys.push("the text between the values".to_owned());
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_named_by_key() {
        assert_eq!(differing("A=1\nB=2\n", "A=1\nB=3\n"), ["B"]);
        assert_eq!(differing("A=1\n\n", "A=1\n"), ["the text between the values"]);
        assert_eq!(differing("A=1\nx", "A=1\n"), ["the whole file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_left_to_sops() {
        let env = |path: &str| Env::fixed("/", [("SOPS_AGE_KEY_FILE", path)]);
        assert!(!may_be_read_twice(None, &env("/dev/null")));
        assert!(may_be_read_twice(None, &env("/nonexistent/keys.txt")));
        assert!(may_be_read_twice(Some(Path::new("/etc/hostname")), &env("/dev/null")));
    }
}
