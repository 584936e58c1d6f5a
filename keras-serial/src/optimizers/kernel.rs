//! Element-wise updates, in one pass over all tensors involved.

use std::ops::{Add, Div, Mul, Sub};

use half::{bf16, f16};
use num_traits::Float;

use crate::error::{Error, ErrorKind, Result};
use crate::ops::dtypes::cast;
use crate::ops::scatter::sum_of_rows;
use crate::ops::square;
use crate::tensor::{DType, Element, Tensor};
use crate::variable::Variable;

/// The arithmetic of an update, in the precision of the variables. In half precision every operation is
/// rounded, as in the engine, so that small steps vanish exactly when they do in Keras.
pub(super) trait Real: Element + Float {
    /// Converts a number to this precision.
    fn of(number: f64) -> Self;

    /// Returns -1, 0 or 1.
    fn sign(self) -> Self {
        if self == Self::zero() { self } else { self.signum() }
    }
}

impl Real for f32 {
    fn of(number: f64) -> Self {
        number as f32
    }
}

impl Real for f64 {
    fn of(number: f64) -> Self {
        number
    }
}

impl Real for f16 {
    fn of(number: f64) -> Self {
        Self::from_f32(number as f32)
    }
}

impl Real for bf16 {
    fn of(number: f64) -> Self {
        Self::from_f32(number as f32)
    }
}

/// An element of a gradient.
#[derive(Clone, Copy)]
pub(super) struct Slope<R> {
    /// The gradient.
    pub sum: R,
    /// The gradient's [`Kernel::part`]; for a table, the sum of the parts of all lookups.
    pub part: R,
}

/// An element-wise update of `N` variables: the model's and its slots.
pub(super) trait Kernel<const N: usize> {
    /// Returns what the optimizer needs of the gradient that is not linear in it: its square.
    fn part<R: Real>(&self, gradient: R) -> R {
        gradient * gradient
    }

    /// Returns the new elements of the variables.
    fn step<R: Real>(&self, gradient: Slope<R>, states: [R; N]) -> [R; N];
}

/// Runs a kernel in place over all elements of a gradient and of variables with its shape.
///
/// # Errors
/// When the variables differ in shape or dtype, or are not numeric.
pub(super) fn run<const N: usize>(kernel: &impl Kernel<N>, gradient: &Tensor, variables: [&Variable; N]) -> Result<()>
where
    for<'a> [&'a mut [f32]; N]: Pass<f32, N>,
    for<'a> [&'a mut [f64]; N]: Pass<f64, N>,
    for<'a> [&'a mut [f16]; N]: Pass<f16, N>,
    for<'a> [&'a mut [bf16]; N]: Pass<bf16, N>,
{
    let Some(dtype) = variables.first().map(|variable| variable.dtype()) else { return Ok(()) };
    let differs = |variable: &&&Variable| variable.shape() != gradient.shape() || variable.dtype() != dtype;
    if let Some(other) = variables.iter().find(differs) {
        return Err(Error::new(ErrorKind::Shape, "the gradient and the optimizer's variables do not fit")
            .expected(format!("shape {}, dtype {dtype}", gradient.shape()))
            .received(format!("shape {}, dtype {}", other.shape(), other.dtype()))
            .at(other.path().to_owned()));
    }
    match dtype {
        DType::Float32 => in_place::<f32, N>(kernel, gradient, variables),
        DType::Float64 => in_place::<f64, N>(kernel, gradient, variables),
        DType::Float16 => in_place::<f16, N>(kernel, gradient, variables),
        DType::BFloat16 => in_place::<bf16, N>(kernel, gradient, variables),
        other => {
            let error = Error::new(ErrorKind::DType, "only variables of floating-point numbers are trained");
            Err(error.received(other.name()))
        }
    }
}

fn in_place<R: Real, const N: usize>(
    kernel: &impl Kernel<N>,
    gradient: &Tensor,
    variables: [&Variable; N],
) -> Result<()>
where
    for<'a> [&'a mut [R]; N]: Pass<R, N>,
{
    let mut values = variables.map(Variable::write);
    let slices = values.iter_mut().map(|value| value.elements_mut()).collect::<Result<Vec<&mut [R]>>>()?;
    // One slice per variable.
    let Ok(slices) = <[&mut [R]; N]>::try_from(slices) else { return Ok(()) };
    slices.run(kernel, gradient)
}

