//! Element-wise difference of two tensors.

use super::{Merge, fold, merging};
use crate::error::Result;
use crate::layers::{LayerBase, invalid_argument};
use crate::ops::subtract;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Subtracts the second tensor from the first.
///
/// # Shapes
/// A list of two tensors of shapes that broadcast, with the batch first.
///
/// Follows <https://keras.io/api/layers/merging_layers/subtract>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[3.0f32, 4.0], [1, 2])?;
/// assert_eq!(Subtract::new().apply(vec![a, b])?.to_vec::<f32>()?, [-2.0, -2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Subtract {
    base: LayerBase,
}

impl Merge for Subtract {
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor> {
        if inputs.len() != 2 {
            return Err(invalid_argument("inputs", "exactly two tensors", inputs.len()));
        }
        fold(inputs, |a, b| subtract(&a, b))
    }
}

merging!(Subtract);
