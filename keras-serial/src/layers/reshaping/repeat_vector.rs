//! A vector repeated as a sequence.

use crate::error::Result;
use crate::layers::{InputSpec, Layer, LayerBase, invalid_argument};
use crate::ops::shape::{expand_at, repeat_axis};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Repeats the input `n` times, as the steps of a sequence.
///
/// # Shapes
/// `(batch, features)` gives `(batch, n, features)`.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/repeat_vector>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(RepeatVector::new(2).apply(&x)?.to_vec::<f32>()?, [1.0, 2.0, 1.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, validate = Self::check)]
pub struct RepeatVector {
    base: LayerBase,
    n: usize,
}

impl RepeatVector {
    fn check(&self) -> Result<()> {
        if self.n == 0 { Err(invalid_argument("n", "a positive integer", 0)) } else { Ok(()) }
    }
}

impl Layer for RepeatVector {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        repeat_axis(&expand_at(inputs.tensor()?, 1)?, self.n, 1).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(2))
    }
}
