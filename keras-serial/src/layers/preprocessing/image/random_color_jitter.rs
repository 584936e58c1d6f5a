//! Color jitter of images.

use std::sync::Arc;

use super::steps::{Step, Steps};
use super::{
    BoundingBoxFormat, Factor, ImageLayer, RandomBrightness, RandomContrast, RandomHue, RandomSaturation, Spread,
    ValueRange, image_fields, image_layer,
};
use crate::config::{ConfigField, HasBase};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{self, DataFormat};
use crate::random::Seed;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Color jitter: in training, changes brightness, contrast, saturation and hue of images at random, in this
/// order; in inference, does nothing.
///
/// # Arguments
/// - `value_range`: 0 to 255; the range of pixel values.
/// - `brightness_factor`, `contrast_factor`, `saturation_factor`, `hue_factor`: none; the
///   factors of
///   [`RandomBrightness`], [`RandomContrast`], [`RandomSaturation`] and [`RandomHue`].
/// - `seed`: none; the same seed gives the same images, but not the same as in Keras.
/// - `data_format`: `channels_last`; `bounding_box_format`: none; required for bounding boxes.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation/random_color_jitter>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::RandomColorJitter;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 1, 2, 1])?;
/// assert_eq!(RandomColorJitter::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct RandomColorJitter {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
    #[keras(default, skip_if = Option::is_none)]
    bounding_box_format: Option<BoundingBoxFormat>,
    #[keras(default)]
    value_range: ValueRange,
    #[keras(default)]
    brightness_factor: Option<Spread>,
    #[keras(default)]
    contrast_factor: Option<Spread>,
    #[keras(default)]
    saturation_factor: Option<Spread>,
    #[keras(default)]
    hue_factor: Option<Spread>,
    #[keras(default)]
    seed: Seed,
    #[keras(skip)]
    steps: Steps,
}

impl RandomColorJitter {
    fn check(&self) -> Result<()> {
        self.make_steps().map(|_| ())
    }

    /// Constructs the layers with Keras's default data format, channels last.
    fn make_steps(&self) -> Result<Vec<Arc<dyn Step>>> {
        macro_rules! step {
            ($steps:ident, $factor:ident, $layer:ident, $bounds:ty) => {
                if let Some(factor) = &self.$factor {
                    let layer = $layer::new(<$bounds>::from_value(&factor.to_value()?)?);
                    let layer = layer.value_range(self.value_range.clone()).seed(self.seed.clone());
                    $steps.push(Arc::new(layer));
                }
            };
        }
        let mut steps: Vec<Arc<dyn Step>> = Vec::new();
        step!(steps, brightness_factor, RandomBrightness, Factor<-1, 1>);
        step!(steps, contrast_factor, RandomContrast, Factor<0, 1>);
        step!(steps, saturation_factor, RandomSaturation, Factor<-1, 1>);
        step!(steps, hue_factor, RandomHue, Factor<0, 1>);
        Ok(steps)
    }
}

impl ImageLayer for RandomColorJitter {
    type Drawn = ();

    image_fields!();

    fn draw(&self, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn images(&self, images: &Tensor, (): &()) -> Result<Tensor> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let mut x = ops::cast_to(images, dtype)?;
        for step in self.steps.get_or_make(|| self.make_steps())? {
            x = ops::cast_to(&step.clone().begin(&x)?.images(&x)?, dtype)?;
        }
        Ok(x)
    }

    fn casts(&self) -> bool {
        false
    }
}

image_layer!(RandomColorJitter);
