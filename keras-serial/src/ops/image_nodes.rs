//! Operations on images as nodes of graphs: geometric transforms, filters, similarity (`keras.ops.image`).

use super::arithmetic::{add, divide, multiply, subtract};
use super::axes::Axes;
use super::conv::{DataFormat, Padding, conv, depthwise_conv};
use super::define::{Call, call, classes};
use super::dtypes::{cast, to_float};
use super::graph::config;
use super::image_filter::gaussian_blur;
use super::image_transform::{FillMode, Projection, Sampler, Sampling, project};
use super::linalg::matmul_impl;
use super::reduce::{max_impl, mean_impl, min_impl};
use super::shape::{concat, expand_at, reshape_to, squeeze_at, transpose_to};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::kernels::dense::{self, Matrix};
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.image"
    "AffineTransform" = |c| {
        let images = c.tensor(0, "images")?;
        let transform = c.tensor(1, "transform")?;
        program::infer_or_compute(&[&images, &transform], Tensor::symbol(images.shape(), images.dtype()), || {
            let maps = cast(&transform.detached()?, DType::Float32)?.to_vec::<f32>()?;
            let maps = maps.chunks(8).map(|map| Projection::try_from(map).map_err(|_| wrong_transform(&transform)));
            mapped(c, &images, maps.collect::<Result<_>>()?, c.get("fill_mode", FillMode::Constant)?)
        })
    };
    "PerspectiveTransform" = |c| {
        let images = c.tensor(0, "images")?;
        let (start, end) = (c.tensor(1, "start_points")?, c.tensor(2, "end_points")?);
        for (points, name) in [(&start, "start_points"), (&end, "end_points")] {
            let shape = points.shape();
            if !(2..=3).contains(&points.rank()) || shape.get(-2)? != Some(4) || shape.get(-1)? != Some(2) {
                return Err(Error::new(ErrorKind::Shape, format!("Invalid {name} shape")).expected("(4,2) for a single image or (N,4,2) for a batch").received(shape.to_string()));
            }
        }
        program::infer_or_compute(&[&images, &start, &end], Tensor::symbol(images.shape(), images.dtype()), || {
            let numbers = |points: &Tensor| cast(&points.detached()?, DType::Float64)?.to_vec::<f64>();
            let (start, end) = (numbers(&start)?, numbers(&end)?);
            let maps = start.chunks(8).zip(end.chunks(8)).map(|(start, end)| homography(start, end));
            mapped(c, &images, maps.collect::<Result<_>>()?, FillMode::Constant)
        })
    };
    "GaussianBlur" = |c| {
        let (size, sigma): ([usize; 2], [f64; 2]) = (c.get("kernel_size", [3, 3])?, c.get("sigma", [1.0, 1.0])?);
        let format = format(c)?;
        each_image(&c.tensor(0, "images")?, |images| gaussian_blur(images, size, sigma, format))
    };
    "ElasticTransform" = |_| Err::<Tensor, _>(
        Error::new(ErrorKind::Unsupported, "`elastic_transform` draws random numbers, and operations have none")
            .hint("use the layer RandomElasticTransform")
    );
    "SobelEdges" = |c| sobel(&c.tensor(0, "images")?, format(c)?);
    "SSIM" = |c| similarity(c);
    "ScaleAndTranslate" = |c| scale_and_translate(c);
}

fn format(c: &Call<'_>) -> Result<DataFormat> {
    Ok(c.maybe("data_format")?.unwrap_or_default())
}

fn wrong_rank(images: &Tensor) -> Error {
    Error::new(ErrorKind::Shape, "Invalid images rank")
        .expected("rank 3 (single image) or rank 4 (batch of images)")
        .received(format!("images.shape={}", images.shape()))
}

fn wrong_transform(transform: &Tensor) -> Error {
    Error::new(ErrorKind::Shape, "Invalid transform")
        .expected("eight numbers, or rows of eight for a batch")
        .received(format!("transform.shape={}", transform.shape()))
}

/// Runs an operation on a batch; a single image becomes a batch of one.
fn each_image(images: &Tensor, run: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    match images.rank() {
        3 => squeeze_at(&run(&expand_at(images, 0)?)?, 0),
        4 => run(images),
        _ => Err(wrong_rank(images)),
    }
}

