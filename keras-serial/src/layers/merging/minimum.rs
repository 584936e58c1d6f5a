//! Element-wise minimum of tensors.

use super::{Merge, merge_unmasked, merging};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::minimum;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Takes the minimum of tensors element by element.
///
/// # Shapes
/// A list of two or more tensors of shapes that broadcast, with the batch first.
///
/// Follows <https://keras.io/api/layers/merging_layers/minimum>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[3.0f32, 4.0], [1, 2])?;
/// assert_eq!(Minimum::new().apply(vec![a, b])?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Minimum {
    base: LayerBase,
}

impl Merge for Minimum {
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor> {
        merge_unmasked(inputs, |a, b| minimum(a, b))
    }
}

merging!(Minimum);
