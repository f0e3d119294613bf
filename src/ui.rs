//! The only module that touches the streams.
//!
//! Standard output is the answer (`[OK]` lines, reports, decrypted text, the JSON document), standard error the
//! conversation (warnings, errors, hints, progress). Badges and phrases are an API that scripts match. Colour
//! only on a terminal, unless `FORCE_COLOR` or `--color` says otherwise; nothing is ever wrapped.

mod partial;

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use crate::backend::BackendKind;
use crate::env::Env;
use crate::error::Error;
use crate::ops::check::FileStatus;
use crate::report::{self, Outcome, Report, Row};

pub use partial::lock_counts;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// Only warnings and errors.
    Quiet,
    /// What happened.
    #[default]
    Normal,
    /// Also the engine, the config and what was left alone.
    Verbose,
}

/// What the answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// The user's wishes.
#[derive(Debug, Clone, Copy, Default)]
pub struct UiOptions {
    /// When to colour.
    pub color: ColorChoice,
    /// How much to say.
    pub verbosity: Verbosity,
    /// What the answer looks like.
    pub format: Format,
}

/// The streams and how to write on them.
pub struct Ui {
    options: UiOptions,
    color_out: bool,
    color_err: bool,
    broken: Option<io::Error>,
}

impl Ui {
    /// Decides on colours by the options, the environment and the streams.
    pub fn new(options: UiOptions, env: &Env) -> Self {
        let color = |terminal: bool| match options.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if env.get("NO_COLOR").is_some() => false,
            ColorChoice::Auto => env.get("FORCE_COLOR").is_some() || terminal,
        };
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { options, color_out: color(out), color_err: color(err), broken: None }
    }

    /// True where standard output carries a JSON document.
    pub fn is_json(&self) -> bool {
        self.options.format == Format::Json
    }

    /// `[OK] …` on standard output.
    pub fn ok(&mut self, message: &str) {
        let badge = badge(AnsiColor::Green, "[OK]", self.color_out);
        self.answer_line(&format!("{badge} {}", visible(message)));
    }

    /// A line of the answer; not with `--json` or `-q`.
    pub fn answer(&mut self, line: &str) {
        self.answer_line(&visible(line));
    }

    fn answer_line(&mut self, line: &str) {
        if self.options.format == Format::Human && self.options.verbosity > Verbosity::Quiet {
            self.out(format!("{line}\n").as_bytes());
        }
    }

    /// Bytes that the user asked for, whatever the verbosity.
    pub fn payload(&mut self, bytes: &[u8]) {
        self.out(bytes);
    }

    /// `[WARN] …` on standard error.
    pub fn warn(&mut self, message: &str) {
        let badge = badge(AnsiColor::Yellow, "[WARN]", self.color_err);
        Self::err(&format!("{badge} {}", visible(message)));
    }

    /// A warning that carries its own words, such as those about unknown config keys.
    pub fn plain_warning(&mut self, line: &str) {
        Self::err(&visible(line));
    }

    /// A line on standard error with `-v`.
    pub fn detail(&mut self, line: &str) {
        if self.options.verbosity == Verbosity::Verbose {
            Self::err(&visible(line));
        }
    }

    /// `[ERROR] …`, the place in a config file, and what to do next.
    pub fn error(&mut self, error: &Error) {
        let label = badge(AnsiColor::Red, "[ERROR]", self.color_err);
        let message = error.to_string();
        for line in message.lines() {
            Self::err(&format!("{label} {}", visible(line)));
        }
        if let Some(snippet) = error.snippet() {
            Self::err(&snippet.to_string());
        }
        // A broken config says in its second line what to do.
        if let Some(hint) = error.hint().filter(|hint| !message.contains(hint.as_str())) {
            let hinted = badge(AnsiColor::Cyan, "hint:", self.color_err);
            Self::err(&format!("  {hinted} {}", visible(&hint)));
        }
    }

    /// An error that ended `command` before it had a report: for people, and with `--json` as the document.
    pub fn failure(&mut self, command: &str, error: &Error) {
        self.error(error);
        if self.is_json() {
            self.out(format!("{}\n", report::failure_json(command, error)).as_bytes());
        }
    }

    /// The whole report: lines for people, or the JSON document.
    pub fn report(&mut self, report: &Report) {
        for row in &report.rows {
            self.row(row);
        }
        if report.rows.len() > 1 {
            self.answer_line(&report.summary());
        }
        if self.is_json() {
            self.out(format!("{}\n", report.to_json()).as_bytes());
        }
    }

    /// True where only warnings and errors are wanted.
    pub fn is_quiet(&self) -> bool {
        self.options.verbosity == Verbosity::Quiet
    }

    /// What to do next, below a row of the answer.
    pub fn hint(&mut self, hint: &str) {
        if self.options.format == Format::Human {
            let label = badge(AnsiColor::Cyan, "hint:", self.color_err);
            Self::err(&format!("  {label} {}", visible(hint)));
        }
    }

    /// What else is to be said of a printed row that failed: the hint, or with `-q` everything.
    pub fn phase_error(&mut self, path: &str, error: &Error) {
        match (self.is_quiet(), error.hint()) {
            (true, _) => self.row_error(path, error),
            (false, Some(hint)) => self.hint(&hint),
            (false, None) => {}
        }
    }

    /// The error of a row that is not printed itself.
    pub fn row_error(&mut self, path: &str, error: &Error) {
        let label = badge(AnsiColor::Red, "[ERROR]", self.color_err);
        Self::err(&format!("{label} {}", visible(&format!("{path}: {error}"))));
        if let Some(hint) = error.hint() {
            self.hint(&hint);
        }
    }

    /// A line of the conversation.
    pub fn conversation(&mut self, line: &str) {
        Self::err(&visible(line));
    }

    /// True where somebody is there to answer a question.
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks on standard error and reads a line: yes or no; none where the input ended.
    pub fn confirm(&mut self, question: &str) -> Option<bool> {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(visible(question).as_bytes()).and_then(|()| stderr.flush());
        let mut answer = String::new();
        match io::stdin().lock().read_line(&mut answer) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(is_yes(&answer)),
        }
    }

    fn row(&mut self, row: &Row) {
        match &row.outcome {
            Outcome::Changed(verb) => {
                let backend = row.backend.map_or("", |backend| backend.as_str());
                self.ok(&format!("{} {} using {backend}", verb.done(), row.path));
            }
            Outcome::WouldChange(verb) => {
                let backend = row.backend.map_or("", |backend| backend.as_str());
                self.ok(&format!("{} can be {} using {backend}", row.path, verb.done().to_lowercase()));
            }
            Outcome::Restored => self.ok(&format!(
                "Skipped re-encryption of {} (content unchanged, restored encrypted version from git)",
                row.path
            )),
            Outcome::Same(reason) | Outcome::Skipped(reason) => self.warn(reason),
            Outcome::Failed(error) => self.error(error),
        }
        self.row_notes(row);
    }

    /// What the user should know besides the outcome of a row, and with `-v` the engine.
    pub fn row_notes(&mut self, row: &Row) {
        if self.options.verbosity == Verbosity::Quiet && !row.notes.is_empty() {
            self.warn(&format!("{}: {} remark(s), shown without -q", row.path, row.notes.len()));
        } else {
            for note in &row.notes {
                self.warn(&format!("{}: {note}", row.path));
            }
        }
        if let Some(engine) = &row.engine {
            self.detail(&format!("{}: engine {engine}", row.path));
        }
    }

    /// The report of one file of `encrypt --check`.
    pub fn status(&mut self, file: &FileStatus) {
        for line in status_lines(file) {
            self.answer(&line);
        }
    }

    /// Why standard output could not be written, if so; a reader that left early does not count.
    pub fn broken(&mut self) -> Option<io::Error> {
        self.broken.take()
    }

    fn out(&mut self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
        let broken = written.err().filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        self.broken = self.broken.take().or(broken);
    }

    fn err(line: &str) {
        notice(line);
    }
}

