//! A pipeline of preprocessing layers.

use crate::config::Config;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerRef, LayerTraits, Signature, call_in_turn};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Applies preprocessing layers one after the other.
///
/// # Arguments
/// - `layers`: the layers.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/image_augmentation>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::{AutoContrast, CenterCrop, Pipeline};
/// let x = Tensor::from_slice(&[0.0f32, 10.0, 20.0, 0.0], [1, 1, 4, 1])?;
/// let y = Pipeline::new([CenterCrop::new(1, 2).shared(), AutoContrast::new().shared()]).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [0.0, 255.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, get_config = Self::rearrange)]
pub struct Pipeline {
    base: LayerBase,
    layers: Vec<LayerRef>,
}

impl Pipeline {
    /// Writes the layers and the name only, as Keras does.
    fn rearrange(&self, config: &mut Config) -> Result<()> {
        config.shift_remove("trainable");
        config.shift_remove("dtype");
        if let Some(name) = config.shift_remove("name") {
            config.insert("name".into(), name);
        }
        Ok(())
    }
}

impl Layer for Pipeline {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        call_in_turn(&self.layers, inputs, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training", "mask"])
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false)
    }
}
