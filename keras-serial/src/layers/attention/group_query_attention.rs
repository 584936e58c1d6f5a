//! Grouped-query attention: groups of query heads share one head of keys and values.

use super::heads::{self, Attended, Core, Projections};
use crate::config::Number;
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Layer, LayerBase, LayerTraits, Signature, Sublayer};
use crate::ops;
use crate::ops::shape::repeat_axis;
use crate::random::Seed;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Grouped-query attention: scaled dot-product attention in which several heads of queries share one head of
/// keys and values.
///
/// # Arguments
/// - `head_dim`: the size of each head; `num_query_heads`, a multiple of `num_key_value_heads`.
/// - `dropout`: 0; the fraction of attention weights that training drops.
/// - `use_bias`: true; `use_gate`: false, whether a sigmoid of the query gates the attention output.
/// - `sliding_window`: none; how far from itself a position attends.
/// - `flash_attention`: none; asks for faster kernels and does not change results.
/// - `kernel_initializer`: `glorot_uniform`, `bias_initializer`: `zeros`; regularizers and constraints: none;
///   all apply to each projection.
/// - `seed`: none; the seed of the dropout.
///
/// The arguments of the call are those of [`MultiHeadAttention`](super::MultiHeadAttention), with inputs
/// `(batch, steps, features)`.
///
/// Follows <https://keras.io/api/layers/attention_layers/group_query_attention>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32; 12], [1, 3, 4])?;
/// let layer = GroupQueryAttention::new(8, 4, 2).kernel_initializer("zeros").bias_initializer("ones");
/// assert_eq!(layer.apply(CallArgs::from(&x).and(x.clone()))?.to_vec::<f32>()?, [1.0; 12]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct GroupQueryAttention {
    base: LayerBase,
    head_dim: usize,
    num_query_heads: usize,
    num_key_value_heads: usize,
    #[keras(default = true)]
    use_bias: bool,
    #[keras(default)]
    use_gate: bool,
    #[keras(default)]
    sliding_window: Option<usize>,
    #[keras(default = 0.0.into())]
    dropout: Number,
    #[keras(default, skip_if = heads::is_never_written)]
    flash_attention: Option<bool>,
    #[keras(default = Some("glorot_uniform".into()))]
    kernel_initializer: Option<Initializer>,
    #[keras(default = Some("zeros".into()))]
    bias_initializer: Option<Initializer>,
    #[keras(default)]
    kernel_regularizer: Option<Regularizer>,
    #[keras(default)]
    bias_regularizer: Option<Regularizer>,
    #[keras(base_or_null)]
    activity_regularizer: (),
    #[keras(default)]
    kernel_constraint: Option<Constraint>,
    #[keras(default)]
    bias_constraint: Option<Constraint>,
    #[keras(default)]
    seed: Seed,
    #[keras(sublayer(name = "_query_dense"))]
    query_dense: Sublayer,
    #[keras(sublayer(name = "_key_dense"))]
    key_dense: Sublayer,
    #[keras(sublayer(name = "_gate_dense"))]
    gate_dense: Sublayer,
    #[keras(sublayer(name = "_value_dense"))]
    value_dense: Sublayer,
    #[keras(sublayer(name = "_softmax"))]
    softmax: Sublayer,
    #[keras(sublayer(name = "_dropout_layer"))]
    dropout_layer: Sublayer,
    #[keras(sublayer(name = "_output_dense"))]
    output_dense: Sublayer,
}

impl GroupQueryAttention {
    fn check(&self) -> Result<()> {
        if self.num_key_value_heads == 0 || !self.num_query_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(Error::new(ErrorKind::Config, "`num_query_heads` must be divisible by `num_key_value_heads`.")
                .received(format!("{} and {}", self.num_query_heads, self.num_key_value_heads)));
        }
        heads::check(self.dropout, self.flash_attention, self.sliding_window)
    }

    fn projections(&self) -> Projections<'_> {
        Projections {
            base: &self.base,
            use_bias: self.use_bias,
            kernel_initializer: &self.kernel_initializer,
            bias_initializer: &self.bias_initializer,
            kernel_regularizer: &self.kernel_regularizer,
            bias_regularizer: &self.bias_regularizer,
            activity_regularizer: self.base.activity_regularizer(),
            kernel_constraint: &self.kernel_constraint,
            bias_constraint: &self.bias_constraint,
        }
    }
}

