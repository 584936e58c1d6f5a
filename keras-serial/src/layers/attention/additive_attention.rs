//! Additive (Bahdanau) attention.

use super::scores::{self, Drop};
use crate::config::Number;
use crate::error::Result;
use crate::initializers::Initializer;
use crate::layers::{BuildContext, Layer, LayerBase, LayerTraits, Signature, Weight};
use crate::ops::{self, Axes};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Additive attention: `softmax(Σ scale · tanh(query + key)) · value`, called on a list `[query, value]` or
/// `[query, value, key]`.
///
/// # Arguments
/// - `use_scale`: true; whether a learned vector scales the sum.
/// - `dropout`: 0; the fraction of attention weights that training drops.
/// - `seed`: none; the seed of the dropout.
///
/// # Arguments of the call
/// The same as for [`Attention`](super::Attention).
///
/// Follows <https://keras.io/api/layers/attention_layers/additive_attention>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[0.0f32, 0.0], [1, 2, 1])?;
/// let value = Tensor::from_slice(&[1.0f32, 3.0], [1, 2, 1])?;
/// let inputs = CallArgs::from(vec![x.clone(), value, x]);
/// assert_eq!(AdditiveAttention::new().apply(inputs)?.to_vec::<f32>()?, [2.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct AdditiveAttention {
    base: LayerBase,
    #[keras(default = true)]
    use_scale: bool,
    #[keras(default = 0.0.into())]
    dropout: Number,
    #[keras(default)]
    seed: Seed,
    #[keras(weight)]
    scale: Weight,
    /// Advances with each call.
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl AdditiveAttention {
    fn scores(&self, query: &Tensor, key: &Tensor) -> Result<Tensor> {
        let mut pairs = ops::tanh(&scores::pair_sums(query, key)?)?;
        if self.use_scale {
            pairs = ops::multiply(&pairs, self.scale.value()?)?;
        }
        ops::sum(&pairs, Axes::from(-1), false)
    }
}

impl Layer for AdditiveAttention {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let query = scores::query_shape("AdditiveAttention", cx)?;
        if self.use_scale {
            let initializer: Initializer = "glorot_uniform".into();
            self.scale.make(cx, [query.last()?]).initializer(&initializer).create()?;
        }
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let [query, value, key] = scores::inputs("AdditiveAttention", inputs)?;
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
