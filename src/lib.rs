//! envdrift keeps `.env` files encrypted in git and readable on the machines that may read them.
//!
//! Commands read arguments and choose targets. Ops move each target from one state to another. A cipher (a
//! backend's rules and an engine's muscle) changes text. Every op returns a report. Only `ui` prints.

pub mod backend;
pub mod cipher;
pub mod cli;
pub mod commands;
pub mod env;
pub mod envfile;
pub mod error;
pub mod files;
pub mod git;
pub mod http;
pub mod install;
pub mod interrupt;
pub mod keys;
pub mod ops;
pub mod parallel;
pub mod process;
pub mod report;
pub mod schema;
pub mod secret;
pub mod sensitive;
pub mod snippet;
pub mod ui;
pub mod workspace;
