//! Random flip of images.

use super::{BoundingBoxFormat, ImageLayer, batch, boxes::columns, chosen, image_fields, image_layer, spatial};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, Axes, DataFormat};
use crate::random::{Seed, SeedGenerator};
use crate::tensor::Tensor;
use crate::{KerasEnum, KerasSerializable, register};

/// Flips images at random: in training, mirrors each image with probability 1/2; in inference, does nothing.
///
/// # Arguments
/// - `mode`: [`FlipMode::HorizontalAndVertical`]; the flipped axes.
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_flip>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomFlip;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomFlip::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct RandomFlip {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    seed: Seed,
    #[keras(default)]
    mode: FlipMode,
    #[keras(seed_generator)]
    generator: SeedGenerator,
}

/// The axes of a random flip.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FlipMode {
    /// Left and right are swapped.
    Horizontal,
    /// Top and bottom are swapped.
    Vertical,
    /// Both.
    #[default]
    HorizontalAndVertical,
}

impl FlipMode {
    fn is_horizontal(self) -> bool {
        self != Self::Vertical
    }

    fn is_vertical(self) -> bool {
        self != Self::Horizontal
    }
}

impl ImageLayer for RandomFlip {
    type Drawn = Tensor;

    image_fields!();

    fn draw(&self, images: &Tensor) -> Result<Tensor> {
        let count = batch(images)?;
        self.generator.draw(&self.seed, |rng| chosen(rng, count, (0.5, 0.5)))
    }

    fn images(&self, images: &Tensor, flips: &Tensor) -> Result<Tensor> {
        let mut x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        let [down, across] = spatial(self.data_format);
        for (axis, flip) in [(across, self.mode.is_horizontal()), (down, self.mode.is_vertical())] {
            if flip {
                x = ops::where_(flips, &ops::flip(&x, Axes::from(axis))?, &x)?;
            }
        }
        Ok(x)
    }

    fn masks(&self, masks: &Tensor, flips: &Tensor) -> Result<Tensor> {
        self.images(masks, flips)
    }

    fn boxes(&self, boxes: &Tensor, [height, width]: [usize; 2], flips: &Tensor) -> Result<Option<Tensor>> {
        let flips = ops::squeeze(flips, Axes::from(-1))?;
        let [mut left, mut top, mut right, mut bottom] = columns(boxes)?;
        let mirrored =
            |a: &Tensor, b: &Tensor, extent: usize| ops::where_(&flips, &ops::subtract(extent as f64, b)?, a);
        if self.mode.is_horizontal() {
            (left, right) = (mirrored(&left, &right, width)?, mirrored(&right, &left, width)?);
        }
        if self.mode.is_vertical() {
            (top, bottom) = (mirrored(&top, &bottom, height)?, mirrored(&bottom, &top, height)?);
        }
        ops::concatenate(&[left, top, right, bottom], -1).map(Some)
    }
}

image_layer!(RandomFlip);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerRef;
    use crate::tensor::{CallContext, Nested};
    use indexmap::IndexMap;

    #[test]
    fn images_and_boxes_turn_together() {
        let layer = RandomFlip::new().mode(FlipMode::Horizontal).seed(3).bounding_box_format(BoundingBoxFormat::Xyxy);
        let pixels: Vec<f32> = (0..16).map(|i| (i % 2) as f32).collect();
        let images = Tensor::from_vec(pixels, [8, 1, 2, 1]).unwrap();
        let boxes = Tensor::from_vec([0.0f32, 0.0, 1.0, 1.0].repeat(8), [8, 1, 4]).unwrap();
        let labels = Tensor::from_vec(vec![1i32; 8], [8, 1]).unwrap();
        let data: Nested<Tensor> = Nested::Dict(IndexMap::from([
            ("images".into(), images.into()),
            ("bounding_boxes".into(), Nested::dict([("boxes", boxes), ("labels", labels)])),
        ]));
        let out = LayerRef::new(layer).call(data, &CallContext::training()).unwrap();
        let images = out.get("images").unwrap().single().unwrap().to_vec::<f32>().unwrap();
        let boxes = out.get("bounding_boxes").unwrap().get("boxes").unwrap().single().unwrap().to_vec::<f32>().unwrap();
        let flipped: Vec<bool> = images.chunks(2).map(|image| image == [1.0, 0.0]).collect();
        assert!(flipped.contains(&true) && flipped.contains(&false));
        for (flipped, corners) in flipped.iter().zip(boxes.chunks(4)) {
            assert_eq!(corners, if *flipped { [1.0, 0.0, 2.0, 1.0] } else { [0.0, 0.0, 1.0, 1.0] });
        }
    }
}
