//! Element-wise functions: `keras.ops.exp` and the like.

use super::arithmetic::{
    add, divide, equal, less, logical_not, logical_or, maximum, minimum, multiply, power, subtract,
};
use super::dtypes::to_float;
use super::graph::{OpClass, apply};
use super::shape::where_impl;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{Bits, Unary};
use crate::tensor::{CallArgs, DType, Nested, Tensor};

/// Applies a function of floating-point numbers, to which integers are converted first.
fn float(x: &Tensor, function: Unary) -> Result<Tensor> {
    program::apply(function, &[&to_float(x)?])
}

/// Tests floating-point elements; the result is false for all integers.
fn test(x: &Tensor, function: Unary) -> Result<Tensor> {
    if !x.dtype().is_float() {
        let inferred = Tensor::symbol(x.shape(), DType::Bool);
        return program::infer_or_compute(&[x], inferred, || super::create::zeros(x.shape(), DType::Bool));
    }
    program::apply(function, &[x])
}

fn flip_bits(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::Bool => logical_not(x),
        dtype if dtype.is_int() => program::apply(Bits::Not, &[x]),
        dtype => Err(Error::new(ErrorKind::DType, "bits of integers only")
            .expected("an integer dtype")
            .received(dtype.name())),
    }
}

/// Computes the inverse error function by two polynomials in log(1 - x²) (M. Giles, 2010).
fn erfinv_impl(x: &Tensor) -> Result<Tensor> {
    const CENTER: [f64; 9] = [
        2.810_226_36e-8,
        3.432_739_39e-7,
        -3.523_387_7e-6,
        -4.391_506_54e-6,
        2.185_808_7e-4,
        -1.253_725_03e-3,
        -4.177_681_64e-3,
        0.246_640_727,
        1.501_409_41,
    ];
    const TAIL: [f64; 9] = [
        -2.002_142_57e-4,
        1.009_505_58e-4,
        1.349_343_22e-3,
        -3.673_428_44e-3,
        5.739_507_73e-3,
        -7.622_461_3e-3,
        9.438_870_47e-3,
        1.001_674_06,
        2.832_976_82,
    ];
    let x = to_float(x)?;
    let w = negative(&log(&multiply(subtract(1, &x)?, add(1, &x)?)?)?)?;
    let polynomial = |at: &Tensor, terms: [f64; 9]| -> Result<Tensor> {
        let start = multiply(at, 0)?;
        terms.into_iter().try_fold(start, |sum, term| add(multiply(&sum, at)?, term))
    };
    let center = less(&w, 5)?;
    let near = polynomial(&subtract(minimum(&w, 5)?, 2.5)?, CENTER)?;
    let far = polynomial(&subtract(sqrt(&maximum(&w, 5)?)?, 3)?, TAIL)?;
    multiply(where_impl(&center, &near, &far)?, &x)
}

/// Rounds to the nearest integer, halves to even (`keras.ops.round`).
///
/// # Errors
/// For strings.
pub fn round(x: &Tensor) -> Result<Tensor> {
    super::define::call("Round", super::graph::config! { decimals: 0 }, CallArgs::from(x))?.into_single()
}

super::define::classes! { "keras.src.ops.numpy"
    "Round" = |c| {
        let x = c.x()?;
        let nearest = |x: &Tensor| number(x, Unary::Round);
        match c.get("decimals", 0i32)? {
            0 => nearest(&x),
            decimals => {
                let factor = 10f64.powi(decimals);
                let y = divide(nearest(&multiply(to_float(&x)?, factor)?)?, factor)?;
                if x.dtype().is_int() { super::dtypes::cast(&y, x.dtype()) } else { Ok(y) }
            }
        }
    };
    "Angle" = |c| {
        let x = to_float(&c.x()?)?;
        multiply(super::dtypes::cast(&less(&x, 0)?, x.dtype())?, std::f64::consts::PI)
    };
    "Isreal" = |c| super::create::ones(c.x()?.shape(), DType::Bool);
}

