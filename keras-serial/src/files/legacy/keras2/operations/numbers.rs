//! TensorFlow functions on numbers: activations, reductions with special arguments, products.

use super::emit::Emit;
use crate::error::Result;
use crate::json::Value;

pub(super) fn bias_add(emit: &mut Emit<'_>) -> Result<()> {
    emit.only("data_format", &[Value::from("NHWC"), Value::from("NDHWC"), Value::from("NWC")])?;
    let args = vec![emit.first(), emit.required("bias")?];
    emit.last("Add", &[], args)
}

pub(super) fn cross(emit: &mut Emit<'_>) -> Result<()> {
    let args = vec![emit.first(), emit.required("b")?];
    let axes = ["axisa", "axisb", "axisc"].map(|name| (name, Value::Int(-1)));
    emit.last("Cross", &[&axes[..], &[("axis", Value::Null)]].concat(), args)
}

pub(super) fn squared_difference(emit: &mut Emit<'_>) -> Result<()> {
    let args = vec![emit.first(), emit.required("y")?];
    let difference = emit.step("difference", "Subtract", &[], args)?;
    emit.last("Square", &[], vec![difference])
}

pub(super) fn add_n(emit: &mut Emit<'_>) -> Result<()> {
    let inputs = match emit.first() {
        Value::List(inputs) => inputs,
        one => vec![one],
    };
    let mut inputs = inputs.into_iter();
    let Some(mut sum) = inputs.next() else { return Err(emit.refuse("without inputs")) };
    let mut rest = inputs.peekable();
    if rest.peek().is_none() {
        return emit.last("Copy", &[], vec![sum]);
    }
    for k in 0.. {
        let Some(next) = rest.next() else { break };
        if rest.peek().is_none() {
            return emit.last("Add", &[], vec![sum, next]);
        }
        sum = emit.step(&format!("sum_{k}"), "Add", &[], vec![sum, next])?;
    }
    Ok(())
}

fn simple(emit: &mut Emit<'_>, class: &str, config: &[(&str, Value)]) -> Result<()> {
    let x = emit.first();
    emit.last(class, config, vec![x])
}

pub(super) fn round(emit: &mut Emit<'_>) -> Result<()> {
    simple(emit, "Round", &[("decimals", Value::Int(0))])
}

pub(super) fn silu(emit: &mut Emit<'_>) -> Result<()> {
    emit.only("beta", &[Value::Float(1.0), Value::Int(1)])?;
    simple(emit, "nn.Silu", &[])
}

pub(super) fn elu(emit: &mut Emit<'_>) -> Result<()> {
    let alpha = emit.or("alpha", 1.0);
    simple(emit, "nn.Elu", &[("alpha", alpha)])
}

pub(super) fn gelu(emit: &mut Emit<'_>) -> Result<()> {
    let approximate = Value::Bool(emit.flag("approximate"));
    simple(emit, "nn.Gelu", &[("approximate", approximate)])
}

pub(super) fn leaky_relu(emit: &mut Emit<'_>) -> Result<()> {
    let slope = emit.or("alpha", 0.2);
    simple(emit, "nn.LeakyRelu", &[("negative_slope", slope)])
}

pub(super) fn softmax(emit: &mut Emit<'_>) -> Result<()> {
    let axis = emit.any_of(&["axis", "dim"]);
    simple(emit, "nn.Softmax", &[("axis", last_axis(axis))])
}

pub(super) fn log_softmax(emit: &mut Emit<'_>) -> Result<()> {
    let axis = emit.any_of(&["axis", "dim"]);
    simple(emit, "nn.LogSoftmax", &[("axis", last_axis(axis))])
}

fn last_axis(axis: Value) -> Value {
    if axis.is_null() { Value::Int(-1) } else { axis }
}

/// Normalizes by the L2 norm: x·rsqrt(max(Σx², ε)), with basic operations, since `Normalize` differs
/// near zero.
pub(super) fn l2_normalize(emit: &mut Emit<'_>) -> Result<()> {
    let axis = emit.any_of(&["axis", "dim"]);
    let epsilon = emit.or("epsilon", 1e-12);
    let x = emit.first();
    let square = emit.step("square", "Square", &[], vec![x.clone()])?;
    let sum = emit.step("sum", "Sum", &[("axis", axis), ("keepdims", Value::Bool(true))], vec![square])?;
    let bounded = emit.step("bounded", "Maximum", &[], vec![sum, epsilon])?;
    let scale = emit.step("scale", "math.Rsqrt", &[], vec![bounded])?;
    emit.last("Multiply", &[], vec![x, scale])
}