fn mapped(c: &Call<'_>, images: &Tensor, maps: Vec<Projection>, fill_mode: FillMode) -> Result<Tensor> {
    let sampler = Sampler {
        sampling: c.get("interpolation", Sampling::Bilinear)?,
        fill_mode,
        fill_value: c.get("fill_value", 0.0)?,
        data_format: format(c)?,
    };
    each_image(images, |images| {
        let count = images.shape().dim(0)?;
        let maps = match maps.as_slice() {
            [one] => vec![*one; count],
            _ if maps.len() == count => maps,
            _ => {
                return Err(Error::new(ErrorKind::Shape, "each image needs a map of positions")
                    .expected(format!("one, or {count}"))
                    .received(maps.len().to_string()));
            }
        };
        project(images, &maps, &sampler)
    })
}

/// Returns the projection that maps four end points `(x, y)` to their start points.
fn homography(start: &[f64], end: &[f64]) -> Result<Projection> {
    let mut rows = Vec::with_capacity(64);
    for (from, to) in start.chunks(2).zip(end.chunks(2)) {
        let (&[u, v], &[x, y]) = (from, to) else { continue };
        rows.extend([x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y]);
        rows.extend([0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y]);
    }
    let broken = || Error::new(ErrorKind::InvalidArgument, "the points do not span a quadrangle");
    let matrix = Matrix::from_shape_vec((8, 8), rows).map_err(|_| broken())?;
    let right = Matrix::from_shape_vec((8, 1), start.to_vec()).map_err(|_| broken())?;
    let map = dense::lu(&matrix).solve(&right).ok_or_else(broken)?;
    let map: Vec<f32> = map.iter().map(|x| *x as f32).collect();
    Projection::try_from(map.as_slice()).map_err(|_| broken())
}

/// Returns the vertical and horizontal Sobel gradients, as the last axis (`keras.ops.image.sobel_edges`).
fn sobel(images: &Tensor, format: DataFormat) -> Result<Tensor> {
    if images.rank() != 4 {
        return Err(wrong_rank(images));
    }
    let last = format == DataFormat::ChannelsLast;
    let x = if last { images.clone() } else { transpose_to(images, &[0, 2, 3, 1])? };
    let shape: Shape = images.shape().dims().iter().copied().chain([Some(2)]).collect();
    program::infer_or_compute(&[&x], Tensor::symbol(&shape, x.dtype()), || {
        let padded = super::arrange::mirror(&super::arrange::mirror(&x, 1, 1, 1, false)?, 2, 1, 1, false)?;
        let channels = x.shape().dim(3)?;
        let down = [-1.0f32, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0];
        let across = [-1.0f32, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0];
        let edges = [down, across].map(|line| {
            let weights: Vec<f32> = line.iter().flat_map(|weight| std::iter::repeat_n(*weight, channels)).collect();
            let kernel = cast(&Tensor::from_vec(weights, [3, 3, channels, 1])?, x.dtype())?;
            let edge = depthwise_conv(&padded, &kernel, &[1, 1], Padding::Valid, DataFormat::ChannelsLast, &[1, 1])?;
            expand_at(&edge, -1)
        });
        let edges = concat(&edges.into_iter().collect::<Result<Vec<_>>>()?, -1)?;
        if last { Ok(edges) } else { transpose_to(&edges, &[0, 3, 1, 2, 4]) }
    })
}

