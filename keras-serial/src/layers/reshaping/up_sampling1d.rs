//! 1D upsampling, over time.

use crate::error::Result;
use crate::layers::{InputSpec, Layer, LayerBase, invalid_argument};
use crate::ops::shape::repeat_axis;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Repeats each step `size` times; 2 by default.
///
/// # Shapes
/// `(batch, steps, channels)` gives `(batch, steps · size, channels)`.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/up_sampling1d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2, 1])?;
/// assert_eq!(UpSampling1D::new().apply(&x)?.to_vec::<f32>()?, [1.0, 1.0, 2.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct UpSampling1D {
    base: LayerBase,
    #[keras(default = 2)]
    size: usize,
}

impl UpSampling1D {
    fn check(&self) -> Result<()> {
        if self.size == 0 { Err(invalid_argument("size", "a positive integer", 0)) } else { Ok(()) }
    }
}

impl Layer for UpSampling1D {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        repeat_axis(inputs.tensor()?, self.size, 1).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(3))
    }
}
