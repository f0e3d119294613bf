//! The types a SOPS value may carry, and how each is shown and counted in the MAC.
//!
//! A dotenv source gives only `str` and `comment`; `sops set` and conversions from YAML or JSON give the
//! others. The type stands outside the authenticated part, so a content that does not fit its type is an
//! error that names neither. Number formats are those of Go (`FormatFloat` with `f` and with `G`).

use zeroize::Zeroizing;

use crate::secret::Secret;

/// The type field of an encrypted value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// Text; what a dotenv file holds.
    Str,
    /// A whole number.
    Int,
    /// A number with a fraction; `sops set` makes every number one.
    Float,
    /// `True` or `False`.
    Bool,
    /// Raw bytes; SOPS itself cannot read one from a dotenv file.
    Bytes,
    /// A date and time after RFC 3339.
    Time,
    /// The text of a comment line.
    Comment,
}

impl ValueType {
    /// Reads the name as the format spells it.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Str,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "bytes" => Self::Bytes,
            "time" => Self::Time,
            "comment" => Self::Comment,
            _ => return None,
        })
    }

    /// The name as the format spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Time => "time",
            Self::Comment => "comment",
        }
    }
}

/// A decrypted value in its two spellings.
pub struct Typed {
    /// What stands in the decrypted file.
    pub shown: Secret,
    /// What the MAC counts.
    pub counted: Secret,
}

/// Why the decrypted bytes do not make a value of their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is no such number, bool or time; or the type cannot stand in a dotenv file.
    WrongType,
}

/// Reads decrypted `bytes` as `value_type`.
pub fn read(value_type: ValueType, bytes: &[u8]) -> Result<Typed, Misfit> {
    let text = std::str::from_utf8(bytes).map_err(|_| Misfit::NotUtf8)?;
    let same = |text: &str| Typed { shown: Secret::new(text), counted: Secret::new(text) };
    match value_type {
        ValueType::Str => Ok(same(text)),
        ValueType::Int => {
            let number: i64 = text.parse().map_err(|_| Misfit::WrongType)?;
            Ok(same(&Zeroizing::new(number.to_string())))
        }
        ValueType::Float => {
            let number: f64 = text.parse().map_err(|_| Misfit::WrongType)?;
            if !number.is_finite() {
                return Err(Misfit::WrongType);
            }
            Ok(Typed { shown: Secret::new(float_shown(number)), counted: Secret::new(number.to_string()) })
        }
        ValueType::Bool => match text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => {
                Ok(Typed { shown: Secret::new("true"), counted: Secret::new("True") })
            }
            "0" | "f" | "F" | "FALSE" | "false" | "False" => {
                Ok(Typed { shown: Secret::new("false"), counted: Secret::new("False") })
            }
            _ => Err(Misfit::WrongType),
        },
        ValueType::Time => {
            let shown = super::timestamp::canonical(text).ok_or(Misfit::WrongType)?;
            Ok(Typed { shown: Secret::new(shown), counted: Secret::new(text) })
        }
        ValueType::Bytes | ValueType::Comment => Err(Misfit::WrongType),
    }
}

/// Go's `FormatFloat(x, 'G', -1, 64)`, with `.0` where neither a point nor an exponent stands.
fn float_shown(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) || number == 0.0 {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}E{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_and_counted(value_type: ValueType, text: &str) -> (String, String) {
        let typed = read(value_type, text.as_bytes()).unwrap();
        (typed.shown.expose().to_owned(), typed.counted.expose().to_owned())
    }

    #[test]
    fn numbers_are_shown_as_go_shows_them() {
        for (text, shown) in [
            ("8080", "8080.0"),
            ("1000000", "1E+06"),
            ("1234567", "1.234567E+06"),
            ("100000", "100000.0"),
            ("0.00001", "1E-05"),
            ("0.0001", "0.0001"),
            ("1.5", "1.5"),
            ("0", "0.0"),
            ("-2.5", "-2.5"),
            ("1e30", "1E+30"),
            ("1.7976931348623157e308", "1.7976931348623157E+308"),
        ] {
            assert_eq!(shown_and_counted(ValueType::Float, text).0, shown, "{text}");
        }
        assert_eq!(shown_and_counted(ValueType::Float, "1000000").1, "1000000");
        assert_eq!(shown_and_counted(ValueType::Int, "+7"), ("7".into(), "7".into()));
    }

    #[test]
    fn bools_are_lower_case_in_the_file_and_titled_in_the_mac() {
        assert_eq!(shown_and_counted(ValueType::Bool, "True"), ("true".into(), "True".into()));
        assert_eq!(shown_and_counted(ValueType::Bool, "F"), ("false".into(), "False".into()));
    }

    #[test]
    fn a_time_is_shown_without_its_fraction() {
        let (shown, counted) = shown_and_counted(ValueType::Time, "2024-01-01T00:00:00.5Z");
        assert_eq!((shown.as_str(), counted.as_str()), ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z"));
    }

    #[test]
    fn content_that_does_not_fit_its_type_is_an_error() {
        for value_type in [ValueType::Int, ValueType::Float, ValueType::Bool, ValueType::Time] {
            assert_eq!(read(value_type, b"hunter2").err(), Some(Misfit::WrongType));
        }
        assert_eq!(read(ValueType::Bytes, b"x").err(), Some(Misfit::WrongType));
        assert_eq!(read(ValueType::Float, b"inf").err(), Some(Misfit::WrongType));
        assert_eq!(read(ValueType::Str, &[0xff]).err(), Some(Misfit::NotUtf8));
    }
}
