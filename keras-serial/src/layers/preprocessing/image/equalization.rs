//! Histogram equalization of images.

use super::{BYTE, BoundingBoxFormat, ImageLayer, ValueRange, image_fields, image_layer, rescaled};
use crate::config::HasBase;
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// Histogram equalization: in training, equalizes the values of each channel over the whole batch; in
/// inference, does nothing.
///
/// # Arguments
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `bins`: 256; the number of histogram bins.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/equalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Equalization;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(Equalization::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Equalization {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default = 256)]
    bins: usize,
    #[keras(default)]
    value_range: ValueRange,
}

impl Equalization {
    /// Equalizes the values of one channel by the cumulative histogram.
    fn equalized(&self, values: Vec<f32>) -> Vec<f32> {
        let last = self.bins.saturating_sub(1);
        let bin = |value: f32| ((value * last as f32 / 255.0).max(0.0) as usize).min(last);
        let mut histogram = vec![0u64; self.bins];
        for value in &values {
            if let Some(count) = histogram.get_mut(bin(*value)) {
                *count += 1;
            }
        }
        if histogram.iter().filter(|count| **count > 0).count() <= 1 {
            return values;
        }
        let lowest = histogram.iter().copied().find(|count| *count > 0).unwrap_or_default();
        let range = (values.len() as u64 - lowest).max(1) as f64;
        let mut below = 0;
        let places: Vec<f32> = histogram
            .into_iter()
            .map(|count| {
                below += count;
                ((below as f64 - lowest as f64) * 255.0 / range).round_ties_even().clamp(0.0, 255.0) as f32
            })
            .collect();
        values.into_iter().map(|value| places.get(bin(value)).copied().unwrap_or(value)).collect()
    }
}

impl ImageLayer for Equalization {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let axis = self.data_format.channel_axis();
        let channels = images.shape().dim(axis)?;
        let x = rescaled(&ops::cast_to(images, DType::Float32)?, self.value_range.bounds(), BYTE)?;
        let planes = ops::split(&x, channels, axis)?;
        let even = planes.iter().map(|plane| Tensor::from_vec(self.equalized(plane.to_vec()?), plane.shape()));
        let even = ops::concatenate(&even.collect::<Result<Vec<_>>>()?, axis)?;
        ops::cast_to(&rescaled(&even, BYTE, self.value_range.bounds())?, dtype)
    }

    fn casts(&self) -> bool {
        false
    }

    fn symbol_dtype(&self, input: DType) -> Result<DType> {
        Ok(input)
    }
}

image_layer!(Equalization);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_spread() {
        // Equalization()(np.array([10, 20, 20, 30.]).reshape(1, 2, 2, 1), training=True)
        assert_eq!(Equalization::new().equalized(vec![10.0, 20.0, 20.0, 30.0]), [0.0, 170.0, 170.0, 255.0]);
        assert_eq!(Equalization::new().equalized(vec![7.0, 7.0]), [7.0, 7.0]);
    }
}
