//! Encoding of integer categories as vectors.

use super::encode::{OutputMode, encode, encode_traced, encoded_shape, rename_mode};
use crate::config::HasBase;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Layer, LayerBase, LayerTraits, Signature, invalid_argument};
use crate::ops;
use crate::program;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Encodes integers below `num_tokens` as one-hot, multi-hot or count vectors of this size.
///
/// # Arguments
/// - `num_tokens`: the number of categories.
/// - `output_mode`: `multi_hot` by default, `one_hot` or `count`.
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
///
/// # Call arguments
/// - `count_weights`: none; the weight of each integer, for `count`.
///
/// # Shapes
/// `(batch, sample)` gives `(batch, num_tokens)`.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/categorical/category_encoding>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::CategoryEncoding;
/// let x = Tensor::from_slice(&[0i32, 1, 0, 0], [2, 2])?;
/// let y = CategoryEncoding::new(3).output_mode(OutputMode::Count).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 1.0, 0.0, 2.0, 0.0, 0.0]);
/// # use keras_serial::layers::OutputMode;
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check, from_config = Self::upgrade)]
pub struct CategoryEncoding {
    base: LayerBase,
    num_tokens: usize,
    #[keras(default = OutputMode::MultiHot)]
    output_mode: OutputMode,
    /// Keras outputs a sparse tensor of the same numbers; here it is only kept.
    #[keras(default, skip_if = is_false)]
    sparse: bool,
}

/// Skips the default: Keras 3.15 leaves `sparse` out of configurations; here it is written if it is true.
fn is_false(sparse: &bool) -> bool {
    !sparse
}

impl CategoryEncoding {
    /// The number of categories.
    pub(super) fn tokens(&self) -> usize {
        self.num_tokens
    }

    fn check(&self) -> Result<()> {
        if self.num_tokens == 0 {
            return Err(invalid_argument("num_tokens", "a positive integer", self.num_tokens));
        }
        match self.output_mode {
            OutputMode::OneHot | OutputMode::MultiHot | OutputMode::Count => Ok(()),
            other => Err(invalid_argument("output_mode", "`multi_hot`, `one_hot` or `count`", format!("{other:?}"))),
        }
    }

    fn upgrade(config: &mut crate::Config) -> Result<()> {
        rename_mode(config);
        Ok(())
    }
}

impl Layer for CategoryEncoding {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.check()?;
        let x = inputs.tensor()?;
        let policy = self.base().dtype_policy();
        let weights = inputs.optional("count_weights")?;
        if weights.is_some() && self.output_mode != OutputMode::Count {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`count_weights` is only used when `output_mode` is `count`",
            ));
        }
        let shape = encoded_shape(x.shape(), self.output_mode, Some(self.num_tokens));
        let inferred = Tensor::symbol(shape, policy.compute_dtype()?).into();
        program::infer_or_compute(&[x], inferred, || {
            if x.is_traced() {
                let (indices, dtype) = (ops::cast_to(x, DType::Int64)?, policy.variable_dtype()?);
                return encode_traced(&indices, self.output_mode, self.num_tokens, dtype, weights).map(Into::into);
            }
            let indices = ops::cast_to(x, DType::Int64)?.to_vec::<i64>()?;
            if let Some(negative) = indices.iter().find(|index| **index < 0 && self.output_mode != OutputMode::OneHot) {
                return Err(Error::new(ErrorKind::InvalidArgument, "categories must not be negative")
                    .received(negative.to_string()));
            }
            let weights = weights.map(|weights| ops::cast_to(weights, DType::Float64)?.to_vec::<f64>()).transpose()?;
            if let Some(weights) = weights.as_ref().filter(|weights| weights.len() != indices.len()) {
                return Err(Error::new(ErrorKind::Shape, "`count_weights` must have the shape of the inputs")
                    .expected(format!("{} numbers", indices.len()))
                    .received(weights.len().to_string()));
            }
            let dtype = policy.variable_dtype()?;
            encode(indices, x.shape(), self.output_mode, self.num_tokens, dtype, weights.as_deref()).map(Into::into)
        })
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "count_weights"])
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
    fn counts_are_weighted() {
        let x = Tensor::from_slice(&[0i32, 1, 1], [1, 3]).unwrap();
        let weights = Tensor::from_slice(&[0.5f32, 0.25, 2.0], [1, 3]).unwrap();
        let args = CallArgs::from(&x).with("count_weights", weights);
        // CategoryEncoding(2, output_mode="count")([[0, 1, 1]], count_weights=[[0.5, 0.25, 2.0]])
        let y = CategoryEncoding::new(2).output_mode(OutputMode::Count).apply(args).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [0.5, 2.25]);
        assert!(CategoryEncoding::new(2).output_mode(OutputMode::Int).apply(&x).is_err());
    }
}
