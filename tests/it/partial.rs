//! Partial encryption through the binary.

mod check;
mod git;
mod phases;
mod project;
mod pull;
mod push;
mod round_trip;
mod sops;
