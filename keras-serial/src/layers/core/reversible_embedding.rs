//! A vector for each integer, and back.

use crate::constraints::Constraint;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{BuildContext, Layer, LayerBase, Weight, invalid_argument};
use crate::ops;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{Config, KerasSerializable, register};

/// Turns integers into vectors as [`Embedding`](super::Embedding) does and, called with `reverse`,
/// vectors into a number (a logit) for each integer: `inputs · embeddingsᵀ`.
///
/// # Arguments
/// - `input_dim`, `output_dim`: the numbers of vectors, and of numbers in each.
/// - `tie_weights`: true; if false, the way back has a kernel of its own.
/// - `embeddings_initializer`: `uniform`; no regularizer and constraint.
/// - `mask_zero`: false; if true, 0 stands for padding, and is masked.
/// - `reverse_dtype`: none, the dtype in which the way back is computed.
/// - `logit_soft_cap`: none, a bound `c` for logits: `c · tanh(logits / c)`.
///
/// # Shapes
/// `(batch, …)` of integers gives `(batch, …, output_dim)`; with `reverse`, `(batch, …, output_dim)`
/// gives `(batch, …, input_dim)`.
///
/// Follows <https://keras.io/api/layers/core_layers/reversible_embedding>.
///
/// ```
/// use keras_serial::prelude::*;
/// let layer = ReversibleEmbedding::new(3, 2).embeddings_initializer("ones").shared();
/// let x = layer.apply(&Tensor::from_slice(&[2i32], [1, 1])?)?;
/// let logits = layer.apply(CallArgs::one(x).with_value("reverse", true))?;
/// assert_eq!(logits.to_vec::<f32>()?, [2.0, 2.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[config(new, setters, validate = Self::check, get_config = Self::complete)]
pub struct ReversibleEmbedding {
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
    #[config(default = true)]
    tie_weights: bool,
    #[config(default)]
    reverse_dtype: Option<String>,
    #[config(default)]
    logit_soft_cap: Option<Value>,
    #[weight]
    embeddings: Weight,
    #[weight]
    reverse_embeddings: Weight,
    #[weight]
    lora_embeddings_a: Weight,
    #[weight]
    lora_embeddings_b: Weight,
}

impl ReversibleEmbedding {
    fn check(&self) -> Result<()> {
        if self.input_dim == 0 || self.output_dim == 0 {
            let expected = "positive integers for `input_dim` and `output_dim`";
            return Err(invalid_argument("input_dim", expected, self.input_dim));
        }
        if let Some(dtype) = &self.reverse_dtype {
            dtype.parse::<DType>()?;
        }
        crate::layers::refuse_quantization(&self.quantization_config)
    }

    /// Keras writes the rank for an alpha that was left out.
    fn complete(&self, config: &mut Config) -> Result<()> {
        if let (Some(rank), Some(position), None) =
            (self.lora_rank, config.get_index_of("lora_rank"), &self.lora_alpha)
        {
            config.shift_insert(position + 1, "lora_alpha".into(), rank.into());
        }
        Ok(())
    }

    /// The vectors, with their low-rank update.
    fn table(&self) -> Result<Tensor> {
        let table = self.embeddings.value()?;
        let Some(rank) = self.lora_rank else { return Ok(table) };
        let update = ops::matmul(&self.lora_embeddings_a.value()?, &self.lora_embeddings_b.value()?)?;
        ops::add(&table, ops::multiply(&update, super::lora_scale(rank, self.lora_alpha.as_ref()))?)
    }

    fn reverse(&self, x: &Tensor) -> Result<Tensor> {
        let kernel = if self.tie_weights {
            ops::transpose(&self.table()?, None)?
        } else {
            self.reverse_embeddings.value()?
        };
        let logits = match &self.reverse_dtype {
            Some(dtype) => ops::matmul(&ops::cast_to(x, dtype.parse()?)?, &ops::cast_to(&kernel, dtype.parse()?)?)?,
            None => ops::matmul(x, &kernel)?,
        };
        match self.logit_soft_cap.as_ref().and_then(Value::as_f64) {
            Some(cap) => ops::multiply(ops::tanh(&ops::divide(&logits, cap)?)?, cap),
            None => Ok(logits),
        }
    }
}

impl Layer for ReversibleEmbedding {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
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
        if !self.tie_weights {
            self.reverse_embeddings
                .make(cx, [self.output_dim, self.input_dim])
                .initializer(&self.embeddings_initializer)
                .create()?;
        }
        Ok(())
    }

    fn call(&self, args: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = args.tensor()?;
        if args.flag("reverse", false)? {
            return self.reverse(x).map(Into::into);
        }
        ops::take(&self.table()?, &ops::cast_to(x, DType::Int32)?, Some(0)).map(Into::into)
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["inputs", "reverse"]
    }

    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        Some(vec![&self.embeddings, &self.reverse_embeddings])
    }

    fn supports_masking(&self) -> bool {
        self.mask_zero
    }

    fn compute_mask(&self, args: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        if args.flag("reverse", false)? {
            return Ok(vec![None]);
        }
        Ok(vec![Some(ops::not_equal(args.tensor()?, 0)?)])
    }
}
