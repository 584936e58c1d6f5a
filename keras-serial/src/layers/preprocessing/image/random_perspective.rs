//! Random perspective of images.

use rand::Rng;

use super::geometry::{perspective, projected_boxes};
use super::{BoundingBoxFormat, Factor, ImageLayer, batch, chosen, image_fields, image_layer, size_of};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::preprocessing::Array;
use crate::layers::{LayerBase, invalid_argument};
use crate::ops::image_transform::{Projection, Sampler, project};
use crate::ops::{self, Axes, DataFormat, FillMode, Sampling};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Perspective transform: in training, displaces the corners of some images at random; in inference, does
/// nothing.
///
/// # Arguments
/// - `factor`: 1; the range of the probability of a transform, one number `n` stands for `(0, n)`.
/// - `scale`: 1; the maximum displacement of corners, from 0 to 1.
/// - `interpolation`: [`Sampling::Bilinear`]; masks use the nearest value.
/// - `fill_value`: 0; the value beyond the edges.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_perspective>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomPerspective;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomPerspective::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct RandomPerspective {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Factor::from(1.0))]
    factor: Factor<0, 1>,
    #[keras(default = Array::from(1.0))]
    scale: Array,
    #[keras(default)]
    interpolation: Sampling,
    #[keras(default = Array::from(0.0))]
    fill_value: Array,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl RandomPerspective {
    fn check(&self) -> Result<()> {
        let scale = self.scale.number()?;
        if (0.0..=1.0).contains(&scale) {
            Ok(())
        } else {
            Err(invalid_argument("scale", "a number in the range [0,1]", scale))
        }
    }

    fn sampler(&self, sampling: Sampling) -> Result<Sampler> {
        let fill_value = self.fill_value.number()?;
        Ok(Sampler { sampling, fill_mode: FillMode::Constant, fill_value, data_format: self.data_format })
    }
}

impl ImageLayer for RandomPerspective {
    type Drawn = (Tensor, Vec<Projection>);

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<(Tensor, Vec<Projection>)> {
        self.check()?;
        let (range, scale) = (self.factor.range()?, self.scale.number()?);
        let (count, [height, width]) = (batch(images)?, size_of(images, self.data_format)?);
        let (right, bottom) = (width as f64 - 1.0, height as f64 - 1.0);
        let start = [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]];
        self.generator.draw(&self.seed, |rng| {
            let moved = chosen(rng, count, range)?;
            let mut part = |x: f64| x + x * scale * (rng.random::<f64>() - 0.5);
            let ends = (0..count).map(|_| start.map(|[x, y]| [part(x), part(y)]));
            Ok((moved, ends.map(|end| perspective(start, end)).collect::<Result<_>>()?))
        })
    }

    fn images(&self, images: &Tensor, (moved, maps): &(Tensor, Vec<Projection>)) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        ops::where_(moved, &project(&x, maps, &self.sampler(self.interpolation)?)?, &x)
    }

    fn masks(&self, masks: &Tensor, (moved, maps): &(Tensor, Vec<Projection>)) -> Result<Tensor> {
        ops::where_(moved, &project(masks, maps, &self.sampler(Sampling::Nearest)?)?, masks)
    }

    fn boxes(
        &self,
        boxes: &Tensor,
        _: [usize; 2],
        (moved, maps): &(Tensor, Vec<Projection>),
    ) -> Result<Option<Tensor>> {
        let moved = ops::squeeze(moved, Axes::from(-1))?;
        ops::where_(&moved, &projected_boxes(boxes, maps)?, boxes).map(Some)
    }
}

image_layer!(RandomPerspective);
