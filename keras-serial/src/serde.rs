//! Keras objects in any serde format: `#[serde(with = "keras_serial::serde")]`.
//!
//! A field of a type that can be a field of a configuration (a layer, an optimizer, an activation, lists of such, …)
//! is written in its serialized form, `{module, class_name, config, …}`, and read from it or from a name, so that the
//! settings of a program can hold Keras objects in JSON, YAML, TOML, MessagePack and other self-describing formats.
//!
//! Entries that are null by default are left out where they are null, as TOML has no null; they are null again when
//! read.
//!
//! ```
//! use keras_serial::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Settings {
//!     epochs: usize,
//!     #[serde(with = "keras_serial::serde")]
//!     layer: LayerRef,
//!     #[serde(with = "keras_serial::serde")]
//!     optimizer: Optimizer,
//! }
//!
//! let text = r#"{
//!     "epochs": 3,
//!     "layer": {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3, "activation": "relu"}},
//!     "optimizer": "adam"
//! }"#;
//! let settings: Settings = serde_json::from_str(text)?;
//! assert_eq!(settings.layer.get_config()?["units"], 3.into());
//! let again: Settings = serde_json::from_str(&serde_json::to_string(&settings)?)?;
//! assert_eq!(again.optimizer.get_config()?, settings.optimizer.get_config()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use ::serde::de::{Deserialize, Deserializer, Error as _};
use ::serde::ser::{Error as _, Serialize, Serializer};

use crate::config::ConfigField;
use crate::json::{Dict, Value};
use crate::object::Form;
use crate::registry;

/// Serializes an object in its Keras form.
///
/// # Errors
/// When the object can't be serialized, and those of the format.
pub fn serialize<T: ConfigField, S: Serializer>(object: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let value = object.to_value().map_err(S::Error::custom)?;
    without_nulls(value).serialize(serializer)
}

/// Deserializes an object from its Keras form, or from a name.
///
/// # Errors
/// Those of the format, and of the object.
pub fn deserialize<'de, T: ConfigField, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    T::from_value(&value).map_err(D::Error::custom)
}

/// Leaves out the entries of serialized objects that are null, and would be if they were missing.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(without_nulls).collect()),
        Value::Dict(dict) => {
            let description = match Form::of(&dict) {
                Ok(Some(form)) => registry::find(&form).ok().and_then(|entry| entry.description()),
                _ => None,
            };
            let is_form = dict.contains_key("class_name") && dict.contains_key("config");
            let of_form = |key: &str| is_form && matches!(key, "registered_name" | "build_config" | "module");
            let by_default = |key: &str| {
                let described = description?;
                let default = described.default_of(described.field(key)?)?.ok()?;
                default.is_null().then_some(())
            };
            let entries = dict.into_iter().filter(|(key, value)| !(value.is_null() && of_form(key)));
            let entries = entries.map(|(key, value)| match value {
                Value::Dict(config) if is_form && key == "config" => {
                    let given = config.into_iter().filter(|(key, value)| !value.is_null() || by_default(key).is_none());
                    let given: Dict = given.map(|(key, value)| (key, without_nulls(value))).collect();
                    (key, Value::Dict(given))
                }
                value => (key, without_nulls(value)),
            });
            Value::Dict(entries.collect())
        }
        other => other,
    }
}
