//! A scaled residual: `a + b · scale`.

use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::{Layer, LayerBase};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Adds a scaled residual, as the blocks of Inception-ResNet do: `a + b · scale`, called on a list `[a, b]`.
///
/// Follows <https://keras.io/api/applications/inceptionresnetv2>.
///
/// ```
/// use keras_serial::layers::CustomScaleLayer;
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[2.0f32, 4.0], [1, 2])?;
/// assert_eq!(CustomScaleLayer::new(0.5).apply(vec![a, b])?.to_vec::<f32>()?, [2.0, 4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.src.applications.inception_resnet_v2")]
#[derive(KerasSerializable, Debug)]
#[keras(new)]
pub struct CustomScaleLayer {
    base: LayerBase,
    scale: Number,
}

impl Layer for CustomScaleLayer {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = inputs.inputs()?;
        match inputs.leaves().as_slice() {
            [a, b] => ops::add(*a, ops::multiply(*b, self.scale.get())?).map(Into::into),
            others => {
                Err(Error::new(ErrorKind::InvalidArgument, "CustomScaleLayer is called on a list of two tensors")
                    .received(format!("{} tensors", others.len())))
            }
        }
    }
}
