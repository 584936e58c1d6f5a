//! Random zeros, in training.

use std::sync::{Mutex, OnceLock, PoisonError};

use rand::rngs::StdRng;

use crate::error::Result;
use crate::layers::{Layer, LayerBase, invalid_argument};
use crate::ops::{self, shape::broadcast_to};
use crate::random::{self, Seed};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// In training, sets each element to zero with probability `rate` and scales the others by
/// `1 / (1 - rate)`; else changes nothing.
///
/// # Arguments
/// - `rate`: from 0 to 1.
/// - `noise_shape`: none; the shape of the random mask, 1 (or null for the input's) on axes along
///   which elements are dropped together.
/// - `seed`: none; the same seed drops the same elements, others than Keras's.
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
#[config(new, setters, validate = Self::check)]
pub struct Dropout {
    base: LayerBase,
    rate: f64,
    #[config(default)]
    seed: Seed,
    #[config(default)]
    noise_shape: Option<Shape>,
    /// Goes on from call to call.
    #[config(skip)]
    generator: OnceLock<Mutex<StdRng>>,
}

impl Dropout {
    fn check(&self) -> Result<()> {
        if (0.0..=1.0).contains(&self.rate) {
            return Ok(());
        }
        Err(invalid_argument("rate", "a float between 0 and 1", self.rate))
    }

    fn mask(&self, x: &Tensor) -> Result<Tensor> {
        let mut shape = x.shape().clone();
        if let Some(noise) = &self.noise_shape {
            shape = noise.dims().iter().zip(x.shape().dims()).map(|(noise, dim)| noise.or(*dim)).collect();
        }
        let generator = self.generator.get_or_init(|| Mutex::new(self.seed.generator()));
        let draw = random::uniform(
            &mut generator.lock().unwrap_or_else(PoisonError::into_inner),
            &shape,
            0.0,
            1.0,
            DType::Float32,
        )?;
        broadcast_to(&ops::greater_equal(&draw, self.rate)?, x.shape())
    }
}

impl Layer for Dropout {
    fn is_built_at_init(&self) -> bool {
        true
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if !cx.is_training() || self.rate == 0.0 || x.is_symbolic() {
            return Ok(x.clone().into());
        }
        if self.rate >= 1.0 {
            return ops::zeros_like(x).map(Into::into);
        }
        let kept = ops::cast_to(&self.mask(x)?, x.dtype())?;
        ops::multiply(&ops::multiply(x, kept)?, 1.0 / (1.0 - self.rate)).map(Into::into)
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["inputs", "training"]
    }

    fn supports_masking(&self) -> bool {
        true
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
