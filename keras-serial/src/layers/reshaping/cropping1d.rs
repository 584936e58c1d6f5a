//! 1D cropping, over time.

use crate::error::Result;
use crate::layers::{Edges, InputSpec, Layer, LayerBase};
use crate::ops::DataFormat;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Crops time: removes steps at the beginning and the end.
///
/// # Arguments
/// `cropping`: the number of steps to remove before and after, one number or two; 1 by default.
///
/// # Shapes
/// `(batch, steps, channels)` gives fewer positions and the same channels.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/cropping1d>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_vec((0..3).map(|i| i as f32).collect(), [1, 3, 1])?;
/// let y = Cropping1D::new().cropping(1).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Cropping1D {
    base: LayerBase,
    #[keras(default = 1.into())]
    cropping: Edges<1>,
}

impl Layer for Cropping1D {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        super::macros::crop(inputs.tensor()?, &self.cropping.0, DataFormat::ChannelsLast).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::ndim(3))
    }
}
