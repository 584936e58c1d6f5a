//! A constraint on norms to at most `max_value`.

use super::{Constrain, EPSILON, norm};
use crate::error::Result;
use crate::ops::{Axes, add, divide, minimum, multiply};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// A constraint that limits norms along `axis` to `max_value`: `w · min(‖w‖, max_value) / ‖w‖`.
///
/// `max_value` is 2 and `axis` is 0 by default.
/// Follows <https://keras.io/api/layers/constraints/#maxnorm-class>.
///
/// ```
/// use keras_serial::constraints::{Constrain, MaxNorm};
/// use keras_serial::tensor::Tensor;
/// let w = Tensor::from_slice(&[3.0f32, 4.0], [2, 1])?;
/// let y = MaxNorm::new(1.0, 0).project(&w)?.to_vec::<f32>()?;
/// assert!((y[0] - 0.6).abs() < 1e-6 && (y[1] - 0.8).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.constraints", alias("max_norm"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct MaxNorm {
    #[keras(default = crate::json::Value::Int(2))]
    max_value: crate::json::Value,
    #[keras(default = Axes::from(0))]
    axis: Axes,
}

impl MaxNorm {
    /// Creates the constraint with this bound, along these axes.
    pub fn new(max_value: f64, axis: impl Into<Axes>) -> Self {
        Self { max_value: max_value.into(), axis: axis.into() }
    }
}

impl Constrain for MaxNorm {
    fn project(&self, w: &Tensor) -> Result<Tensor> {
        let bound: f64 = crate::ConfigField::from_value(&self.max_value)?;
        let norm = norm(w, &self.axis)?;
        multiply(w, divide(minimum(&norm, bound)?, add(&norm, EPSILON)?)?)
    }
}