fn badge(color: AnsiColor, text: &str, colored: bool) -> String {
    let style = Style::new().bold().fg_color(Some(color.into()));
    if colored { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

/// A line on standard error, from work that has no [`Ui`] at hand.
pub fn notice(line: &str) {
    // Nobody is left to be told that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Only a plain yes is one.
fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// `text` with its control characters written as escapes: names come from files that others may have made.
fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |ch: char| if ch.is_control() { ch.escape_default().collect() } else { ch.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// The lines of a status report, as scripts match them.
fn status_lines(file: &FileStatus) -> Vec<String> {
    let title = format!("Encryption Status: {}", file.path);
    let rule = "-".repeat(title.chars().count().max("envdrift encrypt --check".len()));
    let mut lines = vec![String::new(), "envdrift encrypt --check".into(), rule, title, String::new()];
    lines.extend([file.headline().to_owned(), String::new(), "Variables:".into()]);
    let counts = [("Encrypted:", &file.encrypted), ("Plaintext:", &file.plaintext), ("Empty:", &file.empty)];
    lines.extend(counts.map(|(label, names)| format!("  {label:<11}{}", names.len())));
    lines.extend([format!("  Encryption ratio: {}%", file.ratio()), String::new()]);
    let list = |title: &str, items: &mut dyn Iterator<Item = &String>| -> Vec<String> {
        let items: Vec<String> = items.map(|item| format!("  * {item}")).collect();
        if items.is_empty() { items } else { [vec![title.to_owned()], items, vec![String::new()]].concat() }
    };
    lines.extend(list("PLAINTEXT SECRETS DETECTED:", &mut file.secrets.iter()));
    lines.extend(list("WARNINGS:", &mut file.warnings.iter()));
    if file.blocks {
        let flag = if file.backend == BackendKind::Sops { "--backend sops " } else { "" };
        lines.push("Recommendation:".into());
        lines.push(format!("  Run: envdrift encrypt {flag}{}", file.path));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_plain_yes_is_one() {
        for yes in ["y\n", "Y\r\n", " yes \n", "YES"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["\n", "n\n", "yep\n", "no\n", ""] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
