//! Remarks about the file that stays readable: names that are in the secret file too, and values that look as if they
//! belonged there.

use std::collections::BTreeSet;

use crate::backend::classify::{Evidences, ValueClass};
use crate::envfile::EnvFile;
use crate::sensitive;

use super::Combine;

/// One remark a finding, in file order; names, never values.
pub(super) fn remarks(files: &Combine<'_>, clear: &str, secret: Option<&EnvFile>) -> Vec<String> {
    let found = Evidences::of(&EnvFile::parse(clear));
    let file = &files.clear.written;
    let mut remarks = Vec::new();
    let secret_names: BTreeSet<String> = secret
        .map(|secret| Evidences::of(secret).lines.into_iter().map(|line| line.key).collect())
        .unwrap_or_default();
    let shared: BTreeSet<&str> =
        found.lines.iter().map(|line| line.key.as_str()).filter(|key| secret_names.contains(*key)).collect();
    if !shared.is_empty() {
        let names: Vec<&str> = shared.into_iter().collect();
        remarks.push(format!(
            "{} in both {file} and {}: the secret value wins",
            names.join(", "),
            files.secret
        ));
    }
    let parsed = EnvFile::parse(clear);
    for line in &found.lines {
        match line.class {
            ValueClass::Dotenvx | ValueClass::Sops | ValueClass::Damaged => {
                remarks.push(format!(
                    "{file}:{}: {} is encrypted in a file that stays readable",
                    line.line, line.key
                ));
            }
            ValueClass::Plain => {
                let reason = sensitive::why(&line.key, line.value(&parsed), &|_| false);
                remarks.extend(reason.map(|reason| {
                    format!("{file}:{}: {}; it stays readable there", line.line, reason.warning(&line.key))
                }));
            }
            ValueClass::Empty => {}
        }
    }
    remarks
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::workspace::ConfigPath;
    use crate::workspace::target::Target;

    #[test]
    fn doubled_names_forgotten_secrets_and_ciphertext_are_named_and_values_never() {
        let path = |name: &str| ConfigPath { written: name.into(), resolved: name.into() };
        let (clear, combined) = (path(".clear"), path(".env"));
        let secret = Target::new(Path::new("/"), Path::new(".secret"));
        let files = Combine { clear: &clear, secret, secret_written: ".secret", combined: &combined };
        let secret = EnvFile::parse("A=1\nB=2\nDOTENV_PUBLIC_KEY=02\n");
        let text = "B=hunter2\nDEBUG=1\nAPI_KEY=hunter3\nX=sk-hunter4\nEMPTY_TOKEN=\nY=ENC[AES256_GCM,x]\n";
        assert_eq!(
            remarks(&files, text, Some(&secret)),
            [
                "B in both .clear and .secret: the secret value wins",
                ".clear:3: 'API_KEY' has a name suggesting sensitive data; it stays readable there",
                ".clear:4: 'X' has a value that looks like a secret; it stays readable there",
                ".clear:6: Y is encrypted in a file that stays readable",
            ]
        );
        assert_eq!(remarks(&files, "DEBUG=1\nHTML=\"<a>\"\n", None), [""; 0]);
    }
}
