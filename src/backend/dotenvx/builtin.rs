//! The built-in dotenvx engine: values sealed and opened in process, on every core when there are many.

use crate::backend::EngineError;
use crate::keys::{PrivateKey, PublicKey};
use crate::parallel;
use crate::secret::Secret;

use super::ecies::{self, Sealed, ValueKey};
use super::{SealedEntry, SealedValues, ValueEngine};

/// From this many values on, a second thread is worth its start.
const VALUES_PER_THREAD: usize = 64;

/// Does what the dotenvx binary does, without it.
pub struct Builtin;

impl ValueEngine for Builtin {
    const IN_PROCESS: bool = true;

    fn label(&self) -> String {
        "built-in".into()
    }

    fn seal(&self, public: &PublicKey, values: &[Secret]) -> Result<SealedValues, EngineError> {
        let sealed: Vec<(String, ValueKey)> =
            in_parallel(values, |value| ecies::seal(value, public).map_err(EngineError::from))?;
        let (values, keys) = sealed.into_iter().unzip();
        Ok(SealedValues { values, keys: Some(keys) })
    }

    fn open(&self, keys: &[&PrivateKey], sealed: &[SealedEntry<'_>]) -> Result<Vec<Secret>, EngineError> {
        in_parallel(sealed, |entry| {
            keys.iter()
                .find_map(|key| Opener::Private(key).open(entry.value, 0))
                .ok_or_else(|| EngineError::WrongKey { keys: vec![entry.key.to_owned()], tried: Vec::new() })
        })
    }
}

/// What opens a sealed value.
pub(super) enum Opener<'a> {
    /// A private key: one product on the curve for each value.
    Private(&'a PrivateKey),
    /// The AES key of each value, in the order the values were sealed.
    Known(&'a [ValueKey]),
}

impl Opener<'_> {
    /// Opens the `index`th sealed value; none where it does not open or is no text.
    pub(super) fn open(&self, value: &str, index: usize) -> Option<Secret> {
        let sealed = Sealed::parse(value)?;
        let bytes = match self {
            Self::Private(private) => sealed.open(&sealed.key(private)?)?,
            Self::Known(keys) => sealed.open(keys.get(index)?)?,
        };
        std::str::from_utf8(&bytes).ok().map(Secret::new)
    }
}

/// Maps `items` in order, with as many threads as cores where it pays; the first error in order wins.
fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    map: impl Fn(&T) -> Result<R, EngineError> + Sync,
) -> Result<Vec<R>, EngineError> {
    let threads = parallel::cores().min(items.len() / VALUES_PER_THREAD);
    parallel::map(items.len(), threads, |at| map(&items[at])).into_iter().collect()
}
