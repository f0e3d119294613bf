//! Tests that need more than the crate itself: real programs, real files, real processes.

#[path = "../support/mod.rs"]
mod support;

#[cfg(unix)]
mod bad_input;
#[cfg(unix)]
mod canary;
#[cfg(unix)]
mod check_report;
#[cfg(unix)]
mod concurrency;
#[cfg(unix)]
mod crash;
#[cfg(unix)]
mod decrypt_contract;
#[cfg(unix)]
mod encrypt_contract;
#[cfg(unix)]
mod global_flags;
mod loader_sweep;
#[cfg(unix)]
mod round_trip;
