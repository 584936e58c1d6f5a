//! The base of every loss: its name, its reduction and its dtype.

use std::sync::OnceLock;

use super::{ComputeLoss, Reduction};
use crate::config::{Base, Config, ConfigField, FieldDescription, HasBase, unmarked};
use crate::dtype_policies::Policy;
use crate::error::{Result, ResultExt};
use crate::json::Value;
use crate::registry::StandIn;
use crate::tensor::{DType, Tensor};
use crate::utils::auto_name;

/// The configuration entries of every loss: `name`, `reduction` and `dtype`.
///
/// A loss's struct has it as the field `base`. Its arguments are
/// - `name`: the name in logs; generated from the class name by default.
/// - `reduction`: how the losses of samples are reduced; their mean by default.
/// - `dtype`: the dtype to which targets and predictions are converted, `float32` by default. As in Keras
///   3.15, which loses it, it is omitted from configurations; one that is not the default is written.
///
/// ```
/// use keras_serial::losses::{ComputeLoss, LossBase, LossExt, Reduction};
/// use keras_serial::tensor::Tensor;
/// use keras_serial::{KerasSerializable, Result, ops, register};
///
/// #[register(package = "MyLosses")]
/// #[derive(KerasSerializable)]
/// #[keras(new)]
/// struct SquaredGap {
///     #[keras(default = LossBase::named("gap"))]
///     base: LossBase,
/// }
///
/// impl ComputeLoss for SquaredGap {
///     fn call(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
///         ops::mean(&ops::square(&ops::subtract(y_true, y_pred)?)?, ops::Axes::from(-1), false)
///     }
/// }
///
/// let config = SquaredGap::new().reduction(Reduction::Sum).get_config()?;
/// assert_eq!(config["name"].as_str(), Some("gap"));
/// assert_eq!(config["reduction"].as_str(), Some("sum"));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LossBase {
    name: OnceLock<String>,
    reduction: Reduction,
    dtype: DType,
}

impl Default for LossBase {
    fn default() -> Self {
        Self { name: OnceLock::new(), reduction: Reduction::default(), dtype: DType::Float32 }
    }
}

impl LossBase {
    /// Creates the default arguments with this name, instead of one from the class name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: OnceLock::from(name.into()), ..Self::default() }
    }

    /// Returns the name; on first use it is generated from the class name: `huber_1`.
    pub fn name(&self, class_name: &str) -> &str {
        self.name.get_or_init(|| auto_name(class_name))
    }

    /// Returns how the losses of samples are reduced.
    pub fn reduction(&self) -> Reduction {
        self.reduction
    }

    /// Returns the dtype to which targets and predictions are converted.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    pub(super) fn set_name(&mut self, name: impl Into<String>) {
        self.name = OnceLock::from(name.into());
    }

    pub(super) fn set_reduction(&mut self, reduction: Reduction) {
        self.reduction = reduction;
    }

    pub(super) fn set_dtype(&mut self, dtype: DType) {
        self.dtype = dtype;
    }
}

