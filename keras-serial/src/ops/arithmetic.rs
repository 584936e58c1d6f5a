//! Element-wise operations on two tensors, with broadcasting: `keras.ops.add` and the like.

use super::dtypes::{cast, promote};
use super::graph::{OpClass, apply};
use super::operand::Operand;
use super::shape::{broadcast_to, reshape_to};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::{Binary, Bits, Compare, Logic, Not, Unary};
use crate::tensor::{CallArgs, DType, Nested, Shape, Tensor};

/// Promotes two operands to one dtype and one rank; also returns the broadcast shape.
fn prepare(x: Operand, y: Operand) -> Result<(Tensor, Tensor, Shape)> {
    let (x, y) = promote(x, y)?;
    let shape = x.shape().broadcast(y.shape())?;
    Ok((same_rank(x, shape.rank())?, same_rank(y, shape.rank())?, shape))
}

fn same_rank(x: Tensor, rank: usize) -> Result<Tensor> {
    if x.rank() == rank {
        return Ok(x);
    }
    let ones = std::iter::repeat_n(Some(1), rank.saturating_sub(x.rank()));
    reshape_to(&x, &ones.chain(x.shape().dims().iter().copied()).collect())
}

fn numbers(x: Operand, y: Operand, function: Binary) -> Result<Tensor> {
    let (mut x, mut y, _) = prepare(x, y)?;
    if x.dtype() == DType::Bool {
        (x, y) = (cast(&x, DType::Int32)?, cast(&y, DType::Int32)?);
    }
    program::apply(function, &[&x, &y])
}

fn floats(x: Operand, y: Operand, function: Binary) -> Result<Tensor> {
    let (x, y, _) = prepare(x, y)?;
    let (x, y) = (super::dtypes::to_float(&x)?, super::dtypes::to_float(&y)?);
    program::apply(function, &[&x, &y])
}

fn compare(x: Operand, y: Operand, comparison: Compare) -> Result<Tensor> {
    let (mut x, mut y, shape) = prepare(x, y)?;
    if x.dtype() == DType::Bool {
        (x, y) = (cast(&x, DType::Int32)?, cast(&y, DType::Int32)?);
    }
    // The engine's comparisons need equal shapes.
    let (x, y) = (broadcast_to(&x, &shape)?, broadcast_to(&y, &shape)?);
    program::apply(comparison, &[&x, &y])
}

fn truths(x: Operand, y: Operand, logic: Logic) -> Result<Tensor> {
    let (x, y, shape) = prepare(x, y)?;
    let truth = |x: &Tensor| broadcast_to(&cast(x, DType::Bool)?, &shape);
    program::apply(logic, &[&truth(&x)?, &truth(&y)?])
}

/// Returns the larger or smaller operand, `y` if the comparison picks it; NaN is propagated, as in
/// TensorFlow.
fn extreme(
    x: Operand,
    y: Operand,
    function: Binary,
    picks_y: fn(Operand, Operand) -> Result<Tensor>,
) -> Result<Tensor> {
    let is_number = matches!(y, Operand::Value(_));
    let (x, y) = promote(x, y)?;
    if (x.is_traced() || y.is_traced()) && x.dtype() != DType::Bool {
        return program::apply(function, &[&x, &y]);
    }
    let mut is_y = picks_y((&x).into(), (&y).into())?;
    // A number is not NaN, which saves a comparison.
    if !is_number && y.dtype().is_float() {
        is_y = logical_or(&is_y, not_equal(&y, &y)?)?;
    }
    super::shape::where_impl(&is_y, &y, &x)
}

fn log_add_exp(x: Operand, y: Operand) -> Result<Tensor> {
    let (x, y) = promote(x, y)?;
    let (x, y) = (super::dtypes::to_float(&x)?, super::dtypes::to_float(&y)?);
    let distance = super::abs(&subtract(&x, &y)?)?;
    add(maximum(&x, &y)?, super::log1p(&super::exp(&super::negative(&distance)?)?)?)
}

/// Computes a bitwise operation on integers or booleans.
fn bits(x: Operand, y: Operand, int: Bits, truth: Logic) -> Result<Tensor> {
    let (x, y, shape) = prepare(x, y)?;
    let dtype = x.dtype();
    if dtype.is_float() {
        return Err(Error::new(ErrorKind::DType, "bits of integers only")
            .expected("integer dtypes")
            .received(dtype.name()));
    }
    let (x, y) = (broadcast_to(&x, &shape)?, broadcast_to(&y, &shape)?);
    if dtype == DType::Bool { program::apply(truth, &[&x, &y]) } else { program::apply(int, &[&x, &y]) }
}

