//! Operations on images (`keras.ops.image`): resizing, cropping, padding.

use super::arithmetic::{add, divide_no_nan, equal, greater, less, maximum, minimum, multiply, subtract};
use super::conv::DataFormat;
use super::define::{Call, classes};
use super::dtypes::{cast, to_float};
use super::elementwise::{abs, round};
use super::graph::{OpClass, apply, config};
use super::pad::{full_edges, pad_with};
use super::shape::{Span, concat, expand_at, index_axis, reshape_to, slice, slice_axis, where_impl};
use super::take::take_axis;
use crate::KerasEnum;
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Nested, Tensor};

classes! { "keras.src.ops.image"
    "RGBToGrayscale" = |c| {
        let (images, axis) = colors(c)?;
        let dtype = images.dtype();
        let part = |i, weight: f64| multiply(index_axis(&to_float(&images)?, axis, i)?, weight);
        let gray = add(add(part(0, 0.2989)?, part(1, 0.5870)?)?, part(2, 0.1140)?)?;
        cast(&expand_at(&gray, axis)?, dtype)
    };
    "RGBToHSV" = |c| {
        let (images, axis) = colors(c)?;
        let [r, g, b] = channels(&to_float(&images)?, axis)?;
        let value = maximum(maximum(&r, &g)?, &b)?;
        let range = subtract(&value, minimum(minimum(&r, &g)?, &b)?)?;
        let saturation = divide_no_nan(&range, &value)?;
        let side = |a: &Tensor, b: &Tensor, offset: f64| add(divide_no_nan(subtract(a, b)?, multiply(&range, 6)?)?, offset / 360.0);
        let by_blue = side(&r, &g, 240.0)?;
        let by_green = where_impl(&equal(&g, &value)?, &side(&b, &r, 120.0)?, &by_blue)?;
        let by_red = where_impl(&equal(&r, &value)?, &side(&g, &b, 0.0)?, &by_green)?;
        let hue = multiply(by_red, cast(&greater(&range, 0)?, range.dtype())?)?;
        let hue = add(&hue, cast(&less(&hue, 0)?, hue.dtype())?)?;
        joined([hue, saturation, value], axis, images.dtype())
    };
    "HSVToRGB" = |c| {
        let (images, axis) = colors(c)?;
        let [h, s, v] = channels(&to_float(&images)?, axis)?;
        let six = multiply(&h, 6)?;
        let unit = |x: Tensor| minimum(maximum(&x, 0)?, 1);
        let red = unit(subtract(abs(&subtract(&six, 3)?)?, 1)?)?;
        let green = unit(subtract(2, abs(&subtract(&six, 2)?)?)?)?;
        let blue = unit(subtract(2, abs(&subtract(&six, 4)?)?)?)?;
        let shade = |x: Tensor| multiply(add(subtract(1, &s)?, multiply(&s, &x)?)?, &v);
        joined([shade(red)?, shade(green)?, shade(blue)?], axis, images.dtype())
    };
    "PadImages" = |c| {
        let (images, axes) = frame(c)?;
        let [top, bottom] = edges(c, &images, axes[0], ["top_padding", "bottom_padding", "target_height"], 1)?;
        let [left, right] = edges(c, &images, axes[1], ["left_padding", "right_padding", "target_width"], 1)?;
        let mut widths = vec![(0, 0); images.rank()];
        for (axis, pair) in [(axes[0], (top, bottom)), (axes[1], (left, right))] {
            if let Some(slot) = widths.get_mut(axis) {
                *slot = pair;
            }
        }
        pad_with(&images, &widths, 0.0)
    };
    "CropImages" = |c| {
        let (images, axes) = frame(c)?;
        let [top, bottom] = edges(c, &images, axes[0], ["top_cropping", "bottom_cropping", "target_height"], -1)?;
        let [left, right] = edges(c, &images, axes[1], ["left_cropping", "right_cropping", "target_width"], -1)?;
        let mut spans = vec![Span::ALL; images.rank()];
        for (axis, (before, after)) in [(axes[0], (top, bottom)), (axes[1], (left, right))] {
            if let Some(slot) = spans.get_mut(axis) {
                *slot = Span { start: Some(before as isize), stop: (after > 0).then_some(-(after as isize)), step: 1 };
            }
        }
        slice(&images, &spans)
    };
}

