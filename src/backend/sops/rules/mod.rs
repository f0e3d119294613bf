//! Who shall be able to open a new file, and which of its values are encrypted.
//!
//! Recipients come from flags and configuration, then from the variables SOPS reads, then from the creation rule in
//! `.sops.yaml` whose `path_regex` matches first. A matching rule also gives the selection rule, even when the
//! recipients come from elsewhere; a file with rules of which none matches is an error, as in SOPS. The search
//! starts in the folder of the file, not in the working directory. Nothing here touches a key.

mod error;
mod schema;
#[cfg(test)]
mod tests;

use std::path::{Component, Path, PathBuf};

pub use error::RulesError;
use schema::{ConfigFile, CreationRule, KeyGroup};

use super::go_regex;
use super::mac::MacScope;
use super::master_key::{KeyKind, KeyRef};
use super::selection::{self, Rule};
use crate::env::{self, Env};

/// The file that holds creation rules.
pub const CONFIG_NAME: &str = ".sops.yaml";
const NOT_THE_CONFIG_NAME: &str = ".sops.yml";
/// How many folders SOPS climbs.
const MAX_CLIMB: usize = 100;

/// Recipients from flags and configuration; each entry may be a comma list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// age and SSH recipients.
    pub age: Vec<String>,
    /// ARNs of AWS KMS, each with an optional `+ROLE-ARN`.
    pub kms: Vec<String>,
    /// Resource ids of Google Cloud KMS.
    pub gcp_kms: Vec<String>,
    /// Key URLs of Azure Key Vault.
    pub azure_kv: Vec<String>,
    /// Key URIs of Vault transit.
    pub hc_vault: Vec<String>,
}

impl Recipients {
    /// The group they make together with the variables that SOPS reads; a variable counts only for a kind not given.
    fn group(&self, env: &Env) -> Result<Vec<KeyRef>, RulesError> {
        let none = Vec::new();
        let sources = [
            (KeyKind::Kms, &self.kms, env::SOPS_KMS_ARN),
            (KeyKind::GcpKms, &self.gcp_kms, env::SOPS_GCP_KMS_IDS),
            (KeyKind::HcKms, &none, env::SOPS_HUAWEICLOUD_KMS_IDS),
            (KeyKind::AzureKv, &self.azure_kv, env::SOPS_AZURE_KEYVAULT_URLS),
            (KeyKind::HcVault, &self.hc_vault, env::SOPS_VAULT_URIS),
            (KeyKind::Pgp, &none, env::SOPS_PGP_FP),
            (KeyKind::Age, &self.age, env::SOPS_AGE_RECIPIENTS),
        ];
        let mut group = Vec::new();
        for (kind, given, variable) in sources {
            let from_env: Vec<String> = env.get(variable).map(str::to_owned).into_iter().collect();
            let given = if given.iter().any(|text| !text.trim().is_empty()) { given } else { &from_env };
            push_keys(&mut group, kind, given)?;
        }
        Ok(group)
    }
}

/// How a file will be encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The key groups; none is empty.
    pub groups: Vec<Vec<KeyRef>>,
    /// How many groups shall be needed, when a rule says so.
    pub threshold: Option<usize>,
    /// Which values are encrypted.
    pub rule: Rule,
    /// Which values the MAC covers.
    pub mac_scope: MacScope,
    /// Where the rule came from, such as `/repo/.sops.yaml, rule 2`; `None` without one.
    pub origin: Option<String>,
}

/// What [`plan`] looks at.
#[derive(Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The absolute path of the file.
    pub name: &'a Path,
    /// From flags and configuration.
    pub recipients: &'a Recipients,
    /// A `.sops.yaml` named by flag or configuration; must exist.
    pub sops_config: Option<&'a Path>,
    /// The environment.
    pub env: &'a Env,
}

/// Decides how the file of `request` is to be encrypted.
pub fn plan(request: &PlanRequest<'_>) -> Result<Plan, RulesError> {
    let given = request.recipients.group(request.env)?;
    let matched = match config_path(request)? {
        Some(path) => matching_rule(&path, request.name)?,
        None => None,
    };
    let no_recipients = || RulesError::NoRecipients {
        file: request.name.to_path_buf(),
        misnamed: misnamed_config(request.name),
    };
    let Some(Matched { config, number, rule }) = matched else {
        return Ok(Plan {
            groups: Some(vec![given]).filter(|groups| !groups[0].is_empty()).ok_or_else(no_recipients)?,
            threshold: None,
            rule: Rule::default(),
            mac_scope: MacScope::All,
            origin: None,
        });
    };
    let at = |source| RulesError::Selection { config: config.clone(), rule: number, source };
    let selection = selection::one_of(rule.selection_rules()).map_err(at)?;
    let groups = if given.is_empty() { groups_of(&rule, &config, number)? } else { vec![given] };
    Ok(Plan {
        groups,
        threshold: rule.shamir_threshold.filter(|threshold| *threshold > 0),
        rule: selection,
        mac_scope: if rule.mac_only_encrypted == Some(true) { MacScope::Encrypted } else { MacScope::All },
        origin: Some(format!("{}, rule {number}", config.display())),
    })
}

/// The `.sops.yaml` that counts for `request`.
fn config_path(request: &PlanRequest<'_>) -> Result<Option<PathBuf>, RulesError> {
    let env = request.env;
    let from_env = || env.get(env::SOPS_CONFIG).map(|text| env.resolve(env.cwd(), text));
    let Some(path) = request.sops_config.map(|path| env.cwd().join(path)).or_else(from_env) else {
        return Ok(search(request.name));
    };
    if path.is_file() { Ok(Some(path)) } else { Err(RulesError::ConfigMissing { path }) }
}

