//! Operators on tensors: `&x + 1.0`, `-&x`, and by name what Rust has no operator for.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Rem, Sub};

use super::operand::Operand;
use crate::error::Result;
use crate::tensor::Tensor;

/// What an operator takes: a tensor, borrowed or owned, a number, or the result of another operator.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an operand of a tensor",
    label = "expected a tensor, `&tensor`, a number, or a `Result<Tensor>`"
)]
pub trait IntoOperand {
    /// Converts to an operand.
    ///
    /// # Errors
    /// The error of an operand that failed.
    fn into_operand(self) -> Result<Operand>;
}

macro_rules! operands {
    ($($type:ty),*) => {$(
        impl IntoOperand for $type {
            fn into_operand(self) -> Result<Operand> {
                Ok(self.into())
            }
        }
    )*};
}

// One by one, so that the message above is shown for any other type.
operands!(Operand, Tensor, &Tensor, f64, f32, i32, i64, isize, usize, bool);

impl IntoOperand for Result<Tensor> {
    fn into_operand(self) -> Result<Operand> {
        self.map(Operand::Tensor)
    }
}

macro_rules! binary {
    ($($trait:ident::$method:ident = $function:path;)*) => {$(
        impl<R: IntoOperand> $trait<R> for Tensor {
            type Output = Result<Tensor>;

            fn $method(self, other: R) -> Result<Tensor> {
                $function(&self, other.into_operand()?)
            }
        }

        impl<R: IntoOperand> $trait<R> for &Tensor {
            type Output = Result<Tensor>;

            fn $method(self, other: R) -> Result<Tensor> {
                $function(self, other.into_operand()?)
            }
        }

        impl $trait<Tensor> for Result<Tensor> {
            type Output = Result<Tensor>;

            fn $method(self, other: Tensor) -> Result<Tensor> {
                $function(&self?, other)
            }
        }

        impl $trait<&Tensor> for Result<Tensor> {
            type Output = Result<Tensor>;

            fn $method(self, other: &Tensor) -> Result<Tensor> {
                $function(&self?, other)
            }
        }

        numbers_first! { $trait::$method = $function; f64, f32, i32, i64, isize, usize, bool }
    )*};
}

macro_rules! numbers_first {
    ($trait:ident::$method:ident = $function:path; $($number:ty),*) => {$(
        impl $trait<Tensor> for $number {
            type Output = Result<Tensor>;

            fn $method(self, other: Tensor) -> Result<Tensor> {
                $function(self, other)
            }
        }

        impl $trait<&Tensor> for $number {
            type Output = Result<Tensor>;

            fn $method(self, other: &Tensor) -> Result<Tensor> {
                $function(self, other)
            }
        }
    )*};
}

// The operations are those that a `KerasTensor` records for Python's operators.
binary! {
    Add::add = super::add;
    Sub::sub = super::subtract;
    Mul::mul = super::multiply;
    Div::div = super::true_divide;
    Rem::rem = super::modulo;
    BitAnd::bitand = super::logical_and;
    BitOr::bitor = super::logical_or;
    BitXor::bitxor = super::logical_xor;
}

macro_rules! unary {
    ($($trait:ident::$method:ident = $function:path;)*) => {$(
        impl $trait for Tensor {
            type Output = Result<Tensor>;

            fn $method(self) -> Result<Tensor> {
                $function(&self)
            }
        }

        impl $trait for &Tensor {
            type Output = Result<Tensor>;

            fn $method(self) -> Result<Tensor> {
                $function(self)
            }
        }
    )*};
}

unary! {
    Neg::neg = super::negative;
    Not::not = super::logical_not;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $function:path;)*) => {
        /// Comparisons, and other operators of Python, by name. They broadcast, and take numbers too.
        impl Tensor {$(
            $(#[$doc])*
            ///
            /// # Errors
            /// If the shapes do not broadcast, or for strings.
            pub fn $name(&self, other: impl IntoOperand) -> Result<Tensor> {
                $function(self, other.into_operand()?)
            }
        )*}
    };
}

