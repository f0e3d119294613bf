//! Tests of the whole way from a text to a checked config.

mod discovery;
mod errors;
mod example;
mod sections;
mod unknown;

use std::path::Path;

use super::reader::Reader;
use super::source::{Form, Source};
use super::{Config, ConfigError};
use crate::env::{Env, HOME};

fn read(path: &str, form: Form, text: &str) -> Result<(Config, Vec<String>), ConfigError> {
    let env = Env::fixed("/elsewhere", [(HOME, "/home/ada")]);
    let source = Source { path: Path::new(path), text, form };
    super::parse(&Reader { source: &source, base: Path::new("/project"), env: &env })
}

fn own(text: &str) -> Result<(Config, Vec<String>), ConfigError> {
    read("envdrift.toml", Form::Own, text)
}

fn pyproject(text: &str) -> Result<(Config, Vec<String>), ConfigError> {
    read("pyproject.toml", Form::Pyproject, text)
}

fn config(text: &str) -> Config {
    own(text).unwrap().0
}

fn error(text: &str) -> ConfigError {
    own(text).unwrap_err()
}