/// Returns the structural similarity (SSIM) of two images (`keras.ops.image.ssim`).
fn similarity(c: &Call<'_>) -> Result<Tensor> {
    let (a, b) = (c.tensor(0, "image1")?, c.tensor(1, "image2")?);
    let dtype = a.dtype();
    if !(3..=4).contains(&a.rank()) || a.rank() != b.rank() {
        return Err(wrong_rank(&a));
    }
    let format = format(c)?;
    let single = a.rank() == 3;
    let batch = if single { None } else { Some(a.shape().get(0)?) };
    program::infer_or_compute(&[&a, &b], Tensor::symbol(batch.into_iter().collect::<Shape>(), dtype), || {
        let (size, sigma): (usize, f64) = (c.get("filter_size", 11)?, c.get("filter_sigma", 1.5)?);
        let peak: f64 = c.get("max_val", 1.0)?;
        let (c1, c2) = ((c.get("k1", 0.01)? * peak).powi(2), (c.get("k2", 0.03)? * peak).powi(2));
        let line: Vec<f64> = (0..size).map(|i| i as f64 - (size as f64 - 1.0) / 2.0).collect();
        let line: Vec<f64> = line.into_iter().map(|x| (-x * x / (2.0 * sigma * sigma)).exp()).collect();
        let total: f64 = line.iter().sum();
        let plane: Vec<f64> = line.iter().flat_map(|y| line.iter().map(move |x| x * y / (total * total))).collect();
        let kernel = cast(&Tensor::from_vec(plane, [size, size, 1, 1])?, to_float(&a)?.dtype())?;
        // Each channel becomes an image of its own.
        let shape = |x: &Tensor| -> Result<([usize; 4], Tensor)> {
            let x = to_float(x)?;
            let x = if single { expand_at(&x, 0)? } else { x };
            let x = if format == DataFormat::ChannelsLast { transpose_to(&x, &[0, 3, 1, 2])? } else { x };
            let dims = <[usize; 4]>::try_from(x.shape().known()?).map_err(|_| wrong_rank(&x))?;
            let [batch, channels, height, width] = dims;
            Ok((dims, reshape_to(&x, &Shape::from([batch * channels, height, width, 1]))?))
        };
        let (([batch, channels, ..], a), (_, b)) = (shape(&a)?, shape(&b)?);
        let mean = |x: &Tensor| conv(x, &kernel, &[1, 1], Padding::Valid, DataFormat::ChannelsLast, &[1, 1], 1);
        let (mean_a, mean_b) = (mean(&a)?, mean(&b)?);
        let (square_a, square_b, both) =
            (multiply(&mean_a, &mean_a)?, multiply(&mean_b, &mean_b)?, multiply(&mean_a, &mean_b)?);
        let variance_a = subtract(mean(&multiply(&a, &a)?)?, &square_a)?;
        let variance_b = subtract(mean(&multiply(&b, &b)?)?, &square_b)?;
        let covariance = subtract(mean(&multiply(&a, &b)?)?, &both)?;
        let above = multiply(add(multiply(&both, 2.0)?, c1)?, add(multiply(&covariance, 2.0)?, c2)?)?;
        let below = multiply(add(add(&square_a, &square_b)?, c1)?, add(add(&variance_a, &variance_b)?, c2)?)?;
        let each = mean_impl(&divide(&above, &below)?, &Axes::from([1, 2, 3]), false)?;
        let each = mean_impl(&reshape_to(&each, &Shape::from([batch, channels]))?, &Axes::from(-1), false)?;
        cast(&if single { squeeze_at(&each, 0)? } else { each }, dtype)
    })
}

/// Scales and translates images along axes (`keras.ops.image.scale_and_translate`).
fn scale_and_translate(c: &Call<'_>) -> Result<Tensor> {
    let images = c.tensor(0, "images")?;
    let target: Vec<usize> = match c.value(1, "output_shape") {
        Some(value) => Vec::from_value(&value)?,
        None => cast(&c.tensor(1, "output_shape")?, DType::Int64)?
            .to_vec::<i64>()?
            .into_iter()
            .map(|x| x.max(0) as usize)
            .collect(),
    };
    let axes: Vec<isize> = c.required("spatial_dims")?;
    // Keras infers the whole shape from the argument.
    program::infer_or_compute(&[&images], Tensor::symbol(target.as_slice(), images.dtype()), || {
        let numbers = |position, name| cast(&c.tensor(position, name)?.detached()?, DType::Float64)?.to_vec::<f64>();
        let (scale, translation) = (numbers(2, "scale")?, numbers(3, "translation")?);
        let kernel = match c.required::<String>("method")?.as_str() {
            "linear" | "bilinear" | "trilinear" | "triangle" => triangle as fn(f64) -> f64,
            "cubic" | "bicubic" | "tricubic" => cubic,
            "lanczos3" => |x| lanczos(3.0, x),
            "lanczos5" => |x| lanczos(5.0, x),
            other => {
                return Err(Error::new(ErrorKind::InvalidArgument, "Invalid value for argument `method`")
                    .expected("linear, cubic, lanczos3 or lanczos5")
                    .received(format!("method={other:?}")));
            }
        };
        let antialias = c.get("antialias", true)?;
        let mut y = to_float(&images)?;
        for (axis, (scale, moved)) in axes.iter().zip(scale.iter().zip(&translation)) {
            let position = y.shape().axis(*axis)?;
            let from = y.shape().dim(*axis)?;
            let to = target.get(position).copied().unwrap_or(from);
            let weights = weight_matrix(from, to, *scale, *moved, kernel, antialias);
            let weights = cast(&Tensor::from_vec(weights, [from, to])?, y.dtype())?;
            let turned = super::arrange::moveaxis(&y, &[*axis], &[-1])?;
            y = super::arrange::moveaxis(&matmul_impl(&turned, &weights)?, &[-1], &[position as isize])?;
        }
        if !images.dtype().is_int() {
            return cast(&y, images.dtype());
        }
        let bound = |value: Tensor| to_float(&value);
        let (low, high) = (min_impl(&images, &Axes::all(), false)?, max_impl(&images, &Axes::all(), false)?);
        let rounded = super::minimum(super::maximum(super::round(&y)?, bound(low)?)?, bound(high)?)?;
        cast(&rounded, images.dtype())
    })
}

