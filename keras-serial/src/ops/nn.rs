//! Functions of neural networks with parameters: softmax, ELU and the like.

use super::arithmetic::{add, divide, greater, greater_equal, less_equal, maximum, minimum, multiply, subtract};
use super::axes::Axes;
use super::dtypes::to_float;
use super::elementwise::{abs, erf, exp, log1p, negative, relu, sigmoid, sqrt, square, tanh};
use super::graph::{OpClass, apply, config};
use super::reduce::{logsumexp_impl, softmax_impl};
use super::shape::where_impl;
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::program::primitives::{Cumulate, Gelu, Sort};
use crate::tensor::{CallArgs, Nested, Tensor};

fn where_(condition: &Tensor, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    where_impl(condition, x, y)
}

fn get<T: ConfigField>(config: &Config, name: &str, default: T) -> Result<T> {
    config.get(name).map_or(Ok(default), |value| T::from_value(value).map_err(|error| error.at(name.to_owned())))
}

/// The argument type of a function: axes in any of their forms.
macro_rules! accepted {
    (Axes) => { impl Into<Axes> };
    ($ty:ident) => { $ty };
}

macro_rules! nn {
    ($($(#[$doc:meta])* $class:literal $name:ident($x:ident $(, $param:ident: $ty:ident = $default:expr)*) $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// For strings, and if parameters do not fit the shape.
        pub fn $name($x: &Tensor $(, $param: accepted!($ty))*) -> Result<Tensor> {
            static CLASS: OpClass = OpClass { module: "keras.src.ops.nn", class_name: $class, run };
            fn run(config: &Config, args: &CallArgs) -> Result<Nested<Tensor>> {
                let _ = config;
                $(let $param: $ty = get(config, stringify!($param), $default)?;)*
                let $x = &to_float(args.tensor()?)?;
                let compute = || -> Result<Tensor> { $body };
                compute().map(Nested::Leaf)
            }
            inventory::submit! { OpClass { module: "keras.src.ops.nn", class_name: $class, run } }
            apply(&CLASS, config! { $($param: ConfigField::to_value(&Into::<$ty>::into($param))?),* }, CallArgs::from($x))?.into_single()
        }
    )*};
}

nn! {
    /// Computes softmax: exp(x) divided by its sum along axes (`keras.ops.softmax`).
    "Softmax" softmax(x, axis: Axes = Axes::from(-1)) { softmax_impl(x, &axis) }
    /// Computes the logarithm of softmax (`keras.ops.log_softmax`).
    "LogSoftmax" log_softmax(x, axis: Axes = Axes::from(-1)) { subtract(x, logsumexp_impl(x, &axis, true)?) }
    /// Computes sparsemax: the projection onto the probability simplex (`keras.ops.sparsemax`).
    "Sparsemax" sparsemax(x, axis: isize = -1) { sparsemax_impl(x, axis) }
    /// Computes the leaky ReLU: x where positive, `negative_slope` · x elsewhere (`keras.ops.leaky_relu`).
    "LeakyRelu" leaky_relu(x, negative_slope: f64 = 0.2) { where_(&greater(x, 0)?, x, &multiply(x, negative_slope)?) }
    /// Computes ReLU with a bound: min(max(x, 0), 6) (`keras.ops.relu6`).
    "Relu6" relu6(x) { minimum(relu(x)?, 6) }
    /// Computes the exponential linear unit (ELU): x where positive, α(exp(x) - 1) elsewhere
    /// (`keras.ops.elu`).
    "Elu" elu(x, alpha: f64 = 1.0) {
        let negative_part = multiply(subtract(exp(&minimum(x, 0)?)?, 1)?, alpha)?;
        where_(&greater(x, 0)?, x, &negative_part)
    }
    /// Computes the scaled ELU, which keeps mean and variance (`keras.ops.selu`).
    "Selu" selu(x) { multiply(elu(x, 1.673_263_242_354_377_2)?, 1.050_700_987_355_480_5) }
    /// Computes the continuously differentiable ELU: max(x, 0) + min(0, α(exp(x/α) - 1)) (`keras.ops.celu`).
    "Celu" celu(x, alpha: f64 = 1.0) {
        let curve = multiply(subtract(exp(&divide(minimum(x, 0)?, alpha)?)?, 1)?, alpha)?;
        add(maximum(x, 0)?, curve)
    }
    /// Computes softplus: log(1 + exp(x)) (`keras.ops.softplus`).
    "Softplus" softplus(x) { add(relu(x)?, log1p(&exp(&negative(&abs(x)?)?)?)?) }
    /// Computes softsign: x / (1 + |x|) (`keras.ops.softsign`).
    "Softsign" softsign(x) { divide(x, add(abs(x)?, 1)?) }
    /// Computes soft shrinkage: moves x towards 0 by a threshold (`keras.ops.soft_shrink`).
    "SoftShrink" soft_shrink(x, threshold: f64 = 0.5) {
        let low = minimum(add(x, threshold)?, 0)?;
        add(maximum(subtract(x, threshold)?, 0)?, low)
    }
    /// Computes hard shrinkage: x where |x| exceeds a threshold, 0 elsewhere (`keras.ops.hard_shrink`).
    "HardShrink" hard_shrink(x, threshold: f64 = 0.5) {
        where_(&greater(abs(x)?, threshold)?, x, &multiply(x, 0)?)
    }
    /// Applies a threshold: x where above a threshold, `default_value` elsewhere (`keras.ops.threshold`).
    "Threshold" threshold(x, threshold: f64 = 0.0, default_value: f64 = 0.0) {
        where_(&greater(x, threshold)?, x, &super::dtypes::full_like(&Value::Float(default_value), x.dtype())?)
    }
    /// Computes sparse plus: 0 up to -1, (x + 1)²/4 between, x from 1 on (`keras.ops.sparse_plus`).
    "SparsePlus" sparse_plus(x) {
        let curve = multiply(square(&add(x, 1)?)?, 0.25)?;
        where_(&less_equal(x, -1)?, &multiply(x, 0)?, &where_(&greater_equal(x, 1)?, x, &curve)?)
    }
    /// Computes sparse sigmoid: 0 up to -1, (x + 1)/2 between, 1 from 1 on (`keras.ops.sparse_sigmoid`).
    "SparseSigmoid" sparse_sigmoid(x) { minimum(maximum(multiply(add(x, 1)?, 0.5)?, 0)?, 1) }
    /// Computes SiLU (swish): x · sigmoid(x) (`keras.ops.silu`).
    "Silu" silu(x) { multiply(x, sigmoid(x)?) }
    /// Computes squareplus: (x + √(x² + b)) / 2 (`keras.ops.squareplus`).
    "Squareplus" squareplus(x, b: f64 = 4.0) { multiply(add(x, sqrt(&add(square(x)?, b)?)?)?, 0.5) }
    /// Computes GELU: x times the normal distribution function of x, exact or approximated by tanh
    /// (`keras.ops.gelu`).
    "Gelu" gelu(x, approximate: bool = true) {
        if Gelu::applies(x) {
            return program::apply(Gelu { approximate }, &[x]);
        }
        let inner = if approximate {
            let cube = multiply(multiply(square(x)?, x)?, 0.044715)?;
            tanh(&multiply(add(x, cube)?, (2.0 / std::f64::consts::PI).sqrt())?)?
        } else {
            erf(&multiply(x, std::f64::consts::FRAC_1_SQRT_2)?)?
        };
        multiply(multiply(x, add(inner, 1)?)?, 0.5)
    }
    /// Computes the gated linear unit (GLU): one half of x times the sigmoid of the other (`keras.ops.glu`).
    "Glu" glu(x, axis: isize = -1) {
        let extent = x.shape().dim(axis)?;
        if extent % 2 != 0 {
            return Err(Error::new(ErrorKind::Shape, "axis size must be divisible by 2").received(extent.to_string()));
        }
        let half = |start, stop| super::shape::slice_axis(x, axis, super::shape::Span::range(start, stop));
        multiply(half(0, extent / 2)?, sigmoid(&half(extent / 2, extent)?)?)
    }
    /// Computes tanh shrinkage: x - tanh(x) (`keras.ops.tanh_shrink`).
    "TanhShrink" tanh_shrink(x) { subtract(x, tanh(x)?) }
    /// Computes hard tanh: min(max(x, -1), 1) (`keras.ops.hard_tanh`).
    "HardTanh" hard_tanh(x) { minimum(maximum(x, -1)?, 1) }
    /// Computes hard sigmoid: min(max(x/6 + 1/2, 0), 1) (`keras.ops.hard_sigmoid`).
    "HardSigmoid" hard_sigmoid(x) { minimum(maximum(add(divide(x, 6.0)?, 0.5)?, 0)?, 1) }
    /// Computes the logarithm of sigmoid (`keras.ops.log_sigmoid`).
    "LogSigmoid" log_sigmoid(x) { negative(&softplus(&negative(x)?)?) }
    /// Computes hard SiLU: x · hard_sigmoid(x) (`keras.ops.hard_silu`).
    "HardSilu" hard_silu(x) { multiply(x, hard_sigmoid(x)?) }
    /// Computes Mish: x · tanh(softplus(x)) (`keras.activations.mish`).
    "Mish" mish(x) { multiply(x, tanh(&softplus(x)?)?) }
}

/// Computes ReLU with a slope below the threshold and a bound above (`keras.activations.relu`).
///
/// # Errors
/// For strings.
pub fn relu_with(x: &Tensor, negative_slope: f64, max_value: Option<f64>, threshold: f64) -> Result<Tensor> {
    let x = &to_float(x)?;
    if negative_slope != 0.0 && max_value.is_none() && threshold == 0.0 {
        return leaky_relu(x, negative_slope);
    }
    let mut y = match threshold {
        0.0 => relu(x)?,
        threshold => where_(&greater(x, threshold)?, x, &multiply(x, 0)?)?,
    };
    if let Some(max_value) = max_value {
        y = minimum(maximum(&y, 0)?, max_value)?;
    }
    if negative_slope == 0.0 {
        return Ok(y);
    }
    let below = relu(&subtract(threshold, x)?)?;
    subtract(&y, multiply(&below, negative_slope)?)
}

/// Finds the threshold, below which entries become 0, from sums of the sorted entries.
fn sparsemax_impl(x: &Tensor, axis: isize) -> Result<Tensor> {
    program::infer_or_compute(&[x], Tensor::symbol(x.shape(), x.dtype()), || {
        let position = x.shape().axis(axis)?;
        let extent = x.shape().dim(axis)?;
        let sorted = program::apply(Sort { axis: position, descending: true }, &[x])?;
        let sums = subtract(program::apply(Cumulate { axis: position, sums: true }, &[&sorted])?, 1)?;
        let along = crate::tensor::Shape::from(
            (0..x.rank()).map(|i| Some(if i == position { extent } else { 1 })).collect::<Vec<_>>(),
        );
        let rank = super::shape::reshape_to(&add(super::create::arange(extent, x.dtype())?, 1)?, &along)?;
        let support = super::dtypes::cast(&greater(&multiply(&sorted, &rank)?, &sums)?, x.dtype())?;
        let count = super::reduce::sum_impl(&support, &Axes::from(axis), true)?;
        // As in Keras, this is the sum of all supporting sums, not the last one.
        let threshold = super::reduce::sum_impl(&multiply(add(&sums, 1)?, &support)?, &Axes::from(axis), true)?;
        let threshold = subtract(threshold, 1)?;
        maximum(subtract(x, divide(threshold, &count)?)?, 0)
    })
}