fn integers(x: Operand, y: Operand, compute: impl Fn(i64, i64) -> i64) -> Result<Tensor> {
    let (x, y, shape) = prepare(x, y)?;
    let dtype = x.dtype();
    if !dtype.is_int() {
        return Err(Error::new(ErrorKind::DType, "integers only").expected("integer dtypes").received(dtype.name()));
    }
    program::infer_or_compute(&[&x, &y], Tensor::symbol(&shape, dtype), || {
        let values = |x: &Tensor| broadcast_to(&cast(x, DType::Int64)?, &shape)?.to_vec::<i64>();
        let results = values(&x)?.into_iter().zip(values(&y)?).map(|(a, b)| compute(a, b)).collect::<Vec<_>>();
        cast(&Tensor::from_vec(results, shape)?, dtype)
    })
}

fn greatest_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a as i64
}

fn floor_div(x: Operand, y: Operand) -> Result<Tensor> {
    let (x, y) = promote(x, y)?;
    let dtype = x.dtype();
    // Computed in double precision, which is exact for the integers that models divide.
    let quotient = floats(cast(&x, DType::Float64)?.into(), cast(&y, DType::Float64)?.into(), Binary::Div)?;
    cast(&program::apply(Unary::Floor, &[&quotient])?, dtype)
}

fn nonzero_divisor(y: &Operand) -> Result<()> {
    let zero = match y {
        // Symbols and traced tensors have no values yet.
        Operand::Tensor(y) if y.dtype().is_int() => y.to_bytes().is_ok_and(|bytes| {
            bytes.data.chunks(y.dtype().size()).any(|element| element.iter().all(|byte| *byte == 0))
        }),
        _ => false,
    };
    if zero { Err(Error::new(ErrorKind::InvalidArgument, "integer division by zero")) } else { Ok(()) }
}

