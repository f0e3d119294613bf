//! placeholder until merge
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct DotenvxToolError;
