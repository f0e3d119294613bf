//! The dotenvx format.

pub mod tool;
