//! An initializer with orthogonal matrices.

use super::Initialize;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::random::{self, Seed};
use crate::tensor::{DType, Shape, Tensor};
use crate::{KerasSerializable, register};

/// An initializer with a random matrix of orthonormal rows or columns (whichever are fewer), times
/// `gain`.
///
/// Leading axes are merged. `gain` is 1 and `seed` null by default.
/// Follows <https://keras.io/api/layers/initializers/#orthogonal-class>.
///
/// ```
/// use keras_serial::initializers::{Initialize, Orthogonal};
/// use keras_serial::tensor::DType;
/// let w = Orthogonal::new(1.0).init(&[2, 2].into(), DType::Float32)?.to_vec::<f32>()?;
/// assert!((w[0] * w[2] + w[1] * w[3]).abs() < 1e-5);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.initializers", alias("orthogonal", "OrthogonalInitializer"))]
#[derive(KerasSerializable, Clone, Debug)]
pub struct Orthogonal {
    #[keras(default)]
    seed: Seed,
    #[keras(default = 1.0)]
    gain: f64,
}

impl Orthogonal {
    /// Creates the initializer with this factor.
    pub fn new(gain: f64) -> Self {
        Self { seed: Seed::default(), gain }
    }
}

impl Initialize for Orthogonal {
    fn init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let (rows, columns) = &matrix(shape)?;
        let (long, short) = (*rows.max(columns), *rows.min(columns));
        let drawn =
            random::normal(&mut self.seed.generator(), &Shape::from([short, long]), 0.0, 1.0, false, DType::Float32)?;
        let mut vectors: Vec<Vec<f64>> =
            drawn.to_vec::<f32>()?.chunks(long.max(1)).map(|v| v.iter().map(|x| f64::from(*x)).collect()).collect();
        orthonormalize(&mut vectors);
        let at = |short: usize, long: usize| vectors.get(short).and_then(|v| v.get(long)).copied().unwrap_or_default();
        let values = (0..*rows).flat_map(|row| (0..*columns).map(move |column| (row, column)));
        let values: Vec<f32> = values
            .map(|(row, column)| (self.gain * if rows >= columns { at(column, row) } else { at(row, column) }) as f32)
            .collect();
        cast(&Tensor::from_vec(values, shape)?, dtype)
    }

    fn is_lazy(&self, shape: &Shape, dtype: DType) -> Result<bool> {
        matrix(shape)?;
        Ok(dtype.is_float())
    }
}

/// Returns the rows and columns of a weight as a matrix: its last axis has the columns.
fn matrix(shape: &Shape) -> Result<(usize, usize)> {
    match shape.known()?.as_slice() {
        [] | [_] => Err(too_flat(shape)),
        [leading @ .., columns] => Ok((leading.iter().product(), *columns)),
    }
}

fn too_flat(shape: &Shape) -> Error {
    Error::new(ErrorKind::Shape, "The tensor to initialize must be at least two-dimensional")
        .received(format!("shape={shape} of rank {}", shape.rank()))
}

/// Orthonormalizes by the Gram-Schmidt method, applied twice, which keeps vectors orthogonal to full
/// precision.
fn orthonormalize(vectors: &mut [Vec<f64>]) {
    for i in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(i);
        let Some(vector) = rest.first_mut() else { return };
        for _ in 0..2 {
            for other in done.iter() {
                let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = vector.iter().map(|a| a * a).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|a| *a /= norm);
    }
}
