//! An initializer with ones.

use super::Initialize;
use crate::error::Result;
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

/// An initializer with ones. Follows <https://keras.io/api/layers/initializers/#ones-class>.
///
/// ```
/// use keras_serial::initializers::{Initialize, Ones};
/// use keras_serial::tensor::DType;
/// assert_eq!(Ones.init(&[2].into(), DType::Float32)?.to_vec::<f32>()?, [1.0, 1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("ones", "one"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct Ones;

impl Initialize for Ones {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        crate::ops::ones(shape, dtype)
    }
}
