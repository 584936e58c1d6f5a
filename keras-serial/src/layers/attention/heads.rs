//! What multi-head layers share: projections, masks, and scaled dot-product attention.

use crate::config::{HasBase, Number};
use crate::constraints::Constraint;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Dropout, EinsumDense, LayerBase, LayerExt, Softmax, Sublayer, invalid_argument};
use crate::ops;
use crate::random::Seed;
use crate::regularizers::Regularizer;
use crate::tensor::{CallArgs, CallContext, DType, Shape, Tensor};

/// The arguments of `call` of both multi-head layers.
pub(super) const CALL_ARGUMENTS: &[&str] = &[
    "query",
    "value",
    "key",
    "query_mask",
    "value_mask",
    "key_mask",
    "attention_mask",
    "return_attention_scores",
    "training",
    "use_causal_mask",
];

/// The arguments of `build` of both multi-head layers.
pub(super) const BUILD_ARGUMENTS: &[&str] = &["query_shape", "value_shape", "key_shape"];

/// Returns true: for arguments that Keras reads but never writes.
pub(super) fn is_never_written<T>(_: &T) -> bool {
    true
}

/// Validates the arguments that both layers have in common.
pub(super) fn check(dropout: Number, flash_attention: Option<bool>, sliding_window: Option<usize>) -> Result<()> {
    crate::layers::regularization::check_share("dropout", dropout)?;
    if flash_attention == Some(true) && dropout.get() > 0.0 {
        return Err(Error::new(ErrorKind::Config, "Dropout is not supported when flash attention is enabled.")
            .hint("set dropout to 0.0 to use flash attention"));
    }
    match sliding_window {
        Some(0) => Err(invalid_argument("sliding_window", "`None` or a positive integer", 0)),
        _ => Ok(()),
    }
}

/// Returns the shapes of value and key, and checks that they agree in all but the last axis.
pub(super) fn value_and_key(query: &Shape, cx: &BuildContext<'_>) -> Result<(Shape, Shape)> {
    let value = cx.shape("value_shape").unwrap_or(query).clone();
    let key = cx.shape("key_shape").unwrap_or(&value).clone();
    let inner = |shape: &Shape| shape.dims().get(1..shape.rank().saturating_sub(1)).map(<[_]>::to_vec);
    if inner(&value) != inner(&key) {
        return Err(Error::new(
            ErrorKind::Shape,
            "All dimensions of `value` and `key`, except the last one, must be equal.",
        )
        .received(format!("value_shape={value} and key_shape={key}")));
    }
    Ok((value, key))
}

/// How the projection layers are constructed.
pub(super) struct Projections<'a> {
    pub base: &'a LayerBase,
    pub use_bias: bool,
    pub kernel_initializer: &'a Option<Initializer>,
    pub bias_initializer: &'a Option<Initializer>,
    pub kernel_regularizer: &'a Option<Regularizer>,
    pub bias_regularizer: &'a Option<Regularizer>,
    pub activity_regularizer: Option<&'a Regularizer>,
    pub kernel_constraint: &'a Option<Constraint>,
    pub bias_constraint: &'a Option<Constraint>,
}

impl Projections<'_> {
    /// Constructs a projection by an einsum equation, with a bias over `bias_axes`.
    pub(super) fn dense(&self, name: &str, equation: String, output_shape: Shape, bias_axes: &str) -> EinsumDense {
        let mut dense = EinsumDense::new(equation, output_shape).name(name).dtype(self.base.dtype_policy().clone());
        dense.bias_axes = self.use_bias.then(|| bias_axes.to_owned());
        dense.kernel_initializer.clone_from(self.kernel_initializer);
        dense.bias_initializer.clone_from(self.bias_initializer);
        dense.kernel_regularizer.clone_from(self.kernel_regularizer);
        dense.bias_regularizer.clone_from(self.bias_regularizer);
        dense.kernel_constraint.clone_from(self.kernel_constraint);
        dense.bias_constraint.clone_from(self.bias_constraint);
        dense.base_mut().set_activity_regularizer(self.activity_regularizer.cloned());
        dense
    }

    /// Constructs the softmax of the scores and the dropout that follows it.
    pub(super) fn make_core(
        &self,
        cx: &mut BuildContext<'_>,
        (softmax, axes): (&Sublayer, Vec<isize>),
        (dropout, rate, seed): (&Sublayer, Number, &Seed),
    ) -> Result<()> {
        let policy = || self.base.dtype_policy().clone();
        softmax.make(cx, Softmax::new().axis(axes).dtype(policy()), &Shape::scalar())?;
        dropout.make(cx, Dropout::new(rate).seed(seed.clone()).dtype(policy()), &Shape::scalar())
    }
}

