//! Tests that need more than the crate itself: real programs, real files, real processes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::format_collect,
    reason = "helpers of tests are tests too"
)]

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
mod docs;
mod dotenvx_matrix;
mod dotenvx_tool;
mod dotenvx_vectors;
#[cfg(unix)]
mod encrypt_contract;
#[cfg(unix)]
mod fake;
#[cfg(unix)]
mod git_keys;
#[cfg(unix)]
mod global_flags;
#[cfg(unix)]
mod hook_gate;
mod loader_sweep;
#[cfg(unix)]
mod lock;
#[cfg(unix)]
mod lying_tool;
#[cfg(unix)]
mod partial;
#[cfg(unix)]
mod pull;
#[cfg(unix)]
mod round_trip;
#[cfg(unix)]
mod service_sandbox;
#[cfg(unix)]
mod small_diffs;
#[cfg(unix)]
mod sops_contract;
mod sops_interop;
mod sops_tool;
mod sops_vectors;
