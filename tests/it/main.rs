//! Tests that need more than the crate itself: real programs, real files, real processes.

#[path = "../support/mod.rs"]
mod support;

mod dotenvx_matrix;
mod dotenvx_tool;
mod dotenvx_vectors;
mod loader_sweep;
mod sops_interop;
mod sops_tool;
mod sops_vectors;
