//! A vector for each integer.

use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{BuildContext, Layer, LayerBase, QuantizedWeights, Weight, invalid_argument};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Turns integers below `input_dim` into vectors of `output_dim` numbers.
///
/// # Arguments
/// - `input_dim`, `output_dim`: the numbers of vectors, and of numbers in each.
/// - `embeddings_initializer`: `uniform`; no regularizer and constraint.
/// - `mask_zero`: false; if true, 0 stands for padding, and is masked.
///
/// # Shapes
/// `(batch, …)` of integers gives `(batch, …, output_dim)`.
///
/// # Errors
/// An integer that is not below `input_dim`.
///
/// Follows <https://keras.io/api/layers/core_layers/embedding>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1i32, 0], [1, 2])?;
/// let y = Embedding::new(2, 3).embeddings_initializer("ones").apply(&x)?;
/// assert_eq!(y.shape().to_string(), "(1, 2, 3)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[config(new, setters, validate = Self::check, from_config = Self::upgrade)]
pub struct Embedding {
    base: LayerBase,
    input_dim: usize,
    output_dim: usize,
    #[config(default = Some("uniform".into()))]
    embeddings_initializer: Option<Initializer>,
    #[config(default)]
    embeddings_regularizer: Option<Regularizer>,
    #[config(base_or_null)]
    activity_regularizer: (),
    #[config(default)]
    embeddings_constraint: Option<Constraint>,
    #[config(default)]
    mask_zero: bool,
    #[config(default, no_setter)]
    quantization_config: Value,
    /// The rank of a low-rank update, if there is one.
    #[config(default, skip_if = Option::is_none)]
    lora_rank: Option<usize>,
    #[config(default, skip_if = Option::is_none)]
    lora_alpha: Option<Value>,
    #[weight]
    embeddings: Weight,
    #[weight]
    lora_embeddings_a: Weight,
    #[weight]
    lora_embeddings_b: Weight,
    #[config(skip)]
    quantized: EmbeddingScales,
}

/// The scales of quantized embeddings.
#[derive(Debug)]
struct EmbeddingScales(QuantizedWeights);

impl Default for EmbeddingScales {
    fn default() -> Self {
        Self(QuantizedWeights::of_embeddings())
    }
}

impl Embedding {
    /// Files of Keras 2 give the length of sequences, which nothing needs.
    fn upgrade(config: &mut crate::Config) -> Result<()> {
        config.shift_remove("input_length");
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if self.input_dim == 0 || self.output_dim == 0 {
            return Err(invalid_argument(
                "input_dim",
                "positive integers for `input_dim` and `output_dim`",
                self.input_dim,
            ));
        }
        Ok(())
    }
}

impl Layer for Embedding {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        if let Some(mode) = self.base.dtype_policy().quantization() {
            return self.quantized.0.build_embeddings(cx, mode, &self.embeddings, self.input_dim, self.output_dim);
        }
        self.embeddings
            .make(cx, [self.input_dim, self.output_dim])
            .initializer(&self.embeddings_initializer)
            .regularizer(&self.embeddings_regularizer)
            .constraint(&self.embeddings_constraint)
            .trainable(self.lora_rank.is_none())
            .create()?;
        if let Some(rank) = self.lora_rank {
            let (a, b): (Initializer, Initializer) = ("he_uniform".into(), "zeros".into());
            self.lora_embeddings_a.make(cx, [self.input_dim, rank]).initializer(&a).saved(false).create()?;
            self.lora_embeddings_b.make(cx, [rank, self.output_dim]).initializer(&b).saved(false).create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let indices = ops::cast_to(inputs.tensor()?, DType::Int32)?;
        if let Some(mode) = self.base.dtype_policy().quantization() {
            return Ok(self.quantized.0.take(&self.embeddings, &indices, self.output_dim, mode)?.into());
        }
        let mut y = ops::take(&self.embeddings.value()?, &indices, Some(0))?;
        if let Some(rank) = self.lora_rank {
            let update = ops::take(&self.lora_embeddings_a.value()?, &indices, Some(0))?;
            let update = ops::matmul(&update, &self.lora_embeddings_b.value()?)?;
            y = ops::add(&y, ops::multiply(&update, super::lora_scale(rank, self.lora_alpha.as_ref()))?)?;
        }
        Ok(y.into())
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some([&self.embeddings].into_iter().chain(self.quantized.0.saved()).collect())
    }

    fn supports_masking(&self) -> bool {
        self.mask_zero
    }

    fn compute_mask(&self, inputs: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(ops::not_equal(inputs.tensor()?, 0)?)])
    }

    fn autocasts(&self) -> bool {
        true
    }
}
