//! A fixed number of bounding boxes per image.

use super::{BoundingBoxFormat, Boxes, ImageLayer, image_fields, image_layer};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::DataFormat;
use crate::ops::pad::pad_with;
use crate::ops::shape::{Span, slice_axis};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Truncates or pads the bounding boxes of each image to a fixed number; images are unchanged.
///
/// # Arguments
/// - `max_number`: the number of boxes.
/// - `fill_value`: -1; the value of padding.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/max_num_bounding_boxes>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::MaxNumBoundingBoxes;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(MaxNumBoundingBoxes::new(8).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct MaxNumBoundingBoxes {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    max_number: usize,
    /// Keras does not write this entry; it is read if it is there.
    #[keras(default = -1, skip_if = is_minus_one)]
    fill_value: i64,
}

fn is_minus_one(value: &i64) -> bool {
    *value == -1
}

impl ImageLayer for MaxNumBoundingBoxes {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn always(&self) -> bool {
        true
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        Ok(images.clone())
    }

    fn bounding_boxes(&self, boxes: &mut Boxes, _: [usize; 2], (): &()) -> Result<()> {
        let fit = |x: &Tensor| -> Result<Tensor> {
            let kept = slice_axis(x, 1, Span::range(0, self.max_number))?;
            let missing = self.max_number - kept.shape().dim(1)?;
            let widths: Vec<(usize, usize)> =
                (0..x.rank()).map(|axis| (0, if axis == 1 { missing } else { 0 })).collect();
            pad_with(&kept, &widths, self.fill_value as f64)
        };
        *boxes = Boxes { boxes: fit(&boxes.boxes)?, labels: boxes.labels.as_ref().map(fit).transpose()? };
        Ok(())
    }
}

image_layer!(MaxNumBoundingBoxes);
