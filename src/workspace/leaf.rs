//! A config value together with its place and, when it has the wrong type, what it is instead.
//!
//! Reading never stops at a value of the wrong type: the checks after it decide whether that breaks every
//! command or only the one that needs the value, and can name all wrong values of a table at once.

use std::num::NonZeroUsize;

use serde::{Deserialize, Deserializer};
use toml::{Spanned, Value};

/// An optional setting: absent, of type `T`, or something else.
pub(super) type Leaf<T> = Option<Spanned<Typed<T>>>;

/// A value that is a `T`, or the words for what it is instead.
pub(super) enum Typed<T> {
    Is(T),
    Not(String),
}

/// A type that a setting can have.
pub(super) trait Accept: Sized {
    /// The type in the words of a message: "a boolean".
    const WHAT: &'static str;

    /// Takes the value when it has this type.
    fn accept(value: &Value) -> Option<Self>;
}

impl<'de, T: Accept> Deserialize<'de> for Typed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Ok(value) = Value::deserialize(deserializer) else {
            // A number that no 64 bits hold. Failing here would break commands that never use the value.
            return Ok(Self::Not("a value out of range".to_owned()));
        };
        Ok(T::accept(&value).map_or_else(|| Self::Not(got::<T>(&value)), Self::Is))
    }
}

fn got<T: Accept>(value: &Value) -> String {
    match value {
        Value::String(text) if text.parse().is_ok_and(|bare| T::accept(&bare).is_some()) => {
            "a string (leave out the quotes)".to_owned()
        }
        Value::Array(items) => match items.iter().find(|item| !item.is_str()) {
            Some(item) => format!("a list with {} in it", kind(item)),
            None => "a list".to_owned(),
        },
        other => kind(other),
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::String(_) => "a string".to_owned(),
        Value::Integer(number) => format!("the integer {number}"),
        Value::Float(number) => format!("the number {number}"),
        Value::Boolean(flag) => format!("the boolean {flag}"),
        Value::Datetime(_) => "a date or time".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

impl Accept for bool {
    const WHAT: &'static str = "a boolean";
    fn accept(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Accept for String {
    const WHAT: &'static str = "a string";
    fn accept(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Accept for Vec<String> {
    const WHAT: &'static str = "a list of strings";
    fn accept(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(String::accept).collect()
    }
}

impl Accept for NonZeroUsize {
    const WHAT: &'static str = "an integer of at least 1";
    fn accept(value: &Value) -> Option<Self> {
        Self::new(usize::try_from(value.as_integer()?).ok()?)
    }
}

/// One string or several.
pub(super) struct OneOrMany(pub(super) Vec<String>);

impl Accept for OneOrMany {
    const WHAT: &'static str = "a string or a list of strings";
    fn accept(value: &Value) -> Option<Self> {
        let one = || Some(vec![String::accept(value)?]);
        Vec::accept(value).or_else(one).map(Self)
    }
}

/// A severity's name; whether it exists is for `guard` to say, which also takes it from its flag.
pub(super) struct Severity(pub(super) String);

impl Accept for Severity {
    const WHAT: &'static str = "a severity string";
    fn accept(value: &Value) -> Option<Self> {
        String::accept(value).map(Self)
    }
}

/// A number, or a string that spells one.
pub(super) struct Number(pub(super) f64);

impl Accept for Number {
    const WHAT: &'static str = "a number";
    fn accept(value: &Value) -> Option<Self> {
        let text = match value {
            Value::Float(number) => return Some(Self(*number)),
            Value::Integer(number) => number.to_string(),
            Value::String(text) => text.clone(),
            Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => return None,
        };
        text.trim().parse().ok().map(Self)
    }
}