/// Returns images and the channel axis.
fn colors(c: &Call<'_>) -> Result<(Tensor, isize)> {
    let format: DataFormat = c.maybe("data_format")?.unwrap_or_default();
    Ok((c.tensor(0, "images")?, if format == DataFormat::ChannelsLast { -1 } else { -3 }))
}

fn channels(images: &Tensor, axis: isize) -> Result<[Tensor; 3]> {
    Ok([index_axis(images, axis, 0)?, index_axis(images, axis, 1)?, index_axis(images, axis, 2)?])
}

fn joined(parts: [Tensor; 3], axis: isize, dtype: DType) -> Result<Tensor> {
    let parts = parts.iter().map(|part| expand_at(part, axis)).collect::<Result<Vec<_>>>()?;
    cast(&concat(&parts, axis)?, dtype)
}

/// Returns images and the positions of the axes of height and width.
fn frame(c: &Call<'_>) -> Result<(Tensor, [usize; 2])> {
    let images = c.tensor(0, "images")?;
    let format: DataFormat = c.maybe("data_format")?.unwrap_or_default();
    let (height, width) = if format == DataFormat::ChannelsLast { (-3, -2) } else { (-2, -1) };
    let axes = [images.shape().axis(height)?, images.shape().axis(width)?];
    Ok((images, axes))
}

/// Returns the edges before and after; of before, after and the resulting extent two must be given.
fn edges(c: &Call<'_>, images: &Tensor, axis: usize, names: [&'static str; 3], grows: i64) -> Result<[usize; 2]> {
    let [before, after, target] = [c.maybe::<i64>(names[0])?, c.maybe::<i64>(names[1])?, c.maybe::<i64>(names[2])?];
    let change = |target: i64| Ok::<i64, Error>(grows * (target - images.shape().dim(axis as isize)? as i64));
    let (before, after) = match (before, after, target) {
        (Some(before), Some(after), _) => (before, after),
        (Some(before), None, Some(target)) => (before, change(target)? - before),
        (None, Some(after), Some(target)) => (change(target)? - after, after),
        _ => {
            return Err(Error::new(ErrorKind::InvalidArgument, "wrong arguments")
                .expected(format!("two of {}", names.join(", "))));
        }
    };
    match (usize::try_from(before), usize::try_from(after)) {
        (Ok(before), Ok(after)) => Ok([before, after]),
        _ => Err(Error::new(ErrorKind::InvalidArgument, "the image has not this size")
            .received(format!("{}={before}, {}={after}", names[0], names[1]))),
    }
}

/// The interpolation between pixels.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// The nearest pixel.
    #[default]
    Nearest,
    /// Linear, over two pixels on each axis.
    Bilinear,
    /// Cubic, over four pixels on each axis.
    Bicubic,
    /// A windowed sinc over six pixels on each axis.
    Lanczos3,
    /// A windowed sinc over ten pixels on each axis.
    Lanczos5,
}

/// The options of [`resize`], with Keras's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResizeOptions {
    /// The interpolation; `Bilinear` by default.
    pub interpolation: Interpolation,
    /// Whether high frequencies are filtered out when the image shrinks; false by default.
    pub antialias: bool,
    /// Whether the image is first cropped to the new aspect ratio; false by default.
    pub crop_to_aspect_ratio: bool,
    /// Whether the image is first padded to the new aspect ratio; false by default.
    pub pad_to_aspect_ratio: bool,
    /// The value of the padding; 0 by default.
    pub fill_value: f64,
    /// The position of the channel axis.
    pub data_format: DataFormat,
}

impl Default for ResizeOptions {
    fn default() -> Self {
        Self {
            interpolation: Interpolation::Bilinear,
            antialias: false,
            crop_to_aspect_ratio: false,
            pad_to_aspect_ratio: false,
            fill_value: 0.0,
            data_format: DataFormat::ChannelsLast,
        }
    }
}

