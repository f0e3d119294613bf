//! What a secret file is to partial encryption, before the pipeline sees it.
//!
//! The feature is dotenvx's. A file that SOPS encrypted in full is as good as encrypted: it is left alone. One with
//! both SOPS ciphertext and readable values is refused, because encrypting it would wrap the ciphertext a second
//! time and break its MAC; and nothing here can decrypt either.

use crate::backend::BackendKind;
use crate::backend::classify::{Evidence, Evidences, ValueClass};
use crate::backend::dotenvx::DotenvxRules;
use crate::backend::sops::shape::{self, ValueShape};
use crate::cipher::{self, Step, refuse_name};
use crate::envfile::EnvFile;
use crate::error::Error;
use crate::files;
use crate::report::{Outcome, Row, Verb};
use crate::workspace::target::Target;

use super::PartialError;

/// Whose ciphertext a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Nobody's or dotenvx's: the pipeline decides.
    Ours,
    /// SOPS's, and nothing in it is readable that its own rule encrypts.
    Sops,
}

/// The remark about a file that SOPS encrypted.
pub(super) const SOPS_NOTE: &str =
    "is encrypted with SOPS; `pull-partial` cannot decrypt it, and sops cannot read the combined file";

/// Whose the file is.
pub(super) fn owner(target: &Target, file: &EnvFile) -> Result<Owner, PartialError> {
    let found = Evidences::of(file);
    if found.by_value() != Some(BackendKind::Sops) {
        return Ok(Owner::Ours);
    }
    let refused = PartialError::SopsFile { path: target.to_string() };
    let Ok(rows) = shape::survey(file.text()) else { return Err(refused) };
    let whole =
        |row: &shape::Row| !row.selected || matches!(row.shape, ValueShape::Encrypted | ValueShape::Empty);
    // A name such as `sops_token` is metadata to SOPS and a variable to everyone else.
    let left_readable = |line: &Evidence| rows.iter().any(|row| !row.selected && row.key == line.key);
    let encrypted = rows.iter().all(whole) && found.readable().all(left_readable);
    if encrypted { Ok(Owner::Sops) } else { Err(refused) }
}

/// Whether the file has to be encrypted, or why it cannot be; what `push` would find, without its engine.
pub(super) fn examine(target: &Target, file: &EnvFile) -> Result<Step, Error> {
    if let Some(refusal) = refuse_name(target, "encrypt") {
        return Err(refusal.into());
    }
    match owner(target, file)? {
        Owner::Sops => Ok(Step::Nothing),
        Owner::Ours => Ok(cipher::examine(&DotenvxRules, target, file)?),
    }
}

/// The text of a secret file, and its row as a run that only looks gives it.
pub(super) fn look(target: &Target) -> (Option<String>, Row) {
    let read = files::read_text(target.path()).map_err(|error| Error::on_argument(target.shown(), error));
    let (text, step) = match read {
        Ok(text) => {
            let step = examine(target, &EnvFile::parse(text.as_str()));
            (Some(text), step)
        }
        Err(error) => (None, Err(error)),
    };
    let path = target.to_string();
    let outcome = match step {
        Ok(Step::Nothing) => Outcome::Same(format!("{path} is already encrypted (no change)")),
        Ok(Step::Encrypt) => Outcome::WouldChange(Verb::Encrypt),
        Err(error) => Outcome::Failed(error),
    };
    (text, Row::new(path, outcome))
}

/// How many of the variables are encrypted or empty.
pub(super) fn encrypted_variables(file: &EnvFile) -> usize {
    let encrypted = |class| matches!(class, ValueClass::Dotenvx | ValueClass::Sops | ValueClass::Empty);
    Evidences::of(file).lines.iter().filter(|line| encrypted(line.class)).count()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::backend::dotenvx::ecies;
    use crate::keys::PrivateKey;
    use crate::secret::Secret;

    fn dotenvx() -> String {
        let public = PrivateKey::generate().unwrap().public().unwrap();
        ecies::seal(&Secret::new("x"), &public).unwrap().0
    }

    fn sops(file: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops/files").join(file);
        crate::files::read_text(&path).unwrap()
    }

    fn examined(text: &str) -> Result<Step, String> {
        let target = Target::new(Path::new("/"), Path::new(".env.x.secret"));
        examine(&target, &EnvFile::parse(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_counts_as_encrypted_only_without_any_readable_value() {
        let sealed = dotenvx();
        let whole = sops("one_recipient.enc.env");
        for (text, wanted) in [
            (format!("# DOTENV_PUBLIC_KEY\nA={sealed}\n"), Step::Nothing),
            (format!("A={sealed}\nB=\nC=\"\"\n"), Step::Nothing),
            (format!("A=\"{sealed}\" # note\n"), Step::Nothing),
            (format!("A={sealed}\nB=new\n"), Step::Encrypt),
            (format!("A={sealed}\nsops_token=x\n"), Step::Encrypt),
            ("NOTE=encrypted: yes\n".to_owned(), Step::Encrypt),
            (whole, Step::Nothing),
        ] {
            assert_eq!(examined(&text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_a_push_would_make_worse_is_refused() {
        let sealed = dotenvx();
        let whole = sops("one_recipient.enc.env");
        for (text, message) in [
            (format!("{whole}NEW=plain\n"), "is encrypted with SOPS"),
            (format!("{whole}NEW={sealed}\n"), "is encrypted with SOPS"),
            (format!("A={sealed}NEW=glued\n"), "damaged ciphertext"),
            ("# nothing\n".to_owned(), "Nothing to encrypt"),
            (format!("DOTENV_PRIVATE_KEY={sealed}\n"), "DOTENV_PRIVATE_KEY entries"),
        ] {
            let error = examined(&text).unwrap_err();
            assert!(error.contains(message), "{error}");
        }
    }
}
