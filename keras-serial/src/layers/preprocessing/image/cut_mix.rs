//! CutMix augmentation of images.

use rand::Rng;

use super::mixture::Mixture;
use super::rectangle::{Rectangle, inside};
use super::{BoundingBoxFormat, Boxes, Factor, ImageLayer, batch, image_fields, image_layer, size_of};
use crate::config::HasBase;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::random::{self, Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// CutMix: in training, replaces a random rectangle of each image by that of another image of the batch, and
/// mixes the labels in proportion to the areas; in inference, does nothing.
///
/// # Arguments
/// - `factor`: 1; the range of the parameter of the beta distribution of areas, one number `n` stands for
///   `(0, n)`.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/cut_mix>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::CutMix;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(CutMix::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct CutMix {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Factor::from(1.0))]
    factor: Factor<0, 1>,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for CutMix {
    type Drawn = (Mixture, Tensor);

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<(Mixture, Tensor)> {
        let (low, high) = self.factor.range()?;
        let (count, size) = (batch(images)?, size_of(images, self.data_format)?);
        let (order, rectangles) = self.generator.draw(&self.seed, |rng| {
            let alpha = low + (high - low) * rng.random::<f64>() + 1e-6;
            let parts: Vec<f64> = (0..count).map(|_| (1.0 - random::beta(rng, alpha, alpha)).sqrt()).collect();
            let rectangles = parts.into_iter().map(|part| Rectangle::random(rng, size, [part, part]));
            let rectangles: Vec<Rectangle> = rectangles.collect();
            (random::permutation(rng, count), rectangles)
        });
        let weights = rectangles.iter().map(|rectangle| (1.0 - rectangle.share(size)) as f32).collect();
        Ok((Mixture::new(order, weights)?, inside(&rectangles, size, self.data_format)?))
    }

    fn images(&self, images: &Tensor, (mixture, part): &(Mixture, Tensor)) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        ops::where_(part, &mixture.others(&x)?, &x)
    }

    fn masks(&self, masks: &Tensor, drawn: &(Mixture, Tensor)) -> Result<Tensor> {
        self.images(masks, drawn)
    }

    fn labels(&self, labels: &Tensor, (mixture, _): &(Mixture, Tensor)) -> Result<Tensor> {
        mixture.mixed(labels)
    }

    fn bounding_boxes(&self, _: &mut Boxes, _: [usize; 2], _: &(Mixture, Tensor)) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "CutMix does not mix bounding boxes, as in Keras"))
    }
}

image_layer!(CutMix);