/// Resizes images to a height and width (`keras.ops.image.resize`).
///
/// # Errors
/// If this is neither an image nor a batch of them.
pub fn resize(images: &Tensor, size: [usize; 2], options: &ResizeOptions) -> Result<Tensor> {
    let config = config! {
        size: size.to_vec(),
        interpolation: options.interpolation.to_value()?,
        antialias: options.antialias,
        crop_to_aspect_ratio: options.crop_to_aspect_ratio,
        pad_to_aspect_ratio: options.pad_to_aspect_ratio,
        fill_mode: "constant",
        fill_value: options.fill_value,
        data_format: options.data_format.to_value()?,
    };
    apply(&RESIZE, config, CallArgs::from(images))?.into_single()
}

static RESIZE: OpClass = OpClass { module: "keras.src.ops.image", class_name: "Resize", run: run_resize };
inventory::submit! { OpClass { module: "keras.src.ops.image", class_name: "Resize", run: run_resize } }

fn run_resize(config: &Config, args: &CallArgs) -> Result<Nested<Tensor>> {
    fn get<T: ConfigField>(config: &Config, name: &'static str, default: T) -> Result<T> {
        match config.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => T::from_value(value).at(name),
        }
    }
    if let Some(mode) = config.get("fill_mode").filter(|mode| mode.as_str() != Some("constant")) {
        return Err(Error::new(ErrorKind::InvalidArgument, "Invalid value for argument `fill_mode`")
            .expected("\"constant\"")
            .received(mode.short()));
    }
    let plain = ResizeOptions::default();
    let options = ResizeOptions {
        interpolation: get(config, "interpolation", plain.interpolation)?,
        antialias: get(config, "antialias", false)?,
        crop_to_aspect_ratio: get(config, "crop_to_aspect_ratio", false)?,
        pad_to_aspect_ratio: get(config, "pad_to_aspect_ratio", false)?,
        fill_value: get(config, "fill_value", 0.0)?,
        data_format: get(config, "data_format", plain.data_format)?,
    };
    let size: [usize; 2] = crate::config::field::required(config, "size", &[], ConfigField::from_value)?;
    resize_impl(args.tensor()?, size, &options).map(Nested::Leaf)
}

