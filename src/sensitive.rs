//! Tells whether a plaintext variable looks like a secret that somebody forgot to encrypt.
//!
//! Three signs count, in this order: a schema marks the name, the value has the shape of a known credential, the name
//! suggests one. docs/cli/encrypt.md lists the rules, among them the bare names `PASSWORD`,
//! `SECRET`, `TOKEN`, `APIKEY`. The answer only feeds warnings; it never decides what is encrypted.
//!
//! The rules are prefixes and suffixes, matched by hand: 20,000 variables take half a millisecond, and no pattern has
//! to be compiled first.

/// Why a plaintext variable counts as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The schema marks its name as sensitive.
    Schema,
    /// Its value has the shape of a credential.
    Value,
    /// Its name suggests one.
    Name,
}

impl Reason {
    /// The warning about the variable `name`, in the words that scripts match. It never holds the value.
    pub fn warning(self, name: &str) -> String {
        match self {
            Self::Schema => format!("'{name}' is marked sensitive in schema but has plaintext value"),
            Self::Value => format!("'{name}' has a value that looks like a secret"),
            Self::Name => format!("'{name}' has a name suggesting sensitive data"),
        }
    }
}

/// The first reason why `name` with the plaintext `value` is a secret, or `None`.
///
/// `marked` tells whether a schema marks a name. An empty value is never a secret. The caller leaves out ciphertext
/// and the names that the backends keep for themselves (`DOTENV_PUBLIC_KEY`, `sops_mac`).
pub fn why(name: &str, value: &str, marked: &dyn Fn(&str) -> bool) -> Option<Reason> {
    if value.is_empty() {
        None
    } else if marked(name) {
        Some(Reason::Schema)
    } else if is_credential(value) {
        Some(Reason::Value)
    } else if names_a_secret(name) {
        Some(Reason::Name)
    } else {
        None
    }
}

fn is_credential(value: &str) -> bool {
    const ANY_CASE: [&str; 4] = ["sk-", "sk_", "pk-", "pk_"];
    ANY_CASE.iter().any(|prefix| starts(value, prefix))
        || value.starts_with("ghp_")
        || value.starts_with("gho_")
        || is_slack_token(value)
        || is_aws_key_id(value)
        || is_jwt(value)
        || is_database_url_with_password(value)
}

/// `xoxb-…` and its kin.
fn is_slack_token(value: &str) -> bool {
    value
        .strip_prefix("xox")
        .is_some_and(|rest| rest.starts_with(['b', 'a', 'p', 'r', 's']) && rest[1..].starts_with('-'))
}

/// `AKIA` and exactly 16 capitals or digits.
fn is_aws_key_id(value: &str) -> bool {
    value
        .strip_prefix("AKIA")
        .is_some_and(|id| id.len() == 16 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()))
}