pub(super) fn clip(emit: &mut Emit<'_>) -> Result<()> {
    let (low, high) = (emit.required("clip_value_min")?, emit.required("clip_value_max")?);
    let x = emit.first();
    if low.as_f64().is_some() && high.as_f64().is_some() {
        return emit.last("Clip", &[("x_min", low), ("x_max", high)], vec![x]);
    }
    let bounded = emit.step("above", "Minimum", &[], vec![x, high])?;
    emit.last("Maximum", &[], vec![bounded, low])
}

pub(super) fn norm(emit: &mut Emit<'_>) -> Result<()> {
    let (axis, keepdims) = (emit.axis(), emit.keepdims());
    let order = match emit.take("ord") {
        Value::Str(name) if name == "euclidean" => Value::Null,
        Value::Int(2) | Value::Float(2.0) if !matches!(axis, Value::List(_)) => Value::Null,
        order => order,
    };
    simple(emit, "linalg.Norm", &[("ord", order), ("axis", axis), ("keepdims", keepdims)])
}

pub(super) fn count_nonzero(emit: &mut Emit<'_>) -> Result<()> {
    let axis = emit.axis();
    emit.only("keepdims", &[Value::Bool(false)])?;
    let dtype = emit.or("dtype", "int64");
    let x = emit.first();
    let count = emit.step("count", "CountNonzero", &[("axis", axis)], vec![x])?;
    emit.last("core.Cast", &[("dtype", dtype)], vec![count])
}

fn extreme(emit: &mut Emit<'_>, class: &str) -> Result<()> {
    let axis = emit.axis();
    let dtype = emit.or("output_type", "int64");
    let x = emit.first();
    // The default is the first axis in TensorFlow, all axes in Keras.
    let axis = if axis.is_null() { Value::Int(0) } else { axis };
    let config = [("axis", axis), ("keepdims", Value::Bool(false))];
    if dtype.as_str() == Some("int32") {
        return emit.last(class, &config, vec![x]);
    }
    let position = emit.step("position", class, &config, vec![x])?;
    emit.last("core.Cast", &[("dtype", dtype)], vec![position])
}

pub(super) fn argmax(emit: &mut Emit<'_>) -> Result<()> {
    extreme(emit, "Argmax")
}

pub(super) fn argmin(emit: &mut Emit<'_>) -> Result<()> {
    extreme(emit, "Argmin")
}

fn cumulative(emit: &mut Emit<'_>, class: &str) -> Result<()> {
    let axis = emit.or("axis", 0);
    let x = emit.first();
    let config = [("axis", axis.clone()), ("dtype", Value::Null)];
    if !emit.flag("reverse") {
        return emit.last(class, &config, vec![x]);
    }
    let backwards = emit.step("backwards", "Flip", &[("axis", axis.clone())], vec![x])?;
    let folded = emit.step("folded", class, &config, vec![backwards])?;
    emit.last("Flip", &[("axis", axis)], vec![folded])
}

pub(super) fn cumsum(emit: &mut Emit<'_>) -> Result<()> {
    cumulative(emit, "Cumsum")
}

pub(super) fn cumprod(emit: &mut Emit<'_>) -> Result<()> {
    cumulative(emit, "Cumprod")
}

pub(super) fn matmul(emit: &mut Emit<'_>) -> Result<()> {
    let swap = [("axis1", Value::Int(-1)), ("axis2", Value::Int(-2))];
    let (mut a, mut b) = (emit.first(), emit.required("b")?);
    if emit.flag("transpose_a") | emit.flag("adjoint_a") {
        a = emit.step("a", "Swapaxes", &swap, vec![a])?;
    }
    if emit.flag("transpose_b") | emit.flag("adjoint_b") {
        b = emit.step("b", "Swapaxes", &swap, vec![b])?;
    }
    emit.last("Matmul", &[], vec![a, b])
}

pub(super) fn tensordot(emit: &mut Emit<'_>) -> Result<()> {
    let (b, axes) = (emit.required("b")?, emit.required("axes")?);
    let a = emit.first();
    emit.last("Tensordot", &[("axes", axes)], vec![a, b])
}
