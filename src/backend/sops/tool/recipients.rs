//! Who sops shall encrypt for: told to it by flags, and compared with what it wrote.

use std::path::PathBuf;

use super::error::SopsToolError;
use crate::backend::sops::builtin::EncryptRequest;
use crate::backend::sops::data_key::DataKeyError;
use crate::backend::sops::error::SopsError;
use crate::backend::sops::master_key::{KeyKind, KeyRef, MasterKeyError};
use crate::backend::sops::metadata::Metadata;
use crate::backend::sops::rules::{self, Plan};
use crate::env;

/// Instead of a `.sops.yaml`: the binary then finds none, and envdrift has found none either.
pub(super) const NO_CONFIG: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// The `.sops.yaml` that counts for the file, or [`NO_CONFIG`].
///
/// It is named outright, so that the binary cannot find another one: its own search starts in the working directory.
pub(super) fn config(request: &EncryptRequest<'_>) -> PathBuf {
    let env = request.env;
    let named = request.sops_config.map(|path| env.cwd().join(path));
    let from_env = || env.get(env::SOPS_CONFIG).map(|text| env.resolve(env.cwd(), text));
    named.or_else(from_env).or_else(|| rules::search(request.name)).unwrap_or_else(|| NO_CONFIG.into())
}

/// The flags for the recipients of flags, configuration and variables; none when the creation rule names them.
///
/// Each flag is one argument with a comma list, because sops takes the last of two equal flags only.
pub(super) fn flags(request: &EncryptRequest<'_>, plan: &Plan) -> Result<Vec<String>, SopsError> {
    let ages = plan.groups.iter().flatten().filter(|key| key.kind() == KeyKind::Age);
    if ages.map(KeyRef::id).any(|id| is_private(&id)) {
        // An argument is visible to every user of the machine.
        return Err(DataKeyError::MasterKey(MasterKeyError::SecretAsRecipient).into());
    }
    if !are_given(request) {
        return Ok(Vec::new());
    }
    let mut flags = Vec::new();
    for kind in KeyKind::ALL {
        let keys = plan.groups.iter().flatten().filter(|key| key.kind() == kind);
        let list = keys.map(KeyRef::id).collect::<Vec<_>>().join(",");
        if !list.is_empty() {
            flags.push(format!("{}={list}", flag(kind)));
        }
    }
    Ok(flags)
}

fn is_private(recipient: &str) -> bool {
    let recipient = recipient.to_ascii_uppercase();
    recipient.starts_with("AGE-SECRET-KEY-") || recipient.starts_with("AGE-PLUGIN-")
}

fn flag(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Age => "--age",
        KeyKind::AzureKv => "--azure-kv",
        KeyKind::GcpKms => "--gcp-kms",
        KeyKind::HcVault => "--hc-vault-transit",
        KeyKind::HcKms => "--hckms",
        KeyKind::Kms => "--kms",
        KeyKind::Pgp => "--pgp",
    }
}

/// Whether flags, configuration or variables name a recipient, so that the plan's one group holds these.
fn are_given(request: &EncryptRequest<'_>) -> bool {
    let recipients = request.recipients;
    let none = &Vec::new();
    let sources = [
        (&recipients.age, env::SOPS_AGE_RECIPIENTS),
        (&recipients.kms, env::SOPS_KMS_ARN),
        (&recipients.gcp_kms, env::SOPS_GCP_KMS_IDS),
        (&recipients.azure_kv, env::SOPS_AZURE_KEYVAULT_URLS),
        (&recipients.hc_vault, env::SOPS_VAULT_URIS),
        (none, env::SOPS_HUAWEICLOUD_KMS_IDS),
        (none, env::SOPS_PGP_FP),
    ];
    let names_one = |text: &str| text.split(',').any(|entry| !entry.trim().is_empty());
    sources.into_iter().any(|(given, variable)| {
        if given.iter().any(|text| !text.trim().is_empty()) {
            given.iter().any(|text| names_one(text))
        } else {
            request.env.get(variable).is_some_and(names_one)
        }
    })
}

/// Refuses metadata that names others than `plan`, or another rule.
pub(super) fn check(plan: &Plan, metadata: &Metadata) -> Result<(), SopsToolError> {
    if metadata.rule != plan.rule {
        return Err(SopsToolError::OtherRule { expected: plan.rule.clone(), found: metadata.rule.clone() });
    }
    let recorded: Vec<Vec<&KeyRef>> =
        metadata.groups.iter().map(|group| group.iter().map(|wrapped| &wrapped.key).collect()).collect();
    let (mut missing, mut extra) = (Vec::new(), Vec::new());
    let mut groups = recorded.iter();
    for planned in &plan.groups {
        let mut unmatched: Vec<&KeyRef> = groups.next().cloned().unwrap_or_default();
        for key in planned {
            match unmatched.iter().position(|recorded| same_key(key, recorded)) {
                Some(at) => drop(unmatched.remove(at)),
                None => missing.push(key.id()),
            }
        }
        extra.extend(unmatched.into_iter().map(KeyRef::id));
    }
    extra.extend(groups.flatten().map(|key| key.id()));
    let needed = |threshold: Option<usize>| threshold.unwrap_or(plan.groups.len());
    let same_threshold = plan.groups.len() < 2 || needed(plan.threshold) == needed(metadata.threshold);
    if missing.is_empty() && extra.is_empty() && same_threshold && metadata.mac_scope == plan.mac_scope {
        return Ok(());
    }
    Err(SopsToolError::OtherRecipients { missing, extra })
}

fn same_key(planned: &KeyRef, recorded: &KeyRef) -> bool {
    match (planned, recorded) {
        // sops asks the vault for the newest version and records it.
        (
            KeyRef::AzureKv { vault_url, name, version },
            KeyRef::AzureKv { vault_url: recorded_url, name: recorded_name, .. },
        ) if version.is_empty() => vault_url == recorded_url && name == recorded_name,
        _ => planned.kind() == recorded.kind() && planned.id() == recorded.id(),
    }
}
