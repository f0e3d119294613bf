//! The built-in SOPS engine: encrypt, decrypt, prove, and what can be told of a file without opening it.
//!
//! Text in, text out; nothing is written. What it encrypts, SOPS 3.13 opens with its MAC verified. What it cannot do
//! (PGP, age plugins, post-quantum recipients, every KMS) it says, and the sops binary does it.

use std::path::Path;

use thiserror::Error;

use super::decrypt::Source;
use super::encrypt::{self, Encrypted, Terms};
use super::error::SopsError;
use super::keep::{self, Kept, Previous, Reuse};
use super::master_key::identities::KeyCommand;
use super::master_key::{Identities, IdentitySources, KeyKind};
use super::rules::{self, Plan, PlanRequest, Recipients};
use super::store::{self, Item};
use super::value::DataKey;
use super::{data_key, timestamp};
use crate::env::Env;

pub use super::decrypt::{Decrypted, LayoutUse};

/// A text to encrypt.
#[derive(Clone, Copy)]
pub struct EncryptRequest<'a> {
    /// The plain text.
    pub text: &'a str,
    /// The absolute path of its file, for creation rules; it need not exist.
    pub name: &'a Path,
    /// Recipients from flags and configuration.
    pub recipients: &'a Recipients,
    /// A `.sops.yaml` named by flag or configuration.
    pub sops_config: Option<&'a Path>,
    /// The environment.
    pub env: &'a Env,
    /// The time to record.
    pub now: jiff::Timestamp,
    /// The last encrypted form, for a diff that shows only what changed.
    pub previous: Option<Previous<'a>>,
}

/// A text to decrypt.
#[derive(Clone, Copy)]
pub struct DecryptRequest<'a> {
    /// The encrypted text.
    pub text: &'a str,
    /// A key file named by flag or configuration; takes the place of `SOPS_AGE_KEY_FILE`.
    pub age_key_file: Option<&'a Path>,
    /// The environment.
    pub env: &'a Env,
    /// Runs `SOPS_AGE_KEY_CMD`; without it the command is reported as not run.
    pub run: Option<&'a KeyCommand<'a>>,
}

/// Encrypts the text of `request`.
///
/// Decrypting the result gives the text back byte for byte, or this refuses with the line that cannot be kept.
pub fn encrypt(request: &EncryptRequest<'_>) -> Result<Encrypted, SopsError> {
    if is_encrypted(request.text) {
        return Err(SopsError::AlreadyEncrypted);
    }
    let (lines, layout) = store::split_plain(request.text)?;
    let plan = plan(request)?;
    let mut kept = Kept::Nothing;
    if let Some(previous) = &request.previous {
        match keep::open(previous, &plan, request.env) {
            Ok(opened) => return again(request, &lines, layout.to_text(), previous, opened),
            Err(reason) => kept = Kept::Unusable(reason),
        }
    }
    let data_key = DataKey::generate()?;
    // Wrapping needs public parts only, so nothing is ever looked up here.
    let identities = Identities::new(IdentitySources { env: request.env, age_key_file: None, run: None });
    let now = timestamp::format(request.now);
    let wrapped = data_key::wrap(&data_key, &plan.groups, plan.threshold, &now, &identities)?;
    let metadata = encrypt::new_metadata(&plan, wrapped, now, layout.to_text());
    let encrypted = encrypt::seal_file(&lines, Terms { data_key, metadata, reuse: Reuse::default() })?;
    Ok(Encrypted { kept, ..encrypted })
}

