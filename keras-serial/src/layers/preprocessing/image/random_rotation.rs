//! Random rotation of images.

use super::{
    BoundingBoxFormat, Factor, ImageLayer, batch,
    geometry::{projected_boxes, rotation},
    image_fields, image_layer, size_of, uniform,
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

/// Rotates at random: in training, turns each image about its center by a random angle; in inference, does
/// nothing.
///
/// # Arguments
/// - `factor`: the range of angles, as fractions of a full turn; one number `n` stands for `(-n, n)`.
/// - `fill_mode`: [`FillMode::Reflect`]: how positions beyond the edges are filled; `constant` uses
///   `fill_value`, 0.
/// - `interpolation`: [`Sampling::Bilinear`]; masks use the nearest value.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_rotation>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomRotation;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomRotation::new(0.1).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct RandomRotation {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    factor: Factor<-1, 1>,
    #[keras(default)]
    fill_mode: FillMode,
    #[keras(default = Array::from(0.0))]
    fill_value: Array,
    #[keras(default)]
    interpolation: Sampling,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl RandomRotation {
    fn check(&self) -> Result<()> {
        self.factor.range()?;
        self.fill_value.number()?;
        Ok(())
    }

    fn sampler(&self, sampling: Sampling) -> Result<Sampler> {
        let fill_value = self.fill_value.number()?;
        Ok(Sampler { sampling, fill_mode: self.fill_mode, fill_value, data_format: self.data_format })
    }
}

impl ImageLayer for RandomRotation {
    type Drawn = Vec<Projection>;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Vec<Projection>> {
        let [height, width] = size_of(images, self.data_format)?;
        let count = batch(images)?;
        let (low, high) = self.factor.range()?;
        let angles = self.generator.draw(&self.seed, |rng| uniform(rng, count, (low * 360.0, high * 360.0)));
        let center = [(height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0];
        Ok(angles.into_iter().map(|degrees| rotation(degrees, center)).collect())
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

image_layer!(RandomRotation);
