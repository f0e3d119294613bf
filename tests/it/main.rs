//! Tests that need more than the crate itself: real programs, real files, real processes.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "helpers of tests are tests too"
)]

#[path = "../support/mod.rs"]
mod support;

mod docs;
mod dotenvx_matrix;
mod dotenvx_tool;
mod dotenvx_vectors;
#[cfg(unix)]
mod fake;
mod loader_sweep;
#[cfg(unix)]
mod lying_tool;
#[cfg(unix)]
mod partial;
mod sops_interop;
mod sops_vectors;
