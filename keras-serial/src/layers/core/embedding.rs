//! Embedding: a learned vector for each integer.

use super::lora;
use crate::config::Config;
use crate::constraints::Constraint;
use crate::dtype_policies::Quantization;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{
    BuildContext, Integers, Layer, LayerBase, LayerTraits, OwnState, Quantizable, QuantizationConfig, QuantizedWeights,
    Weight, check_embeddings, invalid_argument,
};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Maps integers below `input_dim` to learned vectors of size `output_dim`.
///
/// # Arguments
/// - `input_dim`: the number of vectors; `output_dim`: the size of each.
/// - `embeddings_initializer`: `uniform`; no regularizer and constraint.
/// - `mask_zero`: false; whether 0 stands for padding and is masked.
///
/// # Shapes
/// `(batch, …)` of integers gives `(batch, …, output_dim)`.
///
/// # Errors
/// If an integer is not below `input_dim`.
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
#[keras(new, setters, validate = Self::check, from_config = Self::upgrade, get_config = Self::write)]
pub struct Embedding {
    base: LayerBase,
    input_dim: usize,
    output_dim: usize,
    #[keras(default = Some("uniform".into()))]
    embeddings_initializer: Option<Initializer>,
    #[keras(default)]
    embeddings_regularizer: Option<Regularizer>,
    #[keras(base_or_null)]
    activity_regularizer: (),
    #[keras(default)]
    embeddings_constraint: Option<Constraint>,
    #[keras(default)]
    mask_zero: bool,
    #[keras(default, no_setter)]
    quantization_config: QuantizationConfig,
    /// The rank of the low-rank update (LoRA), if there is one.
    #[keras(default, skip_if = Option::is_none)]
    lora_rank: Option<usize>,
    #[keras(default, skip_if = Option::is_none)]
    lora_alpha: Option<Value>,
    #[keras(weight)]
    embeddings: Weight,
    #[keras(weight)]
    lora_embeddings_a: Weight,
    #[keras(weight)]
    lora_embeddings_b: Weight,
    #[keras(skip)]
    quantized: EmbeddingScales,
}

/// The scales of quantized embeddings.
#[derive(Debug)]
pub(super) struct EmbeddingScales(pub(super) QuantizedWeights);

impl Default for EmbeddingScales {
    fn default() -> Self {
        Self(QuantizedWeights::of_embeddings())
    }
}

impl Embedding {
    /// Drops the length of sequences, which files of Keras 2 contain and nothing needs.
    fn upgrade(config: &mut Config) -> Result<()> {
        config.shift_remove("input_length");
        Ok(())
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        lora::write(self.lora_rank, config);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        check_dims(self.input_dim, self.output_dim)?;
        lora::check(self.lora_rank, self.embeddings_constraint.is_some(), "embeddings_constraint")
    }
}

/// Returns an error for a table without rows or columns.
pub(super) fn check_dims(input_dim: usize, output_dim: usize) -> Result<()> {
    match (input_dim, output_dim) {
        (0, _) => Err(invalid_argument("input_dim", "a positive integer", input_dim)),
        (_, 0) => Err(invalid_argument("output_dim", "a positive integer", output_dim)),
        _ => Ok(()),
    }
}

/// Adds the low-rank update of a table to its rows at these indices.
pub(super) fn with_update(rows: Tensor, indices: &Tensor, update: Option<(&Weight, &Weight, f64)>) -> Result<Tensor> {
    let Some((a, b, scale)) = update else { return Ok(rows) };
    let update = ops::matmul(&a.rows(indices)?, &b.value()?)?;
    ops::add(&rows, ops::multiply(&update, scale)?)
}

/// Returns what is saved for quantized embeddings and their scales: the values with the low-rank update
/// merged in.
pub(super) fn merged<'a>(
    embeddings: &'a Weight,
    scales: &'a QuantizedWeights,
    outputs: usize,
    mode: Quantization,
    update: &Tensor,
) -> Result<Vec<(&'a Weight, Tensor)>> {
    let merged = ops::add(&scales.table(embeddings, outputs, mode)?, update)?;
    Ok(scales.in_files(embeddings, Integers::of_embeddings(&merged, mode)?))
}

impl Layer for Embedding {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        if let Some(mode) = self.base.dtype_policy().quantization() {
            self.quantized.0.build_embeddings(cx, mode, &self.embeddings, self.input_dim, self.output_dim)?;
        } else {
            self.embeddings
                .make(cx, [self.input_dim, self.output_dim])
                .initializer(&self.embeddings_initializer)
                .regularizer(&self.embeddings_regularizer)
                .constraint(&self.embeddings_constraint)
                .create()?;
        }
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
            let shape = [self.input_dim, self.output_dim];
            lora::make(
                cx,
                &self.embeddings,
                factors,
                (rank, self.lora_alpha.as_ref()),
                &shape,
                &self.embeddings_regularizer,
            )?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let update = self.lora_rank.map(|rank| {
            let scale = lora::scale(rank, self.lora_alpha.as_ref());
            (&self.lora_embeddings_a, &self.lora_embeddings_b, scale)
        });
        let indices = ops::cast_to(inputs.tensor()?, DType::Int32)?;
        let rows = match self.base.dtype_policy().quantization() {
            Some(mode) => self.quantized.0.take(&self.embeddings, &indices, self.output_dim, mode)?,
            None => self.embeddings.rows(&indices)?,
        };
        with_update(rows, &indices, update).map(Into::into)
    }

    fn quantizable(&self) -> Option<&dyn Quantizable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(self.mask_zero).autocast(true)
    }

    fn compute_mask(&self, inputs: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let mask = self.mask_zero.then(|| ops::not_equal(inputs.tensor()?, 0)).transpose()?;
        Ok(vec![mask])
    }
}

impl Quantizable for Embedding {
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        check_embeddings(mode)?;
        self.quantized.0.quantize_embeddings(cx, mode, &self.embeddings)?;
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
            lora::attach(&self.embeddings, factors, (rank, self.lora_alpha.as_ref()));
        }
        self.quantization_config.set(mode);
        Ok(())
    }
}

impl OwnState for Embedding {
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        let (Some(mode), Some(rank)) = (self.base.dtype_policy().quantization(), self.lora_rank) else {
            return Ok(Vec::new());
        };
        let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
        let update = lora::update(factors.0, factors.1, (rank, self.lora_alpha.as_ref()))?;
        merged(&self.embeddings, &self.quantized.0, self.output_dim, mode, &update)
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some([&self.embeddings].into_iter().chain(self.quantized.0.saved()).collect())
    }
}
