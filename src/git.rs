//! tmp
use std::path::Path;
use crate::env::Env;
use crate::error::Error;
/// tmp
pub enum KeyStoreExposure { /// a
 Tracked, /// b
 Ignored, /// c
 NotInRepo, /// d
 Appended(Vec<String>) }
/// tmp
pub fn is_tracked(_: &Path, _: &Env) -> bool { false }
/// tmp
pub fn ignore_key_store(_: &Path, _: &Env) -> Result<KeyStoreExposure, Error> { Ok(KeyStoreExposure::NotInRepo) }
