//! placeholder until merge
use super::*;
/// x
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct DotenvxToolError;
impl DotenvxToolError { /// a
 pub fn hint(&self) -> Option<String> { None } /// b
 pub fn code(&self) -> &'static str { "x" } }
/// x
pub struct DotenvxTool(crate::process::Tool);
impl DotenvxTool { /// a
pub fn new(tool: crate::process::Tool, _: &crate::env::Env) -> Self { Self(tool) } }
impl ValueEngine for DotenvxTool {
    const IN_PROCESS: bool = false;
    fn label(&self) -> String { String::new() }
    fn seal(&self, _: &PublicKey, _: &[Secret]) -> Result<SealedValues, EngineError> { Err(DotenvxToolError.into()) }
    fn open(&self, _: &[&PrivateKey], _: &[SealedEntry<'_>]) -> Result<Vec<Secret>, EngineError> { Err(DotenvxToolError.into()) }
}
