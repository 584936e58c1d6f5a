//! Additive Gaussian noise.

use super::check_share;
use crate::config::Number;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits, Signature};
use crate::ops;
use crate::program;
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Gaussian noise: in training, adds normally distributed noise of mean 0; in inference, does nothing.
///
/// # Arguments
/// - `stddev`: the standard deviation of the noise, from 0 to 1.
/// - `seed`: none; the same seed gives the same noise, but not the same as in Keras.
///
/// Follows <https://keras.io/api/layers/regularization_layers/gaussian_noise>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(GaussianNoise::new(0.5).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct GaussianNoise {
    base: LayerBase,
    stddev: Number,
    #[keras(default)]
    seed: Seed,
    /// Advances with each call.
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl GaussianNoise {
    fn check(&self) -> Result<()> {
        check_share("stddev", self.stddev)
    }
}

impl Layer for GaussianNoise {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let (x, stddev) = (inputs.tensor()?, self.stddev.get());
        if !cx.is_training() || stddev == 0.0 {
            return Ok(x.clone().into());
        }
        program::infer_or_compute(&[x], x.clone().into(), || {
            let dtype = self.base.dtype_policy().compute_dtype()?;
            ops::add(x, self.generator.normal(&self.seed, x.shape(), 0.0, stddev, dtype)?).map(Into::into)
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

    #[test]
    fn training_adds_noise_of_the_deviation() {
        let x = Tensor::from_slice(&[5.0f32; 4000], [1, 4000]).unwrap();
        let y = GaussianNoise::new(0.5).seed(1).shared().call(&x, &CallContext::training()).unwrap();
        let y = y.into_single().unwrap().to_vec::<f32>().unwrap();
        let spread = (y.iter().map(|y| (y - 5.0).powi(2)).sum::<f32>() / 4000.0).sqrt();
        assert!((spread - 0.5).abs() < 0.03, "{spread}");
        assert!(GaussianNoise::from_config(&GaussianNoise::new(2).get_config().unwrap()).is_err());
    }
}
