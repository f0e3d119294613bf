//! The verbs: each takes a request, moves its targets from one state to another, and returns a report.
//!
//! No clap and no printing here. A batch is one transaction as far as disks allow: every refusal, every engine
//! and every proof comes before the first write, and all new texts are on disk under temporary names before the
//! first file is replaced.

mod activate;
mod batch;
pub mod check;
pub mod decrypt;
pub mod encrypt;
pub mod hooks;
pub mod key_stores;
pub mod lock;
pub mod open;
pub mod partial;
pub mod previous;
mod protect;
pub mod pull;
pub mod service_rows;
pub mod services;
