//! Tests that need more than the crate itself: real programs, real files, real processes.

#[path = "../support/mod.rs"]
mod support;

#[cfg(unix)]
mod decrypt_contract;
#[cfg(unix)]
mod encrypt_contract;
mod loader_sweep;
