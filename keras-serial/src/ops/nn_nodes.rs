//! Computations of layers as nodes of graphs: convolution, pooling, normalization, losses, attention.

use super::arithmetic::{add, divide, less_equal, maximum, minimum, multiply, subtract};
use super::axes::Axes;
use super::conv::{self, DataFormat, Padding};
use super::create::arange;
use super::define::{Call, classes};
use super::dtypes::{cast, full_like, result_type};
use super::elementwise::{abs, exp, log, log1p, negative, relu, rsqrt, square};
use super::linalg::einsum_impl;
use super::one_hot::one_hot;
use super::pooling::{self, Pooling};
use super::reduce::{logsumexp_impl, mean_impl, softmax_impl, sum_impl, var_impl};
use super::shape::{expand_at, repeat_axis, reshape_to, squeeze_at, where_impl};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::tensor::{DType, Shape, Tensor};

/// Keras's fuzz factor against division by zero (`keras.config.epsilon`).
const EPSILON: f64 = 1e-7;

classes! { "keras.src.ops.nn"
    "Conv" = |c| {
        let (x, kernel) = (c.tensor(0, "inputs")?, c.tensor(1, "kernel")?);
        let window = Windowed::of(c, &x)?;
        let channels = x.shape().dim(window.format.channel_axis())?;
        let groups = channels / kernel.shape().dim(-2)?.max(1);
        conv::conv(&x, &kernel, &window.strides, window.padding, window.format, &window.dilation, groups)
    };
    "DepthwiseConv" = |c| {
        let (x, kernel) = (c.tensor(0, "inputs")?, c.tensor(1, "kernel")?);
        let window = Windowed::of(c, &x)?;
        conv::depthwise_conv(&x, &kernel, &window.strides, window.padding, window.format, &window.dilation)
    };
    "SeparableConv" = |c| {
        let (x, depthwise, pointwise) = (c.tensor(0, "inputs")?, c.tensor(1, "depthwise_kernel")?, c.tensor(2, "pointwise_kernel")?);
        let window = Windowed::of(c, &x)?;
        conv::separable_conv(&x, &depthwise, &pointwise, &window.strides, window.padding, window.format, &window.dilation)
    };
    "ConvTranspose" = |c| {
        let (x, kernel) = (c.tensor(0, "inputs")?, c.tensor(1, "kernel")?);
        let window = Windowed::of(c, &x)?;
        let extra = match c.config.get("output_padding") {
            None | Some(Value::Null) => None,
            _ => Some(c.each("output_padding", window.rank, 0)?),
        };
        conv::conv_transpose(&x, &kernel, &window.strides, window.padding, extra.as_deref(), window.format, &window.dilation)
    };
    "MaxPool" = |c| pool(c, Pooling::Max);
    "AveragePool" = |c| pool(c, Pooling::Average);
    "AdaptiveMaxPool" = |c| adaptive(c, Pooling::Max);
    "AdaptiveAveragePool" = |c| adaptive(c, Pooling::Average);
    "BatchNorm" = |c| {
        let (x, mean, variance) = (c.x()?, c.tensor(1, "mean")?, c.tensor(2, "variance")?);
        let axis = x.shape().axis(c.get("axis", -1)?)?;
        let spread = |v: Tensor| {
            let count = v.shape().get(0)?;
            cast(&reshape_to(&v, &(0..x.rank()).map(|i| if i == axis { count } else { Some(1) }).collect())?, x.dtype())
        };
        let mut inverse = rsqrt(&add(spread(variance)?, c.get("epsilon", 1e-3)?)?)?;
        if let Some(scale) = c.optional(4, "scale")? {
            inverse = multiply(&inverse, spread(scale)?)?;
        }
        let mut shift = negative(&multiply(spread(mean)?, &inverse)?)?;
        if let Some(offset) = c.optional(3, "offset")? {
            shift = add(&shift, spread(offset)?)?;
        }
        add(multiply(&x, &inverse)?, &shift)
    };
    "LayerNorm" = |c| {
        let input = c.x()?;
        let x = cast(&input, result_type(input.dtype(), DType::Float32))?;
        let axes = c.get("axis", Axes::from(-1))?;
        let positions = axes.positions(x.shape())?;
        let spread = |v: Tensor| {
            if v.rank() == x.rank() || positions == [x.rank() - 1] {
                return cast(&v, x.dtype());
            }
            let shape: Shape = (0..x.rank()).zip(x.shape().dims()).map(|(i, dim)| if positions.contains(&i) { *dim } else { Some(1) }).collect();
            cast(&reshape_to(&v, &shape)?, x.dtype())
        };
        let inverse = rsqrt(&add(var_impl(&x, &axes, true)?, c.maybe("epsilon")?.unwrap_or(EPSILON))?)?;
        let centered = if c.get("rms_scaling", false)? { x.clone() } else { subtract(&x, mean_impl(&x, &axes, true)?)? };
        let mut y = multiply(&centered, &inverse)?;
        if let Some(gamma) = c.optional(1, "gamma")? {
            y = multiply(&y, spread(gamma)?)?;
        }
        if let Some(beta) = c.optional(2, "beta")?.filter(|_| !c.get("rms_scaling", false).unwrap_or(false)) {
            y = add(&y, spread(beta)?)?;
        }
        cast(&y, input.dtype())
    };
    "RMSNorm" = |c| {
        let input = c.x()?;
        let x = cast(&input, result_type(input.dtype(), DType::Float32))?;
        let axes = c.get("axis", Axes::from(-1))?;
        let mean = mean_impl(&square(&x)?, &axes, true)?;
        let mut y = multiply(&x, rsqrt(&add(mean, c.maybe("epsilon")?.unwrap_or(EPSILON))?)?)?;
        if let Some(scale) = c.optional(1, "scale")? {
            y = multiply(&y, cast(&scale, x.dtype())?)?;
        }
        cast(&y, input.dtype())
    };
    "BinaryCrossentropy" = |c| {
        let (target, output) = (c.tensor(0, "target")?, c.tensor(1, "output")?);
        let target = cast(&target, output.dtype())?;
        if c.get("from_logits", false)? {
            let rest = log1p(&exp(&negative(&abs(&output)?)?)?)?;
            return add(subtract(relu(&output)?, multiply(&output, &target)?)?, &rest);
        }
        let output = clipped(&output)?;
        let loss = add(multiply(&target, log(&output)?)?, multiply(subtract(1, &target)?, log(&subtract(1, &output)?)?)?)?;
        negative(&loss)
    };
    "CategoricalCrossentropy" = |c| {
        let (target, output) = (c.tensor(0, "target")?, c.tensor(1, "output")?);
        cross_entropy(&cast(&target, output.dtype())?, &output, c.get("from_logits", false)?, c.get("axis", -1)?)
    };
    "SparseCategoricalCrossentropy" = |c| {
        let (mut target, output) = (c.tensor(0, "target")?, c.tensor(1, "output")?);
        if target.rank() == output.rank() && target.shape().get(-1)? == Some(1) {
            target = squeeze_at(&target, -1)?;
        }
        let code = one_hot(&target, output.shape().last()?, -1, output.dtype())?;
        cross_entropy(&code, &output, c.get("from_logits", false)?, -1)
    };
    "PSNR" = |c| {
        let (a, b) = (c.tensor(0, "x1")?, c.tensor(1, "x2")?);
        let error = mean_impl(&square(&subtract(&a, &b)?)?, &Axes::all(), false)?;
        let peak: f64 = c.required("max_val")?;
        subtract(20.0 * peak.log10(), multiply(super::log10(&error)?, 10.0)?)
    };
    "DotProductAttention" = attention;
}

