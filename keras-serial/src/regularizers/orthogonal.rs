//! A penalty that pushes rows or columns towards orthogonality.

use super::Regularize;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::shape::transpose_to;
use crate::ops::{Axes, abs, create, divide, linalg::matmul_impl, maximum, multiply, reduce::sum_impl, sqrt, square};
use crate::tensor::{Shape, Tensor};
use crate::{KerasEnum, KerasSerializable, register};

/// Whether rows or columns are pushed towards orthogonality.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrthogonalMode {
    /// The rows.
    Rows,
    /// The columns.
    Columns,
}

/// A penalty with the mean absolute cosine between different rows (or columns), times `factor`.
///
/// `factor` is 0.01 and `mode` is rows by default; the weight must be a matrix.
/// Follows <https://keras.io/api/layers/regularizers/#orthogonalregularizer-class>.
///
/// ```
/// use keras_serial::regularizers::{OrthogonalMode, OrthogonalRegularizer, Regularize};
/// use keras_serial::tensor::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, 0.0, 1.0, 1.0], [2, 2])?;
/// let penalty = OrthogonalRegularizer::new(1.0, OrthogonalMode::Rows).penalty(&x)?;
/// assert!((penalty.item::<f32>()? - 0.70710677).abs() < 1e-6);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.regularizers", alias("orthogonal_regularizer"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct OrthogonalRegularizer {
    /// The factor, in single precision as in Keras.
    #[keras(default = 0.01)]
    factor: f32,
    #[keras(default = OrthogonalMode::Rows)]
    mode: OrthogonalMode,
}

impl OrthogonalRegularizer {
    /// Creates the penalty with this factor, for rows or columns.
    pub fn new(factor: f32, mode: OrthogonalMode) -> Self {
        Self { factor, mode }
    }
}

impl Regularize for OrthogonalRegularizer {
    fn penalty(&self, x: &Tensor) -> Result<Tensor> {
        if x.rank() != 2 {
            return Err(Error::new(ErrorKind::Shape, "OrthogonalRegularizer works on matrices only")
                .expected("a tensor of rank 2")
                .received(format!("shape {}", x.shape())));
        }
        let axis = if self.mode == OrthogonalMode::Rows { 1 } else { 0 };
        let norm = maximum(sqrt(&sum_impl(&square(x)?, &Axes::from(axis), true)?)?, 1e-12)?;
        let unit = divide(x, &norm)?;
        let turned = transpose_to(&unit, &[1, 0])?;
        let cosines = if axis == 1 { matmul_impl(&unit, &turned)? } else { matmul_impl(&turned, &unit)? };
        let size = x.shape().dim(1 - axis as isize)?;
        let row = create::arange(size, x.dtype())?;
        let off_diagonal = crate::ops::not_equal(&crate::ops::shape::reshape_to(&row, &Shape::from([size, 1]))?, &row)?;
        let cosines = multiply(&abs(&cosines)?, crate::ops::dtypes::cast(&off_diagonal, x.dtype())?)?;
        let pairs = (size * size.saturating_sub(1)).max(2) as f64 / 2.0;
        let sum = sum_impl(&cosines, &Axes::all(), false)?;
        multiply(divide(sum, 2.0 * pairs)?, self.factor)
    }
}
