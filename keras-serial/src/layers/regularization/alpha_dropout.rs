//! Alpha dropout, for self-normalizing networks.

use super::{check_below_one, check_share, kept};
use crate::config::Number;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits, Signature};
use crate::ops;
use crate::program;
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Alpha dropout: in training, sets each element to SELU's lowest value with probability `rate`, then scales
/// and shifts all elements so that mean and variance are kept; in inference, does nothing.
///
/// # Arguments
/// - `rate`: from 0 to 1.
/// - `noise_shape`: none; the shape of the random mask, with 1 for axes along which elements are dropped
///   together, and null for the input's extent.
/// - `seed`: none; the same seed drops the same elements, but not the same as in Keras.
///
/// Follows <https://keras.io/api/layers/regularization_layers/alpha_dropout>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(AlphaDropout::new(0.5).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct AlphaDropout {
    base: LayerBase,
    rate: Number,
    #[keras(default)]
    seed: Seed,
    #[keras(default)]
    noise_shape: Option<Shape>,
    /// Advances with each call.
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

/// SELU's limit at minus infinity.
const LOWEST: f64 = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;

impl AlphaDropout {
    fn check(&self) -> Result<()> {
        check_share("rate", self.rate)
    }
}

impl Layer for AlphaDropout {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let (x, rate) = (inputs.tensor()?, self.rate.get());
        if !cx.is_training() || rate == 0.0 {
            return Ok(x.clone().into());
        }
        program::infer_or_compute(&[x], x.clone().into(), || {
            let scale = ((1.0 - check_below_one(rate)?) * (1.0 + rate * LOWEST * LOWEST)).sqrt().recip();
            let kept = kept(x, rate, self.noise_shape.as_ref(), &self.seed, &self.generator)?;
            let dropped = ops::multiply(ops::subtract(1, &kept)?, LOWEST)?;
            let y = ops::add(&ops::multiply(x, &kept)?, &dropped)?;
            ops::add(&ops::multiply(&y, scale)?, -scale * LOWEST * rate).map(Into::into)
        })
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    // rate = 0.5: a = 0.6408…, b = 0.5633…; 1 becomes a + b, or a · LOWEST + b
    #[test]
    fn elements_are_kept_or_lowest() {
        let x = Tensor::from_slice(&[1.0f32; 64], [8, 8]).unwrap();
        let y = AlphaDropout::new(0.5).seed(1).shared().call(&x, &CallContext::training()).unwrap();
        let y = y.into_single().unwrap().to_vec::<f32>().unwrap();
        let scale = (0.5 * (1.0 + 0.5 * LOWEST * LOWEST)).powf(-0.5);
        let values = [1.0, LOWEST].map(|x| (scale * x - scale * LOWEST * 0.5) as f32);
        assert!(values.iter().all(|value| y.iter().any(|y| (y - value).abs() < 1e-5)));
        assert!(y.iter().all(|y| values.iter().any(|value| (y - value).abs() < 1e-5)), "{y:?}");
    }
}
