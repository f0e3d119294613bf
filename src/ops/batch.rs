//! All files of a run or none: reading them, collecting their errors, and writing them together.

use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files::{self, Mode, Staged, Write};
use crate::interrupt;
use crate::report::{Outcome, Row};
use crate::workspace::target::Target;

/// A target that was read.
pub(super) struct Loaded<'a> {
    pub(super) target: &'a Target,
    pub(super) file: EnvFile,
}

impl Loaded<'_> {
    pub(super) fn row(&self, outcome: Outcome) -> Row {
        Row::new(self.target.to_string(), outcome)
    }
}

/// Reads every target.
pub(super) fn load(targets: &[Target]) -> Result<Vec<Loaded<'_>>, Vec<Row>> {
    let read = |target: &Target| {
        files::read_text(target.path())
            .map(EnvFile::parse)
            .map_err(|error| Error::on_argument(target.shown(), error))
    };
    let files = all_or_rows(targets, targets.iter().map(read).enumerate())?;
    Ok(targets.iter().zip(files).map(|(target, file)| Loaded { target, file }).collect())
}

/// Makes sure that the files to be written (by index) still hold what was read: what somebody saved meanwhile must not be overwritten.
pub(super) fn unchanged<'a>(
    targets: &[Target],
    to_write: impl Iterator<Item = (usize, &'a Loaded<'a>)>,
) -> Result<(), Vec<Row>> {
    let compare = |(at, one): (usize, &Loaded<'_>)| match files::read(one.target.path()) {
        Ok(bytes) if bytes == one.file.text().as_bytes() => (at, Ok(())),
        _ => (at, Err(Error::ChangedMeanwhile(one.target.shown().to_path_buf()))),
    };
    all_or_rows(targets, to_write.map(compare)).map(drop)
}

/// The results of some targets (by index) where all are good, else the rows of a batch that was given up.
pub(super) fn all_or_rows<T>(
    targets: &[Target],
    results: impl Iterator<Item = (usize, Result<T, Error>)>,
) -> Result<Vec<T>, Vec<Row>> {
    let mut good = Vec::new();
    let mut errors: Vec<Option<Error>> = targets.iter().map(|_| None).collect();
    for (at, result) in results {
        match result {
            Ok(one) => good.push(one),
            Err(error) => errors[at] = Some(error),
        }
    }
    if errors.iter().all(Option::is_none) { Ok(good) } else { Err(rows_of(targets, errors)) }
}

/// The rows of a batch that was given up for something that all its files need.
pub(super) fn given_up(targets: &[Target], error: Error) -> Vec<Row> {
    let first = std::iter::once(Some(error));
    rows_of(targets, first.chain(std::iter::repeat_with(|| None)).take(targets.len()).collect())
}

/// One row a target: its own error, or that it was left alone because of another's.
fn rows_of(targets: &[Target], errors: Vec<Option<Error>>) -> Vec<Row> {
    let row = |(target, error): (&Target, Option<Error>)| {
        let left_alone = || format!("{target} was left as it is: another file of this run failed");
        let outcome = error.map_or_else(|| Outcome::Skipped(left_alone()), Outcome::Failed);
        Row::new(target.to_string(), outcome)
    };
    targets.iter().zip(errors).map(row).collect()
}

/// New texts that are on disk beside the files they are to replace.
pub(super) struct StagedBatch {
    at: Vec<usize>,
    staged: Vec<Staged>,
}

/// Writes the new text of some targets (by index) under temporary names; where one fails, nothing is replaced.
pub(super) fn stage<'a>(
    targets: &[Target],
    texts: impl Iterator<Item = (usize, &'a str)>,
) -> Result<StagedBatch, Vec<Row>> {
    let (at, texts): (Vec<usize>, Vec<&str>) = texts.unzip();
    let write = |(at, text): (&usize, &&'a str)| (*at, text.as_bytes());
    let writes: Vec<Write<'_>> = at
        .iter()
        .zip(&texts)
        .map(write)
        .map(|(at, bytes)| Write { path: targets[at].path(), bytes, mode: Mode::Keep })
        .collect();
    let results = files::stage_all(&writes).into_iter().map(|one| one.map_err(Error::from));
    let staged = all_or_rows(targets, at.iter().copied().zip(results))?;
    if interrupt::pressed() {
        return Err(given_up(targets, Error::Interrupted));
    }
    Ok(StagedBatch { at, staged })
}

impl StagedBatch {
    /// Replaces the files; gives index and error of each.
    pub(super) fn commit(self) -> Vec<(usize, Option<Error>)> {
        let done = files::commit_all(self.staged).into_iter().map(|one| one.err().map(Error::from));
        self.at.into_iter().zip(done).collect()
    }
}
