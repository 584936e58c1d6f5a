//! Random conversion to grayscale.

use super::{BoundingBoxFormat, ImageLayer, batch, chosen, image_fields, image_layer};
use crate::error::Result;
use crate::layers::preprocessing::Array;
use crate::layers::{LayerBase, invalid_argument};
use crate::ops::{self, DataFormat, image_color::rgb_to_grayscale};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Converts to grayscale at random: in training, some images; in inference, does nothing.
///
/// # Arguments
/// - `factor`: 0.5; the probability of conversion.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_grayscale>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomGrayscale;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomGrayscale::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct RandomGrayscale {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Array::from(0.5))]
    factor: Array,
    /// Keras does not write this entry; it is read if it is there.
    #[keras(default, skip_if = Seed::is_none)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl RandomGrayscale {
    fn check(&self) -> Result<()> {
        let factor = self.factor.number()?;
        if (0.0..=1.0).contains(&factor) {
            Ok(())
        } else {
            Err(invalid_argument("factor", "a number between 0 and 1", factor))
        }
    }
}

impl ImageLayer for RandomGrayscale {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let (count, factor) = (batch(images)?, self.factor.number()?);
        self.generator.draw(&self.seed, |rng| chosen(rng, count, (factor, factor)))
    }

    fn images(&self, images: &Tensor, gray: &Tensor) -> Result<Tensor> {
        ops::where_(gray, &rgb_to_grayscale(images, self.data_format)?, images)
    }

    fn casts(&self) -> bool {
        false
    }

    fn symbol_dtype(&self, input: DType) -> Result<DType> {
        Ok(input)
    }
}

image_layer!(RandomGrayscale);
