//! Element-wise maximum of tensors.

use super::{Merge, merge_unmasked, merging};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::maximum;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Takes the maximum of tensors element by element.
///
/// # Shapes
/// A list of two or more tensors of shapes that broadcast, with the batch first.
///
/// Follows <https://keras.io/api/layers/merging_layers/maximum>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[3.0f32, 4.0], [1, 2])?;
/// assert_eq!(Maximum::new().apply(vec![a, b])?.to_vec::<f32>()?, [3.0, 4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Maximum {
    base: LayerBase,
}

impl Merge for Maximum {
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor> {
        merge_unmasked(inputs, |a, b| maximum(a, b))
    }
}

merging!(Maximum);
