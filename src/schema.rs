//! tmp
use std::path::Path;
/// tmp
#[derive(Default)]
pub struct Marked;
/// tmp
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct SchemaError;
impl SchemaError { /// a
 pub fn hint(&self) -> Option<String> { None } /// b
 pub fn code(&self) -> &'static str { "x" } }
impl Marked { /// a
 pub fn contains(&self, _: &str) -> bool { false } /// a
 pub fn load(_: &str, _: Option<&Path>, _: &Path) -> Result<Self, SchemaError> { Ok(Self) } }
