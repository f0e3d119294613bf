//! Partial encryption: part of an environment stays readable, part is encrypted.
//!
//! In combine mode a clear and a secret file make one generated file; in secrets-only mode every matching file of a
//! folder is encrypted in place. [`select()`] reads the config; [`push`], [`check`], [`pull`] and [`lock`] are the verbs,
//! each with a [`Report`] of its own outcome. Files are encrypted and decrypted by the pipeline of `ops::encrypt` and
//! `ops::decrypt`, every environment a group that is written as a whole or not at all.
//!
//! Source: spec/partial-encryption.md.

pub mod check;
mod clear;
pub mod combine;
mod error;
mod glob;
pub mod lock;
mod members;
#[cfg(test)]
mod phase_tests;
mod product;
mod protect;
pub mod pull;
pub mod push;
mod report;
mod secret;
mod select;

pub use error::PartialError;
pub use protect::{Ignored, ignore};
pub use report::{EnvironmentReport, EnvironmentRow, Report};
pub use select::{Combine, Environment, Files, Folder, select};
