//! The last encrypted form as a starting point: its very bytes where nothing changed, `sops set` and `unset` otherwise.
//!
//! The form must open in process, with the identities at hand, under the same keys and the same rule. Whatever stands in
//! the way is a reason to encrypt afresh, never an error.

use zeroize::Zeroizing;

use super::draft::Draft;
use super::edits::{self, Edit};
use super::sealed::SealedFile;
use super::{Checked, DOTENV, Encrypted, SopsTool, check_opens, environment, witness};
use crate::backend::sops::builtin::EncryptRequest;
use crate::backend::sops::keep::{self, Kept, Previous};
use crate::backend::sops::store;
use crate::files::{self, PrivateDir};
use crate::process::Stdin;

const FILE: &str = "last.env";

impl SopsTool {
    /// The file of `draft` made from `previous`; the error says why that cannot be.
    pub(super) fn keep(
        &self,
        request: &EncryptRequest<'_>,
        draft: &Draft<'_>,
        previous: &Previous<'_>,
    ) -> Result<(String, Kept), String> {
        if !witness::may_be_read_twice(previous.age_key_file, request.env) {
            return Err("the identity is in a pipe, which can be read only once".to_owned());
        }
        let opened = keep::open(previous, &draft.plan, request.env)?;
        if *opened.plain == request.text {
            return Ok((previous.text.to_owned(), Kept::Everything));
        }
        let (lines, _) = store::split_plain(&opened.plain).map_err(|error| error.to_string())?;
        let edits = edits::between(&lines, &draft.lines)
            .ok_or_else(|| "sops set and unset cannot make these changes".to_owned())?;
        let file = SealedFile::of(previous.text).map_err(|error| error.to_string())?;
        let answer = self.apply(&file, &edits, previous)?;
        let (text, _) = draft.complete(&answer).map_err(|error| error.to_string())?;
        match check_opens(request, &text) {
            Ok(Checked::Opened) => {}
            Ok(Checked::Form) => return Err("the result does not open in process".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
        let kept = Kept::Lines(edits::kept(&file, &text));
        Ok((text, kept))
    }

    /// Runs the binary once for each change, on a copy that holds no plaintext.
    fn apply(
        &self,
        file: &SealedFile<'_>,
        edits: &[Edit<'_>],
        previous: &Previous<'_>,
    ) -> Result<String, String> {
        let folder = PrivateDir::new(&self.env).map_err(|error| error.to_string())?;
        let path = folder.write(FILE, &file.input()).map_err(|error| error.to_string())?;
        for edit in edits {
            let cmd = environment::pass_key_file(self.opening_cmd(), &self.env, previous.age_key_file);
            let (verb, stdin) = match edit {
                Edit::Set { value, .. } => {
                    let json = serde_json::to_vec(value.expose()).map_err(|error| error.to_string())?;
                    (["set", "--value-stdin"].as_slice(), Stdin::Bytes(Zeroizing::new(json)))
                }
                Edit::Unset { .. } => (["unset"].as_slice(), Stdin::Null),
            };
            let cmd = cmd.args(verb).args(DOTENV).arg(&path).arg(edit.index()).stdin(stdin);
            cmd.run().and_then(crate::process::Output::success).map_err(|error| error.to_string())?;
        }
        files::read_text(&path).map_err(|error| error.to_string())
    }

    /// A new file and what of it stays readable.
    pub(super) fn encrypted(draft: Draft<'_>, text: String, kept: Kept, checked: Checked) -> Encrypted {
        let crate::backend::sops::encrypt::Encrypted { left_plain, plain_comments, odd_names, .. } =
            draft.model;
        Encrypted { text, left_plain, plain_comments, odd_names, kept, checked }
    }
}
