//! `push` and `push --check`.

use anstyle::AnsiColor;

use super::{Line, Mark};
use crate::ops::partial::check::{Checked, CombinedState};
use crate::ops::partial::push::Pushed;
use crate::ops::partial::{EnvironmentReport, Report};
use crate::report::{Outcome, Row};
use crate::ui::{Ui, badge, visible};

/// What a project without the feature is shown.
const SAMPLE: &str = r#"To enable partial encryption, add to your envdrift.toml:

[partial_encryption]
enabled = true

[[partial_encryption.environments]]
name = "production"
clear_file = ".env.production.clear"
secret_file = ".env.production.secret"
combined_file = ".env.production""#;

impl Ui {
    /// How to enable partial encryption.
    pub fn partial_sample(&mut self) {
        SAMPLE.lines().for_each(|line| self.answer(line));
    }

    /// The whole report of a push.
    pub fn pushed(&mut self, report: &Report<Pushed>) {
        for environment in &report.environments {
            self.environment(environment, &pushed_lines(environment));
        }
        self.answer("");
        self.panel(AnsiColor::Cyan, "Push Summary", &push_summary(report));
        self.partial_warnings(report);
        if report.is_ok() {
            self.ok("Push complete! Source files are encrypted and ready to commit.");
            push_hints(report).for_each(|hint| self.answer(hint));
        } else {
            self.partial_failures("Some environments had errors:", report);
        }
        self.partial_json("push", report, report.is_ok());
    }

    /// The whole report of a check.
    pub fn push_checked(&mut self, report: &Report<Checked>) {
        for environment in &report.environments {
            self.environment(environment, &checked_lines(environment));
        }
        let stale = report.stale();
        let mut summary = processed(report);
        summary.push(format!("Out of date: {stale}"));
        summary.extend(errors(report));
        self.answer("");
        self.panel(AnsiColor::Cyan, "Push --check Summary", &summary);
        self.partial_warnings(report);
        if !report.is_ok() {
            self.partial_failures("Some environments had errors:", report);
        } else if stale > 0 {
            self.warn(&format!(
                "{stale} environment(s) are out of date. Run 'envdrift push' to bring them up to date."
            ));
        } else {
            self.ok("All environments are up to date.");
        }
        self.partial_json("push", report, report.is_ok() && stale == 0);
    }

    /// `→ name`, its lines, its errors, its remarks.
    pub(super) fn environment<E>(&mut self, environment: &EnvironmentReport<E>, lines: &[Line]) {
        let arrow = badge(AnsiColor::Cyan, "→", self.color_out);
        self.answer_line(&format!("{arrow} {}", visible(&environment.name)));
        for line in lines {
            self.partial_line(line);
        }
        for error in environment.errors() {
            self.partial_error(error);
        }
        for row in &environment.rows {
            self.row_notes(row);
        }
    }
}

fn pushed_lines(environment: &EnvironmentReport<Pushed>) -> Vec<Line> {
    match &environment.end {
        Some(Pushed::Combined { combined, clear_lines, secret_variables }) => {
            vec![(
                Mark::Done,
                format!("Generated {combined} ({clear_lines} clear + {secret_variables} encrypted)"),
            )]
        }
        Some(Pushed::Folder { dir, encrypted, already }) => {
            let mut lines = file_lines(&environment.rows, "encrypted");
            let done = format!("Encrypted {encrypted} file(s) in {dir} ({already} already encrypted)");
            lines.push((Mark::Done, done));
            lines
        }
        None => left_alone(&environment.rows),
    }
}

/// One line a file of a folder.
pub(super) fn file_lines(rows: &[Row], done: &str) -> Vec<Line> {
    let line = |row: &Row| match &row.outcome {
        Outcome::Changed(_) | Outcome::Restored => Some((Mark::Done, format!("{} {done}", row.path))),
        Outcome::Same(_) => Some((Mark::Same, format!("{} already {done}", row.path))),
        Outcome::WouldChange(_) => Some((Mark::Attention, format!("{} is not {done}", row.path))),
        Outcome::Skipped(_) | Outcome::Failed(_) => None,
    };
    rows.iter().filter_map(line).collect()
}

/// The files that were not touched because another of their environment failed.
pub(super) fn left_alone(rows: &[Row]) -> Vec<Line> {
    let line = |row: &Row| match &row.outcome {
        Outcome::Skipped(reason) => Some((Mark::Attention, reason.clone())),
        Outcome::Changed(_)
        | Outcome::Restored
        | Outcome::Same(_)
        | Outcome::WouldChange(_)
        | Outcome::Failed(_) => None,
    };
    rows.iter().filter_map(line).collect()
}

fn checked_lines(environment: &EnvironmentReport<Checked>) -> Vec<Line> {
    match &environment.end {
        Some(Checked::Combined { combined, state }) => vec![match state {
            CombinedState::Current => (Mark::Done, format!("{combined} is up to date")),
            CombinedState::NotThere => {
                let line = format!(
                    "{combined} is not there (git-ignored); its sources are ready, 'envdrift push' makes it"
                );
                (Mark::Done, line)
            }
            CombinedState::Stale => {
                (Mark::Attention, format!("{combined} is out of date — run 'envdrift push'"))
            }
        }],
        Some(Checked::Folder { dir, files, plain: 0 }) => {
            vec![(Mark::Done, format!("{dir} (all {files} file(s) encrypted)"))]
        }
        Some(Checked::Folder { dir, plain, .. }) => {
            let mut lines = file_lines(&environment.rows, "encrypted");
            lines.retain(|(mark, _)| *mark == Mark::Attention);
            let all = format!("{dir} ({plain} file(s) not encrypted — run 'envdrift push')");
            lines.push((Mark::Attention, all));
            lines
        }
        None => Vec::new(),
    }
}

fn push_summary(report: &Report<Pushed>) -> Vec<String> {
    let (mut combined, mut variables, mut files) = (0, 0, 0);
    for end in report.ends() {
        match end {
            Pushed::Combined { secret_variables, .. } => {
                combined += 1;
                variables += secret_variables;
            }
            Pushed::Folder { encrypted, .. } => files += encrypted,
        }
    }
    let mut lines = processed(report);
    if combined > 0 {
        lines.extend([format!("Combined files: {combined}"), format!("Encrypted vars: {variables}")]);
    }
    if files > 0 {
        lines.push(format!("Encrypted files (secrets-only): {files}"));
    }
    lines.extend(errors(report));
    lines
}

fn push_hints(report: &Report<Pushed>) -> impl Iterator<Item = &'static str> {
    let combined = report.ends().any(|end| matches!(end, Pushed::Combined { .. }));
    let encrypted = report.ends().any(|end| matches!(end, Pushed::Folder { encrypted: 1.., .. }));
    let hints = [
        (combined, "Combined files are runtime artifacts (auto-gitignored)."),
        (encrypted, "Secrets-only files are encrypted in place; run 'envdrift pull-partial' to edit them."),
    ];
    hints.into_iter().filter(|(shown, _)| *shown).map(|(_, hint)| hint)
}

fn processed<E>(report: &Report<E>) -> Vec<String> {
    let total = report.environments.len();
    vec![format!("Processed: {}/{total}", total - report.failed())]
}

/// The line of the summary about errors, where there are any.
pub(super) fn errors<E>(report: &Report<E>) -> Option<String> {
    let failed = report.failed();
    (failed > 0).then(|| format!("Errors: {failed}"))
}