/// Applies a function of numbers of any dtype.
fn number(x: &Tensor, function: Unary) -> Result<Tensor> {
    program::apply(function, &[x])
}

macro_rules! unary {
    ($($(#[$doc:meta])* $module:literal $class:literal $name:ident = $compute:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// For strings.
        pub fn $name(x: &Tensor) -> Result<Tensor> {
            static CLASS: OpClass = OpClass { module: $module, class_name: $class, run };
            fn run(_: &Config, args: &CallArgs) -> Result<Nested<Tensor>> {
                let compute: fn(&Tensor) -> Result<Tensor> = $compute;
                compute(args.tensor()?).map(Nested::Leaf)
            }
            inventory::submit! { OpClass { module: $module, class_name: $class, run } }
            apply(&CLASS, Config::new(), CallArgs::from(x))?.into_single()
        }
    )*};
}

unary! {
    /// Returns e to the power of each element (`keras.ops.exp`).
    "keras.src.ops.numpy" "Exp" exp = |x| float(x, Unary::Exp);
    /// Returns the natural logarithm (`keras.ops.log`).
    "keras.src.ops.numpy" "Log" log = |x| float(x, Unary::Log);
    /// Returns the natural logarithm of 1 + x (`keras.ops.log1p`).
    "keras.src.ops.numpy" "Log1p" log1p = |x| float(x, Unary::Log1p);
    /// Returns the square root (`keras.ops.sqrt`).
    "keras.src.ops.numpy" "Sqrt" sqrt = |x| float(x, Unary::Sqrt);
    /// Returns the reciprocal of the square root (`keras.ops.rsqrt`).
    "keras.src.ops.math" "Rsqrt" rsqrt = |x| float(x, Unary::Rsqrt);
    /// Returns the reciprocal: 1 / x (`keras.ops.reciprocal`).
    "keras.src.ops.numpy" "Reciprocal" reciprocal = |x| float(x, Unary::Reciprocal);
    /// Returns the square (`keras.ops.square`).
    "keras.src.ops.numpy" "Square" square = |x| number(x, Unary::Square);
    /// Returns the absolute value (`keras.ops.absolute`).
    "keras.src.ops.numpy" "Absolute" abs = |x| number(x, Unary::Abs);
    /// Returns the negative: -x (`keras.ops.negative`).
    "keras.src.ops.numpy" "Negative" negative = |x| number(x, Unary::Neg);
    /// Returns the sign: -1, 0 or 1 (`keras.ops.sign`).
    "keras.src.ops.numpy" "Sign" sign = |x| number(x, Unary::Sign);
    /// Returns the sine (`keras.ops.sin`).
    "keras.src.ops.numpy" "Sin" sin = |x| float(x, Unary::Sin);
    /// Returns the cosine (`keras.ops.cos`).
    "keras.src.ops.numpy" "Cos" cos = |x| float(x, Unary::Cos);
    /// Returns the tangent (`keras.ops.tan`).
    "keras.src.ops.numpy" "Tan" tan = |x| float(x, Unary::Tan);
    /// Returns the hyperbolic sine (`keras.ops.sinh`).
    "keras.src.ops.numpy" "Sinh" sinh = |x| float(x, Unary::Sinh);
    /// Returns the hyperbolic cosine (`keras.ops.cosh`).
    "keras.src.ops.numpy" "Cosh" cosh = |x| float(x, Unary::Cosh);
    /// Returns the hyperbolic tangent (`keras.ops.tanh`).
    "keras.src.ops.numpy" "Tanh" tanh = |x| float(x, Unary::Tanh);
    /// Returns the arc sine (`keras.ops.arcsin`).
    "keras.src.ops.numpy" "Arcsin" arcsin = |x| float(x, Unary::Asin);
    /// Returns the arc cosine (`keras.ops.arccos`).
    "keras.src.ops.numpy" "Arccos" arccos = |x| float(x, Unary::Acos);
    /// Returns the arc tangent (`keras.ops.arctan`).
    "keras.src.ops.numpy" "Arctan" arctan = |x| float(x, Unary::Atan);
    /// Returns the Gauss error function (`keras.ops.erf`).
    "keras.src.ops.math" "Erf" erf = |x| float(x, Unary::Erf);
    /// Rounds down (`keras.ops.floor`).
    "keras.src.ops.numpy" "Floor" floor = |x| float(x, Unary::Floor);
    /// Rounds up (`keras.ops.ceil`).
    "keras.src.ops.numpy" "Ceil" ceil = |x| float(x, Unary::Ceil);
    /// Returns 2 to the power of each element (`keras.ops.exp2`).
    "keras.src.ops.numpy" "Exp2" exp2 = |x| exp(&multiply(to_float(x)?, std::f64::consts::LN_2)?);
    /// Returns exp(x) - 1, precise near 0 (`keras.ops.expm1`).
    "keras.src.ops.numpy" "Expm1" expm1 = |x| {
        let x = to_float(x)?;
        let t = tanh(&multiply(minimum(maximum(&x, -1)?, 1)?, 0.5)?)?;
        let near = divide(multiply(&t, 2)?, subtract(1, &t)?)?;
        where_impl(&less(abs(&x)?, 0.5)?, &near, &subtract(exp(&x)?, 1)?)
    };
    /// Returns the logarithm to base 2 (`keras.ops.log2`).
    "keras.src.ops.numpy" "Log2" log2 = |x| multiply(log(x)?, std::f64::consts::LOG2_E);
    /// Returns the logarithm to base 10 (`keras.ops.log10`).
    "keras.src.ops.numpy" "Log10" log10 = |x| multiply(log(x)?, std::f64::consts::LOG10_E);
    /// Returns the cube root (`keras.ops.cbrt`).
    "keras.src.ops.numpy" "Cbrt" cbrt = |x| {
        let x = to_float(x)?;
        multiply(sign(&x)?, power(abs(&x)?, 1.0 / 3.0)?)
    };
    /// Returns the absolute value, in floating point even for integers (`keras.ops.fabs`).
    "keras.src.ops.numpy" "Fabs" fabs = |x| abs(&to_float(x)?);
    /// Returns the inverse hyperbolic sine (`keras.ops.arcsinh`).
    "keras.src.ops.numpy" "Arcsinh" arcsinh = |x| float(x, Unary::Asinh);
    /// Returns the inverse hyperbolic cosine (`keras.ops.arccosh`).
    "keras.src.ops.numpy" "Arccosh" arccosh = |x| float(x, Unary::Acosh);
    /// Returns the inverse hyperbolic tangent (`keras.ops.arctanh`).
    "keras.src.ops.numpy" "Arctanh" arctanh = |x| float(x, Unary::Atanh);
    /// Converts degrees to radians (`keras.ops.deg2rad`).
    "keras.src.ops.numpy" "Deg2rad" deg2rad = |x| multiply(to_float(x)?, std::f64::consts::PI / 180.0);
    /// Converts radians to degrees (`keras.ops.rad2deg`).
    "keras.src.ops.numpy" "Rad2deg" rad2deg = |x| multiply(to_float(x)?, 180.0 / std::f64::consts::PI);
    /// Returns sin(πx) / (πx), 1 at 0 (`keras.ops.sinc`).
    "keras.src.ops.numpy" "Sinc" sinc = |x| {
        let x = multiply(to_float(x)?, std::f64::consts::PI)?;
        let zero = equal(&x, 0)?;
        let one = super::dtypes::full_like(&1i64.into(), x.dtype())?;
        let divisor = where_impl(&zero, &one, &x)?;
        where_impl(&zero, &one, &divide(sin(&x)?, &divisor)?)
    };
    /// Rounds towards zero (`keras.ops.trunc`).
    "keras.src.ops.numpy" "Trunc" trunc = |x| number(x, Unary::Trunc);
    /// Returns the complementary error function: 1 - erf(x) (`keras.ops.erfc`).
    "keras.src.ops.math" "Erfc" erfc = |x| subtract(1, erf(x)?);
    /// Returns the inverse of the Gauss error function (`keras.ops.erfinv`).
    "keras.src.ops.math" "Erfinv" erfinv = erfinv_impl;
    /// Returns true where an element is NaN (`keras.ops.isnan`).
    "keras.src.ops.numpy" "Isnan" is_nan = |x| test(x, Unary::IsNan);
    /// Returns true where an element is infinite (`keras.ops.isinf`).
    "keras.src.ops.numpy" "Isinf" is_inf = |x| test(x, Unary::IsInf);
    /// Returns true where an element is a finite number (`keras.ops.isfinite`).
    "keras.src.ops.numpy" "Isfinite" is_finite = |x| logical_not(&logical_or(is_nan(x)?, is_inf(x)?)?);
    /// Returns true where an element is positive infinity (`keras.ops.isposinf`).
    "keras.src.ops.numpy" "Isposinf" is_pos_inf = |x| equal(to_float(x)?, f64::INFINITY);
    /// Returns true where an element is negative infinity (`keras.ops.isneginf`).
    "keras.src.ops.numpy" "Isneginf" is_neg_inf = |x| equal(to_float(x)?, f64::NEG_INFINITY);
    /// Returns true where the sign bit is set, including -0 (`keras.ops.signbit`).
    "keras.src.ops.numpy" "Signbit" signbit = |x| {
        if !x.dtype().is_float() {
            return less(x, 0);
        }
        less(where_impl(&equal(x, 0)?, &reciprocal(x)?, x)?, 0)
    };
    /// Returns a copy of the tensor (`keras.ops.copy`).
    "keras.src.ops.numpy" "Copy" copy = |x| Ok(x.unmasked());
    /// Returns the complex conjugate, which for real numbers is the tensor itself (`keras.ops.conjugate`).
    "keras.src.ops.numpy" "Conjugate" conjugate = |x| Ok(x.clone());
    /// Returns the real part, which for real numbers is the tensor itself (`keras.ops.real`).
    "keras.src.ops.numpy" "Real" real = |x| Ok(x.clone());
    /// Returns the imaginary part, which for real numbers is 0 (`keras.ops.imag`).
    "keras.src.ops.numpy" "Imag" imag = |x| super::create::zeros(x.shape(), x.dtype());
    /// Inverts each bit (`keras.ops.bitwise_not`).
    "keras.src.ops.numpy" "BitwiseNot" bitwise_not = flip_bits;
    /// Inverts each bit (`keras.ops.bitwise_invert`).
    "keras.src.ops.numpy" "BitwiseInvert" bitwise_invert = flip_bits;
    /// Returns the sigmoid: 1 / (1 + exp(-x)) (`keras.ops.sigmoid`).
    "keras.src.ops.nn" "Sigmoid" sigmoid = |x| float(x, Unary::Sigmoid);
    /// Computes the rectified linear unit: max(x, 0) (`keras.ops.relu`).
    "keras.src.ops.nn" "Relu" relu = |x| number(x, Unary::Relu);
    /// Returns the tensor itself, through which no gradients flow (`keras.ops.stop_gradient`).
    "keras.src.ops.core" "StopGradient" stop_gradient = Tensor::detached;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_become_floats() {
        let x = Tensor::from_slice(&[0i32, 1], [2]).unwrap();
        let y = exp(&x).unwrap().to_vec::<f32>().unwrap();
        assert!((y[0] - 1.0).abs() < 1e-6 && (y[1] - std::f32::consts::E).abs() < 1e-5);
    }
}
