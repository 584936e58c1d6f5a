//! Element-wise mean of tensors.

use super::{Merge, fold, merging};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{add, divide};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Averages tensors element by element.
///
/// # Shapes
/// A list of two or more tensors of shapes that broadcast, with the batch first.
///
/// Follows <https://keras.io/api/layers/merging_layers/average>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[3.0f32, 4.0], [1, 2])?;
/// assert_eq!(Average::new().apply(vec![a, b])?.to_vec::<f32>()?, [2.0, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Average {
    base: LayerBase,
}

impl Merge for Average {
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor> {
        let count = inputs.len() as f64;
        divide(&fold(inputs, |a, b| add(&a, b))?, count)
    }
}

merging!(Average);