/// Encrypts under the data key of the last form, keeping what did not change.
fn again(
    request: &EncryptRequest<'_>,
    lines: &[store::Line<'_>],
    layout: Option<String>,
    previous: &Previous<'_>,
    opened: keep::Opened,
) -> Result<Encrypted, SopsError> {
    let keep::Opened { data_key, mut metadata, reuse, plain } = opened;
    metadata.last_modified = timestamp::format(request.now);
    metadata.layout = layout;
    let mut encrypted = encrypt::seal_file(lines, Terms { data_key, metadata, reuse })?;
    if *plain == request.text {
        previous.text.clone_into(&mut encrypted.text);
        encrypted.kept = Kept::Everything;
    }
    Ok(encrypted)
}

/// Decrypts the text of `request`, a dotenv-store or binary-store file, and checks its MAC.
pub fn decrypt(request: &DecryptRequest<'_>) -> Result<Decrypted, SopsError> {
    let source = Source::parse(request.text)?;
    let identities = Identities::new(IdentitySources {
        env: request.env,
        age_key_file: request.age_key_file,
        run: request.run,
    });
    let metadata = source.metadata();
    let data_key = data_key::unwrap(&metadata.groups, metadata.threshold, &identities)?;
    source.open(&data_key)
}

/// A proof that failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The encrypted text does not open again.
    #[error("the encrypted text does not open again: {0}")]
    Closed(#[from] SopsError),
    /// These values came back changed.
    #[error("values came back changed: {}", .0.join(", "))]
    Values(Vec<String>),
    /// Every value came back, but not the text around them.
    #[error("the values came back, but the text around them did not")]
    Text,
}

/// Decrypts `encrypted` with the data key in memory and compares the text with `original`, byte for byte.
pub fn prove(original: &str, encrypted: &Encrypted) -> Result<(), ProofError> {
    let opened = Source::parse(&encrypted.text)?.open(&encrypted.data_key)?;
    if opened.text == original {
        return Ok(());
    }
    let pairs = |text| -> Result<Vec<(String, String)>, SopsError> {
        let (lines, _) = store::split_plain(text)?;
        let pair = |line: &store::Line<'_>| match line.item {
            Item::Pair { key, value } => Some((key.to_owned(), value.to_owned())),
            Item::Blank | Item::Comment(_) => None,
        };
        Ok(lines.iter().filter_map(pair).collect())
    };
    let (before, after) = (pairs(original)?, pairs(&opened.text)?);
    let changed: Vec<String> =
        before.iter().filter(|pair| !after.contains(pair)).map(|(key, _)| key.clone()).collect();
    Err(if changed.is_empty() { ProofError::Text } else { ProofError::Values(changed) })
}

/// Decides how the file of `request` would be encrypted.
pub fn plan(request: &EncryptRequest<'_>) -> Result<Plan, SopsError> {
    let EncryptRequest { name, recipients, sops_config, env, .. } = *request;
    Ok(rules::plan(&PlanRequest { name, recipients, sops_config, env })?)
}

/// A key that opens a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its kind.
    pub kind: KeyKind,
    /// What a user would write to name it.
    pub id: String,
    /// Its key group, from 0.
    pub group: usize,
}

/// Lists who can open the encrypted `text`.
pub fn recipients_of(text: &str) -> Result<Vec<Recorded>, SopsError> {
    let source = Source::parse(text)?;
    let groups = source.metadata().groups.iter().enumerate();
    let recorded = groups.flat_map(|(group, keys)| {
        keys.iter().map(move |wrapped| Recorded { kind: wrapped.key.kind(), id: wrapped.key.id(), group })
    });
    Ok(recorded.collect())
}

/// Why only the sops binary can open `text`; `None` when this engine can, given an identity.
pub fn needs_tool_to_decrypt(text: &str) -> Result<Option<String>, SopsError> {
    let source = Source::parse(text)?;
    let metadata = source.metadata();
    let reasons: Vec<String> = metadata
        .groups
        .iter()
        .filter(|group| group.iter().all(|wrapped| wrapped.key.tool_reason().is_some()))
        .filter_map(|group| group.first()?.key.tool_reason())
        .collect();
    let needed =
        if metadata.groups.len() > 1 { metadata.threshold.unwrap_or(metadata.groups.len()) } else { 1 };
    let openable = metadata.groups.len() - reasons.len();
    Ok(reasons.into_iter().next().filter(|_| openable < needed))
}

/// Why only the sops binary can encrypt the file of `request`; `None` when this engine can.
pub fn needs_tool_to_encrypt(request: &EncryptRequest<'_>) -> Result<Option<String>, SopsError> {
    let plan = plan(request)?;
    Ok(plan.groups.iter().flatten().find_map(super::master_key::KeyRef::tool_reason))
}

/// Whether `text` carries the metadata of SOPS, in whatever store.
pub fn is_encrypted(text: &str) -> bool {
    let has = |name: &str| text.lines().any(|line| line.starts_with(name));
    (has("sops_mac=") && has("sops_version=")) || super::other_store::detect(text).is_some()
}
