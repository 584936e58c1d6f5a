//! A map from variables to optimizers.

use indexmap::IndexMap;

use super::Optimizer;
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::object::Handle;
use crate::registry::PlainObject;
use crate::registry::{Deserialized, deserialize, serialize_class};
use crate::utils::pattern;
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// A map of optimizers by variable paths: regular expressions that match whole paths, and a default.
///
/// Follows <https://keras.io/api/optimizers/>.
///
/// ```
/// use keras_serial::optimizers::{Adam, OptimizerMap, SGD};
/// let map = OptimizerMap::new(Adam::new()).with(".*/embedding/.*", SGD::new());
/// assert_eq!(format!("{:?}", map.of_path("model/embedding/embeddings")?), "SGD");
/// assert_eq!(format!("{:?}", map.of_path("model/dense/kernel")?), "Adam");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers")]
#[derive(KerasSerializable, Clone, Debug)]
pub struct OptimizerMap {
    default_optimizer: Optimizer,
    #[keras(default)]
    optimizer_map: IndexMap<String, Optimizer>,
}

impl OptimizerMap {
    /// Creates a map with this optimizer for all variables that no pattern matches.
    pub fn new(default_optimizer: impl Into<Optimizer>) -> Self {
        Self { default_optimizer: default_optimizer.into(), optimizer_map: IndexMap::new() }
    }

    /// Adds an optimizer for the variables whose whole path matches a regular expression.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, optimizer: impl Into<Optimizer>) -> Self {
        self.optimizer_map.insert(path.into(), optimizer.into());
        self
    }

    /// Returns the optimizer of all variables that no pattern matches.
    pub fn default_optimizer(&self) -> &Optimizer {
        &self.default_optimizer
    }

    /// Returns all optimizers, each once, the default one last.
    pub(super) fn optimizers(&self) -> Vec<Optimizer> {
        let mut all: Vec<Optimizer> = Vec::new();
        for optimizer in self.optimizer_map.values().chain([&self.default_optimizer]) {
            if all.iter().all(|known| known.address() != optimizer.address()) {
                all.push(optimizer.clone());
            }
        }
        all
    }

    /// Returns the optimizer for a variable with this path.
    ///
    /// # Errors
    /// When several patterns match, or one is not a regular expression.
    pub fn of_path(&self, path: &str) -> Result<&Optimizer> {
        if let Some(optimizer) = self.optimizer_map.get(path) {
            return Ok(optimizer);
        }
        let mut found = None;
        for (pattern, optimizer) in &self.optimizer_map {
            if !pattern::full_match(pattern)?.is_match(path) {
                continue;
            }
            if found.is_some() {
                return Err(Error::new(ErrorKind::Config, format!("Multiple optimizers assigned to variable {path}")));
            }
            found = Some(optimizer);
        }
        Ok(found.unwrap_or(&self.default_optimizer))
    }

    /// Returns the optimizer for a variable.
    ///
    /// # Errors
    /// As [`OptimizerMap::of_path`].
    pub fn of(&self, variable: &Variable) -> Result<&Optimizer> {
        self.of_path(variable.path())
    }
}

impl ConfigField for OptimizerMap {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::Object, by_name: false }
    }

    fn to_value(&self) -> Result<Value> {
        serialize_class(self, |_| Ok(()))
    }

    fn from_value(value: &Value) -> Result<Self> {
        let wrong = || crate::config::wrong_type("an OptimizerMap", value);
        let Deserialized::Object(object) = deserialize(value)? else { return Err(wrong()) };
        let map = object.downcast_ref::<PlainObject>().and_then(PlainObject::downcast::<Self>).ok_or_else(wrong)?;
        Ok((*map).clone())
    }
}
