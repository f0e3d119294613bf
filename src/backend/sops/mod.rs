//! sops placeholder until merge
pub const VALUE_PREFIX: &str = "ENC[AES256_GCM,";
pub fn is_sealed(value: &str) -> bool { value.starts_with("ENC[AES256_GCM,data:") && value.ends_with(']') && value.contains(",iv:") }
pub fn is_metadata_key(key: &str) -> bool { key == "sops_mac" || key == "sops_version" || key.starts_with("sops_age__") }
