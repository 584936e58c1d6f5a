//! Element-wise product of tensors.

use super::{Merge, fold, merging, wide_mask};
use crate::error::Result;
use crate::layers::LayerBase;
use crate::ops::{Axes, any, logical_or, multiply, where_};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// Multiplies tensors element by element; a masked step counts as 1, and a step that all inputs mask gives 0.
///
/// # Shapes
/// A list of two or more tensors of shapes that broadcast, with the batch first.
///
/// Follows <https://keras.io/api/layers/merging_layers/multiply>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let b = Tensor::from_slice(&[3.0f32, 4.0], [1, 2])?;
/// assert_eq!(Multiply::new().apply(vec![a, b])?.to_vec::<f32>()?, [3.0, 8.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default)]
pub struct Multiply {
    base: LayerBase,
}

impl Merge for Multiply {
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor> {
        let masks = inputs.iter().map(wide_mask).collect::<Result<Vec<_>>>()?;
        let factors = inputs.into_iter().zip(&masks).map(|(x, mask)| match mask {
            Some(mask) => where_(mask, &x, 1),
            None => Ok(x),
        });
        let output = fold(factors.collect::<Result<Vec<_>>>()?, |a, b| multiply(&a, b))?;
        let Some(masks) = masks.into_iter().collect::<Option<Vec<Tensor>>>() else { return Ok(output) };
        let mask = fold(masks, |a, b| logical_or(&a, b))?;
        let output = where_(&mask, &output, 0)?;
        Ok(output.with_mask(Some(any(&mask, Axes::from(-1), false)?)))
    }
}

merging!(Multiply);
