//! The base of every metric: its name and its dtype.

use std::sync::OnceLock;

use super::Measure;
use crate::config::{Base, Config, FieldDescription, HasBase, unmarked};
use crate::dtype_policies::Policy;
use crate::error::Result;
use crate::json::Value;
use crate::losses::{read_dtype, read_name};
use crate::registry::StandIn;
use crate::tensor::{DType, Nested, Tensor};
use crate::utils::auto_name;
use crate::variable::Variable;

/// The configuration entries of every metric: `name` and `dtype`.
///
/// A metric's struct has it as the field `base`. Its arguments are
/// - `name`: the name in logs; generated from the class name by default.
/// - `dtype`: the dtype of the metric's computations, `float32` by default.
#[derive(Clone, Debug)]
pub struct MetricBase {
    name: OnceLock<String>,
    dtype: DType,
}

impl Default for MetricBase {
    fn default() -> Self {
        Self::of_dtype(DType::Float32)
    }
}

impl MetricBase {
    /// Creates the default arguments with this name, instead of one from the class name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: OnceLock::from(name.into()), ..Self::default() }
    }

    /// Creates the default arguments with this dtype, instead of `float32`.
    pub fn of_dtype(dtype: DType) -> Self {
        Self { name: OnceLock::new(), dtype }
    }

    /// Returns the name; on first use it is generated from the class name: `mean_1`.
    pub fn name(&self, class_name: &str) -> &str {
        self.name.get_or_init(|| auto_name(class_name))
    }

    /// Returns the dtype of the metric's computations.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub(super) fn set_name(&mut self, name: impl Into<String>) {
        self.name = OnceLock::from(name.into());
    }

    pub(super) fn set_dtype(&mut self, dtype: DType) {
        self.dtype = dtype;
    }
}

impl Base for MetricBase {
    const KEYS: &'static [&'static str] = &["name", "dtype"];
    const RESERVED: &'static [&'static str] = Self::KEYS;

    const ENTRIES: &'static [FieldDescription] = &[
        FieldDescription::of_base::<Option<String>>(
            "name",
            "Option<String>",
            "The metric's name in logs; generated from the class name by default.",
        ),
        FieldDescription::of_base::<Policy>("dtype", "DType", "The dtype of the metric's computations."),
    ];

    fn defaults(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("name".to_owned(), self.name.get().map_or(Value::Null, |name| Value::from(name.as_str())));
        config.insert("dtype".to_owned(), Value::from(self.dtype.name()));
        Ok(config)
    }

    fn write(&self, class_name: &'static str, config: &mut Config) -> Result<()> {
        config.insert("name".to_owned(), Value::from(self.name(class_name)));
        config.insert("dtype".to_owned(), Value::from(self.dtype.name()));
        Ok(())
    }

    fn read_over(mut self, config: &Config) -> Result<Self> {
        if let Some(name) = read_name(config)? {
            self.name = name;
        }
        if let Some(dtype) = read_dtype(config)? {
            self.dtype = dtype;
        }
        Ok(self)
    }

    // Every entry is reserved: no field of the struct can take its place.
    fn is_given(&self, _: &str) -> bool {
        false
    }
}

unmarked!(MetricBase, MarkedBase);

/// Setters of the arguments that all metrics share.
pub trait MetricExt: HasBase<MetricBase> + Sized {
    /// Sets the name.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Sets the dtype of the metric's computations.
    #[must_use]
    fn dtype(mut self, dtype: impl Into<DType>) -> Self {
        self.base_mut().set_dtype(dtype.into());
        self
    }
}

impl<T: HasBase<MetricBase>> MetricExt for T {}

impl Measure for StandIn<MetricBase> {
    fn update_state(&self, _: &Tensor, _: &Tensor, _: Option<&Tensor>) -> Result<()> {
        Err(self.error())
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Err(self.error())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Err(self.error())
    }
}