/// Query, value and key of a call, before or after projection.
pub(super) struct Attended {
    pub query: Tensor,
    pub value: Tensor,
    pub key: Tensor,
}

impl Attended {
    /// Reads query, value and key from the arguments; the key defaults to the value.
    pub(super) fn of(args: &CallArgs) -> Result<Self> {
        let (query, value) = (args.required("query")?, args.required("value")?);
        let key = args.optional("key")?.unwrap_or(value);
        Ok(Self { query: query.clone(), value: value.clone(), key: key.clone() })
    }
}

/// Combines all masks into one that says which keys each query may attend to: the masks of query, value and
/// key, the causal mask, the sliding window, and the given mask. Returns `None` if nothing is masked.
pub(super) fn attention_mask(
    args: &CallArgs,
    query_mask: Option<&Tensor>,
    sliding_window: Option<usize>,
) -> Result<Option<Tensor>> {
    let (query, value) = (args.required("query")?, args.required("value")?);
    let carried = |name: &str, of: Option<&Tensor>| -> Result<Option<Tensor>> {
        Ok(args.optional(name)?.cloned().or_else(|| of.and_then(Tensor::mask)))
    };
    let along = |mask: Option<Tensor>, axis: isize| -> Result<Option<Tensor>> {
        mask.map(|mask| ops::expand_dims(&ops::cast_to(&mask, DType::Bool)?, axis)).transpose()
    };
    let causal = args.flag("use_causal_mask", false)?;
    let positions = if causal || sliding_window.is_some() {
        let length = |x: &Tensor| x.shape().get(1);
        Some(ops::attention::position_mask(length(query)?, length(value)?, causal, sliding_window)?)
    } else {
        None
    };
    let masks = [
        along(query_mask.cloned(), -1)?,
        along(carried("value_mask", Some(value))?, -2)?,
        along(carried("key_mask", args.optional("key")?)?, -2)?,
        positions,
        args.optional("attention_mask")?.cloned(),
    ];
    let mut joined: Option<Tensor> = None;
    for mask in masks.into_iter().flatten() {
        joined = Some(match joined {
            Some(joined) => ops::logical_and(&joined, &mask)?,
            None => ops::cast_to(&mask, DType::Bool)?,
        });
    }
    Ok(joined)
}

/// The layers and parameters of scaled dot-product attention.
pub(super) struct Core<'a> {
    pub softmax: &'a Sublayer,
    pub dropout_layer: &'a Sublayer,
    pub dropout: f64,
    /// The factor of the scores: `1 / √dim`.
    pub scale: f64,
    /// The number of attention axes.
    pub axes: usize,
    /// The einsum equation from projected keys and queries to scores.
    pub dot_product: &'a str,
    /// The einsum equation from scores and values to the output.
    pub combine: &'a str,
    /// Whether keys are the first operand of `dot_product`.
    pub key_first: bool,
}

impl Core<'_> {
    /// Returns the attention output, and the scores if they are asked for.
    pub(super) fn attend(
        &self,
        Attended { query, value, key }: &Attended,
        mask: Option<Tensor>,
        return_scores: bool,
        cx: &CallContext,
    ) -> Result<(Tensor, Option<Tensor>)> {
        let fast = self.dropout == 0.0 && !return_scores && query.rank() == 4;
        let scores_rank = if fast { 4 } else { self.scores_rank() };
        let mask = mask.map(|mut mask| {
            while mask.rank() < scores_rank {
                mask = ops::expand_dims(&mask, -2 * self.axes as isize - 1)?;
            }
            Ok::<_, Error>(mask)
        });
        let mask = mask.transpose()?;
        if fast {
            return Ok((ops::dot_product_attention(query, key, value, mask.as_ref(), self.scale)?, None));
        }
        let query = ops::multiply(query, self.scale)?;
        let operands = if self.key_first { [key.clone(), query] } else { [query, key.clone()] };
        let mut scores = CallArgs::from(ops::einsum(self.dot_product, &operands)?);
        if let Some(mask) = mask {
            scores = scores.with("mask", mask);
        }
        let scores = self.softmax.call(scores, cx)?;
        let weights = if self.dropout > 0.0 { self.dropout_layer.call(&scores, cx)? } else { scores.clone() };
        let attended = ops::einsum(self.combine, &[weights, value.clone()])?;
        Ok((attended, return_scores.then_some(scores)))
    }

    fn scores_rank(&self) -> usize {
        self.dot_product.rsplit("->").next().unwrap_or_default().len()
    }
}

/// Returns the error when scores are asked for with flash attention, which keeps none.
pub(super) fn no_scores() -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        "Returning attention scores is not supported when flash attention is enabled.",
    )
    .hint("disable flash attention to access attention scores")
}
