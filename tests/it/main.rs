//! The one integration test binary.

mod dotenvx_tool;
