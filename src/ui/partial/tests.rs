use super::lock::{self, lock_counts};
use super::pull;
use super::*;
use crate::ops::partial::lock::{CombinedState, Locked, SecretState as LockedState};
use crate::ops::partial::pull::{Merge, Pulled, PulledFiles, SecretState};
use crate::ops::partial::{EnvironmentReport, PartialError};
use crate::report::{Outcome, Row, Verb};

fn environment<E>(end: Option<E>, rows: Vec<Row>) -> EnvironmentReport<E> {
    EnvironmentReport { name: "a".into(), end, rows, warnings: Vec::new() }
}

fn failed(path: &str) -> Row {
    Row::new(path, Outcome::Failed(PartialError::SopsFile { path: path.into() }.into()))
}

fn shown(lines: Vec<Line>) -> Vec<String> {
    lines.into_iter().map(|(mark, text)| format!("{} {text}", mark.sign().0)).collect()
}

fn pulled(files: PulledFiles, merged: Option<&str>) -> Pulled {
    Pulled { files, readable: Vec::new(), merged: merged.map(str::to_owned) }
}

fn secret(state: SecretState) -> PulledFiles {
    PulledFiles::Secret { path: ".s".into(), state }
}

#[test]
fn the_lines_of_a_pull_are_those_of_the_contract() {
    let folder = |decrypted| PulledFiles::Folder { dir: "d".into(), decrypted, already: 1 };
    for (end, lines) in [
        (pulled(secret(SecretState::Missing), None), vec!["= .s - skipped (not found)"]),
        (pulled(secret(SecretState::Decrypted), None), vec!["+ .s - decrypted"]),
        (pulled(secret(SecretState::AlreadyPlain), None), vec!["= .s - skipped (already decrypted)"]),
        (
            pulled(secret(SecretState::Decrypted), Some(".c")),
            vec!["+ .s - decrypted", "→ .c - merged (decrypted)"],
        ),
        (pulled(folder(2), None), vec!["+ d - 2 file(s) decrypted"]),
        (pulled(folder(0), None), vec!["= d - skipped (already decrypted)"]),
    ] {
        assert_eq!(shown(pull::phase_lines(&environment(Some(end), Vec::new()))), lines);
    }
    let message = ".s is encrypted with SOPS; partial encryption uses dotenvx";
    let given_up = environment(None, vec![failed(".s")]);
    assert_eq!(shown(pull::phase_lines(&given_up)), [format!("! .s - error: {message}")]);
    let end = pulled(secret(SecretState::Decrypted), None);
    let merge = environment(Some(end), vec![Row::new(".s", Outcome::Changed(Verb::Decrypt)), failed(".c")]);
    let message = message.replace(".s", ".c");
    assert_eq!(
        shown(pull::phase_lines(&merge)),
        ["+ .s - decrypted".to_owned(), format!("! .c - merge failed: {message}")]
    );
}

#[test]
fn the_summary_of_a_pull_counts_merged_files_only_where_they_were_wanted() {
    let environments = vec![
        environment(Some(pulled(secret(SecretState::Decrypted), Some(".c"))), Vec::new()),
        environment(Some(pulled(secret(SecretState::Missing), None)), Vec::new()),
        environment(None, vec![failed(".s")]),
    ];
    let report = Report { environments, warnings: Vec::new() };
    assert_eq!(pull::summary(&report, Merge::No), ["Decrypted: 1", "Skipped: 1", "Errors: 1"]);
    assert_eq!(pull::summary(&report, Merge::Yes), ["Decrypted: 1", "Skipped: 1", "Merged: 1", "Errors: 1"]);
}

#[test]
fn the_lines_of_a_lock_are_those_of_the_contract() {
    let locked = |secret_state, combined_state| Locked::Combine {
        secret: ".s".into(),
        secret_state,
        combined: ".c".into(),
        combined_state,
    };
    let message = ".s is encrypted with SOPS; partial encryption uses dotenvx";
    let error = format!("! .s - error: {message}");
    for (end, rows, lines) in [
        (locked(LockedState::Missing, None), vec![], vec!["= .s - skipped (not found)"]),
        (
            locked(LockedState::Missing, Some(CombinedState::KeptForSource)),
            vec![],
            vec!["= .s - skipped (not found)", "! .c - kept (no .secret source)"],
        ),
        (
            locked(LockedState::Already, Some(CombinedState::Deleted)),
            vec![],
            vec!["= .s - skipped (already encrypted)", "- .c - deleted (combined file)"],
        ),
        (locked(LockedState::Encrypted, None), vec![], vec!["+ .s - encrypted"]),
        (
            locked(LockedState::Readable, Some(CombinedState::WouldDelete)),
            vec![],
            vec!["? .s - would be encrypted", "? .c - would be deleted"],
        ),
        (
            locked(LockedState::Failed, Some(CombinedState::KeptForFailure)),
            vec![failed(".s")],
            vec![error.as_str(), "! .c - kept (encryption failed)"],
        ),
        (
            Locked::Folder { dir: "d".into(), readable: Ok(2) },
            vec![],
            vec!["= d - skipped (secrets-only, managed by 'envdrift push')"],
        ),
    ] {
        assert_eq!(shown(lock::lines(&environment(Some(end), rows))), lines);
    }
}

#[test]
fn the_panel_of_a_lock_shows_only_what_there_is() {
    let end = |secret_state, combined_state| Locked::Combine {
        secret: ".s".into(),
        secret_state,
        combined: ".c".into(),
        combined_state: Some(combined_state),
    };
    let report = |ends: Vec<Locked>| {
        let environments = ends.into_iter().map(|end| environment(Some(end), Vec::new())).collect();
        Report { environments, warnings: Vec::new() }
    };
    let folder = || Locked::Folder { dir: "d".into(), readable: Ok(0) };
    let done = report(vec![end(LockedState::Encrypted, CombinedState::Deleted), folder()]);
    let lines = [
        ("Partial secrets encrypted", 1),
        ("Combined files deleted", 1),
        ("Secrets-only environments skipped", 1),
    ];
    assert_eq!(lock_counts(&done), lines);
    let check = report(vec![end(LockedState::Readable, CombinedState::WouldDelete)]);
    assert_eq!(lock_counts(&check), [("Partial secrets to encrypt", 1), ("Combined files to delete", 1)]);
    assert!(lock_counts(&report(vec![])).is_empty());
}
