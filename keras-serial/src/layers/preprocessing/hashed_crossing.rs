//! Hashed feature crossing.

use super::encode::{OutputMode, encode, encoded_shape, rename_mode};
use super::hash;
use super::hashing::HASHES;
use super::hashing::{default_dtype, default_policy};
use crate::config::{Config, HasBase};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::layers::{Layer, LayerBase, LayerTraits, invalid_argument};
use crate::ops;
use crate::program;
use crate::program::refuse_while_tracing;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Tensor};
use crate::{KerasSerializable, register};

/// The key from which TensorFlow's cross hashes start.
const KEY: u64 = 0x00de_cafc_affe;

/// Crosses two tensors of strings or integers, element by element, and hashes each pair to one of `num_bins`
/// integers.
///
/// # Arguments
/// - `num_bins`: the number of buckets.
/// - `output_mode`: `int` by default, or `one_hot`.
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
/// - `dtype`: `int64` for `int`, else `float32`.
///
/// # Shapes
/// Two inputs of shape `()`, `(batch,)` or `(batch, 1)`.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/categorical/hashed_crossing>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::HashedCrossing;
/// let a = Tensor::from_strings(["A", "B", "A", "B", "A"], [5])?;
/// let b = Tensor::from_slice(&[101i64, 101, 101, 102, 102], [5])?;
/// let y = HashedCrossing::new(5).apply(vec![a, b])?;
/// assert_eq!(y.to_vec::<i64>()?, [1, 4, 1, 1, 3]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(setters, validate = Self::check, from_config = Self::upgrade, get_config = Self::rearrange)]
pub struct HashedCrossing {
    base: LayerBase,
    num_bins: usize,
    #[keras(default, no_setter)]
    output_mode: OutputMode,
    #[keras(default)]
    sparse: bool,
}

impl HashedCrossing {
    /// Creates a layer with this number of buckets and the defaults of all other arguments.
    pub fn new(num_bins: usize) -> Self {
        let mut base = LayerBase::default();
        base.set_dtype_policy(default_policy(OutputMode::Int));
        Self { base, num_bins, output_mode: OutputMode::Int, sparse: false }
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

    /// Orders the configuration as Keras does: the name and the dtype's name last, and no `trainable`.
    fn rearrange(&self, config: &mut Config) -> Result<()> {
        config.shift_remove("trainable");
        config.shift_remove("dtype");
        let name = config.shift_remove("name").unwrap_or_default();
        config.insert("name".into(), name);
        config.insert("dtype".into(), Value::from(self.base.dtype_policy().variable_dtype()?.name()));
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.num_bins == 0 {
            return Err(invalid_argument("num_bins", "a positive integer", self.num_bins));
        }
        match self.output_mode {
            OutputMode::Int | OutputMode::OneHot => Ok(()),
            other => Err(invalid_argument("output_mode", "`int` or `one_hot`", format!("{other:?}"))),
        }
    }
}

/// Returns integers as they are, and strings as their fingerprints.
fn features(x: &Tensor) -> Result<Vec<u64>> {
    match x.dtype() {
        DType::String => Ok(x.strings()?.iter().map(|text| hash::fingerprint64(text.as_bytes())).collect()),
        dtype if dtype.is_int() => {
            Ok(ops::cast_to(x, DType::Int64)?.to_vec::<i64>()?.into_iter().map(|number| number as u64).collect())
        }
        other => {
            Err(Error::new(ErrorKind::DType, "all `HashedCrossing` inputs should have an integer or string dtype")
                .received(other.name()))
        }
    }
}

impl Layer for HashedCrossing {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.check()?;
        let inputs = inputs.inputs()?;
        let leaves = inputs.leaves();
        let [a, b] = leaves.as_slice() else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`HashedCrossing` should be called on a list of 2 tensors",
            )
            .received(format!("{} tensors", leaves.len())));
        };
        let dtype = self.base().dtype_policy().variable_dtype()?;
        let inferred = encoded_shape(a.shape(), self.output_mode, Some(self.num_bins));
        program::infer_or_compute(&[a, b], Tensor::symbol(inferred, dtype).into(), || {
            if a.is_traced() || b.is_traced() {
                refuse_while_tracing(HASHES)?;
            }
            let shape = a.shape();
            if shape.rank() > 2 || (shape.rank() == 2 && shape.get(-1)? != Some(1)) || b.shape() != shape {
                return Err(Error::new(ErrorKind::Shape, "all `HashedCrossing` inputs should have equal shape")
                    .expected("twice `()`, `(batch,)` or `(batch, 1)`")
                    .received(format!("{shape} and {}", b.shape())));
            }
            let cross = |(a, b)| hash::concatenated(hash::concatenated(KEY, a), b);
            let bins =
                features(a)?.into_iter().zip(features(b)?).map(cross).map(|hash| (hash % self.num_bins as u64) as i64);
            encode(bins.collect(), shape, self.output_mode, self.num_bins, dtype, None).map(Into::into)
        })
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false)
    }
}
