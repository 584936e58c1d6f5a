//! Random shear of images.

use super::{
    BoundingBoxFormat, ImageLayer, Spread, batch, geometry::projected_boxes, image_fields, image_layer, uniform,
};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::layers::preprocessing::Array;
use crate::ops::image_transform::{Projection, Sampler, project};
use crate::ops::{self, DataFormat, FillMode, Sampling};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Shears at random: in training, slants each image along its axes, in either direction; in inference, does
/// nothing.
///
/// # Arguments
/// - `x_factor`, `y_factor`: 0; the ranges of the slants.
/// - `fill_mode`: [`FillMode::Reflect`]: how positions beyond the edges are filled; `constant` uses
///   `fill_value`, 0.
/// - `interpolation`: [`Sampling::Bilinear`]; masks use the nearest value.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_shear>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomShear;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomShear::new().x_factor(0.2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct RandomShear {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Spread::from([-0.0, 0.0]))]
    x_factor: Spread,
    #[keras(default = Spread::from([-0.0, 0.0]))]
    y_factor: Spread,
    #[keras(default)]
    fill_mode: FillMode,
    #[keras(default)]
    interpolation: Sampling,
    #[keras(default)]
    seed: Seed,
    #[keras(default = Array::from(0.0))]
    fill_value: Array,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl RandomShear {
    fn check(&self) -> Result<()> {
        self.x_factor.range()?;
        self.y_factor.range()?;
        self.fill_value.number()?;
        Ok(())
    }

    fn sampler(&self, sampling: Sampling) -> Result<Sampler> {
        let fill_value = self.fill_value.number()?;
        Ok(Sampler { sampling, fill_mode: self.fill_mode, fill_value, data_format: self.data_format })
    }
}

impl ImageLayer for RandomShear {
    type Drawn = Vec<Projection>;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Vec<Projection>> {
        let count = batch(images)?;
        let (across, down) = (self.x_factor.range()?, self.y_factor.range()?);
        let drawn = self.generator.draw(&self.seed, |rng| {
            let sides = uniform(rng, count, (0.0, 1.0));
            (sides, uniform(rng, count, across), uniform(rng, count, down))
        });
        let map = |((side, x), y): ((f32, f32), f32)| {
            let side = if side > 0.5 { -1.0 } else { 1.0 };
            [1.0, side * x, 0.0, side * y, 1.0, 0.0, 0.0, 0.0]
        };
        Ok(drawn.0.into_iter().zip(drawn.1).zip(drawn.2).map(map).collect())
    }

    fn images(&self, images: &Tensor, maps: &Vec<Projection>) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        project(&x, maps, &self.sampler(self.interpolation)?)
    }

    fn masks(&self, masks: &Tensor, maps: &Vec<Projection>) -> Result<Tensor> {
        project(masks, maps, &self.sampler(Sampling::Nearest)?)
    }

    fn boxes(&self, boxes: &Tensor, _: [usize; 2], maps: &Vec<Projection>) -> Result<Option<Tensor>> {
        projected_boxes(boxes, maps).map(Some)
    }
}

image_layer!(RandomShear);