methods! {
    /// Compares element by element: `==` in Python.
    ///
    /// ```
    /// use keras_serial::tensor::Tensor;
    /// let x = Tensor::from_slice(&[1, 2, 3], [3])?;
    /// assert_eq!(x.equal(2)?.to_vec::<bool>()?, [false, true, false]);
    /// assert_eq!((x.less(3)? & x.greater(1))?.to_vec::<bool>()?, [false, true, false]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    equal = super::equal;
    /// Compares element by element: `!=` in Python.
    not_equal = super::not_equal;
    /// Compares element by element: `<` in Python.
    less = super::less;
    /// Compares element by element: `<=` in Python.
    less_equal = super::less_equal;
    /// Compares element by element: `>` in Python.
    greater = super::greater;
    /// Compares element by element: `>=` in Python.
    greater_equal = super::greater_equal;
    /// Raises to a power: `**` in Python.
    power = super::power;
    /// Divides and rounds down: `//` in Python.
    floor_divide = super::floor_divide;
}

impl Tensor {
    /// Multiplies matrices: `@` in Python.
    ///
    /// # Errors
    /// If the shapes do not fit.
    pub fn matmul(&self, other: &Tensor) -> Result<Tensor> {
        super::matmul(self, other)
    }

    /// Returns true if all elements are equal within a tolerance: |self - other| ≤ `atol` + `rtol` · |other|
    /// (`numpy.allclose`, whose tolerances are 1e-5 and 1e-8 by default).
    ///
    /// ```
    /// use keras_serial::tensor::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// assert!(x.allclose((&x + 1e-6)?, 1e-5, 1e-8)?);
    /// assert!(!x.allclose(1.0, 1e-5, 1e-8)?);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the shapes do not broadcast, and for symbols and strings.
    pub fn allclose(&self, other: impl IntoOperand, rtol: f64, atol: f64) -> Result<bool> {
        let (x, y) = super::dtypes::promote(self.into(), other.into_operand()?)?;
        super::allclose(&x, &y, rtol, atol)?.item()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn x() -> Tensor {
        Tensor::from_slice(&[1.0f32, -2.0, 3.0], [3]).unwrap()
    }

    fn values(x: Result<Tensor>) -> Vec<f32> {
        x.unwrap().to_vec().unwrap()
    }

    #[test]
    fn operators_take_tensors_and_numbers_owned_and_borrowed_on_both_sides() {
        let (x, y) = (x(), Tensor::scalar(2.0f32).unwrap());
        assert_eq!(values(&x + 1.0), [2.0, -1.0, 4.0]);
        assert_eq!(values(1 - &x), [0.0, 3.0, -2.0]);
        assert_eq!(values(&x * &y), [2.0, -4.0, 6.0]);
        assert_eq!(values(x.clone() / y.clone()), [0.5, -1.0, 1.5]);
        assert_eq!(values(-&x), [-1.0, 2.0, -3.0]);
        // Python's remainder has the sign of the divisor.
        assert_eq!(values(&x % 2.5), [1.0, 0.5, 0.5]);
        assert_eq!(values(2.0f64 * x), [2.0, -4.0, 6.0]);
    }

    #[test]
    fn operators_take_results_and_pass_their_errors_on() {
        let (x, y) = (x(), Tensor::scalar(2.0f32).unwrap());
        assert_eq!(values(&x * &y + &x), [3.0, -6.0, 9.0]);
        assert_eq!(values(&x - &y * &x), [-1.0, 2.0, -3.0]);
        let narrow = Tensor::from_slice(&[1.0f32, 2.0], [2]).unwrap();
        let error = (&x + &x * &narrow).unwrap_err();
        assert!(error.to_string().contains("(3,) and (2,)"), "{error}");
    }

    #[test]
    fn symbols_record_the_operations_of_pythons_operators() {
        let x = Tensor::symbol([None, Some(2)], crate::tensor::DType::Float32);
        for (y, name) in [(&x / 2.0, "TrueDivide"), (&x % 2, "Mod"), (x.less(1.0), "Less"), (!&x, "LogicalNot")] {
            let y = y.unwrap();
            let form = y.history().unwrap().node.operation.serialize().unwrap();
            assert_eq!(form.get("class_name").and_then(|class| class.as_str()), Some(name));
        }
    }
}
