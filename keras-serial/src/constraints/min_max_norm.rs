//! A constraint on norms between two bounds.

use super::{Constrain, EPSILON, norm};
use crate::error::Result;
use crate::ops::{Axes, add, divide, maximum, minimum, multiply};
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// A constraint that moves norms along `axis` between `min_value` and `max_value`, at `rate`: `w · (rate
/// · clip(‖w‖) + (1 - rate) · ‖w‖) / ‖w‖`.
///
/// The bounds are 0 and 1, `rate` is 1 and `axis` is 0 by default.
/// Follows <https://keras.io/api/layers/constraints/#minmaxnorm-class>.
///
/// ```
/// use keras_serial::constraints::{Constrain, MinMaxNorm};
/// use keras_serial::tensor::Tensor;
/// let w = Tensor::from_slice(&[3.0f32, 4.0], [2, 1])?;
/// let y = MinMaxNorm::new(0.0, 1.0, 0.5, 0).project(&w)?.to_vec::<f32>()?;
/// assert!((y[0] - 1.8).abs() < 1e-6 && (y[1] - 2.4).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.constraints", alias("min_max_norm"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct MinMaxNorm {
    #[keras(default)]
    min_value: f64,
    #[keras(default = 1.0)]
    max_value: f64,
    #[keras(default = 1.0)]
    rate: f64,
    #[keras(default = Axes::from(0))]
    axis: Axes,
}

impl MinMaxNorm {
    /// Creates the constraint with these bounds and rate, along these axes.
    pub fn new(min_value: f64, max_value: f64, rate: f64, axis: impl Into<Axes>) -> Self {
        Self { min_value, max_value, rate, axis: axis.into() }
    }
}

impl Constrain for MinMaxNorm {
    fn project(&self, w: &Tensor) -> Result<Tensor> {
        let norm = norm(w, &self.axis)?;
        let clipped = minimum(maximum(&norm, self.min_value)?, self.max_value)?;
        let desired = add(multiply(clipped, self.rate)?, multiply(&norm, 1.0 - self.rate)?)?;
        multiply(w, divide(desired, add(&norm, EPSILON)?)?)
    }
}
