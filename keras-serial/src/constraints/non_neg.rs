//! A constraint to non-negative weights.

use super::Constrain;
use crate::error::Result;
use crate::ops::relu;
use crate::tensor::Tensor;
use crate::{KerasSerializable, register};

/// A constraint to non-negative weights: `max(w, 0)`.
///
/// Follows <https://keras.io/api/layers/constraints/#nonneg-class>.
///
/// ```
/// use keras_serial::constraints::{Constrain, NonNeg};
/// use keras_serial::tensor::Tensor;
/// let w = Tensor::from_slice(&[-1.0f32, 2.0], [2])?;
/// assert_eq!(NonNeg.project(&w)?.to_vec::<f32>()?, [0.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.constraints", alias("non_neg"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct NonNeg;

impl Constrain for NonNeg {
    fn project(&self, w: &Tensor) -> Result<Tensor> {
        relu(w)
    }
}
