//! An initializer with zeros.

use super::Initialize;
use crate::error::Result;
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

/// An initializer with zeros. Follows <https://keras.io/api/layers/initializers/#zeros-class>.
///
/// ```
/// use keras_serial::initializers::{Initialize, Zeros};
/// use keras_serial::tensor::DType;
/// assert_eq!(Zeros.init(&[2].into(), DType::Float32)?.to_vec::<f32>()?, [0.0, 0.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("zeros", "zero"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct Zeros;

impl Initialize for Zeros {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        crate::ops::zeros(shape, dtype)
    }
}
