//! The list of every section and key, taken from the fields of the raw structs.
//!
//! serde's derived code asks for a struct by the names of its fields; a deserializer that only listens gets the
//! list without a second one to keep in step.

use serde::Deserializer;
use serde::de::value::Error as NoValue;
use serde::de::{DeserializeOwned, Error as _, Visitor};

use super::raw::{
    RawAws, RawAzure, RawConfig, RawDotenvx, RawEncryption, RawGcp, RawGuard, RawGuardian, RawHashicorp,
    RawHookCheck, RawMapping, RawPartial, RawPartialEnvironment, RawPrecommit, RawProject, RawSops, RawSync,
    RawValidation, RawVault,
};

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Table,
    /// An array of tables.
    Rows,
    /// A table whose keys are free.
    Free,
}

pub(super) struct Known {
    /// The dotted name; empty for the top level.
    pub(super) path: &'static str,
    pub(super) shape: Shape,
    pub(super) keys: fn() -> &'static [&'static str],
}

const fn table<T: DeserializeOwned>(path: &'static str) -> Known {
    Known { path, shape: Shape::Table, keys: keys_of::<T> }
}

const fn rows<T: DeserializeOwned>(path: &'static str) -> Known {
    Known { path, shape: Shape::Rows, keys: keys_of::<T> }
}

const fn free(path: &'static str) -> Known {
    Known { path, shape: Shape::Free, keys: || &[] }
}

pub(super) const KNOWN: [Known; 23] = [
    table::<RawProject>("envdrift"),
    table::<RawValidation>("validation"),
    table::<RawEncryption>("encryption"),
    table::<RawDotenvx>("encryption.dotenvx"),
    table::<RawSops>("encryption.sops"),
    table::<RawVault>("vault"),
    free("vault.mappings"),
    table::<RawAzure>("vault.azure"),
    table::<RawAws>("vault.aws"),
    table::<RawHashicorp>("vault.hashicorp"),
    table::<RawGcp>("vault.gcp"),
    table::<RawSync>("vault.sync"),
    rows::<RawMapping>("vault.sync.mappings"),
    rows::<RawMapping>("mappings"),
    table::<RawPrecommit>("precommit"),
    free("precommit.schemas"),
    table::<RawHookCheck>("git_hook_check"),
    table::<RawPartial>("partial_encryption"),
    rows::<RawPartialEnvironment>("partial_encryption.environments"),
    table::<RawGuard>("guard"),
    free("guard.ignore_rules"),
    table::<RawGuardian>("guardian"),
    table::<RawConfig>(""),
];

/// The field names of a struct, as its derived `Deserialize` asks for them.
pub(super) fn keys_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // The probe answers every request with an error; the names are what it is after.
    let _ = T::deserialize(Probe(&mut fields));
    fields
}

struct Probe<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = NoValue;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        Err(NoValue::custom("no value"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("no value"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Every section and key of `envdrift.toml`, sections being keys of the one they are in.
#[cfg(test)]
pub(super) fn known_keys() -> impl Iterator<Item = (&'static str, &'static str)> {
    let sections = KNOWN.iter().filter(|section| section.path != "mappings");
    sections.flat_map(|section| (section.keys)().iter().map(|key| (section.path, *key)))
}
