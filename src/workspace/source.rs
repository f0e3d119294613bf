//! The text of one config file: where in it the settings start, and pointers into it for errors.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::ConfigError;
use crate::snippet::Snippet;

/// Which of the two kinds of file this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `envdrift.toml`: sections at the top level.
    Own,
    /// `pyproject.toml`: sections below `[tool.envdrift]`, which holds the `[envdrift]` keys itself.
    Pyproject,
}

pub(super) struct Source<'t> {
    /// The file, spelled as the user knows it.
    pub(super) path: &'t Path,
    pub(super) text: &'t str,
    pub(super) form: Form,
}

impl<'t> Source<'t> {
    /// Parses the text and returns the table of settings; `None` for a pyproject without `tool.envdrift`.
    pub(super) fn root(&self) -> Result<Option<Spanned<DeTable<'t>>>, ConfigError> {
        let document = DeTable::parse(self.text).map_err(|error| ConfigError::Syntax {
            message: error.message().replace('\n', ", "),
            at: self.at(&error.span().unwrap_or_default()),
        })?;
        if self.form == Form::Own {
            return Ok(Some(document));
        }
        let tool = document.into_inner().remove("tool").map(Spanned::into_inner);
        let Some(DeValue::Table(mut tool)) = tool else { return Ok(None) };
        let Some(settings) = tool.remove("envdrift") else { return Ok(None) };
        let span = settings.span();
        match settings.into_inner() {
            DeValue::Table(table) => Ok(Some(Spanned::new(span, table))),
            other => Err(self.invalid(&span, must_be_table("tool.envdrift", &other))),
        }
    }

    /// Points at the start of `span`.
    pub(super) fn at(&self, span: &Range<usize>) -> Snippet {
        Snippet::at(self.path, self.text, span.start)
    }

    pub(super) fn invalid(&self, span: &Range<usize>, detail: String) -> ConfigError {
        ConfigError::Invalid { detail, at: self.at(span) }
    }

    /// The name of a section as this file has to write it; empty for the top level.
    pub(super) fn written(&self, section: &str) -> String {
        match (self.form, section) {
            (Form::Own, section) => section.to_owned(),
            (Form::Pyproject, "") => "tool.envdrift".to_owned(),
            (Form::Pyproject, section) => format!("tool.envdrift.{section}"),
        }
    }
}

/// Says that a section is not a table.
pub(super) fn must_be_table(section: &str, value: &DeValue<'_>) -> String {
    format!("[{section}] must be a table, got {}", kind(value))
}

/// The type of a value with its article: "an array".
pub(super) fn kind(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let article = if name.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {name}")
}
