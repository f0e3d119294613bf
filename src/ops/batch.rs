//! Files that belong together: reading them, collecting their errors, and writing them together.
//!
//! A group is written as a whole or not at all: where one of its files fails, its other files are left as they
//! are. `encrypt` and `decrypt` make one group of all their files, partial encryption one of each environment.
//! Files are known by their index among the targets of the run.

use std::collections::BTreeSet;

use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files::{self, Link, Mode, Staged, Write};
use crate::interrupt;
use crate::report::{Outcome, Row};
use crate::workspace::target::Target;

/// The targets of a run, the groups they are in, and what went wrong so far.
pub(super) struct Batch<'a> {
    targets: &'a [Target],
    groups: Vec<usize>,
    broken: BTreeSet<usize>,
    errors: Vec<Option<Error>>,
    unit: &'static str,
}

impl<'a> Batch<'a> {
    /// All targets in one group.
    pub(super) fn whole(targets: &'a [Target]) -> Self {
        Self { unit: "run", ..Self::grouped(targets, vec![0; targets.len()]) }
    }

    /// Each target in a group of its own.
    pub(super) fn apart(targets: &'a [Target]) -> Self {
        Self::grouped(targets, (0..targets.len()).collect())
    }

    /// Each target in the group of its environment.
    pub(super) fn grouped(targets: &'a [Target], groups: Vec<usize>) -> Self {
        let errors = targets.iter().map(|_| None).collect();
        Self { targets, groups, broken: BTreeSet::new(), errors, unit: "environment" }
    }

    /// The targets.
    pub(super) fn targets(&self) -> &'a [Target] {
        self.targets
    }

    /// The target at `at`.
    pub(super) fn target(&self, at: usize) -> &'a Target {
        &self.targets[at]
    }

    /// True where nothing of the group of `at` failed.
    pub(super) fn is_good(&self, at: usize) -> bool {
        !self.broken.contains(&self.groups[at])
    }

    /// The targets of all groups in which nothing failed.
    pub(super) fn good(&self) -> Vec<usize> {
        (0..self.targets.len()).filter(|&at| self.is_good(at)).collect()
    }

    /// True where nothing of the group of `at` failed, nor its own replacement.
    pub(super) fn is_done(&self, at: usize) -> bool {
        self.is_good(at) && self.errors[at].is_none()
    }

    /// The targets that are as the run wants them.
    pub(super) fn done(&self) -> Vec<usize> {
        (0..self.targets.len()).filter(|&at| self.is_done(at)).collect()
    }

    /// Gives a file up and with it its group; the first error of a file counts.
    pub(super) fn fail(&mut self, at: usize, error: Error) {
        self.broken.insert(self.groups[at]);
        self.errors[at].get_or_insert(error);
    }

    /// Gives a group up for something that is none of its files.
    pub(super) fn give_up(&mut self, group: usize) {
        self.broken.insert(group);
    }

    /// Gives up every good group that has one of `members`, for something that they all need.
    pub(super) fn fail_all(&mut self, members: impl IntoIterator<Item = usize>, error: Error) {
        let mut error = Some(error);
        for at in members {
            if self.is_good(at) {
                let Some(this) = error.take() else { return };
                error = Some(this.repeated());
                self.fail(at, this);
            }
        }
    }

    /// Records the errors among `results` and gives the rest, without what belongs to a group that failed.
    pub(super) fn keep<T>(
        &mut self,
        results: impl IntoIterator<Item = (usize, Result<T, Error>)>,
    ) -> Vec<(usize, T)> {
        let mut kept = Vec::new();
        for (at, result) in results {
            match result {
                Ok(one) => kept.push((at, one)),
                Err(error) => self.fail(at, error),
            }
        }
        kept.retain(|(at, _)| self.is_good(*at));
        kept
    }

    /// Reads every target; none for those of a group that failed.
    pub(super) fn load(&mut self) -> Vec<Option<EnvFile>> {
        let read = |target: &Target| {
            files::read_text(target.path())
                .map(EnvFile::parse)
                .map_err(|error| Error::on_argument(target.shown(), error))
        };
        let read: Vec<_> = self.targets.iter().map(read).enumerate().collect();
        let kept = self.keep(read);
        self.spread(kept)
    }

    /// One place a target for results that only some of them have.
    pub(super) fn spread<T>(&self, results: Vec<(usize, T)>) -> Vec<Option<T>> {
        let mut spread: Vec<Option<T>> = self.targets.iter().map(|_| None).collect();
        for (at, one) in results {
            spread[at] = Some(one);
        }
        spread
    }

    /// Writes new texts under temporary names beside the files they are to replace; nothing is replaced yet.
    pub(super) fn stage(&mut self, texts: &[(usize, &str)], mode: Mode) -> Vec<(usize, Staged)> {
        let texts: Vec<(usize, &str)> = texts.iter().copied().filter(|(at, _)| self.is_good(*at)).collect();
        let writes: Vec<Write<'_>> = texts
            .iter()
            .map(|&(at, text)| (self.targets[at].path(), text.as_bytes()))
            .map(|(path, bytes)| Write { path, bytes, mode, link: Link::Follow })
            .collect();
        let staged = files::stage_all(&writes).into_iter().map(|one| one.map_err(Error::from));
        let staged: Vec<_> = texts.iter().map(|(at, _)| *at).zip(staged).collect();
        if interrupt::pressed() {
            self.fail_all(self.good(), Error::Interrupted);
        }
        self.keep(staged)
    }

    /// Fails those of `read` whose file no longer holds what was read: what somebody saved meanwhile must not be
    /// overwritten.
    pub(super) fn check_unchanged(&mut self, read: &[(usize, &EnvFile)]) {
        for &(at, file) in read {
            let path = self.targets[at].path();
            if !files::read(path).is_ok_and(|bytes| bytes == file.text().as_bytes()) {
                self.fail(at, Error::ChangedMeanwhile(self.targets[at].shown().to_path_buf()));
            }
        }
    }

    /// Replaces the files whose group is still good; gives the indices of those that were replaced.
    ///
    /// A replacement that fails is the error of its own file alone: others of its group may be in place already.
    pub(super) fn commit(&mut self, staged: Vec<(usize, Staged)>) -> Vec<usize> {
        let (at, staged): (Vec<usize>, Vec<Staged>) =
            staged.into_iter().filter(|(at, _)| self.is_good(*at)).unzip();
        let mut done = Vec::with_capacity(at.len());
        for (at, result) in at.into_iter().zip(files::commit_all(staged)) {
            match result {
                Ok(()) => done.push(at),
                Err(error) => self.errors[at] = Some(error.into()),
            }
        }
        done
    }

    /// One row a target: its own error, that it was left alone because of another's, or what `row` says.
    pub(super) fn into_rows(self, mut row: impl FnMut(usize) -> Row) -> Vec<Row> {
        let Self { targets, groups, broken, errors, unit } = self;
        let finish = |(at, error): (usize, Option<Error>)| {
            let target = &targets[at];
            match error {
                Some(error) => Row::new(target.to_string(), Outcome::Failed(error)),
                None if broken.contains(&groups[at]) => Row::new(
                    target.to_string(),
                    Outcome::Skipped(format!(
                        "{target} was left as it is: another file of this {unit} failed"
                    )),
                ),
                None => row(at),
            }
        };
        errors.into_iter().enumerate().map(finish).collect()
    }
}
