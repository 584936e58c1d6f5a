//! Center crop of images.

use super::crop::{cut, fitting, window};
use super::{BoundingBoxFormat, ImageLayer, boxes::columns, image_fields, image_layer, size_of};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat, ResizeOptions};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Crops the center of images; images smaller than the crop are first enlarged, keeping the aspect ratio.
///
/// # Arguments
/// - `height`, `width`: the size of the crop.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/center_crop>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::CenterCrop;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 4, 1])?;
/// assert_eq!(CenterCrop::new(1, 2).apply(&x)?.to_vec::<f32>()?, [2.0, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct CenterCrop {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    height: usize,
    width: usize,
}

impl ImageLayer for CenterCrop {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn always(&self) -> bool {
        true
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        let x = ops::cast_to(images, self.base().dtype_policy().compute_dtype()?)?;
        let target = [self.height, self.width];
        let size = size_of(&x, self.data_format)?;
        if size.iter().zip(target).all(|(extent, target)| *extent >= target) {
            return cut(&x, self.data_format, window(size, target), target);
        }
        // Resize the largest part of the image with the crop's aspect ratio.
        let part = fitting(size, target);
        let x = cut(&x, self.data_format, window(size, part), part)?;
        let options = ResizeOptions { data_format: self.data_format, ..ResizeOptions::default() };
        ops::resize(&x, target, &options)
    }

    fn masks(&self, masks: &Tensor, drawn: &()) -> Result<Tensor> {
        self.images(masks, drawn)
    }

    fn boxes(&self, boxes: &Tensor, size: [usize; 2], (): &()) -> Result<Option<Tensor>> {
        let target = [self.height, self.width];
        let whole = size.iter().zip(target).all(|(extent, target)| *extent >= target);
        let part = if whole { target } else { fitting(size, target) };
        let ([top, left], [high, wide]) = (window(size, part), part.map(|extent| extent as f64));
        let corner = |x: &Tensor, start: usize, extent: f64, target: usize| {
            let start = start as f64;
            let x = ops::subtract(ops::clip(x, start, start + extent)?, start)?;
            ops::multiply(&x, if whole { 1.0 } else { target as f64 / extent })
        };
        let [x1, y1, x2, y2] = columns(boxes)?;
        let corners = [
            corner(&x1, left, wide, self.width)?,
            corner(&y1, top, high, self.height)?,
            corner(&x2, left, wide, self.width)?,
            corner(&y2, top, high, self.height)?,
        ];
        ops::concatenate(&corners, -1).map(Some)
    }

    fn size(&self, _: [usize; 2]) -> [usize; 2] {
        [self.height, self.width]
    }

    fn symbol_size(&self) -> Option<[usize; 2]> {
        Some([self.height, self.width])
    }
}

image_layer!(CenterCrop);
