//! Masking of time steps.

use crate::error::Result;
use crate::json::Value;
use crate::layers::{Layer, LayerBase, LayerTraits};
use crate::ops::{self, Axes};
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};
use crate::{ConfigField, KerasSerializable, register};

/// Masks time steps in which every number is `mask_value` (0 by default), and sets them to zero.
///
/// Follows <https://keras.io/api/layers/core_layers/masking>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 9.0, 9.0], [1, 2, 2])?;
/// let y = Masking::new().mask_value(9.0).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [1.0, 2.0, 0.0, 0.0]);
/// assert_eq!(y.mask().unwrap().to_vec::<bool>()?, [true, false]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Masking {
    base: LayerBase,
    /// A number, kept as it was written.
    #[keras(default = Value::Float(0.0))]
    mask_value: Value,
}

impl Masking {
    fn counting(&self, x: &Tensor, keepdims: bool) -> Result<Tensor> {
        let value = f64::from_value(&self.mask_value)?;
        ops::any(&ops::not_equal(x, value)?, Axes::from(-1), keepdims)
    }
}

impl Layer for Masking {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let counting = self.counting(x, true)?;
        let mask = ops::squeeze(&counting, Axes::from(-1))?;
        Ok(ops::where_(&counting, x, 0)?.with_mask(Some(mask)).into())
    }

    fn compute_mask(&self, inputs: &CallArgs, _: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(vec![Some(self.counting(inputs.tensor()?, false)?)])
    }
}
