//! Learned scaling of channels: `x · gamma`.

use crate::config::Number;
use crate::error::Result;
use crate::initializers::{Constant, Initializer};
use crate::layers::{BuildContext, Layer, LayerBase, Signature, Weight};
use crate::ops;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Scales each channel by a learned number, as the blocks of ConvNeXt do: `x · gamma`.
///
/// # Arguments
/// - `init_values`: the initial value of `gamma`.
/// - `projection_dim`: the number of channels.
///
/// Follows <https://keras.io/api/applications/convnext>.
///
/// ```
/// use keras_serial::layers::LayerScale;
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?;
/// assert_eq!(LayerScale::new(0.5, 2).apply(&x)?.to_vec::<f32>()?, [0.5, 1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.src.applications.convnext")]
#[derive(KerasSerializable, Debug)]
#[keras(new)]
pub struct LayerScale {
    base: LayerBase,
    init_values: Number,
    projection_dim: usize,
    #[keras(weight(name = "variable"))]
    gamma: Weight,
}

impl Layer for LayerScale {
    fn build(&self, _: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let initializer = Initializer::from(Constant::new(self.init_values.get()));
        self.gamma.make(cx, [self.projection_dim]).initializer(&initializer).create()?;
        Ok(())
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        ops::multiply(inputs.tensor()?, self.gamma.value()?).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["x"])
    }
}
