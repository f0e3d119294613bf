//! Which names a settings class marks as sensitive: the reader behind `--schema module:Class`.
//!
//! The class is Python, but nothing is imported or executed: the module's file is found below the given folders and
//! read as text, and a small tolerant scan looks for fields with `json_schema_extra={"sensitive": True}`. A field's
//! names are its aliases, or `env_prefix` and its own name, and always its own name alone, whatever their case.
//! Where the text leaves a doubt the answer errs on the side of "sensitive" or is an error, so a check cannot pass
//! because a schema was not understood. What a function of the project builds (`key: str = secret_field()`), nested
//! models and alias generators are not seen.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use field::Prefix;
use reader::Reader;

mod field;
mod python;
mod reader;

/// The names that a settings class marks as sensitive.
#[derive(Debug, Default)]
pub struct Schema {
    names: HashSet<String>,
    unread_bases: Vec<String>,
}

impl Schema {
    /// Whether `name` is one of the marked names, in any case.
    pub fn marks(&self, name: &str) -> bool {
        self.names.contains(&name.to_lowercase())
    }

    /// Base classes that come from outside the folders. Fields that they declare are not known; the caller says so.
    pub fn unread_bases(&self) -> &[String] {
        &self.unread_bases
    }
}

/// Why a schema could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The text of `--schema` is not `module:Class`.
    #[error("Invalid schema path '{path}'. Expected format: 'module.path:ClassName'")]
    Format {
        /// What was given.
        path: String,
    },
    /// No file belongs to the module.
    #[error("Cannot import module '{module}': no file {file} below {folders}")]
    ModuleNotFound {
        /// Dotted name.
        module: String,
        /// The file that was looked for.
        file: String,
        /// The folders that were searched.
        folders: String,
    },
    /// The module's file could not be read, or is not UTF-8.
    #[error("Cannot import module '{module}': {}: {source}", .path.display())]
    Unreadable {
        /// Dotted name.
        module: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The module neither defines the class nor imports it from a module that is below the folders.
    #[error("Class '{class}' not found in module '{module}'")]
    ClassNotFound {
        /// The class.
        class: String,
        /// Dotted name of the module.
        module: String,
    },
    /// A part that decides about names is computed, so that only Python could tell it.
    #[error(
        "{what} of '{class}' in module '{module}' is not a literal, so its variable names cannot be read"
    )]
    NotLiteral {
        /// The part: `model_config`, `env_prefix`, or the alias of a field.
        what: String,
        /// The class.
        class: String,
        /// Dotted name of the module.
        module: String,
    },
}

impl SchemaError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Format { .. } => "for example --schema app.config:Settings".to_owned(),
            Self::ModuleNotFound { .. } => {
                "name the folder that holds the module with --service-dir".to_owned()
            }
            Self::Unreadable { .. } => "the file must be readable and UTF-8".to_owned(),
            Self::ClassNotFound { module, .. } => {
                format!("check the name after the colon and the file of {module}")
            }
            Self::NotLiteral { what, .. } => format!("write {what} as a literal string in the class"),
        })
    }

    /// A stable token for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Format { .. } => "schema.format",
            Self::ModuleNotFound { .. } => "schema.module_not_found",
            Self::Unreadable { .. } => "schema.unreadable",
            Self::ClassNotFound { .. } => "schema.class_not_found",
            Self::NotLiteral { .. } => "schema.not_literal",
        }
    }
}

/// Reads the schema that `path` (`module.path:ClassName`) names, its module searched below each of `folders` in turn.
pub fn load(path: &str, folders: &[&Path]) -> Result<Schema, SchemaError> {
    let invalid = || SchemaError::Format { path: path.to_owned() };
    let (module, class) = path.rsplit_once(':').ok_or_else(invalid)?;
    if !is_identifier(class) || !module.split('.').all(is_identifier) {
        return Err(invalid());
    }
    let mut reader = Reader::new(folders);
    let found = reader.module(module)?.ok_or_else(|| not_found(module, folders))?;
    let found = reader
        .class(&found, class)?
        .ok_or_else(|| SchemaError::ClassNotFound { class: class.to_owned(), module: module.to_owned() })?;
    let mut names = HashSet::new();
    for field in found.sensitive {
        if field.aliases.is_empty() {
            let prefix = match &found.prefix {
                None => "",
                Some(Prefix::Literal(prefix)) => prefix,
                Some(Prefix::Computed(what)) => {
                    return Err(SchemaError::NotLiteral {
                        what: (*what).to_owned(),
                        class: class.to_owned(),
                        module: module.to_owned(),
                    });
                }
            };
            names.insert(format!("{prefix}{}", field.name).to_lowercase());
        }
        names.extend(field.aliases.iter().map(|alias| alias.to_lowercase()));
        names.insert(field.name.to_lowercase());
    }
    Ok(Schema { names, unread_bases: reader.unread_bases })
}

fn not_found(module: &str, folders: &[&Path]) -> SchemaError {
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    SchemaError::ModuleNotFound {
        module: module.to_owned(),
        file: format!("{}.py", module.replace('.', "/")),
        folders: folders.join(", "),
    }
}

/// Letters of any script, digits and `_`, as in Python; above all no separator of a path.
fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests;
