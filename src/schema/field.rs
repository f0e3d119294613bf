//! Reads one field of a class: is it marked sensitive, and by which names does the environment know it.
//!
//! A mark is a literal `{"sensitive": True}` as `json_schema_extra`, also where it stands in a constant or a type alias
//! of the same module. What cannot be told from the text counts as marked.

use std::collections::HashSet;

use super::SchemaError;
use super::python::{Token, argument, arguments, scope};
use super::reader::{Definition, Module, assigned};

/// A field that is marked as sensitive.
pub(super) struct Field {
    pub(super) name: String,
    /// Names that replace the field's own; the prefix does not apply to them.
    pub(super) aliases: Vec<String>,
}

/// What a class says about `env_prefix`.
pub(super) enum Prefix {
    Literal(String),
    /// Only Python knows it; the word names the part that is computed.
    Computed(&'static str),
}

/// How many constants are followed for one field; behind more of them stands doubt, which counts as a mark.
const FOLLOWED: usize = 64;

/// The field that a statement of a class body declares, if it is marked.
pub(super) fn sensitive_field(
    module: &Module,
    class: &str,
    statement: &[Token],
) -> Result<Option<Field>, SchemaError> {
    let [Token::Name(name), Token::Op(':' | '='), declared @ ..] = statement else { return Ok(None) };
    if name == "model_config" || !is_marked(module, declared, &mut HashSet::new()) {
        return Ok(None);
    }
    let mut aliases = Vec::new();
    for argument in ["validation_alias", "alias"].iter().filter_map(|name| argument(declared, name)) {
        aliases.extend(strings(module, argument).ok_or_else(|| SchemaError::NotLiteral {
            what: format!("the alias of '{name}'"),
            class: class.to_owned(),
            module: module.name.clone(),
        })?);
    }
    Ok(Some(Field { name: name.clone(), aliases }))
}

/// Whether a declaration marks its field, in its own words or in those of a constant that it names. `seen` holds the
/// constants that were looked into; they may refer to each other in circles.
fn is_marked<'m>(module: &'m Module, declared: &[Token], seen: &mut HashSet<&'m str>) -> bool {
    if let Some(extra) = argument(declared, "json_schema_extra") {
        return is_sensitive_extra(module, extra, &mut HashSet::new());
    }
    declared.iter().enumerate().any(|(i, token)| {
        let Token::Name(name) = token else { return false };
        match module.constant(name) {
            Some((name, value)) => {
                seen.insert(name) && (seen.len() > FOLLOWED || is_marked(module, value, seen))
            }
            None => is_spread_argument(declared, i),
        }
    })
}

/// Whether the token at `index` follows `**` at the start of an argument, where that is no power.
fn is_spread_argument(tokens: &[Token], index: usize) -> bool {
    matches!(tokens[index.saturating_sub(3)..index], [Token::Op('(' | ','), Token::Op('*'), Token::Op('*')])
}

/// Whether the value of `json_schema_extra` is a mapping with `sensitive` set to true, or cannot be told.
fn is_sensitive_extra<'m>(module: &'m Module, extra: &[Token], seen: &mut HashSet<&'m str>) -> bool {
    let entries = match extra {
        [Token::Name(name)] => {
            return match module.constant(name) {
                _ if name == "None" => false,
                Some((name, value)) if seen.insert(name) && seen.len() <= FOLLOWED => {
                    is_sensitive_extra(module, value, seen)
                }
                _ => true,
            };
        }
        [Token::Name(name), ..] if name == "lambda" => return false,
        [Token::Op('{'), entries @ .., Token::Op('}')] => entries,
        [Token::Name(name), Token::Op('('), entries @ .., Token::Op(')')] if name == "dict" => entries,
        _ => return true,
    };
    arguments(entries).into_iter().any(|entry| match entry {
        [Token::Op('*'), Token::Op('*'), spread @ ..] => is_sensitive_extra(module, spread, seen),
        [Token::Text(key) | Token::Name(key), Token::Op(':' | '='), value @ ..] => {
            key == "sensitive" && may_be_true(value)
        }
        _ => false,
    })
}

fn may_be_true(value: &[Token]) -> bool {
    match value {
        [Token::Name(name)] => name != "False" && name != "None",
        [Token::Number | Token::Text(_)] => false,
        _ => true,
    }
}

/// The strings of an alias, or `None` when they are computed. `AliasChoices` and `AliasPath` are looked through, and so
/// is one constant.
fn strings(module: &Module, value: &[Token]) -> Option<Vec<String>> {
    let value = match value {
        [Token::Name(name)] if name == "None" => return Some(Vec::new()),
        [Token::Name(name)] => module.constant(name)?.1,
        _ => value,
    };
    let mut found: Vec<String> = Vec::new();
    let mut after_text = false;
    for token in value {
        match token {
            Token::Text(text) if after_text => found.last_mut()?.push_str(text),
            Token::Text(text) => found.push(text.clone()),
            Token::Number | Token::Op('(' | ')' | '[' | ']' | ',' | '.') => {}
            Token::Name(name) if ["AliasChoices", "AliasPath", "pydantic"].contains(&name.as_str()) => {}
            _ => return None,
        }
        after_text = matches!(token, Token::Text(_));
    }
    Some(found)
}

/// What a class itself says about `env_prefix`: in `model_config`, in `class Config`, or beside its bases.
pub(super) fn class_prefix(module: &Module, definition: &Definition) -> Option<Prefix> {
    if let Some(value) = argument(&definition.head, "env_prefix") {
        return Some(literal_prefix(module, value));
    }
    for (line, body) in scope(&definition.body) {
        if line.tokens[0].is_name("model_config") {
            return config_prefix(module, assigned(&line.tokens)?);
        }
        if line.tokens[0].is_name("class") && line.tokens.get(1).is_some_and(|token| token.is_name("Config"))
        {
            let found = scope(body).into_iter().find(|(line, _)| line.tokens[0].is_name("env_prefix"));
            return Some(literal_prefix(module, assigned(&found?.0.tokens)?));
        }
    }
    None
}

fn config_prefix(module: &Module, config: &[Token]) -> Option<Prefix> {
    let config = match config {
        [Token::Name(name)] => module.constant(name).map_or(config, |(_, value)| value),
        _ => config,
    };
    if let Some(value) = argument(config, "env_prefix") {
        return Some(literal_prefix(module, value));
    }
    let head = config.iter().take_while(|token| matches!(token, Token::Name(_) | Token::Op('.'))).last();
    let is_plain = match head {
        None => config.first() == Some(&Token::Op('{')),
        Some(Token::Name(name)) => name == "dict" || name.ends_with("ConfigDict"),
        Some(_) => false,
    };
    // Any other call, and a spread, may hold a prefix that is not written here.
    if is_plain && !has_spread(config) { None } else { Some(Prefix::Computed("model_config")) }
}

fn has_spread(tokens: &[Token]) -> bool {
    tokens.windows(2).any(|pair| pair == [Token::Op('*'), Token::Op('*')])
}

fn literal_prefix(module: &Module, value: &[Token]) -> Prefix {
    match strings(module, value).as_deref() {
        Some([]) => Prefix::Literal(String::new()),
        Some([prefix]) => Prefix::Literal(prefix.clone()),
        _ => Prefix::Computed("env_prefix"),
    }
}
