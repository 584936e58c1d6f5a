//! Random erasing of image regions.

use rand::Rng;

use super::rectangle::{Rectangle, inside};
use super::{BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, chosen, image_fields, image_layer, size_of};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::layers::preprocessing::Array;
use crate::ops::{self, DataFormat};
use crate::random::{self, Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Erases at random: in training, fills a random rectangle of some images; in inference, does nothing.
///
/// # Arguments
/// - `factor`: 1; the range of the probability of erasing, one number `n` stands for `(0, n)`.
/// - `scale`: from 0.02 to 0.33; the range from which the squares of the rectangle's relative height and
///   width are drawn.
/// - `fill_value`: none for normal noise; one number, or three.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_erasing>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomErasing;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomErasing::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RandomErasing {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Factor::from(1.0))]
    factor: Factor<0, 1>,
    #[keras(default = Factor::from([0.02, 0.33]))]
    scale: Factor<0, 1>,
    #[keras(default)]
    fill_value: Option<Array>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomErasing {
    type Drawn = (Tensor, Tensor);

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<(Tensor, Tensor)> {
        let (factor, (least, most)) = (self.factor.range()?, self.scale.range()?);
        let (count, [height, width]) = (batch(images)?, size_of(images, self.data_format)?);
        let (low, high) = self.value_range.bounds();
        self.generator.draw(&self.seed, |rng| {
            let mut part = || (least + (most - least) * rng.random::<f64>()).sqrt();
            let parts: Vec<[f64; 2]> = (0..count).map(|_| [part(), part()]).collect();
            let rectangles =
                parts.iter().map(|[across, down]| Rectangle::random(rng, [height, width], [*down, *across]));
            let rectangles: Vec<Rectangle> = rectangles.collect();
            let erased = chosen(rng, count, factor)?;
            let erased = ops::logical_and(&erased, inside(&rectangles, [height, width], self.data_format)?)?;
            let fill = match &self.fill_value {
                None => ops::multiply(&random::normal(rng, images.shape(), 0.0, 1.0, false, DType::Float32)?, high)?,
                Some(value) => value.tensor(DType::Float32)?,
            };
            Ok((erased, ops::clip(&fill, low, high)?))
        })
    }

    fn images(&self, images: &Tensor, (erased, fill): &(Tensor, Tensor)) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        ops::where_(erased, &ops::cast_to(fill, dtype)?, &ops::cast_to(images, dtype)?)
    }
}

image_layer!(RandomErasing);
