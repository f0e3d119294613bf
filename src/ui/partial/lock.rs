//! The partial phase of `lock --all`.

use super::{Line, Mark};
use crate::ops::partial::lock::{CombinedState, Counts, Locked, SecretState};
use crate::ops::partial::{EnvironmentReport, Report};
use crate::ui::Ui;

impl Ui {
    /// The lines of the partial phase of `lock --all`. What it counted belongs into the panel of `lock` (see
    /// [`lock_counts`]), its rows into the JSON document.
    pub fn lock_phase(&mut self, report: &Report<Locked>) {
        for environment in &report.environments {
            for line in lines(environment) {
                self.partial_line(&line);
            }
            for row in &environment.rows {
                if let Some(error) = row.error() {
                    self.phase_error(&row.path, error);
                }
                self.row_notes(row);
            }
            if let Some(Locked::Folder { readable: Err(error), .. }) = &environment.end {
                let name = &environment.name;
                self.warn(&format!(
                    "{name}: skipped secrets-only environment could not be checked - {error}"
                ));
            }
        }
        self.partial_warnings(report);
        let (names, files) = report.pending_folders();
        if files > 0 {
            let names = names.join(", ");
            self.warn(&format!(
                "Skipped secrets-only environment(s) ({names}) still have {files} file(s) needing encryption. \
                 Run 'envdrift push' to encrypt them."
            ));
        }
    }
}

/// The lines that the phase adds to the panel of `lock`.
pub fn lock_counts(report: &Report<Locked>) -> Vec<(&'static str, usize)> {
    let Counts { encrypted, readable, deleted, deletable, folders } = report.counts();
    let counts = [
        ("Partial secrets encrypted", encrypted),
        ("Partial secrets to encrypt", readable),
        ("Combined files deleted", deleted),
        ("Combined files to delete", deletable),
        ("Secrets-only environments skipped", folders),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

pub(super) fn lines(environment: &EnvironmentReport<Locked>) -> Vec<Line> {
    let error = || environment.errors().next().map(ToString::to_string).unwrap_or_default();
    match &environment.end {
        Some(Locked::Folder { dir, .. }) => {
            vec![(Mark::Same, format!("{dir} - skipped (secrets-only, managed by 'envdrift push')"))]
        }
        Some(Locked::Combine { secret, secret_state, combined, combined_state }) => {
            let mut lines = vec![match secret_state {
                SecretState::Missing => (Mark::Same, format!("{secret} - skipped (not found)")),
                SecretState::Already => (Mark::Same, format!("{secret} - skipped (already encrypted)")),
                SecretState::Encrypted => (Mark::Plus, format!("{secret} - encrypted")),
                SecretState::Readable => (Mark::Would, format!("{secret} - would be encrypted")),
                SecretState::Failed => (Mark::Attention, format!("{secret} - error: {}", error())),
            }];
            lines.extend(combined_state.map(|state| match state {
                CombinedState::Deleted => (Mark::Gone, format!("{combined} - deleted (combined file)")),
                CombinedState::WouldDelete => (Mark::Would, format!("{combined} - would be deleted")),
                CombinedState::KeptForFailure => {
                    (Mark::Attention, format!("{combined} - kept (encryption failed)"))
                }
                CombinedState::KeptForSource => {
                    (Mark::Attention, format!("{combined} - kept (no .secret source)"))
                }
                CombinedState::Failed => (Mark::Attention, format!("{combined} - error: {}", error())),
            }));
            lines
        }
        None => Vec::new(),
    }
}
