//! The dotenvx format.
