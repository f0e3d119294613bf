//! SOPS: encrypted dotenv files that name who may read them.

pub mod layout;
pub mod mac;
pub mod quoting;
pub mod random;
pub mod ranges;
pub mod store;
pub mod timestamp;
pub mod typed;
pub mod value;
