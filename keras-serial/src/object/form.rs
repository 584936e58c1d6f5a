//! The layout of every serialized object.

use crate::error::{Error, ErrorKind, Result};
use crate::json::{Dict, Value};

/// The entry with the version of the configuration. Keras reads past it: it is no argument of a class.
pub(crate) const VERSION: &str = "config_version";

/// A view of a serialized object: `{module, class_name, config, registered_name, …}`.
///
/// See <https://keras.io/api/models/model_saving_apis/serialization_utils/>.
#[derive(Debug, Clone, Copy)]
pub struct Form<'a> {
    /// The name of the class, or `function`.
    pub class_name: &'a str,
    /// The whole dict.
    pub dict: &'a Dict,
}

impl<'a> Form<'a> {
    /// Returns the view, if the dict is a serialized object: it has `class_name` and `config`.
    ///
    /// # Errors
    /// When `class_name` is not a string, or `module` or `registered_name` is neither a string nor null.
    pub fn of(dict: &'a Dict) -> Result<Option<Self>> {
        let (Some(class_name), Some(_)) = (dict.get("class_name"), dict.get("config")) else {
            return Ok(None);
        };
        let class_name = string(class_name, "class_name")?;
        for name in ["module", "registered_name"] {
            if let Some(value) = dict.get(name).filter(|value| !value.is_null()) {
                string(value, name)?;
            }
        }
        Ok(Some(Self { class_name, dict }))
    }

    /// Returns the version of the configuration, if the object's class has one.
    ///
    /// # Errors
    /// When the entry is no number from 1.
    pub fn version(&self) -> Result<Option<u32>> {
        let Some(value) = self.dict.get(VERSION).filter(|value| !value.is_null()) else { return Ok(None) };
        let version = value.as_i64().and_then(|version| u32::try_from(version).ok()).filter(|version| *version > 0);
        version.map(Some).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("wrong type for `{VERSION}`"))
                .expected("a number from 1")
                .received(value.short())
        })
    }

    /// Returns the `config` entry.
    pub fn config(&self) -> &'a Value {
        self.dict.get("config").unwrap_or(&Value::Null)
    }

    /// Returns the `config` entry as a dict; an empty one for null.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn config_dict(&self) -> Result<std::borrow::Cow<'a, Dict>> {
        match self.config() {
            Value::Dict(dict) => Ok(std::borrow::Cow::Borrowed(dict)),
            Value::Null => Ok(std::borrow::Cow::Owned(Dict::new())),
            other => {
                Err(Error::new(ErrorKind::Config, format!("Expected 'config' to be a dict for {}", self.class_name))
                    .received(other.short()))
            }
        }
    }

    /// Returns the `module` entry, if it is not null.
    pub fn module(&self) -> Option<&'a str> {
        self.dict.get("module").and_then(Value::as_str)
    }

    /// Returns the `registered_name` entry, if it is not null.
    pub fn registered_name(&self) -> Option<&'a str> {
        self.dict.get("registered_name").and_then(Value::as_str)
    }

    /// Returns the object's name: the form's, or its configuration's, or its class's.
    pub fn label(&self) -> &'a str {
        let name = self.dict.get("name").or_else(|| self.config().get("name"));
        name.and_then(Value::as_str).unwrap_or(self.class_name)
    }

    /// Returns the id of a shared object in its file.
    pub fn shared_object_id(&self) -> Option<i64> {
        self.dict.get("shared_object_id").and_then(Value::as_i64)
    }
}

fn string<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value.as_str().ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("wrong type for `{name}`")).expected("a string").received(value.short())
    })
}