macro_rules! binary {
    ($($(#[$doc:meta])* $class:literal $name:ident = $compute:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// If the shapes do not broadcast, or for strings.
        pub fn $name(x: impl Into<Operand>, y: impl Into<Operand>) -> Result<Tensor> {
            static CLASS: OpClass = OpClass { module: "keras.src.ops.numpy", class_name: $class, run };
            fn run(_: &Config, args: &CallArgs) -> Result<Nested<Tensor>> {
                let [x, y] = args.positional.as_slice() else {
                    return Err(Error::new(ErrorKind::InvalidArgument, "wrong number of arguments").expected("two"));
                };
                let compute: fn(Operand, Operand) -> Result<Tensor> = $compute;
                compute(Operand::of(x)?, Operand::of(y)?).map(Nested::Leaf)
            }
            inventory::submit! { OpClass { module: "keras.src.ops.numpy", class_name: $class, run } }
            let args = CallArgs::positional(vec![x.into().into_item(), y.into().into_item()]);
            apply(&CLASS, Config::new(), args)?.into_single()
        }
    )*};
}

binary! {
    /// Adds: x + y (`keras.ops.add`).
    "Add" add = |x, y| numbers(x, y, Binary::Add);
    /// Subtracts: x - y (`keras.ops.subtract`).
    "Subtract" subtract = |x, y| numbers(x, y, Binary::Sub);
    /// Multiplies: x · y (`keras.ops.multiply`).
    "Multiply" multiply = |x, y| numbers(x, y, Binary::Mul);
    /// Divides: x / y, in floating point even for integers (`keras.ops.divide`).
    "Divide" divide = |x, y| floats(x, y, Binary::Div);
    /// Divides like Python's `/`: x / y (`keras.ops.true_divide`).
    "TrueDivide" true_divide = |x, y| floats(x, y, Binary::Div);
    /// Divides and rounds down (`keras.ops.floor_divide`).
    "FloorDivide" floor_divide = floor_div;
    /// Returns the remainder of x / y, with the sign of y (`keras.ops.mod`).
    "Mod" modulo = |x, y| {
        nonzero_divisor(&y)?;
        numbers(x, y, Binary::Rem)
    };
    /// Raises x to the power of y (`keras.ops.power`).
    "Power" power = |x, y| numbers(x, y, Binary::Pow);
    /// Returns the element-wise maximum of x and y (`keras.ops.maximum`).
    "Maximum" maximum = |x, y| extreme(x, y, Binary::Max, less);
    /// Returns the element-wise minimum of x and y (`keras.ops.minimum`).
    "Minimum" minimum = |x, y| extreme(x, y, Binary::Min, greater);
    /// Compares: x = y (`keras.ops.equal`).
    "Equal" equal = |x, y| compare(x, y, Compare::Equal);
    /// Compares: x ≠ y (`keras.ops.not_equal`).
    "NotEqual" not_equal = |x, y| compare(x, y, Compare::NotEqual);
    /// Compares: x > y (`keras.ops.greater`).
    "Greater" greater = |x, y| compare(x, y, Compare::Greater);
    /// Compares: x ≥ y (`keras.ops.greater_equal`).
    "GreaterEqual" greater_equal = |x, y| compare(x, y, Compare::GreaterEqual);
    /// Compares: x < y (`keras.ops.less`).
    "Less" less = |x, y| compare(x, y, Compare::Less);
    /// Compares: x ≤ y (`keras.ops.less_equal`).
    "LessEqual" less_equal = |x, y| compare(x, y, Compare::LessEqual);
    /// Returns the logical and of x and y (`keras.ops.logical_and`).
    "LogicalAnd" logical_and = |x, y| truths(x, y, Logic::And);
    /// Returns the logical or of x and y (`keras.ops.logical_or`).
    "LogicalOr" logical_or = |x, y| truths(x, y, Logic::Or);
    /// Returns the exclusive or of x and y (`keras.ops.logical_xor`).
    "LogicalXor" logical_xor = |x, y| truths(x, y, Logic::Xor);
    /// Returns the angle of the point (y, x) (`keras.ops.arctan2`).
    "Arctan2" arctan2 = |x, y| floats(x, y, Binary::Atan2);
    /// Returns the hypotenuse: √(x² + y²) (`keras.ops.hypot`).
    "Hypot" hypot = |x, y| {
        let (x, y) = promote(x, y)?;
        let (x, y) = (super::dtypes::to_float(&x)?, super::dtypes::to_float(&y)?);
        super::sqrt(&add(multiply(&x, &x)?, multiply(&y, &y)?)?)
    };
    /// Computes log(exp(x) + exp(y)) without overflow (`keras.ops.logaddexp`).
    "Logaddexp" logaddexp = log_add_exp;
    /// Computes log₂(2ˣ + 2ʸ) without overflow (`keras.ops.logaddexp2`).
    "Logaddexp2" logaddexp2 = |x, y| {
        let (x, y) = promote(x, y)?;
        let e = |x: &Tensor| multiply(super::dtypes::to_float(x)?, std::f64::consts::LN_2);
        multiply(log_add_exp(e(&x)?.into(), e(&y)?.into())?, std::f64::consts::LOG2_E)
    };
    /// Returns the Heaviside step function of x: 0 below 0, 1 above, y at 0 (`keras.ops.heaviside`).
    "Heaviside" heaviside = |x, y| {
        let (x, y) = promote(x, y)?;
        let (x, y) = (super::dtypes::to_float(&x)?, super::dtypes::to_float(&y)?);
        let step = cast(&greater(&x, 0)?, x.dtype())?;
        super::shape::where_impl(&equal(&x, 0)?, &y, &step)
    };
    /// Divides: x / y, and 0 where y is 0 (`keras.ops.divide_no_nan`).
    "DivideNoNan" divide_no_nan = |x, y| {
        let (x, y) = promote(x, y)?;
        let (x, y) = (super::dtypes::to_float(&x)?, super::dtypes::to_float(&y)?);
        let zero = equal(&y, 0)?;
        let number = |value: i64| super::dtypes::full_like(&value.into(), x.dtype());
        // The divisor is replaced too, because the gradient of an infinite quotient would be NaN.
        let quotient = divide(&x, super::shape::where_impl(&zero, &number(1)?, &y)?)?;
        super::shape::where_impl(&zero, &number(0)?, &quotient)
    };
    /// Returns the remainder of x / y, with the sign of x (`keras.ops.fmod`).
    "Fmod" fmod = |x, y| {
        nonzero_divisor(&y)?;
        let (x, y) = promote(x, y)?;
        let rest = numbers(super::abs(&x)?.into(), super::abs(&y)?.into(), Binary::Rem)?;
        multiply(super::sign(&x)?, &rest)
    };
    /// Returns the element-wise maximum, ignoring NaN where the other element is a number (`keras.ops.fmax`).
    "Fmax" fmax = |x, y| {
        let (x, y) = promote(x, y)?;
        let larger = maximum(&x, &y)?;
        let rest = super::shape::where_impl(&super::is_nan(&y)?, &x, &larger)?;
        super::shape::where_impl(&super::is_nan(&x)?, &y, &rest)
    };
    /// Returns the element-wise minimum, ignoring NaN where the other element is a number (`keras.ops.fmin`).
    "Fmin" fmin = |x, y| {
        let (x, y) = promote(x, y)?;
        let smaller = minimum(&x, &y)?;
        let rest = super::shape::where_impl(&super::is_nan(&y)?, &x, &smaller)?;
        super::shape::where_impl(&super::is_nan(&x)?, &y, &rest)
    };
    /// Multiplies by a power of two: x · 2ʸ (`keras.ops.ldexp`).
    "Ldexp" ldexp = |x, y| {
        let (Operand::Tensor(x), y) = (x, y) else { return Err(Error::new(ErrorKind::InvalidArgument, "a tensor is expected")) };
        let x = super::dtypes::to_float(&x)?;
        let y = match y { Operand::Tensor(y) => cast(&y, x.dtype())?, Operand::Value(value) => super::dtypes::full_like(&value, x.dtype())? };
        multiply(&x, super::exp2(&y)?)
    };
    /// Returns the bitwise and of x and y (`keras.ops.bitwise_and`).
    "BitwiseAnd" bitwise_and = |x, y| bits(x, y, Bits::And, Logic::And);
    /// Returns the bitwise or of x and y (`keras.ops.bitwise_or`).
    "BitwiseOr" bitwise_or = |x, y| bits(x, y, Bits::Or, Logic::Or);
    /// Returns the bitwise exclusive or of x and y (`keras.ops.bitwise_xor`).
    "BitwiseXor" bitwise_xor = |x, y| bits(x, y, Bits::Xor, Logic::Xor);
    /// Shifts the bits of x left by y (`keras.ops.left_shift`).
    "LeftShift" left_shift = |x, y| bits(x, y, Bits::ShiftLeft, Logic::And);
    /// Shifts the bits of x right by y (`keras.ops.right_shift`).
    "RightShift" right_shift = |x, y| bits(x, y, Bits::ShiftRight, Logic::And);
    /// Shifts the bits of x left by y (`keras.ops.bitwise_left_shift`).
    "BitwiseLeftShift" bitwise_left_shift = |x, y| bits(x, y, Bits::ShiftLeft, Logic::And);
    /// Shifts the bits of x right by y (`keras.ops.bitwise_right_shift`).
    "BitwiseRightShift" bitwise_right_shift = |x, y| bits(x, y, Bits::ShiftRight, Logic::And);
    /// Returns the greatest common divisor (`keras.ops.gcd`).
    "Gcd" gcd = |x, y| integers(x, y, greatest_divisor);
    /// Returns the least common multiple (`keras.ops.lcm`).
    "Lcm" lcm = |x, y| integers(x, y, |a, b| match greatest_divisor(a, b) {
        0 => 0,
        divisor => (a.wrapping_abs() / divisor).wrapping_mul(b.wrapping_abs()),
    });
}

/// Returns the logical not of x (`keras.ops.logical_not`).
///
/// # Errors
/// For strings.
pub fn logical_not(x: &Tensor) -> Result<Tensor> {
    static CLASS: OpClass = OpClass { module: "keras.src.ops.numpy", class_name: "LogicalNot", run };
    fn run(_: &Config, args: &CallArgs) -> Result<Nested<Tensor>> {
        let x = cast(args.tensor()?, DType::Bool)?;
        program::apply(Not, &[&x]).map(Nested::Leaf)
    }
    inventory::submit! { OpClass { module: "keras.src.ops.numpy", class_name: "LogicalNot", run } }
    apply(&CLASS, Config::new(), CallArgs::from(x))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_broadcast_and_promote() {
        let x = Tensor::from_slice(&[1i32, 2, 3], [3, 1]).unwrap();
        let y = Tensor::from_slice(&[0.5f32, 1.0], [2]).unwrap();
        let z = multiply(&x, &y).unwrap();
        assert_eq!(z.to_vec::<f32>().unwrap(), [0.5, 1.0, 1.0, 2.0, 1.5, 3.0]);
        assert_eq!(subtract(1, &x).unwrap().to_vec::<i32>().unwrap(), [0, -1, -2]);
        assert_eq!(greater(&y, 0.7).unwrap().to_vec::<bool>().unwrap(), [false, true]);
        assert_eq!(maximum(&x, 2).unwrap().to_vec::<i32>().unwrap(), [2, 2, 3]);
    }

    #[test]
    fn what_is_no_number_stays_seen() {
        let x = Tensor::from_slice(&[f32::NAN, 1.0, 3.0], [3]).unwrap();
        let y = Tensor::from_slice(&[2.0, f32::NAN, 2.0], [3]).unwrap();
        let bits =
            |x: Result<Tensor>| x.unwrap().to_vec::<f32>().unwrap().iter().map(|x| x.is_nan()).collect::<Vec<_>>();
        assert_eq!(bits(maximum(&x, &y)), [true, true, false]);
        assert_eq!(bits(minimum(&x, &y)), [true, true, false]);
        assert_eq!(bits(maximum(&x, 2)), [true, false, false]);
        assert_eq!(bits(minimum(2, &x)), [true, false, false]);
        assert_eq!(bits(super::super::clip(&x, 0.0, 1.0)), [true, false, false]);
    }
}
