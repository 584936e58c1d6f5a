//! Functions of each element: `keras.ops.exp` and its like.

use burn_backend::ops::{FloatTensorOps, IntTensorOps};

use super::dtypes::to_float;
use super::graph::{OpClass, apply};
use crate::config::Config;
use crate::error::Result;
use crate::tensor::engine::{Engine, Raw};
use crate::tensor::{CallArgs, Nested, Tensor};

fn float(x: &Tensor, f: impl FnOnce(Raw) -> Raw) -> Result<Tensor> {
    let x = to_float(x)?;
    if x.is_symbolic() {
        return Ok(Tensor::symbol(x.shape(), x.dtype()));
    }
    Ok(Tensor::from_raw(f(x.raw()?), x.dtype()))
}

fn number(x: &Tensor, float: impl FnOnce(Raw) -> Raw, int: impl FnOnce(Raw) -> Raw) -> Result<Tensor> {
    if x.is_symbolic() {
        return Ok(Tensor::symbol(x.shape(), x.dtype()));
    }
    let raw = x.raw()?;
    Ok(Tensor::from_raw(if x.dtype().is_float() { float(raw) } else { int(raw) }, x.dtype()))
}

macro_rules! unary {
    ($($(#[$doc:meta])* $module:literal $class:literal $name:ident = $compute:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// For text.
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
    /// e to the power of each element (`keras.ops.exp`).
    "keras.src.ops.numpy" "Exp" exp = |x| float(x, Engine::float_exp);
    /// The natural logarithm (`keras.ops.log`).
    "keras.src.ops.numpy" "Log" log = |x| float(x, Engine::float_log);
    /// The natural logarithm of 1 + x (`keras.ops.log1p`).
    "keras.src.ops.numpy" "Log1p" log1p = |x| float(x, Engine::float_log1p);
    /// The square root (`keras.ops.sqrt`).
    "keras.src.ops.numpy" "Sqrt" sqrt = |x| float(x, Engine::float_sqrt);
    /// 1 over the square root (`keras.ops.rsqrt`).
    "keras.src.ops.math" "Rsqrt" rsqrt = |x| float(x, |raw| Engine::float_recip(Engine::float_sqrt(raw)));
    /// 1 over each element (`keras.ops.reciprocal`).
    "keras.src.ops.numpy" "Reciprocal" reciprocal = |x| float(x, Engine::float_recip);
    /// The square (`keras.ops.square`).
    "keras.src.ops.numpy" "Square" square = |x| number(x, |raw| Engine::float_mul(raw.clone(), raw), |raw| Engine::int_mul(raw.clone(), raw));
    /// The absolute value (`keras.ops.absolute`).
    "keras.src.ops.numpy" "Absolute" abs = |x| number(x, Engine::float_abs, Engine::int_abs);
    /// The negative (`keras.ops.negative`).
    "keras.src.ops.numpy" "Negative" negative = |x| number(x, Engine::float_neg, Engine::int_neg);
    /// -1, 0 or 1 (`keras.ops.sign`).
    "keras.src.ops.numpy" "Sign" sign = |x| number(x, Engine::float_sign, Engine::int_sign);
    /// The sine (`keras.ops.sin`).
    "keras.src.ops.numpy" "Sin" sin = |x| float(x, Engine::float_sin);
    /// The cosine (`keras.ops.cos`).
    "keras.src.ops.numpy" "Cos" cos = |x| float(x, Engine::float_cos);
    /// The tangent (`keras.ops.tan`).
    "keras.src.ops.numpy" "Tan" tan = |x| float(x, Engine::float_tan);
    /// The hyperbolic sine (`keras.ops.sinh`).
    "keras.src.ops.numpy" "Sinh" sinh = |x| float(x, Engine::float_sinh);
    /// The hyperbolic cosine (`keras.ops.cosh`).
    "keras.src.ops.numpy" "Cosh" cosh = |x| float(x, Engine::float_cosh);
    /// The hyperbolic tangent (`keras.ops.tanh`).
    "keras.src.ops.numpy" "Tanh" tanh = |x| float(x, Engine::float_tanh);
    /// The arc sine (`keras.ops.arcsin`).
    "keras.src.ops.numpy" "Arcsin" arcsin = |x| float(x, Engine::float_asin);
    /// The arc cosine (`keras.ops.arccos`).
    "keras.src.ops.numpy" "Arccos" arccos = |x| float(x, Engine::float_acos);
    /// The arc tangent (`keras.ops.arctan`).
    "keras.src.ops.numpy" "Arctan" arctan = |x| float(x, Engine::float_atan);
    /// The Gauss error function (`keras.ops.erf`).
    "keras.src.ops.math" "Erf" erf = |x| float(x, Engine::float_erf);
    /// The nearest whole number below (`keras.ops.floor`).
    "keras.src.ops.numpy" "Floor" floor = |x| float(x, Engine::float_floor);
    /// The nearest whole number above (`keras.ops.ceil`).
    "keras.src.ops.numpy" "Ceil" ceil = |x| float(x, Engine::float_ceil);
    /// The nearest whole number, halves to even (`keras.ops.round`).
    "keras.src.ops.numpy" "Round" round = |x| number(x, Engine::float_round, |raw| raw);
    /// 1 / (1 + exp(-x)) (`keras.ops.sigmoid`).
    "keras.src.ops.nn" "Sigmoid" sigmoid = |x| float(x, <Engine as burn_backend::ops::ActivationOps<Engine>>::sigmoid);
    /// max(x, 0) (`keras.ops.relu`).
    "keras.src.ops.nn" "Relu" relu = |x| number(x, <Engine as burn_backend::ops::ActivationOps<Engine>>::relu, |raw| Engine::int_clamp_min(raw, 0.into()));
    /// The tensor itself, cut off from gradients (`keras.ops.stop_gradient`).
    "keras.src.ops.core" "StopGradient" stop_gradient = |x| if x.is_symbolic() { Ok(x.clone()) } else { x.detached() };
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