/// Returns the weight of each input position for each output position, `(from, to)`.
fn weight_matrix(from: usize, to: usize, scale: f64, moved: f64, kernel: fn(f64) -> f64, antialias: bool) -> Vec<f64> {
    let inverse = 1.0 / scale;
    let width = if antialias { inverse.max(1.0) } else { 1.0 };
    let columns: Vec<Vec<f64>> = (0..to)
        .map(|new| {
            let place = (new as f64 + 0.5) * inverse - moved * inverse - 0.5;
            let weights: Vec<f64> = (0..from).map(|old| kernel((place - old as f64).abs() / width)).collect();
            let total: f64 = weights.iter().sum();
            let counts = total.abs() > 1000.0 * f64::from(f32::EPSILON) && place >= -0.5 && place <= from as f64 - 0.5;
            weights.into_iter().map(|weight| if counts { weight / total } else { 0.0 }).collect()
        })
        .collect();
    (0..from).flat_map(|old| columns.iter().map(move |column| column.get(old).copied().unwrap_or(0.0))).collect()
}

fn triangle(x: f64) -> f64 {
    (1.0 - x).max(0.0)
}

fn cubic(x: f64) -> f64 {
    match x {
        x if x >= 2.0 => 0.0,
        x if x >= 1.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        x => (1.5 * x - 2.5) * x * x + 1.0,
    }
}

fn lanczos(radius: f64, x: f64) -> f64 {
    use std::f64::consts::PI;
    match x {
        x if x > radius => 0.0,
        x if x <= 1e-3 => 1.0,
        x => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x),
    }
}

/// Transforms images by an affine map of eight numbers, one for each or one for all
/// (`keras.ops.image.affine_transform`).
///
/// # Errors
/// If these are not images, or the number of maps is not that of images.
pub fn affine_transform(
    images: &Tensor,
    transform: &Tensor,
    interpolation: Sampling,
    fill_mode: FillMode,
    fill_value: f64,
) -> Result<Tensor> {
    let config = config! {
        interpolation: interpolation.to_value()?,
        fill_mode: fill_mode.to_value()?,
        fill_value: fill_value,
        data_format: crate::json::Value::Null,
    };
    call("AffineTransform", config, CallArgs::from(images).and(transform.clone()))?.into_single()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_map_to_where_they_started() {
        let start = [0.0, 0.0, 3.0, 0.0, 0.0, 3.0, 3.0, 3.0];
        let end = [1.0, 0.0, 3.0, 0.0, 0.0, 2.0, 3.0, 3.0];
        let [a0, a1, a2, b0, b1, b2, c0, c1] = homography(&start, &end).unwrap();
        for (from, to) in start.chunks(2).zip(end.chunks(2)) {
            let (x, y) = (to[0] as f32, to[1] as f32);
            let scale = c0 * x + c1 * y + 1.0;
            assert!(((a0 * x + a1 * y + a2) / scale - from[0] as f32).abs() < 1e-4);
            assert!(((b0 * x + b1 * y + b2) / scale - from[1] as f32).abs() < 1e-4);
        }
        assert!(homography(&[0.0; 8], &[0.0; 8]).is_err());
    }

    #[test]
    fn edges_are_differences() {
        let x = Tensor::from_vec((0..9).map(|i| i as f32).collect::<Vec<_>>(), [1, 3, 3, 1]).unwrap();
        let edges = sobel(&x, DataFormat::ChannelsLast).unwrap();
        assert_eq!(edges.shape().to_string(), "(1, 3, 3, 1, 2)");
        // The middle: 8 · 3 vertically, 8 · 1 horizontally.
        assert_eq!(edges.to_vec::<f32>().unwrap()[8..10], [24.0, 8.0]);
    }
}
