//! A constraint to norms of 1.

use super::{Constrain, EPSILON, norm};
use crate::error::Result;
use crate::ops::{Axes, add, divide};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// A constraint to norms of 1 along `axis`: `w / ‖w‖`.
///
/// `axis` is 0 by default. Follows <https://keras.io/api/layers/constraints/#unitnorm-class>.
///
/// ```
/// use keras_serial::constraints::{Constrain, UnitNorm};
/// use keras_serial::tensor::Tensor;
/// let w = Tensor::from_slice(&[3.0f32, 4.0], [2, 1])?;
/// let y = UnitNorm::new(0).project(&w)?.to_vec::<f32>()?;
/// assert!((y[0] - 0.6).abs() < 1e-6 && (y[1] - 0.8).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.constraints", alias("unit_norm"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct UnitNorm {
    #[keras(default = Axes::from(0))]
    axis: Axes,
}

impl UnitNorm {
    /// Creates the constraint along these axes.
    pub fn new(axis: impl Into<Axes>) -> Self {
        Self { axis: axis.into() }
    }
}

impl Constrain for UnitNorm {
    fn project(&self, w: &Tensor) -> Result<Tensor> {
        divide(w, add(norm(w, &self.axis)?, EPSILON)?)
    }
}
