//! The combined file of one environment on its way to the disk.

use std::path::Path;

use zeroize::Zeroizing;

use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files::{self, FileError, Link, Mode, Staged, Write};
use crate::parallel;
use crate::report::{Outcome, Row, Verb};

use super::combine::{self, Source};
use super::{Combine, PartialError, clear, secret};

/// How many files are flushed at a time; they wait for the disk, not for the processor.
const WRITERS: usize = 8;

/// A combined file as its sources make it.
pub(super) struct Product<'e> {
    files: &'e Combine<'e>,
    text: Zeroizing<String>,
    /// Lines of the clear file.
    pub(super) clear_lines: usize,
    /// Encrypted variables of the secret file.
    pub(super) secret_variables: usize,
    /// What the user should know about the sources.
    pub(super) remarks: Vec<String>,
    state: State,
}

enum State {
    /// Nothing on disk yet.
    Made,
    /// On disk beside its place.
    Staged(Staged),
    /// In place now.
    Written,
    /// In place before.
    Same,
    /// Given up.
    Failed(Error),
}

impl<'e> Product<'e> {
    /// Makes the text of `files` from the clear file on disk and the text that the secret file has or will have.
    pub(super) fn make(files: &'e Combine<'e>, secret: Option<&str>) -> Self {
        let mut product = Self::empty(files);
        if let Err(error) = product.fill(secret) {
            product.fail(error);
        }
        product
    }

    /// Makes a readable text of `files` from the clear file on disk and the plaintext of the secret file.
    pub(super) fn merge(files: &'e Combine<'e>, secret: &str) -> Self {
        let mut product = Self::empty(files);
        match read_clear(files) {
            Ok(clear) => product.text = Zeroizing::new(combine::merged(clear.as_deref(), secret)),
            Err(error) => product.fail(error),
        }
        product
    }

    fn empty(files: &'e Combine<'e>) -> Self {
        let text = Zeroizing::default();
        Self { files, text, clear_lines: 0, secret_variables: 0, remarks: Vec::new(), state: State::Made }
    }

    fn fill(&mut self, secret: Option<&str>) -> Result<(), Error> {
        let files = self.files;
        let clear = read_clear(files)?;
        let clear = clear.as_deref();
        if clear.is_none() && secret.is_none() {
            return Err(PartialError::NoSources {
                clear: files.clear.written.clone(),
                secret: files.secret.to_string(),
                combined: files.combined.written.clone(),
            }
            .into());
        }
        let clear_source = Source { name: &files.clear.written, text: clear };
        let secret_source = Source { name: files.secret_written, text: secret };
        self.text = Zeroizing::new(combine::generated(clear_source, secret_source));
        let secret = secret.map(EnvFile::parse);
        self.clear_lines = combine::lines(clear.unwrap_or_default()).len();
        self.secret_variables = secret.as_ref().map_or(0, secret::encrypted_variables);
        self.remarks = clear.map_or_else(Vec::new, |clear| clear::remarks(files, clear, secret.as_ref()));
        Ok(())
    }

    /// True where the file on disk is byte for byte the one to be written; none where there is no file.
    pub(super) fn is_current(&self) -> Result<Option<bool>, Error> {
        let existing = optional(files::read(&self.files.combined.resolved))?;
        Ok(existing.map(|bytes| bytes == self.text.as_bytes()))
    }

    /// Gives it up.
    pub(super) fn fail(&mut self, error: Error) {
        self.state = State::Failed(error);
    }

    /// True where it was given up.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }

    /// The row of the combined file; none where something else of the environment kept it from being written.
    pub(super) fn into_row(self) -> Option<Row> {
        let shown = &self.files.combined.written;
        let outcome = match self.state {
            State::Made | State::Staged(_) => return None,
            State::Written => Outcome::Changed(Verb::Generate),
            State::Same => Outcome::Same(format!("{shown} is up to date")),
            State::Failed(error) => Outcome::Failed(PartialError::wrap(Verb::Generate, shown, error)),
        };
        Some(Row::new(shown, outcome))
    }

    /// Puts the text beside its place, for the owner alone; a file that has it already only loses its other readers.
    fn staged(&self) -> State {
        let path = &self.files.combined.resolved;
        let same = matches!(self.is_current(), Ok(Some(true))) && !path.is_symlink();
        let done = if same {
            files::restrict(path).map(|()| State::Same).map_err(Error::from)
        } else {
            stage(path, self.text.as_bytes()).map(State::Staged)
        };
        done.unwrap_or_else(State::Failed)
    }
}

/// Puts every text that was made beside its place.
pub(super) fn stage_all(products: &mut [Option<Product<'_>>]) {
    let made: Vec<usize> = (0..products.len()).filter(|&at| is_made(products[at].as_ref())).collect();
    let states =
        parallel::map(made.len(), WRITERS, |index| products[made[index]].as_ref().map(Product::staged));
    for (at, state) in made.into_iter().zip(states) {
        if let (Some(product), Some(state)) = (&mut products[at], state) {
            product.state = state;
        }
    }
}

fn is_made(product: Option<&Product<'_>>) -> bool {
    product.is_some_and(|product| matches!(product.state, State::Made))
}

/// Puts the staged files in place of which `may` says so; the others leave nothing behind.
pub(super) fn commit_all(products: &mut [Option<Product<'_>>], may: impl Fn(usize) -> bool) {
    let (mut at, mut ready) = (Vec::new(), Vec::new());
    for (index, product) in products.iter_mut().enumerate() {
        let Some(product) = product.as_mut().filter(|_| may(index)) else { continue };
        match std::mem::replace(&mut product.state, State::Made) {
            State::Staged(staged) => {
                at.push(index);
                ready.push(staged);
            }
            other => product.state = other,
        }
    }
    for (index, result) in at.into_iter().zip(files::commit_all(ready)) {
        if let Some(product) = &mut products[index] {
            product.state = result.map_or_else(|error| State::Failed(error.into()), |()| State::Written);
        }
    }
}

/// The text of the clear file; none where there is none.
fn read_clear(files: &Combine<'_>) -> Result<Option<String>, Error> {
    optional(files::read_text(&files.clear.resolved))
}

/// Puts a file for the owner alone beside its place; a symbolic link there will be replaced.
fn stage(path: &Path, bytes: &[u8]) -> Result<Staged, Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        files::create_private_folder(folder)?;
    }
    Ok(files::stage(Write { path, bytes, mode: Mode::OwnerOnly, link: Link::Replace })?)
}

fn optional<T>(read: Result<T, FileError>) -> Result<Option<T>, Error> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(FileError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
