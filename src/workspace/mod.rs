//! workspace
pub mod target;
