//! Hashing of categories.

use super::encode::{OutputMode, encode, encoded_shape, rename_mode};
use super::hash::{self, Salt};
use crate::config::{Config, ConfigField, HasBase};
use crate::dtype_policies::Policy;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::layers::{Layer, LayerBase, LayerTraits, invalid_argument};
use crate::ops;
use crate::program;
use crate::program::refuse_while_tracing;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Hashes strings or integers to one of `num_bins` integers: the remainder of FarmHash64, or of SipHash if
/// there is a key.
///
/// # Arguments
/// - `num_bins`: the number of buckets.
/// - `mask_value`: none; a string or integer that maps to 0, which is then reserved for it.
/// - `salt`: none; the key of SipHash, one integer or two.
/// - `output_mode`: `int`, `one_hot`, `multi_hot` or `count`; see [`OutputMode`].
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
/// - `dtype`: `int64` for `int`, else `float32`.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/categorical/hashing>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Hashing;
/// let x = Tensor::from_strings(["A", "B", "C", "D", "E"], [5, 1])?;
/// assert_eq!(Hashing::new(3).apply(&x)?.to_vec::<i64>()?, [1, 0, 1, 1, 2]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(setters, validate = Self::check, from_config = Self::upgrade)]
pub struct Hashing {
    base: LayerBase,
    num_bins: usize,
    #[keras(default)]
    salt: Option<Salt>,
    #[keras(default)]
    mask_value: Value,
    #[keras(default, no_setter)]
    output_mode: OutputMode,
    #[keras(default)]
    sparse: bool,
}

/// Returns the dtype policy that Keras uses by default for this mode.
pub(super) fn default_policy(mode: OutputMode) -> Policy {
    match mode {
        OutputMode::Int => Policy::from(DType::Int64),
        _ => Policy::default(),
    }
}

/// Inserts Keras's default dtype for the mode if the configuration has none.
pub(super) fn default_dtype(config: &mut Config) -> Result<()> {
    if config.get("dtype").is_none_or(Value::is_null) {
        let mode = config.get("output_mode").map_or(Ok(OutputMode::Int), OutputMode::from_value)?;
        config.insert("dtype".into(), default_policy(mode).to_value()?);
    }
    Ok(())
}

impl Hashing {
    /// Creates a layer with this number of buckets and the defaults of all other arguments.
    pub fn new(num_bins: usize) -> Self {
        let mut base = LayerBase::default();
        base.set_dtype_policy(default_policy(OutputMode::Int));
        Self { base, num_bins, salt: None, mask_value: Value::Null, output_mode: OutputMode::Int, sparse: false }
    }

    /// Sets `output_mode`, and the dtype that goes with it.
    #[must_use]
    pub fn output_mode(mut self, output_mode: OutputMode) -> Self {
        self.base.set_dtype_policy(default_policy(output_mode));
        self.output_mode = output_mode;
        self
    }

    /// The number of results.
    pub(super) fn number_of_bins(&self) -> usize {
        self.num_bins
    }

    fn upgrade(config: &mut Config) -> Result<()> {
        rename_mode(config);
        default_dtype(config)
    }

    fn check(&self) -> Result<()> {
        if self.num_bins == 0 {
            return Err(invalid_argument("num_bins", "a positive integer", self.num_bins));
        }
        let int = self.output_mode == OutputMode::Int;
        if int && !matches!(self.base.dtype_policy().name(), "int32" | "int64") {
            return Err(invalid_argument(
                "dtype",
                "`int32` or `int64`, if `output_mode` is `int`",
                self.base.dtype_policy().name(),
            ));
        }
        if self.output_mode == OutputMode::TfIdf {
            return Err(invalid_argument("output_mode", "`int`, `one_hot`, `multi_hot` or `count`", "tf_idf"));
        }
        if self.sparse && int {
            return Err(invalid_argument("sparse", "false, if `output_mode` is `int`", "true"));
        }
        Ok(())
    }

    fn bins(&self, x: &Tensor) -> Result<Vec<i64>> {
        let masked = !self.mask_value.is_null() && self.num_bins > 1;
        let bins = (self.num_bins - usize::from(masked)) as u64;
        let bin = |text: &str, is_mask: bool| match (masked, is_mask) {
            (true, true) => 0,
            (masked, _) => hash::bucket(text, bins, self.salt) + i64::from(masked),
        };
        if x.dtype() == DType::String {
            let mask = self.mask_value.as_str();
            return Ok(x.strings()?.iter().map(|text| bin(text, mask == Some(text))).collect());
        }
        if x.dtype() == DType::Bool {
            let mask = self.mask_value.as_bool();
            let texts = x.to_vec::<bool>()?.into_iter();
            return Ok(texts.map(|flag| bin(if flag { "true" } else { "false" }, mask == Some(flag))).collect());
        }
        let mask = if masked { self.mask_value.as_f64() } else { None };
        if masked && mask.is_none() {
            return Err(Error::new(ErrorKind::InvalidArgument, "`mask_value` is not of the sort of the inputs")
                .expected(x.dtype().name())
                .received(self.mask_value.short()));
        }
        if x.dtype() == DType::UInt64 {
            let numbers = x.to_vec::<u64>()?.into_iter();
            return Ok(numbers.map(|number| bin(&number.to_string(), mask == Some(number as f64))).collect());
        }
        let integers = ops::cast_to(x, DType::Int64)?.to_vec::<i64>()?;
        let numbers = if x.dtype().is_float() {
            ops::cast_to(x, DType::Float64)?.to_vec::<f64>()?
        } else {
            integers.iter().map(|integer| *integer as f64).collect()
        };
        let pairs = integers.into_iter().zip(numbers);
        Ok(pairs.map(|(integer, number)| bin(&integer.to_string(), mask == Some(number))).collect())
    }
}

/// Why layers that hash can't be part of a program.
pub(super) const HASHES: &str = "hashes are made of text, also those of numbers";

impl Layer for Hashing {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.check()?;
        let x = inputs.tensor()?;
        let dtype = self.base().dtype_policy().variable_dtype()?;
        let mode = if self.output_mode == OutputMode::Int { OutputMode::Int } else { OutputMode::Count };
        let inferred = Tensor::symbol(encoded_shape(x.shape(), mode, Some(self.num_bins)), dtype).into();
        program::infer_or_compute(&[x], inferred, || {
            if x.is_traced() {
                refuse_while_tracing(HASHES)?;
            }
            // Drops a last axis of extent 1, which one-hot encoding does for two axes only.
            let shape = match x.shape().dims().split_last() {
                Some((Some(1), rest)) if self.output_mode == OutputMode::OneHot => Shape::from(rest.to_vec()),
                _ => x.shape().clone(),
            };
            encode(self.bins(x)?, &shape, self.output_mode, self.num_bins, dtype, None).map(Into::into)
        })
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn a_masked_value_has_a_bin_of_its_own() {
        let x = Tensor::from_strings(["A", "B", "", "C", "D"], [5]).unwrap();
        // Hashing(num_bins=3, mask_value="")(["A", "B", "", "C", "D"])
        let y = Hashing::new(3).mask_value("").apply(&x).unwrap();
        assert_eq!(y.to_vec::<i64>().unwrap(), [1, 1, 0, 2, 2]);
        // Hashing(num_bins=3, salt=[133, 137])(["A", "B", "C", "D", "E"])
        let x = Tensor::from_strings(["A", "B", "C", "D", "E"], [5]).unwrap();
        let y = Hashing::new(3).salt([133, 137]).apply(&x).unwrap();
        assert_eq!(y.to_vec::<i64>().unwrap(), [1, 2, 1, 0, 2]);
    }
}
