//! Element-wise sum of tensors.

use super::{Merge, fold, merging};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::add;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Adds tensors element by element.
///
/// # Shapes
/// A list of two or more tensors of shapes that broadcast, with the batch first.
///
/// Follows <https://keras.io/api/layers/merging_layers/add>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[3.0f32, 4.0], [1, 2])?;
/// assert_eq!(Add::new().apply(vec![a, b])?.to_vec::<f32>()?, [4.0, 6.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Add {
    base: LayerBase,
}

impl Merge for Add {
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor> {
        fold(inputs, |a, b| add(&a, b))
    }
}

merging!(Add);
