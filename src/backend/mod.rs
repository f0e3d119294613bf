//! The backends: what is true of each file format, and who turns the crank.

pub mod sops;