/// Climbs from the folder of `name` to the first `.sops.yaml`.
pub fn search(name: &Path) -> Option<PathBuf> {
    climb(name, CONFIG_NAME)
}

fn misnamed_config(name: &Path) -> Option<PathBuf> {
    climb(name, NOT_THE_CONFIG_NAME)
}

fn climb(name: &Path, wanted: &str) -> Option<PathBuf> {
    name.ancestors().skip(1).take(MAX_CLIMB).map(|folder| folder.join(wanted)).find(|path| path.is_file())
}

/// `path` without `.` and `..` steps; symbolic links are not looked at, as in SOPS.
fn clean(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut clean, step| {
        match step {
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            Component::CurDir => {}
            _ => clean.push(step),
        }
        clean
    })
}

struct Matched {
    config: PathBuf,
    number: usize,
    rule: CreationRule,
}

/// The first rule of `config` that matches; `None` when the file has no `creation_rules`.
fn matching_rule(config: &Path, name: &Path) -> Result<Option<Matched>, RulesError> {
    let unreadable = |reason: String| RulesError::ConfigUnreadable { path: config.to_path_buf(), reason };
    let bytes = std::fs::read(config).map_err(|error| unreadable(error.to_string()))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let ConfigFile { rules, unknown } = schema::parse(config, text)?;
    let Some(rules) = rules else { return Ok(None) };
    let (folder, name) = (clean(config.parent().unwrap_or(Path::new(""))), clean(name));
    let relative = name.strip_prefix(folder).unwrap_or(&name).to_string_lossy();
    let mut tried = Vec::new();
    for (number, rule) in (1..).zip(rules) {
        unknown.check_rule(config, number)?;
        let pattern = rule.path_regex.clone().unwrap_or_default();
        let regex = go_regex::compile(&pattern).map_err(|reason| RulesError::PathRegex {
            config: config.to_path_buf(),
            rule: number,
            pattern: pattern.clone(),
            reason,
        })?;
        if regex.is_match(&relative) {
            return Ok(Some(Matched { config: config.to_path_buf(), number, rule }));
        }
        tried.push(pattern);
    }
    Err(RulesError::NoMatch { config: config.to_path_buf(), file: relative.into_owned(), tried })
}

fn groups_of(rule: &CreationRule, config: &Path, number: usize) -> Result<Vec<Vec<KeyRef>>, RulesError> {
    let mut groups = Vec::new();
    if rule.key_groups.is_empty() {
        groups.push(flat_group(rule)?);
    }
    for group in &rule.key_groups {
        let mut keys = Vec::new();
        merge_group(group, &mut keys)?;
        groups.push(keys);
    }
    match groups.iter().position(Vec::is_empty) {
        Some(index) => {
            let group = (groups.len() > 1).then_some(index + 1);
            Err(RulesError::EmptyGroup { config: config.to_path_buf(), rule: number, group })
        }
        None => Ok(groups),
    }
}

fn flat_group(rule: &CreationRule) -> Result<Vec<KeyRef>, RulesError> {
    let mut group = Vec::new();
    push_keys(&mut group, KeyKind::Age, &rule.age.0)?;
    push_keys(&mut group, KeyKind::Pgp, &rule.pgp.0)?;
    push_keys(&mut group, KeyKind::Kms, &rule.kms.0)?;
    if let Some(profile) = &rule.aws_profile {
        for key in &mut group {
            if let KeyRef::Kms { aws_profile, .. } = key {
                aws_profile.clone_from(profile);
            }
        }
    }
    push_keys(&mut group, KeyKind::GcpKms, &rule.gcp_kms.0)?;
    push_keys(&mut group, KeyKind::HcKms, &rule.hckms.0)?;
    push_keys(&mut group, KeyKind::AzureKv, &rule.azure_keyvault.0)?;
    push_keys(&mut group, KeyKind::HcVault, &rule.hc_vault_transit_uri.0)?;
    Ok(group)
}

/// Appends the keys of `group` that are not in `keys` yet, merged groups first.
fn merge_group(group: &KeyGroup, keys: &mut Vec<KeyRef>) -> Result<(), RulesError> {
    for merged in &group.merge {
        merge_group(merged, keys)?;
    }
    let mut own = Vec::new();
    push_keys(&mut own, KeyKind::Age, &group.age)?;
    push_keys(&mut own, KeyKind::Pgp, &group.pgp)?;
    own.extend(group.kms.iter().map(schema::KmsEntry::key));
    push_keys(&mut own, KeyKind::GcpKms, group.gcp_kms.iter().map(|entry| &entry.resource_id))?;
    push_keys(&mut own, KeyKind::HcKms, group.hckms.iter().map(|entry| &entry.key_id))?;
    own.extend(group.azure_keyvault.iter().map(schema::AzureEntry::key));
    push_keys(&mut own, KeyKind::HcVault, &group.hc_vault)?;
    for key in own {
        if !keys.iter().any(|known| known.kind() == key.kind() && known.id() == key.id()) {
            keys.push(key);
        }
    }
    Ok(())
}

fn push_keys<'a>(
    group: &mut Vec<KeyRef>,
    kind: KeyKind,
    lists: impl IntoIterator<Item = &'a String>,
) -> Result<(), RulesError> {
    for text in
        lists.into_iter().flat_map(|list| list.split(',')).map(str::trim).filter(|text| !text.is_empty())
    {
        group.push(KeyRef::parse(kind, text)?);
    }
    Ok(())
}
