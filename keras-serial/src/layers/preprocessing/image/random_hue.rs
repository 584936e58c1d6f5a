//! Random hue of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, ValueRange, batch, for_each_image, image_fields, image_layer, rescaled,
    uniform,
};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{
    self, DataFormat,
    image_color::{hsv_to_rgb, rgb_to_hsv},
};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Shifts hue at random: in training, rotates the hues of each image by a random angle, in either direction;
/// in inference, does nothing.
///
/// # Arguments
/// - `factor`: the range of angles, as fractions of half a turn; one number `n` stands for `(0, n)`.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_hue>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomHue;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomHue::new(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomHue {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    factor: Factor<0, 1>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomHue {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let range = self.factor.range()?;
        let count = batch(images)?;
        let turns = self.generator.draw(&self.seed, |rng| {
            let sides = uniform(rng, count, (0.0, 1.0));
            let turns = uniform(rng, count, range).into_iter().zip(sides);
            turns.map(|(turn, side)| if side > 0.5 { -0.5 * turn } else { 0.5 * turn }).collect()
        });
        for_each_image(turns, DType::Float32)
    }

    fn images(&self, images: &Tensor, turn: &Tensor) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let unit = (0.0, 1.0);
        let x = rescaled(&ops::cast_to(images, DType::Float32)?, self.value_range.bounds(), unit)?;
        let axis = self.data_format.channel_axis();
        let hsv = ops::split(&rgb_to_hsv(&x, self.data_format)?, 3, axis)?;
        let [hue, rest @ ..] = hsv.as_slice() else { return Ok(x) };
        let hue = ops::add(hue, turn)?;
        let hue = ops::where_(&ops::greater(&hue, 1.0)?, &ops::subtract(&hue, 1.0)?, &hue)?;
        let hue = ops::where_(&ops::less(&hue, 0.0)?, &ops::add(&hue, 1.0)?, &hue)?;
        let hsv = ops::concatenate(&[&[hue], rest].concat(), axis)?;
        let rgb = ops::clip(&hsv_to_rgb(&hsv, self.data_format)?, 0.0, 1.0)?;
        ops::cast_to(&rescaled(&rgb, unit, self.value_range.bounds())?, dtype)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomHue);
