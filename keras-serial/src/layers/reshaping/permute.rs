//! Permutation of axes.

use crate::error::Result;
use crate::layers::{InputSpec, Layer, LayerBase, invalid_argument};
use crate::ops::shape::transpose_to;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Permutes the axes to the order `dims`, counted from 1; the batch stays first.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/permute>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 2, 2])?;
/// assert_eq!(Permute::new([2, 1]).apply(&x)?.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, validate = Self::check)]
pub struct Permute {
    base: LayerBase,
    dims: Vec<usize>,
}

impl Permute {
    fn check(&self) -> Result<()> {
        let mut sorted = self.dims.clone();
        sorted.sort_unstable();
        if sorted.iter().copied().eq(1..=sorted.len()) {
            return Ok(());
        }
        Err(invalid_argument(
            "dims",
            "all consecutive integers from 1 to the number of axes",
            format!("{:?}", self.dims),
        ))
    }
}

impl Layer for Permute {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let axes: Vec<usize> = [0].into_iter().chain(self.dims.iter().copied()).collect();
        transpose_to(inputs.tensor()?, &axes).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(self.dims.len() + 1))
    }
}