impl Base for LossBase {
    const KEYS: &'static [&'static str] = &["name", "reduction", "dtype"];
    const RESERVED: &'static [&'static str] = Self::KEYS;

    const ENTRIES: &'static [FieldDescription] = &[
        FieldDescription::of_base::<Option<String>>(
            "name",
            "Option<String>",
            "The loss's name; generated from the class name by default.",
        ),
        FieldDescription::of_base::<Reduction>(
            "reduction",
            "Reduction",
            "How the losses of samples are reduced to one number.",
        ),
        FieldDescription::of_base::<Policy>(
            "dtype",
            "DType",
            "The dtype to which targets and predictions are converted.",
        ),
    ];

    fn defaults(&self) -> Result<Config> {
        let mut config = Config::new();
        config.insert("name".to_owned(), self.name.get().map_or(Value::Null, |name| Value::from(name.as_str())));
        config.insert("reduction".to_owned(), self.reduction.to_value()?);
        config.insert("dtype".to_owned(), Value::from(self.dtype.name()));
        Ok(config)
    }

    fn write(&self, class_name: &'static str, config: &mut Config) -> Result<()> {
        config.insert("name".to_owned(), Value::from(self.name(class_name)));
        config.insert("reduction".to_owned(), self.reduction.to_value()?);
        if self.dtype != DType::Float32 {
            config.insert("dtype".to_owned(), Value::from(self.dtype.name()));
        }
        Ok(())
    }

    fn read_over(mut self, config: &Config) -> Result<Self> {
        if let Some(name) = read_name(config)? {
            self.name = name;
        }
        if let Some(reduction) = config.get("reduction") {
            self.reduction = Reduction::from_value(reduction).at("reduction")?;
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

unmarked!(LossBase, MarkedBase);

/// Reads the name of a loss or a metric, if there is an entry. Null asks for one from the class name, even
/// where the class has another default.
pub(crate) fn read_name(config: &Config) -> Result<Option<OnceLock<String>>> {
    let Some(value) = config.get("name") else { return Ok(None) };
    let name = Option::<String>::from_value(value).at("name")?;
    Ok(Some(name.map_or_else(OnceLock::new, OnceLock::from)))
}

/// Reads the dtype of a loss or a metric: a name, or a policy, whose compute dtype is used. Null is the
/// default.
pub(crate) fn read_dtype(config: &Config) -> Result<Option<DType>> {
    let Some(value) = config.get("dtype").filter(|value| !value.is_null()) else { return Ok(None) };
    match value.as_str() {
        Some("int") => Ok(DType::Int64),
        Some("float") => Ok(DType::Float32),
        _ => Policy::from_value(value).and_then(|policy| policy.compute_dtype()),
    }
    .at("dtype")
    .map(Some)
}

/// Setters of the arguments that all losses share.
pub trait LossExt: HasBase<LossBase> + Sized {
    /// Sets the name.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Sets how the losses of samples are reduced.
    #[must_use]
    fn reduction(mut self, reduction: Reduction) -> Self {
        self.base_mut().set_reduction(reduction);
        self
    }

    /// Sets the dtype to which targets and predictions are converted.
    #[must_use]
    fn dtype(mut self, dtype: impl Into<DType>) -> Self {
        self.base_mut().set_dtype(dtype.into());
        self
    }
}

impl<T: HasBase<LossBase>> LossExt for T {}

impl ComputeLoss for StandIn<LossBase> {
    fn call(&self, _: &Tensor, _: &Tensor) -> Result<Tensor> {
        Err(self.error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KerasSerializable;
    use crate::losses::MeanSquaredError;

    // keras.losses.MeanSquaredError.from_config({"name": None, "dtype": None}).name is mean_squared_error
    #[test]
    fn null_name_and_dtype_are_the_defaults() {
        let config = Config::from([("name".to_owned(), Value::Null), ("dtype".to_owned(), Value::Null)]);
        let loss = MeanSquaredError::from_config(&config).unwrap();
        assert!(loss.base().name("MeanSquaredError").starts_with("mean_squared_error"));
        assert_eq!(loss.base().dtype(), DType::Float32);
    }

    // keras.losses.MeanSquaredError(dtype=keras.DTypePolicy("mixed_float16")).dtype is float16
    #[test]
    fn a_policy_stands_for_its_compute_dtype() {
        let config = Config::from([("dtype".to_owned(), Value::from("mixed_float16"))]);
        let loss = MeanSquaredError::from_config(&config).unwrap();
        assert_eq!(loss.base().dtype(), DType::Float16);
        assert_eq!(loss.get_config().unwrap().get("dtype"), Some(&Value::from("float16")));
    }

    #[test]
    fn entries_of_other_types_are_errors() {
        for (entry, value) in
            [("name", Value::from(1)), ("reduction", Value::from("most")), ("dtype", Value::from("f"))]
        {
            let config = Config::from([(entry.to_owned(), value)]);
            let error = MeanSquaredError::from_config(&config).unwrap_err().to_string();
            assert!(error.contains(entry), "{error}");
        }
    }
}
