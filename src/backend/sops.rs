//! SOPS: encrypted dotenv files that name who may read them.

pub mod builtin;
pub mod data_key;
pub mod decrypt;
pub mod encrypt;
pub mod engine;
pub mod error;
#[cfg(test)]
mod fixture;
pub mod flat;
pub mod go_regex;
pub mod keep;
mod key_command;
pub mod layout;
pub mod mac;
pub mod master_key;
pub mod metadata;
pub mod other_store;
pub mod quoting;
pub mod random;
pub mod ranges;
pub mod rules;
pub mod selection;
pub mod shamir;
pub mod shape;
pub mod store;
#[cfg(test)]
mod tests;
pub mod timestamp;
pub mod tool;
pub mod typed;
pub mod value;

pub use metadata::is_metadata_key;
pub use value::{PREFIX as VALUE_PREFIX, is_sealed};
