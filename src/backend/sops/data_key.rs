//! From a data key to the wrapped keys of a file, and back with the identities at hand.
//!
//! One group wraps the key itself; several wrap a Shamir share each. Inside a group the first master key that
//! opens its copy wins, age before all others, and nobody else is asked. Why nothing opened is told in full:
//! who could have, what was found where, and what only the sops binary can do.

use thiserror::Error;

use super::master_key::identities::{Place, Problem};
use super::master_key::{self, Identities, KeyKind, KeyPart, KeyRef, MasterKeyError, WrappedKey};
use super::random::RandomError;
use super::shamir::{self, ShamirError};
use super::value::DataKey;

/// Why a data key could not be wrapped or recovered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DataKeyError {
    /// A recipient cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The groups and the threshold do not fit, or the shares do not.
    #[error(transparent)]
    Shamir(#[from] ShamirError),
    /// There is no identity anywhere.
    #[error("no age identity found to open the file; looked at {}", list(searched))]
    NoIdentity {
        /// Each place.
        searched: Vec<String>,
        /// Places that could not be used, with the reason.
        problems: Vec<String>,
        /// Who could open the file.
        recipients: Vec<String>,
    },
    /// There are identities, and none belongs to the file.
    #[error("none of the identities at hand opens the file; it is encrypted for {}", list(recipients))]
    WrongIdentity {
        /// Who could open the file.
        recipients: Vec<String>,
        /// Public parts of the identities at hand, with their places.
        tried: Vec<String>,
        /// Places that could not be used, with the reason.
        problems: Vec<String>,
    },
    /// The identity that might open the file is itself locked.
    #[error("the identity in {} is protected by a passphrase, which envdrift never asks for", list(places))]
    EncryptedIdentity {
        /// Where.
        places: Vec<String>,
    },
    /// Some groups opened, but fewer than needed.
    #[error(
        "{opened} of the {needed} key groups needed could be opened; also needed is one of {}",
        list(missing)
    )]
    TooFewGroups {
        /// How many opened.
        opened: usize,
        /// How many are needed.
        needed: usize,
        /// The keys of those that did not.
        missing: Vec<String>,
    },
    /// What was unwrapped is no data key.
    #[error("the unwrapped data key has {0} bytes instead of 32")]
    Length(usize),
}

impl DataKeyError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::MasterKey(error) => return master_key_hint(error),
            Self::Shamir(_) | Self::Length(_) | Self::TooFewGroups { .. } => return None,
            Self::NoIdentity { problems, recipients, .. } => {
                with_problems(format!("give the identity of {} in SOPS_AGE_KEY or SOPS_AGE_KEY_FILE", list(recipients)), problems)
            }
            Self::WrongIdentity { tried, problems, .. } => {
                with_problems(format!("identities at hand: {}", list(tried)), problems)
            }
            Self::EncryptedIdentity { .. } => {
                "decrypt it into a file only you can read and name that file in SOPS_AGE_KEY_FILE, or use engine \"tool\" on a terminal"
                    .to_owned()
            }
        })
    }

    /// The stable token of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MasterKey(MasterKeyError::NeedsTool { .. }) => "sops.needs_tool",
            Self::MasterKey(MasterKeyError::NoIdentity) | Self::NoIdentity { .. } => "sops.no_identity",
            Self::MasterKey(MasterKeyError::Damaged { .. }) | Self::Length(_) => "sops.key_damaged",
            Self::MasterKey(MasterKeyError::Recipient { .. } | MasterKeyError::SecretAsRecipient) => {
                "sops.recipient"
            }
            Self::MasterKey(MasterKeyError::Wrap { .. }) => "sops.wrap",
            Self::Shamir(_) => "sops.shamir",
            Self::WrongIdentity { .. } => "sops.wrong_identity",
            Self::EncryptedIdentity { .. } => "sops.encrypted_identity",
            Self::TooFewGroups { .. } => "sops.too_few_groups",
        }
    }
}

fn master_key_hint(error: &MasterKeyError) -> Option<String> {
    match error {
        MasterKeyError::NeedsTool { .. } => {
            Some("install sops and use engine \"tool\" (or \"auto\")".to_owned())
        }
        MasterKeyError::Damaged { .. } => Some("restore the file from git".to_owned()),
        MasterKeyError::SecretAsRecipient => {
            Some("give the public key (age1…) instead, and consider the private key exposed".to_owned())
        }
        MasterKeyError::NoIdentity | MasterKeyError::Recipient { .. } | MasterKeyError::Wrap { .. } => None,
    }
}