impl Layer for GroupQueryAttention {
    fn build(&self, query: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let (value, key) = heads::value_and_key(query, cx)?;
        let projections = self.projections();
        let queries = Shape::from([None, Some(self.num_query_heads), Some(self.head_dim)]);
        let keys = Shape::from([None, Some(self.num_key_value_heads), Some(self.head_dim)]);
        let dense = |name: &str, equation: &str, shape: &Shape, bias: &str| {
            projections.dense(name, equation.to_owned(), shape.clone(), bias)
        };
        self.query_dense.make(cx, dense("query", "bqm,muh->bquh", &queries, "uh"), query)?;
        self.key_dense.make(cx, dense("key", "bkm,mvh->bkvh", &keys, "vh"), &key)?;
        if self.use_gate {
            let gate = dense("gate", "bqm,muh->bquh", &queries, "uh").activation("sigmoid");
            self.gate_dense.make(cx, gate, query)?;
        }
        self.value_dense.make(cx, dense("value", "bkm,mvh->bkvh", &keys, "vh"), &value)?;
        projections.make_core(cx, (&self.softmax, vec![-1]), (&self.dropout_layer, self.dropout, &self.seed))?;
        let output = dense("attention_output", "bquh,uhm->bqm", &Shape::from([None, query.get(-1)?]), "m");
        let heads = Shape::from([None, None, Some(self.num_query_heads), Some(self.head_dim)]);
        self.output_dense.make(cx, output, &heads)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let return_scores = inputs.flag("return_attention_scores", false)?;
        if return_scores && self.flash_attention == Some(true) {
            return Err(heads::no_scores());
        }
        let Attended { query, value, key } = Attended::of(inputs)?;
        let query_mask = inputs.optional("query_mask")?.cloned().or_else(|| query.mask());
        let mask = heads::attention_mask(inputs, query_mask.as_ref(), self.sliding_window)?;
        let gate = if self.use_gate { Some(self.gate_dense.call(&query, cx)?) } else { None };
        // Repeat each key and value head for every query head of its group.
        let group = self.num_query_heads / self.num_key_value_heads.max(1);
        let projected = Attended {
            query: self.query_dense.call(&query, cx)?,
            key: repeat_axis(&self.key_dense.call(&key, cx)?, group, 2)?,
            value: repeat_axis(&self.value_dense.call(&value, cx)?, group, 2)?,
        };
        let core = Core {
            softmax: &self.softmax,
            dropout_layer: &self.dropout_layer,
            dropout: self.dropout.get(),
            scale: 1.0 / (self.head_dim as f64).sqrt(),
            axes: 1,
            dot_product: "bquh,bkuh->buqk",
            combine: "buqk,bkuh->bquh",
            key_first: false,
        };
        let (mut attended, scores) = core.attend(&projected, mask, return_scores, cx)?;
        if let Some(gate) = gate {
            attended = ops::multiply(&attended, &gate)?;
        }
        let y = self.output_dense.call(&attended, cx)?;
        Ok(scores.map_or_else(|| y.clone().into(), |scores| Nested::tuple([y.clone(), scores])))
    }

    fn signature(&self) -> Signature {
        Signature::new(heads::CALL_ARGUMENTS).build(heads::BUILD_ARGUMENTS)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().original_class("GroupedQueryAttention").supports_masking(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn heads_of_queries_come_in_groups() {
        let layer = GroupQueryAttention::new(3, 4, 3);
        assert!(layer.check().unwrap_err().to_string().contains("must be divisible"));
        let layer = GroupQueryAttention::new(3, 4, 2).shared();
        assert!(layer.name().starts_with("grouped_query_attention"));
        let x = Tensor::symbol([None, None, Some(6)], crate::tensor::DType::Float32);
        let args = CallArgs::from(&x).and(x.clone()).with_value("use_causal_mask", true);
        assert_eq!(layer.apply(args).unwrap().shape().to_string(), "(None, None, 6)");
    }
}
