//! What `sops set` and `sops unset` can make of the last encrypted form, so that a reviewer sees only what changed.
//!
//! Both keep the ciphertext of everything else. They reach a value of a key that stands once in the file, a key that goes,
//! and a key that comes at the end. Whatever else changed, and more than a few changes, take an ordinary encryption.

use std::collections::HashSet;

use super::sealed::{SealedFile, content};
use crate::backend::sops::store::{self, Item, Line};
use crate::secret::Secret;

/// Each change costs one run of the binary.
const MOST: usize = 8;

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Edit<'a> {
    /// A new value, or a new key at the end.
    Set { key: &'a str, value: Secret },
    /// A key that goes.
    Unset { key: &'a str },
}

impl Edit<'_> {
    /// The key as `sops set` takes it.
    pub(super) fn index(&self) -> String {
        let (Self::Set { key, .. } | Self::Unset { key }) = self;
        format!("[\"{key}\"]")
    }
}

/// The changes that make `old` into `new`; `None` when these two commands cannot make them.
pub(super) fn between<'a>(old: &[Line<'a>], new: &[Line<'a>]) -> Option<Vec<Edit<'a>>> {
    let mut left = items(new).peekable();
    let mut edits = Vec::new();
    for item in items(old) {
        match (item, left.peek()) {
            (Item::Comment(old), Some(Item::Comment(new))) if old == *new => drop(left.next()),
            (Item::Pair { key, value: old }, Some(Item::Pair { key: new_key, value })) if key == *new_key => {
                let value = store::decode(value);
                if value != store::decode(old) {
                    edits.push(Edit::Set { key, value });
                }
                left.next();
            }
            (Item::Pair { key, .. }, _) if count(new, key) == 0 => edits.push(Edit::Unset { key }),
            _ => return None,
        }
    }
    for item in left {
        let Item::Pair { key, value } = item else { return None };
        edits.push(Edit::Set { key, value: store::decode(value) });
    }
    let reachable = |edit: &Edit<'_>| {
        let (Edit::Set { key, .. } | Edit::Unset { key }) = edit;
        is_plain(key) && count(old, key) <= 1 && count(new, key) <= 1
    };
    (edits.len() <= MOST && edits.iter().all(reachable)).then_some(edits)
}

/// How many values and comments of `text` have the ciphertext that they have in `previous`.
pub(super) fn kept(previous: &SealedFile<'_>, text: &str) -> usize {
    let Ok((lines, _)) = store::split_encrypted(text) else { return 0 };
    let before: HashSet<&str> = previous.ciphertexts().collect();
    lines.iter().filter(|line| before.contains(content(&line.item))).count()
}

fn items<'a>(lines: &[Line<'a>]) -> impl Iterator<Item = Item<'a>> {
    lines.iter().map(|line| line.item).filter(|item| *item != Item::Blank)
}

fn count(lines: &[Line<'_>], wanted: &str) -> usize {
    lines.iter().filter(|line| matches!(line.item, Item::Pair { key, .. } if key == wanted)).count()
}

/// Whether the key means itself in the path that `sops set` reads.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_.- /".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(old: &str, new: &str) -> Option<Vec<String>> {
        let (old, _) = store::split_plain(old).unwrap();
        let (new, _) = store::split_plain(new).unwrap();
        let shown = |edit: Edit<'_>| match &edit {
            Edit::Set { key, value } => format!("{key}={}", value.expose()),
            Edit::Unset { key } => format!("-{key}"),
        };
        Some(between(&old, &new)?.into_iter().map(shown).collect())
    }

    #[test]
    fn values_that_changed_keys_that_went_and_keys_that_came_last_are_found() {
        let old = "# a\nA=1\n\nB=2\nC=3\n# end\n";
        for (new, expected) in [
            (old, vec![]),
            ("# a\nA=1\nB=2\nC=3\n# end", vec![]),
            ("# a\nA=\"x\ny\"\n\nB=2\nC=3\n# end\n", vec!["A=\"x\ny\""]),
            ("# a\nA=1\nC=4\n# end\nD=5\n", vec!["-B", "C=4", "D=5"]),
            ("# a\n# end\n", vec!["-A", "-B", "-C"]),
        ] {
            assert_eq!(edits(old, new), Some(expected.into_iter().map(str::to_owned).collect()), "{new:?}");
        }
    }

    #[test]
    fn what_the_two_commands_cannot_reach_is_left_to_an_ordinary_encryption() {
        let old = "# a\nA=1\nB=2\nB=3\n\"Q\"=1\n";
        for new in [
            "# b\nA=1\nB=2\nB=3\n\"Q\"=1\n",
            "# a\nX=0\nA=1\nB=2\nB=3\n\"Q\"=1\n",
            "# a\nA=1\nB=2\nB=4\n\"Q\"=1\n",
            "# a\nA=1\nB=2\nB=3\n\"Q\"=2\n",
            "# a\nB=2\nA=1\nB=3\n\"Q\"=1\n",
            "# a\nA=1\nB=2\nB=3\n\"Q\"=1\n# new\n",
            "# a\nA=1\nB=2\n\"Q\"=1\n",
        ] {
            assert_eq!(edits(old, new), None, "{new:?}");
        }
        let many = (0..=MOST).map(|at| format!("K{at}=x\n")).collect::<Vec<_>>().concat();
        assert_eq!(edits("", &many), None);
    }
}
