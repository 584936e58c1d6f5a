//! The base class of wrapper layers.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{BuildContext, Layer, LayerBase, LayerRef};
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// A layer that holds another one. Keras calls it abstract: it can be saved and loaded but not called.
/// Wrappers that can be called are [`TimeDistributed`](crate::layers::TimeDistributed),
/// [`Bidirectional`](crate::layers::Bidirectional), and custom ones with a field `layer: LayerRef`.
///
/// # Arguments
/// - `layer`: the wrapped layer.
///
/// Follows <https://keras.io/api/layers/base_layer>.
///
/// ```
/// use keras_serial::layers::Wrapper;
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32], [1, 1])?;
/// assert!(Wrapper::new(Dense::new(1)).apply(&x).is_err());
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new)]
pub struct Wrapper {
    base: LayerBase,
    layer: LayerRef,
}

impl Layer for Wrapper {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        cx.build_layer(&self.layer, input)
    }

    fn call(&self, _: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Err(Error::new(ErrorKind::Unsupported, "Layer Wrapper does not have a `call()` method implemented")
            .hint("wrap the layer in a layer of your own, with a `call`"))
    }
}