/// A pass over several slices at once.
pub(super) trait Pass<R: Real, const N: usize>: Sized {
    fn pass(self, kernel: &impl Kernel<N>, gradient: impl Iterator<Item = Slope<R>>);

    fn run(self, kernel: &impl Kernel<N>, gradient: &Tensor) -> Result<()> {
        let sums = cast(gradient, R::DTYPE)?;
        let Some(rows) = gradient.rows() else {
            return sums.with_elements(|sums: &[R]| {
                self.pass(kernel, sums.iter().map(|sum| Slope { sum: *sum, part: kernel.part(*sum) }));
            });
        };
        let parts = rows.map(|values| {
            let parts = cast(values, R::DTYPE)?.to_vec::<R>()?.into_iter().map(|g| kernel.part(g));
            Tensor::from_vec(parts.collect(), values.shape())
        })?;
        let parts = sum_of_rows(&parts, gradient.shape())?;
        sums.with_elements(|sums: &[R]| {
            parts.with_elements(|parts: &[R]| {
                self.pass(kernel, sums.iter().zip(parts).map(|(sum, part)| Slope { sum: *sum, part: *part }));
            })
        })?
    }
}

/// Returns the squares of a gradient's elements; for a table, the sums of all lookups' squares.
pub(super) fn squares(gradient: &Tensor) -> Result<Tensor> {
    match gradient.rows() {
        Some(rows) => sum_of_rows(&rows.map(square)?, gradient.shape()),
        None => square(gradient),
    }
}

macro_rules! pass {
    ($n:literal: [$($state:ident),*] zipped $zipped:expr, as $pattern:pat) => {
        impl<R: Real> Pass<R, $n> for [&mut [R]; $n] {
            fn pass(self, kernel: &impl Kernel<$n>, gradient: impl Iterator<Item = Slope<R>>) {
                let [$($state),*] = self;
                for (g, $pattern) in gradient.zip($zipped) {
                    [$(*$state),*] = kernel.step(g, [$(*$state),*]);
                }
            }
        }
    };
}

pass!(1: [a] zipped a.iter_mut(), as a);
pass!(2: [a, b] zipped a.iter_mut().zip(b), as (a, b));
pass!(3: [a, b, c] zipped a.iter_mut().zip(b).zip(c), as ((a, b), c));
pass!(4: [a, b, c, d] zipped a.iter_mut().zip(b).zip(c).zip(d), as (((a, b), c), d));

/// Returns the number in a scalar of any floating-point dtype.
pub(super) fn number(tensor: &Tensor) -> Result<f64> {
    cast(tensor, DType::Float64)?.item()
}

/// A number as variables of a dtype store it; computations with it are rounded in the same way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar {
    number: f64,
    dtype: DType,
}

impl Scalar {
    pub fn of(number: f64, dtype: DType) -> Self {
        let number = match dtype {
            DType::Float64 => number,
            DType::Float16 => f16::of(number).to_f64(),
            DType::BFloat16 => bf16::of(number).to_f64(),
            _ => f64::from(number as f32),
        };
        Self { number, dtype }
    }

    pub fn get(self) -> f64 {
        self.number
    }

    pub fn sqrt(self) -> Self {
        Self::of(self.number.sqrt(), self.dtype)
    }

    pub fn powf(self, exponent: Self) -> Self {
        let (base, exponent) = (self.number, exponent.number);
        let power = match self.dtype {
            DType::Float64 => base.powf(exponent),
            _ => f64::from((base as f32).powf(exponent as f32)),
        };
        Self::of(power, self.dtype)
    }

    /// Returns `1 - self`. For a power this loses digits, as in Keras.
    pub fn complement(self) -> Self {
        Self::of(1.0, self.dtype) - self
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident),*) => {$(
        impl $trait for Scalar {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                Self::of(self.number.$method(other.number), self.dtype)
            }
        }
    )*};
}

arithmetic!(Add add, Sub sub, Mul mul, Div div);

/// Returns Adam's factor of the mean at a step, counted from 1: the learning rate times √(1 - β₂ᵗ) / (1
/// - β₁ᵗ).
pub(super) fn corrected_rate((beta_1, beta_2): (f64, f64), rate: f64, step: i64, dtype: DType) -> f64 {
    let scalar = |number| Scalar::of(number, dtype);
    let missing = |beta| scalar(beta).powf(scalar(step as f64)).complement();
    (scalar(rate) * missing(beta_2).sqrt() / missing(beta_1)).get()
}
