//! Resizing of images.

use super::boxes::clip_to_image;
use super::{BoundingBoxFormat, Boxes, ImageLayer, image_fields, image_layer, no_format};
use crate::error::Result;
use crate::layers::preprocessing::Array;
use crate::layers::{LayerBase, invalid_argument};
use crate::ops::{self, Axes, DataFormat, Interpolation, ResizeOptions};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Resizes images to a height and width.
///
/// # Arguments
/// - `height`, `width`: the size of the result.
/// - `interpolation`: [`Interpolation::Bilinear`]; masks use the nearest value.
/// - `crop_to_aspect_ratio`, `pad_to_aspect_ratio`: false; whether images are first cropped, or padded with
///   `fill_value` (0; `fill_mode` can only be `constant`), to the aspect ratio of the result.
/// - `antialias`: false.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/resizing>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Resizing;
/// let x = Tensor::from_slice(&[0.0f32, 4.0], [1, 1, 2, 1])?;
/// assert_eq!(Resizing::new(1, 4).apply(&x)?.to_vec::<f32>()?, [0.0, 1.0, 3.0, 4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct Resizing {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    height: usize,
    width: usize,
    #[keras(default = Interpolation::Bilinear)]
    interpolation: Interpolation,
    #[keras(default)]
    crop_to_aspect_ratio: bool,
    #[keras(default)]
    pad_to_aspect_ratio: bool,
    #[keras(default = "constant".into())]
    fill_mode: String,
    #[keras(default = Array::from(0.0))]
    fill_value: Array,
    #[keras(default)]
    antialias: bool,
}

impl Resizing {
    fn check(&self) -> Result<()> {
        if self.fill_mode != "constant" {
            return Err(invalid_argument("fill_mode", "`constant`", &self.fill_mode));
        }
        if self.crop_to_aspect_ratio && self.pad_to_aspect_ratio {
            return Err(invalid_argument("pad_to_aspect_ratio", "false, if `crop_to_aspect_ratio` is true", "true"));
        }
        if self.height == 0 || self.width == 0 {
            return Err(invalid_argument("height", "positive integers for `height` and `width`", self.height));
        }
        self.fill_value.number().map(|_| ())
    }

    fn resized(&self, images: &Tensor, interpolation: Interpolation) -> Result<Tensor> {
        self.check()?;
        let options = ResizeOptions {
            interpolation,
            antialias: self.antialias,
            crop_to_aspect_ratio: self.crop_to_aspect_ratio,
            pad_to_aspect_ratio: self.pad_to_aspect_ratio,
            fill_value: self.fill_value.number()?,
            data_format: self.data_format,
        };
        ops::resize(images, [self.height, self.width], &options)
    }

    /// Returns the corners of boxes in the resized image.
    fn moved(&self, boxes: &Tensor, [height, width]: [usize; 2]) -> Result<Tensor> {
        let (height, width) = (height as f64, width as f64);
        let (high, wide) = (self.height as f64, self.width as f64);
        let mut scale = [wide / width, high / height];
        let mut offset = [0.0, 0.0];
        if self.pad_to_aspect_ratio || self.crop_to_aspect_ratio {
            let [across, down] = scale;
            let both = if self.pad_to_aspect_ratio { across.min(down) } else { across.max(down) };
            scale = [both, both];
            offset = [((wide - width * both) / 2.0).floor(), ((high - height * both) / 2.0).floor()];
            if self.crop_to_aspect_ratio {
                offset = [-((width * both - wide) / 2.0).floor(), -((height * both - high) / 2.0).floor()];
            }
        }
        let four = |[x, y]: [f64; 2]| {
            let (x, y) = (x as f32, y as f32);
            ops::cast_to(&Tensor::from_slice(&[x, y, x, y], [4])?, boxes.dtype())
        };
        ops::add(ops::multiply(boxes, four(scale)?)?, four(offset)?)
    }
}

impl ImageLayer for Resizing {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn always(&self) -> bool {
        true
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        self.resized(images, self.interpolation)
    }

    fn masks(&self, masks: &Tensor, (): &()) -> Result<Tensor> {
        self.resized(masks, Interpolation::Nearest)
    }

    fn bounding_boxes(&self, boxes: &mut Boxes, size: [usize; 2], (): &()) -> Result<()> {
        let format = self.bounding_box_format.ok_or_else(no_format)?;
        let target = [self.height, self.width];
        let last = |x: &Tensor| ops::all(x, Axes::from(-1), true);
        let unused = ops::logical_or(&last(&ops::equal(&boxes.boxes, -1.0)?)?, last(&ops::equal(&boxes.boxes, 0.0)?)?)?;
        let moved = self.moved(&format.to_xyxy(&boxes.boxes, size)?, size)?;
        let (clipped, labels) = clip_to_image(&moved, boxes.labels.as_ref(), target)?;
        let clipped = ops::where_(&unused, 0.0, &clipped)?;
        *boxes = Boxes { boxes: format.of_xyxy(&clipped, target)?, labels };
        Ok(())
    }

    fn symbol_size(&self) -> Option<[usize; 2]> {
        Some([self.height, self.width])
    }
}

image_layer!(Resizing);