/// The arguments that convolutions and pooling share.
struct Windowed {
    rank: usize,
    strides: Vec<usize>,
    dilation: Vec<usize>,
    padding: Padding,
    format: DataFormat,
}

impl Windowed {
    fn of(c: &Call<'_>, x: &Tensor) -> Result<Self> {
        let rank = x.rank().saturating_sub(2);
        Ok(Self {
            rank,
            strides: c.each("strides", rank, 1)?,
            dilation: c.each("dilation_rate", rank, 1)?,
            padding: c.get("padding", Padding::Valid)?,
            format: c.maybe("data_format")?.unwrap_or_default(),
        })
    }
}

fn pool(c: &Call<'_>, pooling: Pooling) -> Result<Tensor> {
    let x = c.tensor(0, "inputs")?;
    let window = Windowed::of(c, &x)?;
    let size = c.each("pool_size", window.rank, 2)?;
    let strides = match c.config.get("strides") {
        None | Some(Value::Null) => size.clone(),
        _ => window.strides,
    };
    pooling::pool(&x, pooling, &size, &strides, window.padding, window.format)
}

fn adaptive(c: &Call<'_>, pooling: Pooling) -> Result<Tensor> {
    let x = c.tensor(0, "inputs")?;
    let window = Windowed::of(c, &x)?;
    pooling::adaptive_pool(&x, pooling, &c.each("output_size", window.rank, 1)?, window.format)
}

