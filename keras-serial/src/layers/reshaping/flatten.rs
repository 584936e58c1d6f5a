//! Flattening of all axes but the batch.

use crate::error::Result;
use crate::layers::{InputSpec, Layer, LayerBase};
use crate::ops::conv::DataFormat;
use crate::ops::shape::{expand_at, reshape_to, transpose_to};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Flattens all axes but the batch: `(batch, a, b)` gives `(batch, a · b)`, and `(batch,)` gives
/// `(batch, 1)`.
///
/// `data_format` is `channels_last` by default; with `channels_first`, channels are moved to the end first.
///
/// Follows <https://keras.io/api/layers/reshaping_layers/flatten>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 2, 2])?;
/// assert_eq!(Flatten::new().apply(&x)?.shape().to_string(), "(1, 4)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Flatten {
    base: LayerBase,
    #[keras(default)]
    data_format: DataFormat,
}

impl Layer for Flatten {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let mut x = inputs.tensor()?.clone();
        let rank = x.rank();
        if self.data_format == DataFormat::ChannelsFirst && rank > 2 {
            x = transpose_to(&x, &[0].into_iter().chain(2..rank).chain([1]).collect::<Vec<_>>())?;
        }
        if rank == 1 {
            return expand_at(&x, 1).map(Into::into);
        }
        let (batch, rest) = x.shape().dims().split_at(1);
        let rest = Shape::from(rest.to_vec()).num_elements();
        let batch = batch.first().copied().flatten();
        reshape_to(&x, &Shape::from([batch, rest])).map(Into::into)
    }

    fn input_spec(&self) -> Option<InputSpec> {
        Some(InputSpec::min_ndim(1))
    }
}