fn with_problems(hint: String, problems: &[String]) -> String {
    if problems.is_empty() { hint } else { format!("{hint}; not usable: {}", problems.join("; ")) }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

/// A data key and its wrapped copies, group by group.
pub struct Wrapped {
    /// The copies.
    pub groups: Vec<Vec<WrappedKey>>,
    /// The threshold to record: as asked for, or the number of groups when there are several.
    pub threshold: Option<usize>,
}

/// Wraps `data_key` for every key of `groups`; `now` is the time that all kinds but age record.
pub fn wrap(
    data_key: &DataKey,
    groups: &[Vec<KeyRef>],
    threshold: Option<usize>,
    now: &str,
    identities: &Identities<'_>,
) -> Result<Wrapped, DataKeyError> {
    let whole = || vec![KeyPart::new(data_key.expose().to_vec())];
    let (parts, threshold) = if groups.len() > 1 {
        let needed = threshold.unwrap_or(groups.len());
        (shamir::split(data_key.expose(), groups.len(), needed)?, Some(needed))
    } else {
        (whole(), threshold)
    };
    let wrap_one = |key: &KeyRef, part: &KeyPart| -> Result<WrappedKey, DataKeyError> {
        let enc = master_key::open(key, identities)?.wrap(part)?;
        let created_at = if key.kind() == KeyKind::Age { String::new() } else { now.to_owned() };
        Ok(WrappedKey { key: key.clone(), enc, created_at })
    };
    let groups = groups
        .iter()
        .zip(&parts)
        .map(|(group, part)| group.iter().map(|key| wrap_one(key, part)).collect())
        .collect::<Result<_, _>>()?;
    Ok(Wrapped { groups, threshold })
}

/// Recovers the data key of `groups`.
pub fn unwrap(
    groups: &[Vec<WrappedKey>],
    threshold: Option<usize>,
    identities: &Identities<'_>,
) -> Result<DataKey, DataKeyError> {
    let mut parts = Vec::new();
    let mut closed: Vec<(&WrappedKey, MasterKeyError)> = Vec::new();
    for group in groups {
        match unwrap_group(group, identities) {
            Ok(part) => parts.push(part),
            Err(reasons) => closed.extend(reasons),
        }
    }
    let needed = if groups.len() > 1 { threshold.unwrap_or(groups.len()).max(2) } else { 1 };
    if parts.len() < needed {
        return Err(explain(parts.len(), needed, &closed, identities));
    }
    let bytes = if groups.len() > 1 { shamir::combine(&parts)? } else { parts.swap_remove(0) };
    DataKey::from_bytes(&bytes).ok_or(DataKeyError::Length(bytes.len()))
}

fn unwrap_group<'a>(
    group: &'a [WrappedKey],
    identities: &Identities<'_>,
) -> Result<KeyPart, Vec<(&'a WrappedKey, MasterKeyError)>> {
    let mut reasons = Vec::new();
    let (age, others): (Vec<_>, Vec<_>) =
        group.iter().partition(|wrapped| wrapped.key.kind() == KeyKind::Age);
    for wrapped in age.into_iter().chain(others) {
        match master_key::open(&wrapped.key, identities).and_then(|key| key.unwrap(&wrapped.enc)) {
            Ok(part) => return Ok(part),
            Err(reason) => reasons.push((wrapped, reason)),
        }
    }
    Err(reasons)
}

/// The most useful of the many reasons.
fn explain(
    opened: usize,
    needed: usize,
    closed: &[(&WrappedKey, MasterKeyError)],
    identities: &Identities<'_>,
) -> DataKeyError {
    let recipients: Vec<String> = closed.iter().map(|(wrapped, _)| wrapped.key.id()).collect();
    let is_tool = |reason: &MasterKeyError| matches!(reason, MasterKeyError::NeedsTool { .. });
    if !closed.is_empty() && closed.iter().all(|(_, reason)| is_tool(reason)) {
        return closed[0].1.clone().into();
    }
    if let Some((_, damaged)) =
        closed.iter().find(|(_, reason)| matches!(reason, MasterKeyError::Damaged { .. }))
    {
        return damaged.clone().into();
    }
    let places = identities.places(recipients.first().map_or("", String::as_str));
    let has_ssh = recipients.iter().any(|recipient| recipient.starts_with("ssh-"));
    let locked: Vec<String> = places
        .iter()
        .filter(|place| match place.problem {
            Some(Problem::Passphrase) => true,
            Some(Problem::SshPassphrase) => has_ssh,
            Some(Problem::Unusable(_)) | None => false,
        })
        .map(|place| place.name.clone())
        .collect();
    if !locked.is_empty() {
        return DataKeyError::EncryptedIdentity { places: locked };
    }
    if opened > 0 {
        return DataKeyError::TooFewGroups { opened, needed, missing: recipients };
    }
    let others = closed.iter().filter(|(_, reason)| is_tool(reason)).map(|(_, reason)| reason.to_string());
    let problems = places.iter().filter_map(problem_text).chain(others).collect();
    let tried: Vec<String> = places
        .iter()
        .flat_map(|place| place.public.iter().map(move |public| format!("{public} ({})", place.name)))
        .collect();
    if tried.is_empty() {
        let searched = places.into_iter().map(|place| place.name).collect();
        return DataKeyError::NoIdentity { searched, problems, recipients };
    }
    DataKeyError::WrongIdentity { recipients, tried, problems }
}

fn problem_text(place: &Place) -> Option<String> {
    let reason = match place.problem.as_ref()? {
        Problem::Passphrase | Problem::SshPassphrase => "protected by a passphrase",
        Problem::Unusable(reason) => reason,
    };
    Some(format!("{}: {reason}", place.name))
}

impl From<RandomError> for DataKeyError {
    fn from(error: RandomError) -> Self {
        Self::Shamir(error.into())
    }
}
