//! The one integration test binary.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "helpers of tests are tests too"
)]

mod dotenvx_tool;
#[cfg(unix)]
mod fake;
#[cfg(unix)]
mod lying_tool;