/// Computes [`resize`].
pub(crate) fn resize_impl(images: &Tensor, size: [usize; 2], options: &ResizeOptions) -> Result<Tensor> {
    if !(3..=4).contains(&images.rank()) {
        return Err(Error::new(ErrorKind::Shape, "Invalid images rank")
            .expected("rank 3 (single image) or rank 4 (batch of images)")
            .received(format!("images.shape={}", images.shape())));
    }
    if options.crop_to_aspect_ratio && options.pad_to_aspect_ratio {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`",
        ));
    }
    let [height_axis, width_axis] = match options.data_format {
        DataFormat::ChannelsLast => [-3, -2],
        DataFormat::ChannelsFirst => [-2, -1],
    };
    let [target_height, target_width] = size;
    let shape = images.shape().with(height_axis, Some(target_height))?.with(width_axis, Some(target_width))?;
    program::infer_or_compute(&[images], Tensor::symbol(&shape, images.dtype()), || {
        let mut x = images.clone();
        if options.crop_to_aspect_ratio || options.pad_to_aspect_ratio {
            let (height, width) = (x.shape().dim(height_axis)?, x.shape().dim(width_axis)?);
            // Keras divides in single precision.
            let fitted = |other: usize, along: usize, across: usize| ((other * along) as f32 / across as f32) as usize;
            let fit_height = fitted(width, target_height, target_width);
            let fit_width = fitted(height, target_width, target_height);
            if options.crop_to_aspect_ratio {
                for (axis, extent, fit) in [(height_axis, height, fit_height), (width_axis, width, fit_width)] {
                    let kept = fit.min(extent).max(1);
                    let start = (extent - kept) / 2;
                    x = slice_axis(&x, axis, Span::range(start, start + kept))?;
                }
            } else {
                for (axis, extent, fit) in [(height_axis, height, fit_height), (width_axis, width, fit_width)] {
                    let edge = (fit.max(extent) - extent) / 2;
                    x = full_edges(&x, axis, edge, options.fill_value)?;
                }
            }
        }
        let same = x.shape().dim(height_axis)? == target_height && x.shape().dim(width_axis)? == target_width;
        if same {
            return Ok(x);
        }
        // All interpolations but the nearest are computed in single precision.
        let nearest = options.interpolation == Interpolation::Nearest;
        let mut y = if nearest { x } else { cast(&x, DType::Float32)? };
        for (axis, target) in [(height_axis, target_height), (width_axis, target_width)] {
            let taps = taps(options.interpolation, options.antialias, y.shape().dim(axis)?, target);
            y = weigh(&y, axis, &taps)?;
        }
        let dtype = images.dtype();
        if nearest || dtype == y.dtype() {
            return Ok(y);
        }
        if dtype.is_int() {
            let (low, high) = int_range(dtype);
            y = minimum(maximum(round(&y)?, low)?, high)?;
        }
        cast(&y, dtype)
    })
}

/// Returns the smallest and the largest integer of a dtype that single precision can represent.
pub(crate) fn int_range(dtype: DType) -> (f64, f64) {
    let bits = dtype.size() as i32 * 8;
    let unsigned = matches!(dtype, DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64);
    let (low, top) = if unsigned { (0.0, bits) } else { (-(2f64.powi(bits - 1)), bits - 1) };
    let below = if top > 24 { 2f64.powi(top) - 2f64.powi(top - 24) } else { 2f64.powi(top) - 1.0 };
    (low, below)
}

/// For each output position, the input positions and their weights.
type Taps = Vec<Vec<(usize, f32)>>;

/// Computes weighted sums of input positions along an axis. All output positions have the same number of
/// taps.
fn weigh(x: &Tensor, axis: isize, taps: &Taps) -> Result<Tensor> {
    let along = |position: usize| -> Vec<Option<usize>> {
        (0..x.rank()).map(|i| Some(if i == position { taps.len() } else { 1 })).collect()
    };
    let shape = along(x.shape().axis(axis)?);
    let count = taps.first().map_or(0, Vec::len);
    let mut sum: Option<Tensor> = None;
    for k in 0..count {
        let column = || taps.iter().filter_map(|taps| taps.get(k));
        let indices: Vec<i64> = column().map(|(index, _)| *index as i64).collect();
        let picked = take_axis(x, &Tensor::from_vec(indices, [taps.len()])?, axis)?;
        if column().all(|(_, weight)| *weight == 1.0) && count == 1 {
            return Ok(picked);
        }
        let weights = Tensor::from_vec(column().map(|(_, weight)| *weight).collect::<Vec<_>>(), [taps.len()])?;
        let part = multiply(&picked, reshape_to(&weights, &shape.clone().into())?)?;
        sum = Some(match sum {
            Some(sum) => add(&sum, &part)?,
            None => part,
        });
    }
    sum.ok_or_else(|| Error::new(ErrorKind::Shape, "an image without positions can't be resized"))
}

fn taps(interpolation: Interpolation, antialias: bool, from: usize, to: usize) -> Taps {
    let scale = from as f32 / to as f32;
    let last = from.saturating_sub(1);
    match interpolation {
        Interpolation::Nearest => {
            (0..to).map(|i| vec![((((i as f32 + 0.5) * scale).floor() as usize).min(last), 1.0)]).collect()
        }
        Interpolation::Bilinear if !antialias => (0..to).map(|i| bilinear(i, scale, last)).collect(),
        Interpolation::Bicubic if !antialias => (0..to).map(|i| bicubic(i, scale, last)).collect(),
        Interpolation::Bilinear => filtered(1.0, triangle, antialias, from, to),
        Interpolation::Bicubic => filtered(2.0, keys_cubic, antialias, from, to),
        Interpolation::Lanczos3 => filtered(3.0, |x| lanczos(x, 3.0), antialias, from, to),
        Interpolation::Lanczos5 => filtered(5.0, |x| lanczos(x, 5.0), antialias, from, to),
    }
}

fn bilinear(i: usize, scale: f32, last: usize) -> Vec<(usize, f32)> {
    let place = (i as f32 + 0.5) * scale - 0.5;
    let part = place - place.floor();
    let low = place.floor().max(0.0) as usize;
    let high = place.ceil().max(0.0) as usize;
    vec![(low.min(last), 1.0 - part), (high.min(last), part)]
}

/// Returns the taps of Keys's cubic with a = -0.5 in 1024 steps, as TensorFlow tabulates it; positions
/// outside have weight 0.
fn bicubic(i: usize, scale: f32, last: usize) -> Vec<(usize, f32)> {
    const STEPS: f32 = 1024.0;
    const A: f32 = -0.5;
    let place = (i as f32 + 0.5) * scale - 0.5;
    let start = place.floor();
    let step = ((place - start) * STEPS).round_ties_even();
    let near = |step: f32| {
        let x = step / STEPS;
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    };
    let far = |step: f32| {
        let x = step / STEPS + 1.0;
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    };
    let weights = [far(step), near(step), near(STEPS - step), far(STEPS - step)];
    let taps = weights.into_iter().zip(-1i64..).map(|(weight, offset)| {
        let index = start as i64 + offset;
        let inside = index.clamp(0, last as i64);
        (inside as usize, if index == inside { weight } else { 0.0 })
    });
    normalized(taps.collect())
}

fn normalized(mut taps: Vec<(usize, f32)>) -> Vec<(usize, f32)> {
    let total: f32 = taps.iter().map(|(_, weight)| weight).sum();
    if total.abs() >= 1000.0 * f32::MIN_POSITIVE {
        taps.iter_mut().for_each(|(_, weight)| *weight /= total);
    }
    taps
}

/// Returns the taps of a kernel around each output position; `antialias` widens the kernel to the distance of
/// output positions.
fn filtered(radius: f32, kernel: impl Fn(f32) -> f32, antialias: bool, from: usize, to: usize) -> Taps {
    let scale = 1.0 / (to as f32 / from as f32);
    let width = if antialias { scale.max(1.0) } else { 1.0 };
    let rows: Taps = (0..to)
        .map(|i| {
            let place = (i as f32 + 0.5) * scale;
            if place < 0.0 || place > from as f32 {
                return Vec::new();
            }
            let start = (place - radius * width - 0.5).ceil().max(0.0) as usize;
            let end = ((place + radius * width - 0.5).floor().max(-1.0) + 1.0) as usize;
            let span = start..end.min(from);
            normalized(span.map(|index| (index, kernel((index as f32 + 0.5 - place).abs() / width))).collect())
        })
        .collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    rows.into_iter()
        .map(|mut row| {
            row.resize(count, (0, 0.0));
            row
        })
        .collect()
}

fn triangle(x: f32) -> f32 {
    (1.0 - x).max(0.0)
}

fn keys_cubic(x: f32) -> f32 {
    match x {
        x if x >= 2.0 => 0.0,
        x if x >= 1.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        x => (1.5 * x - 2.5) * x * x + 1.0,
    }
}

fn lanczos(x: f32, radius: f32) -> f32 {
    use std::f32::consts::PI;
    match x {
        x if x > radius => 0.0,
        x if x <= 1e-3 => 1.0,
        x => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(interpolation: Interpolation, width: usize) -> Vec<f32> {
        let x = Tensor::from_slice(&[0.0f32, 1.0, 4.0, 9.0], [1, 4, 1]).unwrap();
        let options = ResizeOptions { interpolation, ..Default::default() };
        resize(&x, [1, width], &options).unwrap().to_vec().unwrap()
    }

    #[test]
    fn rows_are_tensorflows() {
        // keras.ops.image.resize(np.array([0, 1, 4, 9.]).reshape(1, 4, 1), (1, w), interpolation=…)
        let close = |a: Vec<f32>, b: &[f32]| {
            assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?} {b:?}");
        };
        close(row(Interpolation::Nearest, 6), &[0.0, 1.0, 1.0, 4.0, 9.0, 9.0]);
        close(row(Interpolation::Bilinear, 8), &[0.0, 0.25, 0.75, 1.75, 3.25, 5.25, 7.75, 9.0]);
        let integers = Tensor::from_slice(&[0u8, 255], [1, 2, 1]).unwrap();
        let y = resize(&integers, [1, 4], &ResizeOptions::default()).unwrap();
        assert_eq!(y.to_vec::<u8>().unwrap(), [0, 64, 191, 255]);
    }
}
