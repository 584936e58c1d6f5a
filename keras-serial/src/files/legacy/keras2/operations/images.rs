//! TensorFlow functions on images: sizes, flips, pooling, convolution.

use super::emit::Emit;
use crate::error::Result;
use crate::json::Value;

pub(super) fn resize(emit: &mut Emit<'_>) -> Result<()> {
    let (size, method) = (emit.required("size")?, emit.or("method", "bilinear"));
    emit.only("preserve_aspect_ratio", &[Value::Bool(false)])?;
    let antialias = Value::Bool(emit.flag("antialias"));
    let size = emit.shape(&size)?;
    let known = ["bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"];
    if !method.as_str().is_some_and(|method| known.contains(&method)) {
        return Err(emit.refuse(&format!("with `method={}`", method.to_json())));
    }
    let x = emit.first();
    let config = [
        ("size", size),
        ("interpolation", method),
        ("antialias", antialias),
        ("crop_to_aspect_ratio", Value::Bool(false)),
        ("pad_to_aspect_ratio", Value::Bool(false)),
        ("fill_mode", Value::from("constant")),
        ("fill_value", Value::Float(0.0)),
        ("data_format", Value::from("channels_last")),
    ];
    emit.last("image.Resize", &config, vec![x])
}

fn flip(emit: &mut Emit<'_>, axis: i64) -> Result<()> {
    let x = emit.first();
    emit.last("Flip", &[("axis", Value::Int(axis))], vec![x])
}

pub(super) fn flip_left_right(emit: &mut Emit<'_>) -> Result<()> {
    flip(emit, -2)
}

pub(super) fn flip_up_down(emit: &mut Emit<'_>) -> Result<()> {
    flip(emit, -3)
}

pub(super) fn rgb_to_grayscale(emit: &mut Emit<'_>) -> Result<()> {
    let x = emit.first();
    emit.last("image.RGBToGrayscale", &[("data_format", Value::from("channels_last"))], vec![x])
}

/// Returns one number for all spatial axes, or one each: TensorFlow also accepts the batch and channels.
fn extents(emit: &Emit<'_>, value: Value, rank: usize, what: &str) -> Result<Value> {
    match value {
        Value::Null => Ok(Value::Int(1)),
        Value::Int(_) => Ok(value),
        Value::List(items) => match items.as_slice() {
            [one] => Ok(one.clone()),
            items if items.len() == rank => Ok(Value::List(items.to_vec())),
            [Value::Int(1), items @ .., Value::Int(1)] if items.len() == rank => Ok(Value::List(items.to_vec())),
            items => Err(emit.refuse(&format!("with `{what}={}`", Value::List(items.to_vec()).to_json()))),
        },
        other => Err(emit.refuse(&format!("with `{what}={}`", other.to_json()))),
    }
}

fn channels_last(emit: &mut Emit<'_>) -> Result<()> {
    emit.only("data_format", &["NHWC", "NWC", "NDHWC"].map(Value::from))
}

fn padding(emit: &mut Emit<'_>) -> Result<Value> {
    match emit.required("padding")?.as_str() {
        Some(padding @ ("VALID" | "SAME")) => Ok(Value::from(padding.to_lowercase())),
        _ => Err(emit.refuse("with paddings of its own")),
    }
}

fn pool(emit: &mut Emit<'_>, class: &str, rank: usize) -> Result<()> {
    let (size, strides) = (emit.any_of(&["ksize"]), emit.any_of(&["strides"]));
    let (size, strides) = (extents(emit, size, rank, "ksize")?, extents(emit, strides, rank, "strides")?);
    let padding = padding(emit)?;
    channels_last(emit)?;
    let config = [
        ("pool_size", size),
        ("strides", strides),
        ("padding", padding),
        ("data_format", Value::from("channels_last")),
    ];
    let x = emit.first();
    emit.last(class, &config, vec![x])
}

macro_rules! pools {
    ($($name:ident, $class:literal, $rank:literal;)*) => {$(
        pub(super) fn $name(emit: &mut Emit<'_>) -> Result<()> {
            pool(emit, $class, $rank)
        }
    )*};
}

pools! {
    max_pool1d, "nn.MaxPool", 1;
    max_pool2d, "nn.MaxPool", 2;
    max_pool3d, "nn.MaxPool", 3;
    avg_pool1d, "nn.AveragePool", 1;
    avg_pool2d, "nn.AveragePool", 2;
    avg_pool3d, "nn.AveragePool", 3;
}

fn conv(emit: &mut Emit<'_>, rank: usize) -> Result<()> {
    let kernel = emit.any_of(&["filters", "filter"]);
    let (strides, dilation) = (emit.any_of(&["strides", "stride"]), emit.any_of(&["dilations", "dilation_rate"]));
    let (strides, dilation) = (extents(emit, strides, rank, "strides")?, extents(emit, dilation, rank, "dilations")?);
    let padding = padding(emit)?;
    channels_last(emit)?;
    emit.take("use_cudnn_on_gpu");
    let config = [
        ("strides", strides),
        ("padding", padding),
        ("data_format", Value::from("channels_last")),
        ("dilation_rate", dilation),
    ];
    let x = emit.first();
    emit.last("nn.Conv", &config, vec![x, kernel])
}

pub(super) fn conv1d(emit: &mut Emit<'_>) -> Result<()> {
    conv(emit, 1)
}

pub(super) fn conv2d(emit: &mut Emit<'_>) -> Result<()> {
    conv(emit, 2)
}

fn blocks(emit: &mut Emit<'_>, class: &str) -> Result<()> {
    let size = emit.required("block_size")?;
    channels_last(emit)?;
    let x = emit.first();
    emit.last(class, &[("block_size", size), ("data_format", Value::from("channels_last"))], vec![x])
}

pub(super) fn depth_to_space(emit: &mut Emit<'_>) -> Result<()> {
    blocks(emit, "nn.DepthToSpace")
}

pub(super) fn space_to_depth(emit: &mut Emit<'_>) -> Result<()> {
    blocks(emit, "nn.SpaceToDepth")
}
