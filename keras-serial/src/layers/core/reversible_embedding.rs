//! An embedding that also maps vectors back to scores of integers.

mod quantized;

use self::quantized::ReverseScales;
use super::embedding::{EmbeddingScales, check_dims, merged, with_update};
use super::lora;
use crate::config::{Config, Number};
use crate::constraints::Constraint;
use crate::dtype_policies::Quantization;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{
    BuildContext, Layer, LayerBase, OwnState, Quantizable, QuantizationConfig, Signature, Weight, check_embeddings,
};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Maps integers below `input_dim` to learned vectors of size `output_dim`; called with `reverse`, maps
/// vectors to a score (logit) for each integer.
///
/// # Arguments
/// - `input_dim`: the number of vectors; `output_dim`: the size of each.
/// - `tie_weights`: true; whether scores are products with the embeddings, rather than with a matrix of their
///   own.
/// - `embeddings_initializer`: `uniform`; `embeddings_regularizer`, `embeddings_constraint`: none.
/// - `mask_zero`: false; whether 0 stands for padding and is masked.
/// - `reverse_dtype`: none; the dtype in which scores are computed.
/// - `logit_soft_cap`: none; a soft bound `c` of scores `s`: `c · tanh(s / c)`.
///
/// # Shapes
/// `(batch, …)` of integers gives `(batch, …, output_dim)`; in reverse, `(batch, …, output_dim)`
/// gives `(batch, …, input_dim)`.
///
/// Follows <https://keras.io/api/layers/core_layers/reversible_embedding>.
///
/// ```
/// use keras_serial::prelude::*;
/// let layer = ReversibleEmbedding::new(2, 3).embeddings_initializer("ones").shared();
/// let y = layer.apply(&Tensor::from_slice(&[1i32], [1, 1])?)?;
/// let scores = layer.apply(CallArgs::from(&y).with_value("reverse", true))?;
/// assert_eq!(scores.to_vec::<f32>()?, [3.0, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check, get_config = Self::write)]
pub struct ReversibleEmbedding {
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
    #[keras(default = true)]
    tie_weights: bool,
    #[keras(default)]
    reverse_dtype: Option<String>,
    #[keras(default)]
    logit_soft_cap: Option<Number>,
    #[keras(weight)]
    embeddings: Weight,
    #[keras(weight)]
    lora_embeddings_a: Weight,
    #[keras(weight)]
    lora_embeddings_b: Weight,
    #[keras(weight)]
    reverse_embeddings: Weight,
    #[keras(skip)]
    quantized: EmbeddingScales,
    #[keras(skip)]
    reverse_scales: ReverseScales,
}

impl ReversibleEmbedding {
    fn check(&self) -> Result<()> {
        check_dims(self.input_dim, self.output_dim)?;
        lora::check(self.lora_rank, self.embeddings_constraint.is_some(), "embeddings_constraint")?;
        self.scores_dtype().map(drop)
    }

    fn write(&self, config: &mut Config) -> Result<()> {
        lora::write(self.lora_rank, config);
        Ok(())
    }

    fn scores_dtype(&self) -> Result<Option<DType>> {
        self.reverse_dtype.as_deref().map(str::parse).transpose()
    }

    /// Returns the embeddings with their low-rank update.
    fn vectors(&self) -> Result<Tensor> {
        let vectors = self.embeddings.value()?;
        match self.lora_rank {
            Some(rank) => {
                let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
                ops::add(&vectors, lora::update(factors.0, factors.1, (rank, self.lora_alpha.as_ref()))?)
            }
            None => Ok(vectors),
        }
    }

    fn scores(&self, x: &Tensor) -> Result<Tensor> {
        let scores = match self.base.dtype_policy().quantization() {
            Some(mode) => self.quantized_scores(x, mode)?,
            None => self.plain_scores(x)?,
        };
        match self.logit_soft_cap.map(Number::get) {
            Some(cap) => ops::multiply(&ops::tanh(&ops::divide(&scores, cap)?)?, cap),
            None => Ok(scores),
        }
    }

