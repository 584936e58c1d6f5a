//! Gaussian dropout: multiplicative noise.

use super::{check_below_one, check_share};
use crate::config::Number;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits, Signature};
use crate::ops;
use crate::program;
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Gaussian dropout: in training, multiplies by normally distributed noise of mean 1 and standard deviation
/// `√(rate / (1 - rate))`; in inference, does nothing.
///
/// # Arguments
/// - `rate`: from 0 to 1.
/// - `seed`: none; the same seed gives the same noise, but not the same as in Keras.
///
/// Follows <https://keras.io/api/layers/regularization_layers/gaussian_dropout>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(GaussianDropout::new(0.5).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct GaussianDropout {
    base: LayerBase,
    rate: Number,
    #[keras(default)]
    seed: Seed,
    /// Advances with each call.
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl GaussianDropout {
    fn check(&self) -> Result<()> {
        check_share("rate", self.rate)
    }
}

impl Layer for GaussianDropout {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let (x, rate) = (inputs.tensor()?, self.rate.get());
        if !cx.is_training() || rate == 0.0 {
            return Ok(x.clone().into());
        }
        program::infer_or_compute(&[x], x.clone().into(), || {
            let stddev = (rate / (1.0 - check_below_one(rate)?)).sqrt();
            let dtype = self.base.dtype_policy().compute_dtype()?;
            ops::multiply(x, self.generator.normal(&self.seed, x.shape(), 1.0, stddev, dtype)?).map(Into::into)
        })
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training"])
    }
}
