//! Dropout.

use super::{check_share, drop_out};
use crate::config::Number;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits, Signature, invalid_argument};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Dropout: in training, sets each element to zero with probability `rate` and scales the others by
/// `1 / (1 - rate)`; in inference, does nothing.
///
/// # Arguments
/// - `rate`: from 0 to 1.
/// - `noise_shape`: none; the shape of the random mask, with 1 for axes along which elements are dropped
///   together, and null for the input's extent.
/// - `seed`: none; the same seed drops the same elements, but not the same as in Keras.
///
/// Follows <https://keras.io/api/layers/regularization_layers/dropout>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(Dropout::new(0.5).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct Dropout {
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

impl Dropout {
    fn check(&self) -> Result<()> {
        check_share("rate", self.rate)?;
        match &self.noise_shape {
            Some(shape) if shape.dims().contains(&Some(0)) => {
                Err(invalid_argument("noise_shape", "positive integers or None", shape))
            }
            _ => Ok(()),
        }
    }
}

impl Layer for Dropout {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if !cx.is_training() {
            return Ok(x.clone().into());
        }
        drop_out(x, self.rate.get(), self.noise_shape.as_ref(), &self.seed, &self.generator).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerRef;

    #[test]
    fn the_same_seed_drops_the_same_elements() {
        let x = Tensor::from_slice(&[1.0f32; 64], [8, 8]).unwrap();
        let train = || {
            let layer = LayerRef::new(Dropout::new(0.5).seed(3));
            layer.call(&x, &CallContext::training()).unwrap().into_single().unwrap().to_vec::<f32>().unwrap()
        };
        let first = train();
        assert_eq!(first, train());
        assert!(first.contains(&0.0) && first.contains(&2.0));
    }
}
