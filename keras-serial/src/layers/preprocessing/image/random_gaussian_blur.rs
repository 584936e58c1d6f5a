//! Random Gaussian blur of images.

use rand::Rng;

use super::{BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, chosen, image_fields, image_layer};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::{Dims, LayerBase, invalid_argument};
use crate::ops::{self, DataFormat, image_filter::gaussian_blur};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Gaussian blur: in training, blurs some images, all of a batch by the same random amount; in inference,
/// does nothing.
///
/// # Arguments
/// - `factor`: 1; the range of the probability of blurring, one number `n` stands for `(0, n)`.
/// - `kernel_size`: 3; the size of the window, odd.
/// - `sigma`: 1; the range of the standard deviation, one number `n` stands for `(0, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_gaussian_blur>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomGaussianBlur;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomGaussianBlur::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct RandomGaussianBlur {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Factor::from(1.0))]
    factor: Factor<0, 1>,
    #[keras(default = Dims::from(3))]
    kernel_size: Dims<2>,
    #[keras(default = Factor::from(1.0))]
    sigma: Factor<0, 1>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl RandomGaussianBlur {
    fn check(&self) -> Result<()> {
        match self.kernel_size.0.iter().find(|extent| *extent % 2 == 0) {
            Some(even) => Err(invalid_argument("kernel_size", "odd numbers", even)),
            None => Ok(()),
        }
    }
}

impl ImageLayer for RandomGaussianBlur {
    type Drawn = (Tensor, [f64; 2]);

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<(Tensor, [f64; 2])> {
        let (range, (low, high)) = (self.factor.range()?, self.sigma.range()?);
        let count = batch(images)?;
        self.generator.draw(&self.seed, |rng| {
            let blurred = chosen(rng, count, range)?;
            let mut sigma = || low + (high - low) * rng.random::<f64>() + 1e-6;
            Ok((blurred, [sigma(), sigma()]))
        })
    }

    fn images(&self, images: &Tensor, (blurred, sigma): &(Tensor, [f64; 2])) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        let blur = gaussian_blur(&x, self.kernel_size.0, *sigma, self.data_format)?;
        let (low, high) = self.value_range.bounds();
        ops::clip(&ops::where_(blurred, &blur, &x)?, low, high)
    }
}

image_layer!(RandomGaussianBlur);
