//! Concatenation of tensors.

use super::inputs;
use crate::error::Result;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::ops::shape::concat;
use crate::ops::{Axes, any, concatenate, expand_dims, falses_like, logical_or, trues_like};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Concatenates tensors along `axis` (-1 by default).
///
/// Follows <https://keras.io/api/layers/merging_layers/concatenate>.
///
/// ```
/// use keras_serial::prelude::*;
/// let a = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// let y = Concatenate::new().apply(vec![a.clone(), a])?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 2.0, 1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Concatenate {
    base: LayerBase,
    #[keras(default = -1)]
    axis: isize,
}

impl Layer for Concatenate {
    fn call(&self, args: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        concat(&inputs(args)?, self.axis).map(Into::into)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }

    /// Concatenates the masks as the inputs are, with ones for inputs without a mask; a step is kept if the
    /// mask is true for any of its elements.
    fn compute_mask(&self, args: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        if masks.iter().all(Option::is_none) {
            return Ok(vec![None]);
        }
        let inputs = inputs(args)?;
        let parts = inputs.iter().zip(masks).map(|(input, mask)| match mask {
            None => trues_like(input),
            // Or with zeros made from the input, so that graphs record the input as an input of the mask.
            Some(mask) if mask.rank() < input.rank() => logical_or(&expand_dims(mask, -1)?, &falses_like(input)?),
            Some(mask) => Ok(mask.clone()),
        });
        let joined = concatenate(&parts.collect::<Result<Vec<_>>>()?, self.axis)?;
        any(&joined, Axes::from(-1), false).map(|mask| vec![Some(mask)])
    }
}
