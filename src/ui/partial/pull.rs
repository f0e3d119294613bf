//! `pull-partial`, and the partial phase of `pull`.

use anstyle::AnsiColor;

use super::push::{errors, file_lines, left_alone};
use super::{Line, Mark};
use crate::ops::partial::pull::{Merge, Pulled, PulledFiles, SecretState};
use crate::ops::partial::{EnvironmentReport, Report};
use crate::report::Row;
use crate::ui::{Format, Ui, Verbosity};

impl Ui {
    /// The whole report of `pull-partial`.
    pub fn pulled(&mut self, report: &Report<Pulled>) {
        for environment in &report.environments {
            self.environment(environment, &pulled_lines(environment));
        }
        self.answer("");
        self.panel(AnsiColor::Cyan, "Pull Summary", &summary(report, Merge::No));
        self.partial_warnings(report);
        self.security_panels(report);
        if report.is_ok() {
            self.ok("Pull complete! Secret files are now decrypted for editing.");
        } else {
            self.partial_failures("Some environments had errors:", report);
        }
        self.partial_json("pull-partial", report, report.is_ok());
    }

    /// The partial phase of `pull`: one line a file, the summary, and the errors if there are any. Its rows belong into
    /// the JSON document of `pull`.
    pub fn pull_phase(&mut self, report: &Report<Pulled>, merge: Merge) {
        for environment in &report.environments {
            for line in phase_lines(environment) {
                self.partial_line(&line);
            }
        }
        self.answer("");
        self.panel(AnsiColor::Cyan, "Partial Encryption Summary", &summary(report, merge));
        self.partial_warnings(report);
        self.security_panels(report);
        if !report.is_ok() {
            self.partial_failures("Some partial encryption files had errors", report);
        }
    }

    /// Which files are readable now, and whether git could commit them; nothing where nothing was decrypted.
    fn security_panels(&mut self, report: &Report<Pulled>) {
        if report.ends().map(Pulled::decrypted).sum::<usize>() == 0 {
            return;
        }
        let readable = || report.ends().flat_map(|end| &end.readable);
        let hidden = readable().filter(|file| file.hidden).count();
        if hidden > 0 {
            let lines = [
                "SECRET FILES ARE NOW PLAINTEXT".to_owned(),
                format!(
                    "git overlooks {hidden} of them (skip-worktree) until 'envdrift push' encrypts them again"
                ),
            ];
            self.panel(AnsiColor::Yellow, "Security Notice", &lines);
        }
        let exposed: Vec<&str> =
            readable().filter(|file| !file.hidden).map(|file| file.path.as_str()).collect();
        if !exposed.is_empty() {
            self.danger_panel(&exposed);
        }
    }

    fn danger_panel(&mut self, exposed: &[&str]) {
        let danger = "SECRET FILES ARE PLAINTEXT WITH NO GIT PROTECTION";
        if self.options.format == Format::Json || self.options.verbosity == Verbosity::Quiet {
            self.warn(&format!("{danger}: {}", exposed.join(", ")));
            return;
        }
        let mut lines = vec![danger.to_owned()];
        lines.extend(exposed.iter().map(|path| format!("• {path}")));
        lines.push("'git add' would stage them: run 'envdrift push' before you commit".to_owned());
        self.panel(AnsiColor::Red, "DANGER: No Git Protection Applied", &lines);
    }
}

fn pulled_lines(environment: &EnvironmentReport<Pulled>) -> Vec<Line> {
    let Some(end) = &environment.end else { return left_alone(&environment.rows) };
    match &end.files {
        PulledFiles::Secret { path, state: SecretState::Decrypted } => {
            vec![(Mark::Done, format!("Decrypted {path}"))]
        }
        PulledFiles::Secret { path, state: SecretState::AlreadyPlain | SecretState::Missing } => {
            vec![(Mark::Same, format!("{path} (already decrypted)"))]
        }
        PulledFiles::Folder { dir, decrypted: 0, already } => {
            vec![(Mark::Same, format!("{dir} (all {already} file(s) already decrypted)"))]
        }
        PulledFiles::Folder { dir, decrypted, already } => {
            let mut lines = file_lines(&environment.rows, "decrypted");
            let done = format!("Decrypted {decrypted} file(s) in {dir} ({already} already decrypted)");
            lines.push((Mark::Done, done));
            lines
        }
    }
}

pub(super) fn phase_lines(environment: &EnvironmentReport<Pulled>) -> Vec<Line> {
    let Some(end) = &environment.end else {
        let line = |row: &Row| Some((Mark::Attention, format!("{} - error: {}", row.path, row.error()?)));
        return environment.rows.iter().filter_map(line).collect();
    };
    let mut lines = vec![match &end.files {
        PulledFiles::Secret { path, state } => match state {
            SecretState::Missing => (Mark::Same, format!("{path} - skipped (not found)")),
            SecretState::Decrypted => (Mark::Plus, format!("{path} - decrypted")),
            SecretState::AlreadyPlain => (Mark::Same, format!("{path} - skipped (already decrypted)")),
        },
        PulledFiles::Folder { dir, decrypted: 0, .. } => {
            (Mark::Same, format!("{dir} - skipped (already decrypted)"))
        }
        PulledFiles::Folder { dir, decrypted, .. } => {
            (Mark::Plus, format!("{dir} - {decrypted} file(s) decrypted"))
        }
    }];
    lines.extend(end.merged.iter().map(|combined| (Mark::Made, format!("{combined} - merged (decrypted)"))));
    let failed =
        |row: &Row| Some((Mark::Attention, format!("{} - merge failed: {}", row.path, row.error()?)));
    lines.extend(environment.rows.iter().filter_map(failed));
    lines
}

pub(super) fn summary(report: &Report<Pulled>, merge: Merge) -> Vec<String> {
    let sum = |of: fn(&Pulled) -> usize| report.ends().map(of).sum::<usize>();
    let mut lines =
        vec![format!("Decrypted: {}", sum(Pulled::decrypted)), format!("Skipped: {}", sum(Pulled::skipped))];
    if merge == Merge::Yes {
        lines.push(format!("Merged: {}", sum(|end| usize::from(end.merged.is_some()))));
    }
    lines.extend(errors(report));
    lines
}
