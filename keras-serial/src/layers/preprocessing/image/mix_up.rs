//! MixUp augmentation of images.

use super::mixture::Mixture;
use super::{BoundingBoxFormat, Boxes, ImageLayer, batch, image_fields, image_layer};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::layers::preprocessing::Array;
use crate::ops::{self, DataFormat};
use crate::random::{self, Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// MixUp: in training, blends each image and its label with another one of the batch; in inference, does
/// nothing.
///
/// # Arguments
/// - `alpha`: 0.2; both parameters of the beta distribution of the weights.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/mix_up>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::MixUp;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(MixUp::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct MixUp {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = Array::from(0.2))]
    alpha: Array,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for MixUp {
    type Drawn = Mixture;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Mixture> {
        let (count, alpha) = (batch(images)?, self.alpha.number()?);
        let (order, weights) = self.generator.draw(&self.seed, |rng| {
            let order = random::permutation(rng, count);
            (order, (0..count).map(|_| random::beta(rng, alpha, alpha) as f32).collect())
        });
        Mixture::new(order, weights)
    }

    fn images(&self, images: &Tensor, mixture: &Mixture) -> Result<Tensor> {
        mixture.mixed(&ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?)
    }

    fn masks(&self, masks: &Tensor, mixture: &Mixture) -> Result<Tensor> {
        mixture.mixed(masks)
    }

    fn labels(&self, labels: &Tensor, mixture: &Mixture) -> Result<Tensor> {
        mixture.mixed(labels)
    }

    /// Combines the boxes of both images.
    fn bounding_boxes(&self, boxes: &mut Boxes, _: [usize; 2], mixture: &Mixture) -> Result<()> {
        let both = |x: &Tensor| ops::concatenate(&[x.clone(), mixture.others(x)?], 1);
        *boxes = Boxes { boxes: both(&boxes.boxes)?, labels: boxes.labels.as_ref().map(both).transpose()? };
        Ok(())
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(MixUp);
