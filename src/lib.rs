//! envdrift keeps `.env` files encrypted in git and readable on the machines that may read them.
//!
//! Commands read arguments and choose targets. Ops move each target from one state to another. A cipher (a
//! backend's rules and an engine's muscle) changes text. Every op returns a report. Only `ui` prints.
//!
//! From the outside in: [`cli`] and [`commands`] (what is typed, one file a command), [`ops`] (the verbs: no clap, no
//! printing), [`workspace`] (config, targets, mappings), [`cipher`] (the one pipeline, with its proof), [`backend`] (the
//! rules of dotenvx and SOPS, two engines each), [`envfile`] (the lossless document and its dialects), [`keys`] (names,
//! pairs, key ring, key store).
//!
//! Below them, each the only one to do its thing: [`files`] writes, [`process`] spawns, [`mod@env`] reads the environment,
//! [`ui`] prints, [`git`] asks git, [`http`] and [`install`] fetch tools, [`interrupt`] holds Ctrl-C, [`parallel`] starts
//! threads. [`error`], [`report`], [`secret`] and [`snippet`] are what everyone passes around; [`sensitive`] and [`schema`]
//! tell what looks like a secret.

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
