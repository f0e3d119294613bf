//! The one integration test binary.

mod dotenvx_tool;
mod fake;
mod lying_tool;
