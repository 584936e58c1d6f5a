//! The preprocessor of plain numbers.

use crate::error::Result;
use crate::layers::{Layer, LayerBase, Signature};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Returns its input unchanged: the preprocessor of features of the kind
/// [`FeatureSpace::float`](super::FeatureSpace::float).
///
/// ```
/// use keras_serial::layers::TfdIdentity;
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [2, 1])?;
/// assert_eq!(TfdIdentity::new().apply(&x)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.src.layers.preprocessing.feature_space", name = "TFDIdentity")]
#[derive(KerasSerializable, Debug)]
#[keras(new, class_name = "TFDIdentity")]
pub struct TfdIdentity {
    base: LayerBase,
}

impl Layer for TfdIdentity {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x"])
    }
}
