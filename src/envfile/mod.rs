//! The `.env` text and the dialects in which programs read it.

pub mod loader;
