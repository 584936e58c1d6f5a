//! An initializer with the identity matrix.

use super::Initialize;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::{create, dtypes::cast, equal, multiply, shape::reshape_to};
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

/// An initializer with the identity matrix times `gain` (1 by default).
///
/// Keras 3.15 omits `gain` from the configuration; here it is written if it is not 1.
/// Follows <https://keras.io/api/layers/initializers/#identity-class>.
///
/// ```
/// use keras_serial::initializers::{Identity, Initialize};
/// use keras_serial::tensor::DType;
/// let y = Identity::new(2.0).init(&[2, 2].into(), DType::Float32)?;
/// assert_eq!(y.to_vec::<f32>()?, [2.0, 0.0, 0.0, 2.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("identity", "IdentityInitializer"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct Identity {
    #[keras(default = 1.0, skip_if = is_one)]
    gain: f64,
}

fn is_one(gain: &f64) -> bool {
    *gain == 1.0
}

impl Identity {
    /// Creates the initializer with this factor.
    pub fn new(gain: f64) -> Self {
        Self { gain }
    }
}

impl Initialize for Identity {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let &[rows, columns] = shape.known()?.as_slice() else {
            return Err(Error::new(ErrorKind::Shape, "Identity matrix initializer can only be used for 2D matrices")
                .received(format!("shape={shape} of rank {}", shape.rank())));
        };
        let down = reshape_to(&create::arange(rows, DType::Int32)?, &Shape::from([rows, 1]))?;
        multiply(cast(&equal(down, create::arange(columns, DType::Int32)?)?, dtype)?, self.gain)
    }
}
