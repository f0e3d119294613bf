//! placeholder
use crate::env::Env;
use crate::process::{Tool, ToolName};
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct InstallError;
/// x
pub fn install(_: ToolName, _: &Env) -> Result<Tool, InstallError> {
    Err(InstallError)
}
