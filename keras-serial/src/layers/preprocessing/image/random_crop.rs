//! Random crop of images.

use rand::Rng;

use super::crop::{cut, fitting, window};
use super::{BoundingBoxFormat, ImageLayer, image_fields, image_layer, size_of};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat, ResizeOptions};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Crops at random: in training, takes the same random window of all images of a batch, which are enlarged
/// first if they are smaller; in inference, does nothing.
///
/// # Arguments
/// - `height`, `width`: the size of the window.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_crop>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomCrop;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomCrop::new(1, 1).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct RandomCrop {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    height: usize,
    width: usize,
    #[keras(default = Seed::drawn())]
    seed: Seed,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

impl ImageLayer for RandomCrop {
    type Drawn = [usize; 2];

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<[usize; 2]> {
        let (size, target) = (size_of(images, self.data_format)?, [self.height, self.width]);
        let [height, width] = size;
        if height <= self.height || width <= self.width {
            return Ok(window(size, fitting(size, target)));
        }
        Ok(self.generator.draw(&self.seed, |rng| {
            [rng.random_range(0..=height - self.height), rng.random_range(0..=width - self.width)]
        }))
    }

    fn images(&self, images: &Tensor, start: &[usize; 2]) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let target = [self.height, self.width];
        let part = cut(&ops::cast_to(images, dtype)?, self.data_format, *start, target)?;
        let options = ResizeOptions { data_format: self.data_format, ..ResizeOptions::default() };
        ops::cast_to(&ops::resize(&part, target, &options)?, dtype)
    }

    fn masks(&self, masks: &Tensor, start: &[usize; 2]) -> Result<Tensor> {
        self.images(masks, start)
    }

    fn boxes(&self, boxes: &Tensor, _: [usize; 2], [top, left]: &[usize; 2]) -> Result<Option<Tensor>> {
        let (top, left) = (*top as f32, *left as f32);
        let start = ops::cast_to(&Tensor::from_slice(&[left, top, left, top], [4])?, boxes.dtype())?;
        ops::maximum(&ops::subtract(boxes, start)?, 0).map(Some)
    }

    fn casts(&self) -> bool {
        false
    }

    fn size(&self, _: [usize; 2]) -> [usize; 2] {
        [self.height, self.width]
    }

    fn symbol_size(&self) -> Option<[usize; 2]> {
        Some([self.height, self.width])
    }
}

image_layer!(RandomCrop);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerRef;
    use crate::tensor::CallContext;

    #[test]
    fn parts_have_their_size() {
        let images = Tensor::from_vec((0..24).map(|i| i as f32).collect(), [1, 4, 6, 1]).unwrap();
        let crop = |height, width| {
            let layer = LayerRef::new(RandomCrop::new(height, width).seed(1));
            layer.call(&images, &CallContext::training()).unwrap().into_single().unwrap()
        };
        let part = crop(2, 3).to_vec::<f32>().unwrap();
        assert_eq!(part.iter().map(|x| x - part[0]).collect::<Vec<_>>(), [0.0, 1.0, 2.0, 6.0, 7.0, 8.0]);
        assert_eq!(crop(8, 3).shape().to_string(), "(1, 8, 3, 1)");
    }
}
