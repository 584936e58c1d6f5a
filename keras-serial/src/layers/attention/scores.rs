//! What the attention layers without projections share.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{BuildContext, regularization::drop_out};
use crate::ops::{self, Axes};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};

/// The arguments of `call` of both layers.
pub(super) const CALL_ARGUMENTS: &[&str] =
    &["inputs", "mask", "training", "return_attention_scores", "use_causal_mask"];

fn wrong(class: &str, received: String) -> Error {
    let what =
        format!("{class} layer must be called on a list of inputs, namely [query, value] or [query, value, key].");
    Error::new(ErrorKind::InvalidArgument, what).received(received)
}

/// Returns the query's shape from the build shapes.
pub(super) fn query_shape(class: &str, cx: &BuildContext<'_>) -> Result<Shape> {
    let shapes = cx.input_shapes();
    match shapes.leaves().as_slice() {
        [query, _] | [query, _, _] => Ok((*query).clone()),
        others => Err(wrong(class, format!("{} inputs", others.len()))),
    }
}

/// Returns query, value and key; the key defaults to the value.
pub(super) fn inputs(class: &str, args: &CallArgs) -> Result<[Tensor; 3]> {
    let inputs = args.inputs()?;
    match inputs.leaves().as_slice() {
        [query, value] if inputs.items().is_some() => Ok([(*query).clone(), (*value).clone(), (*value).clone()]),
        [query, value, key] if inputs.items().is_some() => Ok([(*query).clone(), (*value).clone(), (*key).clone()]),
        others => Err(wrong(class, format!("{} inputs", others.len()))),
    }
}

/// The dropout of attention weights in training.
pub(super) struct Drop<'a> {
    pub rate: f64,
    pub seed: &'a Seed,
    pub generator: &'a SeedGenerator,
}

/// Returns the attention output, and the attention weights if they are asked for.
pub(super) fn attend(
    scores: Tensor,
    value: &Tensor,
    args: &CallArgs,
    cx: &CallContext,
    drop: &Drop<'_>,
) -> Result<Nested<Tensor>> {
    let (query_mask, value_mask) = (mask(cx, 0)?, mask(cx, 1)?);
    let mut scores = scores;
    if let Some(mask) = scores_mask(&scores, value_mask, args.flag("use_causal_mask", false)?)? {
        let low = if scores.dtype() == DType::Float16 { 65504.0 } else { 1e9 };
        scores = ops::where_(&mask, &scores, &ops::subtract(&scores, low)?)?;
    }
    let mut weights = ops::softmax(&scores, Axes::from(-1))?;
    if cx.is_training() {
        weights = drop_out(&weights, drop.rate, None, drop.seed, drop.generator)?;
    }
    let mut y = ops::matmul(&weights, value)?;
    if let Some(mask) = query_mask {
        y = ops::where_(&ops::expand_dims(&mask, -1)?, &y, 0)?;
    }
    Ok(if args.flag("return_attention_scores", false)? { Nested::tuple([y, weights]) } else { y.into() })
}

fn mask(cx: &CallContext, index: usize) -> Result<Option<Tensor>> {
    let mask = cx.masks().get(index).and_then(Option::as_ref);
    mask.map(|mask| ops::cast_to(mask, DType::Bool)).transpose()
}

/// Returns the mask of the scores, in a shape that broadcasts to theirs.
fn scores_mask(scores: &Tensor, value_mask: Option<Tensor>, causal: bool) -> Result<Option<Tensor>> {
    if !causal {
        let is_matrix = |mask: &Tensor| mask.rank() == 2;
        return value_mask
            .map(|mask| if is_matrix(&mask) { ops::expand_dims(&mask, -2) } else { Ok(mask) })
            .transpose();
    }
    let positions = ops::attention::position_mask(scores.shape().get(-2)?, scores.shape().get(-1)?, true, None)?;
    match value_mask {
        Some(mask) => ops::logical_and(&ops::expand_dims(&mask, -2)?, &positions).map(Some),
        None => Ok(Some(positions)),
    }
}

/// Returns the query's mask, which is the output's.
pub(super) fn compute_mask(masks: &[Option<Tensor>]) -> Vec<Option<Tensor>> {
    masks.first().cloned().into_iter().collect()
}

/// Adds every query to every key, over broadcast axes: `(…, queries, 1, dim) + (…, 1, keys, dim)`.
pub(super) fn pair_sums(query: &Tensor, key: &Tensor) -> Result<Tensor> {
    ops::add(&ops::expand_dims(query, -2)?, ops::expand_dims(key, -3)?)
}
