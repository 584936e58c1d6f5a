//! Dot-product (Luong) attention.

use super::scores::{self, Drop};
use crate::config::Number;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Layer, LayerBase, LayerTraits, Signature, Weight};
use crate::ops::{self, Axes};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasEnum, KerasSerializable, register};

/// How attention scores are computed from queries and keys.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ScoreMode {
    /// `query · key`.
    #[default]
    Dot,
    /// `weight · Σ tanh(query + key)`.
    Concat,
}

/// Dot-product attention: `softmax(query · keyᵀ) · value`, called on a list `[query, value]` or
/// `[query, value, key]`.
///
/// # Arguments
/// - `use_scale`: false; whether a learned number scales the scores.
/// - `score_mode`: `dot`, or `concat` for `weight · Σ tanh(scale · (query + key))`.
/// - `dropout`: 0; the fraction of attention weights that training drops.
/// - `seed`: none; the seed of the dropout.
///
/// # Arguments of the call
/// - `mask`: a list of the masks of query and value; by default those that the tensors carry.
/// - `return_attention_scores`, `use_causal_mask`: false by default.
///
/// Follows <https://keras.io/api/layers/attention_layers/attention>.
///
/// ```
/// use keras_serial::layers::Attention;
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[0.0f32, 0.0], [1, 2, 1])?;
/// let value = Tensor::from_slice(&[1.0f32, 3.0], [1, 2, 1])?;
/// let inputs = CallArgs::from(vec![x.clone(), value, x]);
/// assert_eq!(Attention::new().apply(inputs)?.to_vec::<f32>()?, [2.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Attention {
    base: LayerBase,
    #[keras(default)]
    use_scale: bool,
    #[keras(default)]
    score_mode: ScoreMode,
    #[keras(default = 0.0.into())]
    dropout: Number,
    #[keras(default)]
    seed: Seed,
    #[keras(weight)]
    scale: Weight,
    #[keras(weight)]
    concat_score_weight: Weight,
    /// Advances with each call.
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl Attention {
    fn scores(&self, query: &Tensor, key: &Tensor) -> Result<Tensor> {
        let scale = |x: Tensor| if self.use_scale { ops::multiply(&x, self.scale.value()?) } else { Ok(x) };
        match self.score_mode {
            ScoreMode::Dot => {
                let mut axes: Vec<usize> = (0..key.rank()).collect();
                if let [.., last_but_one, last] = axes.as_mut_slice() {
                    std::mem::swap(last_but_one, last);
                }
                scale(ops::matmul(query, &ops::transpose(key, Some(axes))?)?)
            }
            ScoreMode::Concat => {
                let pairs = ops::tanh(&scale(scores::pair_sums(query, key)?)?)?;
                ops::multiply(&ops::sum(&pairs, Axes::from(-1), false)?, self.concat_score_weight.value()?)
            }
        }
    }
}

impl Layer for Attention {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        scores::query_shape("Attention", cx)?;
        let ones: Initializer = "ones".into();
        if self.use_scale {
            self.scale.make(cx, Shape::scalar()).initializer(&ones).create()?;
        }
        if self.score_mode == ScoreMode::Concat {
            self.concat_score_weight.make(cx, Shape::scalar()).initializer(&ones).create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let [query, value, key] = scores::inputs("Attention", inputs)?;
        let drop = Drop { rate: self.dropout.get(), seed: &self.seed, generator: &self.generator };
        scores::attend(self.scores(&query, &key)?, &value, inputs, cx, &drop)
    }

    fn signature(&self) -> Signature {
        Signature::new(scores::CALL_ARGUMENTS)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }

    fn compute_mask(&self, _: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(scores::compute_mask(masks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    // Attention()([q, v], mask=[[[True, False]], [[True, False]]]) with q = v = [[[1.], [2.]]]
    #[test]
    fn masked_values_get_no_weight_and_masked_queries_nothing() {
        let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2, 1]).unwrap();
        let x = x.with_mask(Some(Tensor::from_slice(&[true, false], [1, 2]).unwrap()));
        let y = Attention::new().apply(vec![x.clone(), x]).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 0.0]);
        assert_eq!(y.mask().unwrap().to_vec::<bool>().unwrap(), [true, false]);
    }

    #[test]
    fn one_input_is_too_few() {
        let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2, 1]).unwrap();
        let error = Attention::new().apply(&x).unwrap_err();
        assert!(error.to_string().contains("must be called on a list of inputs"), "{error}");
    }
}
