//! Elastic deformation of images.

use rand::Rng;

use super::{
    BoundingBoxFormat, Boxes, Factor, ImageLayer, ValueRange, batch, chosen, image_fields, image_layer, size_of,
};
use crate::config::HasBase;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::LayerBase;
use crate::layers::preprocessing::Array;
use crate::ops::image_filter::gaussian_blur;
use crate::ops::image_transform::{Sampler, sample};
use crate::ops::{self, DataFormat, FillMode, Sampling};
use crate::random::{self, Seed, SeedGenerator};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Elastic transform: in training, displaces the pixels of some images by smooth noise; in inference, does
/// nothing.
///
/// # Arguments
/// - `factor`: 1; the range of the probability of a deformation, one number `n` stands for `(0, n)`.
/// - `scale`: 1; the range of the strength, one number `n` stands for `(0, n)`.
/// - `interpolation`: [`Sampling::Bilinear`]; masks use the nearest value.
/// - `fill_mode`: [`FillMode::Reflect`]: how positions beyond the edges are filled; `constant` uses
///   `fill_value`, 0.
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_elastic_transform>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomElasticTransform;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomElasticTransform::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RandomElasticTransform {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Factor::from(1.0))]
    factor: Factor<0, 1>,
    #[keras(default = Factor::from(1.0))]
    scale: Factor<0, 1>,
    #[keras(default)]
    interpolation: Sampling,
    #[keras(default)]
    fill_mode: FillMode,
    #[keras(default = Array::from(0.0))]
    fill_value: Array,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

/// The displacement of each position of each image, the same vertically and horizontally, because Keras draws
/// both from one seed.
pub(crate) struct Waves {
    moved: Tensor,
    offsets: Vec<f32>,
    size: [usize; 2],
}

impl RandomElasticTransform {
    fn distorted(&self, x: &Tensor, waves: &Option<Waves>, sampling: Sampling) -> Result<Tensor> {
        let Some(Waves { moved, offsets, size: [height, width] }) = waves else { return Ok(x.clone()) };
        let sampler = Sampler {
            sampling,
            fill_mode: self.fill_mode,
            fill_value: self.fill_value.number()?,
            data_format: self.data_format,
        };
        let distorted = sample(x, &sampler, |image, row, column| {
            let at = (image * height + row as usize) * width + column as usize;
            offsets.get(at).map(|offset| (row + offset, column + offset))
        })?;
        let (low, high) = self.value_range.bounds();
        ops::clip(&ops::where_(moved, &distorted, x)?, low, high)
    }
}

impl ImageLayer for RandomElasticTransform {
    type Drawn = Option<Waves>;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Option<Waves>> {
        let (factor, (low, high)) = (self.factor.range()?, self.scale.range()?);
        if high == 0.0 || factor.1 == 0.0 {
            return Ok(None);
        }
        let (count, [height, width]) = (batch(images)?, size_of(images, self.data_format)?);
        self.generator.draw(&self.seed, |rng| {
            let moved = chosen(rng, count, factor)?;
            let strength = low + (high - low) * rng.random::<f64>();
            let alpha = height.max(width) as f64 * 0.1 * strength;
            let sigma = height.min(width) as f64 * 0.05 * strength;
            let noise = random::normal(rng, &[count, height, width, 1].into(), 0.0, sigma, false, DType::Float32)?;
            let extent = (6 * sigma as usize) | 1;
            let noise =
                gaussian_blur(&noise, [extent; 2], [sigma.max(f64::MIN_POSITIVE); 2], DataFormat::ChannelsLast)?;
            let offsets = ops::multiply(&noise, alpha)?.to_vec()?;
            Ok(Some(Waves { moved, offsets, size: [height, width] }))
        })
    }

    fn images(&self, images: &Tensor, waves: &Option<Waves>) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        self.distorted(&x, waves, self.interpolation)
    }

    fn masks(&self, masks: &Tensor, waves: &Option<Waves>) -> Result<Tensor> {
        self.distorted(masks, waves, Sampling::Nearest)
    }

    fn bounding_boxes(&self, _: &mut Boxes, _: [usize; 2], _: &Option<Waves>) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "RandomElasticTransform does not move bounding boxes, as in Keras"))
    }
}

image_layer!(RandomElasticTransform);
