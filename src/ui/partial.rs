//! The lines of partial encryption, as scripts match them.
//!
//! Everything here is standard output but the `[WARN]` verdicts. Panels are a title and indented lines, on a terminal
//! and elsewhere.

mod lock;
mod pull;
mod push;

pub use lock::lock_counts;

use anstyle::AnsiColor;

use super::{Format, Ui, Verbosity, badge, visible};
use crate::error::Error;
use crate::ops::partial::Report;

/// What stands before a line of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// It worked.
    Done,
    /// It worked in the phase of another command.
    Plus,
    /// It was made.
    Made,
    /// Nothing to do.
    Same,
    /// It went away.
    Gone,
    /// It would be done.
    Would,
    /// Somebody should look.
    Attention,
    /// It failed.
    Failed,
}

impl Mark {
    fn sign(self) -> (&'static str, Option<AnsiColor>) {
        match self {
            Self::Done => ("✓", Some(AnsiColor::Green)),
            Self::Plus => ("+", Some(AnsiColor::Green)),
            Self::Made => ("→", Some(AnsiColor::Green)),
            Self::Same => ("=", None),
            Self::Gone => ("-", None),
            Self::Would => ("?", Some(AnsiColor::Yellow)),
            Self::Attention => ("!", Some(AnsiColor::Yellow)),
            Self::Failed => ("✗", Some(AnsiColor::Red)),
        }
    }
}

/// A line of an environment.
type Line = (Mark, String);

impl Ui {
    /// What was added to `.gitignore`.
    pub fn partial_ignored(&mut self, added: &[String]) {
        if !added.is_empty() {
            self.answer(&format!("Updated .gitignore: {}", added.join(", ")));
        }
    }

    /// The head of a run over `count` environments.
    pub fn partial_head(&mut self, title: &str, count: usize) {
        self.answer("");
        self.answer(title);
        self.answer(&format!("Environments: {count}"));
        self.answer("");
    }

    fn partial_line(&mut self, (mark, text): &Line) {
        let (sign, color) = mark.sign();
        let sign = color.map_or_else(|| sign.to_owned(), |color| badge(color, sign, self.color_out));
        self.answer_line(&format!("  {sign} {}", visible(text)));
    }

    /// `✗ message`, and what to do next.
    fn partial_error(&mut self, error: &Error) {
        self.partial_line(&(Mark::Failed, error.to_string()));
        if let Some(hint) = error.hint() {
            let label = badge(AnsiColor::Cyan, "hint:", self.color_out);
            self.answer_line(&format!("    {label} {}", visible(&hint)));
        }
    }

    /// A panel: its title, and its lines below.
    fn panel(&mut self, color: AnsiColor, title: &str, lines: &[String]) {
        let title = badge(color, title, self.color_out);
        self.answer_line(&title);
        for line in lines {
            self.answer(&format!("  {line}"));
        }
        self.answer("");
    }

    /// Remarks about the environments and the run as a whole.
    fn partial_warnings<E>(&mut self, report: &Report<E>) {
        for environment in &report.environments {
            for warning in &environment.warnings {
                self.warn(&format!("{}: {warning}", environment.name));
            }
        }
        for warning in &report.warnings {
            self.warn(warning);
        }
    }

    /// The verdict over failed environments: a warning, then one line an error.
    fn partial_failures<E>(&mut self, heading: &str, report: &Report<E>) {
        self.warn(heading);
        let listed = report.environments.iter().flat_map(|one| one.errors().map(|error| (&one.name, error)));
        if self.options.format == Format::Human && self.options.verbosity == Verbosity::Quiet {
            // The lines of standard output that would have told it were not wanted.
            listed.for_each(|(_, error)| self.error(error));
            return;
        }
        for (name, error) in listed {
            self.answer(&format!("  • {name}: {error}"));
        }
    }

    fn partial_json<E>(&mut self, command: &str, report: &Report<E>, ok: bool) {
        if self.is_json() {
            self.payload(report.to_json(command, ok).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