/// Two JSON objects in base64url with a dot between: the head and the body of a JSON Web Token.
fn is_jwt(value: &str) -> bool {
    value.starts_with("eyJ")
        && value
            .split_once('.')
            .is_some_and(|(head, body)| body.starts_with("eyJ") && head.bytes().all(is_base64url))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// A database address with `user:password@`, neither of them empty.
fn is_database_url_with_password(value: &str) -> bool {
    const SCHEMES: [&str; 6] = ["postgres", "postgresql", "mysql", "redis", "mongodb", "mongodb+srv"];
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let Some((user, rest)) = rest.split_once(':') else { return false };
    let Some((password, _)) = rest.split_once('@') else { return false };
    SCHEMES.contains(&scheme) && !user.is_empty() && !password.is_empty()
}

fn names_a_secret(name: &str) -> bool {
    const SUFFIXES: [&str; 6] = ["_KEY", "_SECRET", "_TOKEN", "_PASSWORD", "_PASS", "_DSN"];
    const PREFIXES: [&str; 3] = ["JWT_", "AUTH_", "PRIVATE_"];
    const WHOLE: [&str; 4] = ["PASSWORD", "SECRET", "TOKEN", "APIKEY"];
    SUFFIXES.iter().any(|suffix| ends(name, suffix))
        || PREFIXES.iter().any(|prefix| starts(name, prefix))
        || WHOLE.iter().any(|whole| name.eq_ignore_ascii_case(whole))
        || contains(name, "_CREDENTIAL")
}

fn starts(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn ends(text: &str, suffix: &str) -> bool {
    let start = text.len().checked_sub(suffix.len());
    start.and_then(|start| text.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
}

fn contains(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(name: &str, value: &str) -> Option<Reason> {
        why(name, value, &|name| name == "MARKED")
    }

    #[test]
    fn the_schema_is_asked_before_the_value_and_the_value_before_the_name() {
        assert_eq!(reason("MARKED", "sk-1"), Some(Reason::Schema));
        assert_eq!(reason("API_KEY", "sk-1"), Some(Reason::Value));
        assert_eq!(reason("API_KEY", "plain"), Some(Reason::Name));
        assert_eq!(reason("DEBUG", "true"), None);
    }

    #[test]
    fn an_empty_value_is_never_a_secret() {
        assert_eq!(reason("MARKED", ""), None);
        assert_eq!(reason("API_KEY", ""), None);
    }

    #[test]
    fn values_that_have_the_shape_of_a_credential_are_found() {
        for value in [
            "sk-live",
            "SK_test",
            "Pk-1",
            "pk_live_1",
            "ghp_abc",
            "gho_abc",
            "xoxb-1",
            "xoxa-1",
            "xoxs-",
            "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "eyJ.eyJ",
            "postgres://u:p@h/db",
            "postgresql://u:p@h",
            "mysql://u:p@h",
            "redis://u:p:q@h",
            "mongodb://u:p@h",
            "mongodb+srv://u:p@h",
        ] {
            assert_eq!(reason("PLAIN", value), Some(Reason::Value), "{value}");
        }
    }

    #[test]
    fn values_that_only_resemble_a_credential_are_left_alone() {
        for value in [
            "task-1",
            "sk",
            "s",
            "GHP_abc",
            "xoxc-1",
            "xoxb1",
            "xox",
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLE1",
            "AKIAiosfodnn7example",
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJh bG.eyJ",
            "eyJa.b.eyJ",
            "xeyJ.eyJ",
            "postgres://host/db",
            "postgres://u@host",
            "postgres://:p@host",
            "postgres://u:@host",
            "postgres://host:5432/db",
            "https://u:p@host",
            "jdbc:postgres://u:p@h",
            "é",
            "ské",
        ] {
            assert_eq!(reason("PLAIN", value), None, "{value}");
        }
    }

    #[test]
    fn names_that_suggest_a_secret_are_found_in_any_case() {
        for name in [
            "API_KEY",
            "app_key",
            "_KEY",
            "CLIENT_SECRET",
            "GH_TOKEN",
            "DB_PASSWORD",
            "DB_PASS",
            "SENTRY_DSN",
            "GCP_CREDENTIALS_FILE",
            "my_credential",
            "JWT_ISSUER",
            "auth_url",
            "PRIVATE_NOTE",
            "PASSWORD",
            "secret",
            "Token",
            "APIKEY",
        ] {
            assert_eq!(reason(name, "x"), Some(Reason::Name), "{name}");
        }
    }

    #[test]
    fn names_that_only_contain_such_a_word_are_left_alone() {
        for name in
            ["KEY", "MONKEY", "PASS", "DSN", "TOKENS", "SECRET_NAME", "CREDENTIAL", "MY_JWT_X", "É_KEYÉ", ""]
        {
            assert_eq!(reason(name, "x"), None, "{name}");
        }
    }

    #[test]
    fn warnings_keep_the_words_that_scripts_match() {
        let texts = [Reason::Schema, Reason::Value, Reason::Name].map(|reason| reason.warning("X"));
        assert_eq!(
            texts,
            [
                "'X' is marked sensitive in schema but has plaintext value",
                "'X' has a value that looks like a secret",
                "'X' has a name suggesting sensitive data",
            ]
        );
    }
}
