//! Reads the values of one section: right type or an error that names section, key and place.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::diagnostic::ConfigError;
use super::leaf::{Accept, Leaf, Typed};
use super::source::Source;
use crate::env::Env;

/// A path from the config: as written, and where it leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPath {
    /// The text in the file, for output.
    pub written: String,
    /// `~` expanded and relative to the config file's folder.
    pub resolved: PathBuf,
}

/// One config file on its way to being checked.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source<'a>,
    /// The folder that relative paths start from.
    pub(super) base: &'a Path,
    pub(super) env: &'a Env,
}

impl<'a> Reader<'a> {
    /// A section whose errors stop every command: `[guard] scanners must be …`.
    pub(super) fn section(&'a self, name: &'static str) -> Section<'a> {
        Section { reader: self, name, errors: Errors::AtLoad }
    }

    /// A section whose errors stop only the commands that use it: `guardian.notify must be …`.
    pub(super) fn deferred(&'a self, name: &'static str) -> Section<'a> {
        Section { reader: self, name, errors: Errors::AtUse }
    }

    pub(super) fn path(&self, written: String) -> ConfigPath {
        // Collecting the components drops every `.` and doubled separator; `..` stays, it may cross a link.
        let resolved = self.env.resolve(self.base, &written).components().collect();
        ConfigPath { written, resolved }
    }
}

enum Errors {
    AtLoad,
    AtUse,
}

pub(super) struct Section<'a> {
    pub(super) reader: &'a Reader<'a>,
    name: &'static str,
    errors: Errors,
}

impl Section<'_> {
    /// The value with its place.
    pub(super) fn spanned<T: Accept>(
        &self,
        key: &str,
        leaf: Leaf<T>,
    ) -> Result<Option<Spanned<T>>, ConfigError> {
        let Some(leaf) = leaf else { return Ok(None) };
        let span = leaf.span();
        match leaf.into_inner() {
            Typed::Is(value) => Ok(Some(Spanned::new(span, value))),
            Typed::Not(got) => {
                let must = T::WHAT;
                Err(match self.errors {
                    Errors::AtLoad => {
                        let detail = format!("[{}] {key} must be {must}, got {got}", self.name);
                        self.reader.source.invalid(&span, detail)
                    }
                    Errors::AtUse => ConfigError::Section {
                        detail: format!("{}.{key} must be {must}, got {got}", self.name),
                        at: self.reader.source.at(&span),
                    },
                })
            }
        }
    }

    pub(super) fn value<T: Accept>(&self, key: &str, leaf: Leaf<T>) -> Result<Option<T>, ConfigError> {
        Ok(self.spanned(key, leaf)?.map(Spanned::into_inner))
    }

    pub(super) fn flag(&self, key: &str, leaf: Leaf<bool>, default: bool) -> Result<bool, ConfigError> {
        Ok(self.value(key, leaf)?.unwrap_or(default))
    }

    /// A trimmed text; a blank one counts as unset.
    pub(super) fn text(&self, key: &str, leaf: Leaf<String>) -> Result<Option<String>, ConfigError> {
        let text = self.value(key, leaf)?;
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// A path; a blank one counts as unset.
    pub(super) fn path(&self, key: &str, leaf: Leaf<String>) -> Result<Option<ConfigPath>, ConfigError> {
        let written = self.value(key, leaf)?.filter(|text| !text.trim().is_empty());
        Ok(written.map(|text| self.reader.path(text)))
    }
}
