//! The rules of the two formats and the engines that turn the crank.

pub mod dotenvx;