    fn plain_scores(&self, x: &Tensor) -> Result<Tensor> {
        let kernel =
            if self.tie_weights { ops::transpose(&self.vectors()?, None)? } else { self.reverse_embeddings.value()? };
        match self.scores_dtype()? {
            Some(dtype) => ops::matmul(&ops::cast_to(x, dtype)?, &ops::cast_to(&kernel, dtype)?),
            None => ops::matmul(x, &kernel),
        }
    }
}

impl Layer for ReversibleEmbedding {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let mode = self.base.dtype_policy().quantization();
        let shape = [self.input_dim, self.output_dim];
        match mode {
            Some(mode) => self.build_quantized(cx, mode)?,
            None => self
                .embeddings
                .make(cx, shape)
                .initializer(&self.embeddings_initializer)
                .regularizer(&self.embeddings_regularizer)
                .constraint(&self.embeddings_constraint)
                .create()?,
        }
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
            lora::make(
                cx,
                &self.embeddings,
                factors,
                (rank, self.lora_alpha.as_ref()),
                &shape,
                &self.embeddings_regularizer,
            )?;
        }
        if !self.tie_weights && mode.is_none() {
            let shape = [self.output_dim, self.input_dim];
            self.reverse_embeddings.make(cx, shape).initializer(&self.embeddings_initializer).create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if inputs.flag("reverse", false)? {
            return self.scores(x).map(Into::into);
        }
        let update = self.lora_rank.map(|rank| {
            let scale = lora::scale(rank, self.lora_alpha.as_ref());
            (&self.lora_embeddings_a, &self.lora_embeddings_b, scale)
        });
        let indices = ops::cast_to(x, DType::Int32)?;
        let rows = match self.base.dtype_policy().quantization() {
            Some(mode) => self.quantized.0.take(&self.embeddings, &indices, self.output_dim, mode)?,
            None => self.embeddings.rows(&indices)?,
        };
        let y = with_update(rows, &indices, update)?;
        let mask = self.mask_zero.then(|| ops::not_equal(x, 0)).transpose()?;
        Ok(y.with_mask(mask).into())
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "reverse"])
    }

    fn quantizable(&self) -> Option<&dyn Quantizable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl Quantizable for ReversibleEmbedding {
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        check_embeddings(mode)?;
        self.quantize_built(mode, cx)?;
        if let Some(rank) = self.lora_rank {
            let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
            lora::attach(&self.embeddings, factors, (rank, self.lora_alpha.as_ref()));
        }
        self.quantization_config.set(mode);
        Ok(())
    }
}

impl OwnState for ReversibleEmbedding {
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        let (Some(mode), Some(rank)) = (self.base.dtype_policy().quantization(), self.lora_rank) else {
            return Ok(Vec::new());
        };
        let factors = (&self.lora_embeddings_a, &self.lora_embeddings_b);
        let update = lora::update(factors.0, factors.1, (rank, self.lora_alpha.as_ref()))?;
        merged(&self.embeddings, &self.quantized.0, self.output_dim, mode, &update)
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        let scales = self.quantized.0.saved();
        let reverse = [&self.reverse_embeddings].into_iter().chain(self.reverse_scales.saved());
        Some([&self.embeddings].into_iter().chain(scales).chain(reverse).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn untied_scores_have_a_matrix_of_their_own() {
        let layer = ReversibleEmbedding::new(4, 2).tie_weights(false).logit_soft_cap(1).mask_zero(true).shared();
        let y = layer.apply(Tensor::from_slice(&[0i32, 3], [1, 2]).unwrap()).unwrap();
        assert_eq!(y.mask().unwrap().to_vec::<bool>().unwrap(), [false, true]);
        let scores = layer.apply(CallArgs::from(&y).with_value("reverse", true)).unwrap();
        assert_eq!(scores.shape().to_string(), "(1, 2, 4)");
        assert!(scores.mask().is_none());
        assert_eq!(layer.weights()[1].shape().to_string(), "(2, 4)");
    }
}