fn clipped(x: &Tensor) -> Result<Tensor> {
    minimum(maximum(x, EPSILON)?, 1.0 - EPSILON)
}

fn cross_entropy(target: &Tensor, output: &Tensor, from_logits: bool, axis: isize) -> Result<Tensor> {
    let axes = Axes::from(axis);
    let logs = if from_logits {
        subtract(output, logsumexp_impl(output, &axes, true)?)?
    } else {
        log(&clipped(&divide(output, sum_impl(output, &axes, true)?)?)?)?
    };
    negative(&sum_impl(&multiply(target, &logs)?, &axes, false)?)
}

/// Computes attention: softmax(query · keyᵀ · scale + bias) · value, for `(batch, steps, heads, size)`.
fn attention(c: &Call<'_>) -> Result<Tensor> {
    let (query, mut key, mut value) = (c.tensor(0, "query")?, c.tensor(1, "key")?, c.tensor(2, "value")?);
    if c.get("attn_logits_soft_cap", Value::Null)?.as_f64().is_some() {
        return Err(Error::new(ErrorKind::Unsupported, "`attn_logits_soft_cap` is not supported"));
    }
    let dtype = result_type(result_type(query.dtype(), key.dtype()), value.dtype());
    let (heads, shared) = (query.shape().dim(2)?, key.shape().dim(2)?);
    if heads > shared && shared > 0 {
        key = repeat_axis(&key, heads / shared, 2)?;
        value = repeat_axis(&value, heads / shared, 2)?;
    }
    let size = key.shape().dim(-1)?;
    let scale = c.value(5, "scale").and_then(|scale| scale.as_f64()).unwrap_or(1.0 / (size as f64).sqrt());
    let logits = einsum_impl("btnh,bsnh->bnts", &[cast(&query, dtype)?, cast(&key, dtype)?])?;
    let mut logits = multiply(cast(&logits, result_type(dtype, DType::Float32))?, scale)?;
    if let Some(bias) = c.optional(3, "bias")? {
        logits = add(&logits, cast(&bias, logits.dtype())?)?;
    }
    let hidden = full_like(
        &Value::Float(if logits.dtype() == DType::Float64 { f64::MIN } else { f64::from(f32::MIN) } * 0.7),
        logits.dtype(),
    )?;
    if let Some(mask) = c.optional(4, "mask")? {
        logits = where_impl(&mask, &logits, &hidden)?;
    }
    if c.get("is_causal", false)? {
        logits = program::infer_or_compute(&[&logits], logits.clone(), || {
            let (rows, columns) = (logits.shape().dim(-2)?, logits.shape().dim(-1)?);
            let seen = less_equal(arange(columns, DType::Int64)?, expand_at(&arange(rows, DType::Int64)?, 1)?)?;
            where_impl(&seen, &logits, &hidden)
        })?;
    }
    let shares = cast(&softmax_impl(&logits, &Axes::from(-1))?, dtype)?;
    einsum_impl("bnts,bsnh->btnh", &[shares, cast(&value, dtype)?])
}
