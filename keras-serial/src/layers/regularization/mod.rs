//! Regularization layers: dropout and noise (`keras.layers`, regularization).

mod activity_regularization;
mod alpha_dropout;
mod dropout;
mod gaussian_dropout;
mod gaussian_noise;
#[macro_use]
mod spatial;
mod spatial_dropout1d;
mod spatial_dropout2d;
mod spatial_dropout3d;

pub use activity_regularization::ActivityRegularization;
pub use alpha_dropout::AlphaDropout;
pub use dropout::Dropout;
pub use gaussian_dropout::GaussianDropout;
pub use gaussian_noise::GaussianNoise;
pub use spatial_dropout1d::SpatialDropout1D;
pub use spatial_dropout2d::SpatialDropout2D;
pub use spatial_dropout3d::SpatialDropout3D;

use crate::config::Number;
use crate::error::Result;
use crate::layers::invalid_argument;
use crate::ops::{self, shape::broadcast_to};
use crate::program;
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Shape, Tensor};

/// Returns an error unless the argument is between 0 and 1.
pub(crate) fn check_share(name: &str, share: Number) -> Result<()> {
    if (0.0..=1.0).contains(&share.get()) {
        return Ok(());
    }
    Err(invalid_argument(name, "a float between 0 and 1", share))
}

/// Returns an error for a rate of 1, with which training would have no finite noise.
fn check_below_one(rate: f64) -> Result<f64> {
    if rate < 1.0 { Ok(rate) } else { Err(invalid_argument("rate", "a float below 1 for training", rate)) }
}

/// Draws the dropout mask, as 1 and 0; null in the noise shape stands for the input's extent.
fn kept(x: &Tensor, rate: f64, noise_shape: Option<&Shape>, seed: &Seed, generator: &SeedGenerator) -> Result<Tensor> {
    let mut shape = x.shape().clone();
    if let Some(noise) = noise_shape {
        shape = noise.dims().iter().zip(x.shape().dims()).map(|(noise, dim)| noise.or(*dim)).collect();
    }
    let draw = generator.uniform(seed, &shape, 0.0, 1.0, DType::Float32)?;
    broadcast_to(&ops::cast_to(&ops::greater_equal(&draw, rate)?, x.dtype())?, x.shape())
}

/// Applies dropout: sets elements to zero with probability `rate` and multiplies the others by
/// `1 / (1 - rate)` (`keras.random.dropout`).
pub(crate) fn drop_out(
    x: &Tensor,
    rate: f64,
    noise_shape: Option<&Shape>,
    seed: &Seed,
    generator: &SeedGenerator,
) -> Result<Tensor> {
    if rate == 0.0 {
        return Ok(x.clone());
    }
    program::infer_or_compute(&[x], x.clone(), || {
        if rate >= 1.0 {
            return ops::zeros_like(x);
        }
        let kept = kept(x, rate, noise_shape, seed, generator)?;
        ops::multiply(&ops::multiply(x, kept)?, 1.0 / (1.0 - rate))
    })
}
