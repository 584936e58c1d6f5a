//! Concatenates encoded features.

use crate::error::Result;
use crate::layers::{Layer, LayerBase, Signature};
use crate::ops::shape::concat;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Concatenates the encoded features of a [`FeatureSpace`](super::FeatureSpace) along `axis`. Models that begin
/// with the layers of a feature space have it in their files.
///
/// ```
/// use keras_serial::layers::TfdConcat;
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let y = TfdConcat::new(-1).apply(vec![a.clone(), a])?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 2.0, 1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.src.layers.preprocessing.feature_space", name = "TFDConcat")]
#[derive(KerasSerializable, Debug)]
#[keras(new, class_name = "TFDConcat")]
pub struct TfdConcat {
    base: LayerBase,
    axis: isize,
}

impl Layer for TfdConcat {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = inputs.inputs()?;
        let tensors: Vec<Tensor> = inputs.leaves().into_iter().cloned().collect();
        concat(&tensors, self.axis).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["xs"])
    }
}
