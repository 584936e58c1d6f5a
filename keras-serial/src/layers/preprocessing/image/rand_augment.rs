//! RandAugment augmentation of images.

use std::sync::Arc;

use rand::Rng;

use super::palette::Palette;
use super::steps::{Begun, Steps};
use super::{BoundingBoxFormat, Factor, ImageLayer, ValueRange, image_fields, image_layer};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat, Sampling};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// RandAugment: in training, applies a few of eleven random layers, the same to all images of a batch; in
/// inference, does nothing.
///
/// # Arguments
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `num_ops`: 2; the number of layers applied.
/// - `factor`: 0.5; the range of the layers' strength, one number `n` stands for `(0, n)`.
/// - `interpolation`: [`Sampling::Bilinear`].
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/rand_augment>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandAugment;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandAugment::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RandAugment {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default = 2)]
    num_ops: usize,
    #[keras(default = Factor::from(0.5))]
    factor: Factor<0, 1>,
    #[keras(default)]
    interpolation: Sampling,
    #[keras(default)]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
    #[keras(skip)]
    steps: Steps,
}

impl RandAugment {
    fn palette(&self) -> Palette<'_> {
        Palette {
            factor: &self.factor,
            value_range: &self.value_range,
            interpolation: self.interpolation,
            seed: &self.seed,
            data_format: self.data_format,
        }
    }
}

impl ImageLayer for RandAugment {
    type Drawn = Vec<Arc<dyn Begun>>;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Vec<Arc<dyn Begun>>> {
        let steps = self.steps.get_or_make(|| self.palette().all())?;
        let choices: Vec<usize> = self
            .generator
            .draw(&self.seed, |rng| (0..self.num_ops).map(|_| rng.random_range(0..steps.len())).collect());
        // A layer that is chosen twice uses the same random parameters.
        let mut begun: Vec<(usize, Arc<dyn Begun>)> = Vec::new();
        for choice in choices {
            let known = begun.iter().find(|(known, _)| *known == choice).map(|(_, begun)| begun.clone());
            let next = match (known, steps.get(choice)) {
                (Some(known), _) => known,
                (None, Some(step)) => step.clone().begin(images)?,
                (None, None) => continue,
            };
            begun.push((choice, next));
        }
        Ok(begun.into_iter().map(|(_, begun)| begun).collect())
    }

    fn images(&self, images: &Tensor, begun: &Vec<Arc<dyn Begun>>) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let first = ops::cast_to(images, dtype)?;
        begun.iter().try_fold(first, |x, step| ops::cast_to(&step.images(&x)?, dtype))
    }

    fn masks(&self, masks: &Tensor, begun: &Vec<Arc<dyn Begun>>) -> Result<Tensor> {
        begun.iter().try_fold(masks.clone(), |masks, step| step.masks(&masks))
    }

    fn boxes(&self, boxes: &Tensor, size: [usize; 2], begun: &Vec<Arc<dyn Begun>>) -> Result<Option<Tensor>> {
        let moved = begun
            .iter()
            .try_fold(boxes.clone(), |boxes, step| Ok::<_, crate::Error>(step.boxes(&boxes, size)?.unwrap_or(boxes)));
        moved.map(Some)
    }
}

image_layer!(RandAugment);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerRef;
    use crate::tensor::CallContext;

    #[test]
    fn every_step_keeps_the_shape() {
        let pixels: Vec<f32> = (0..2 * 4 * 5 * 3).map(|i| (i * 7 % 256) as f32).collect();
        let images = Tensor::from_vec(pixels, [2, 4, 5, 3]).unwrap();
        for seed in 0..8 {
            let layer = LayerRef::new(RandAugment::new().num_ops(3).seed(seed));
            let out = layer.call(&images, &CallContext::training()).unwrap().into_single().unwrap();
            assert_eq!(out.shape(), images.shape());
            assert!(out.to_vec::<f32>().unwrap().iter().all(|x| (0.0..=255.0).contains(x)));
        }
    }
}
