//! An initializer with a constant value.

use super::Initialize;
use crate::error::Result;
use crate::json::Value;
use crate::ops::{dtypes, shape::broadcast_to};
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

/// An initializer that fills a tensor with one number, 0 by default.
/// Follows <https://keras.io/api/layers/initializers/#constant-class>.
///
/// ```
/// use keras_serial::initializers::{Constant, Initialize};
/// use keras_serial::tensor::DType;
/// assert_eq!(Constant::new(3.0).init(&[2].into(), DType::Float32)?.to_vec::<f32>()?, [3.0, 3.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("constant"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct Constant {
    /// A number that keeps its notation as integer or float.
    #[keras(default = Value::Float(0.0))]
    value: Value,
}

impl Constant {
    /// Creates the initializer with this number.
    pub fn new(value: f64) -> Self {
        Self { value: value.into() }
    }
}

impl Initialize for Constant {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        broadcast_to(&dtypes::full_like(&self.value, dtype)?, shape)
    }
}
