//! Interpolation of an array at coordinates (`keras.ops.image.map_coordinates`).

use super::arithmetic::{add, multiply, subtract};
use super::define::{Call, call, classes};
use super::dtypes::{cast, full_like, to_float};
use super::elementwise::{floor, round};
use super::graph::config;
use super::shape::{index_axis, reshape_to, where_impl};
use super::take::take_axis;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::tensor::{CallArgs, DType, Shape, Tensor};

classes! { "keras.src.ops.image"
    "MapCoordinates" = map;
}

/// How positions beyond the ends of an axis are filled.
#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    Constant,
    Nearest,
    Wrap,
    Mirror,
    Reflect,
}

impl Beyond {
    fn of(c: &Call<'_>) -> Result<Self> {
        Ok(match c.get("fill_mode", "constant".to_owned())?.as_str() {
            "constant" => Self::Constant,
            "nearest" => Self::Nearest,
            "wrap" => Self::Wrap,
            "mirror" => Self::Mirror,
            "reflect" => Self::Reflect,
            other => {
                return Err(Error::new(ErrorKind::InvalidArgument, "Invalid value for argument `fill_mode`")
                    .expected("constant, nearest, wrap, mirror or reflect")
                    .received(format!("fill_mode={other:?}")));
            }
        })
    }

    /// Maps a position to one inside of an axis of this extent, as Keras does on TensorFlow, and returns
    /// whether its value counts.
    fn place(self, index: i64, size: i64) -> (i64, bool) {
        match self {
            Self::Constant => (index.clamp(0, size - 1), (0..size).contains(&index)),
            Self::Nearest => (index.clamp(0, size - 1), true),
            Self::Wrap => (index.rem_euclid(size), true),
            Self::Mirror | Self::Reflect => {
                let at = index.abs() % (2 * size);
                let over = at >= size;
                let at = if over { 2 * size - at } else { at };
                (if over && self == Self::Reflect { at - 1 } else { at }, true)
            }
        }
    }
}

/// The positions next to a coordinate on one axis, and their weight.
struct Node {
    index: Vec<i64>,
    counts: Vec<bool>,
    weight: Tensor,
}

fn map(c: &Call<'_>) -> Result<Tensor> {
    let (x, coordinates) = (c.tensor(0, "inputs")?, c.tensor(1, "coordinates")?);
    let beyond = Beyond::of(c)?;
    if coordinates.rank() < 2 {
        return Err(Error::new(ErrorKind::Shape, "Invalid coordinates rank: expected at least rank 2")
            .received(format!("shape {}", coordinates.shape())));
    }
    if coordinates.shape().get(0)?.is_some_and(|count| count != x.rank()) {
        return Err(Error::new(
            ErrorKind::Shape,
            "First dim of `coordinates` must be the same as the rank of `inputs`",
        )
        .expected(x.rank().to_string())
        .received(format!("coordinates of shape {}, inputs of shape {}", coordinates.shape(), x.shape())));
    }
    let target: Shape = coordinates.shape().dims().iter().skip(1).copied().collect();
    program::infer_or_compute(&[&x, &coordinates], Tensor::symbol(&target, x.dtype()), || {
        let linear = match c.required::<i64>("order")? {
            0 => false,
            1 => true,
            order => {
                return Err(Error::new(ErrorKind::Unsupported, "map_coordinates currently requires order<=1")
                    .received(format!("order={order}")));
            }
        };
        let coordinates = to_float(&coordinates)?;
        let count = target.num_elements().unwrap_or_default();
        let dims = x.shape().known()?;
        let mut axes = Vec::with_capacity(dims.len());
        for (axis, size) in dims.iter().enumerate() {
            let at = reshape_to(&index_axis(&coordinates, 0, axis as isize)?, &Shape::from([count]))?;
            axes.push(nodes(&at, *size as i64, linear, beyond)?);
        }
        let dtype = coordinates.dtype();
        let flat = cast(&reshape_to(&x, &Shape::from([x.shape().num_elements()]))?, dtype)?;
        let fill = full_like(&c.get("fill_value", Value::Int(0))?, dtype)?;
        let mut sum: Option<Tensor> = None;
        for choice in 0..axes.iter().map(Vec::len).product::<usize>() {
            let mut rest = choice;
            let mut places = vec![0i64; count];
            let mut counts = vec![true; count];
            let mut weight: Option<Tensor> = None;
            for (nodes, size) in axes.iter().zip(&dims) {
                let Some(node) = nodes.get(rest % nodes.len().max(1)) else { continue };
                rest /= nodes.len().max(1);
                for ((place, keep), (index, valid)) in
                    places.iter_mut().zip(&mut counts).zip(node.index.iter().zip(&node.counts))
                {
                    if !(0..*size as i64).contains(index) {
                        return Err(Error::new(ErrorKind::InvalidArgument, "a coordinate lies outside of the array")
                            .expected(format!("a position below {size}"))
                            .received(index.to_string()));
                    }
                    *place = *place * *size as i64 + index;
                    *keep &= valid;
                }
                weight = Some(match weight {
                    Some(weight) => multiply(&weight, &node.weight)?,
                    None => node.weight.clone(),
                });
            }
            let mut picked = take_axis(&flat, &Tensor::from_vec(places, [count])?, 0)?;
            if beyond == Beyond::Constant {
                picked = where_impl(&Tensor::from_vec(counts, [count])?, &picked, &fill)?;
            }
            let part = match weight {
                Some(weight) => multiply(&picked, &weight)?,
                None => picked,
            };
            sum = Some(match sum {
                Some(sum) => add(&sum, &part)?,
                None => part,
            });
        }
        let sum = sum.ok_or_else(|| Error::new(ErrorKind::Shape, "the array has no axes"))?;
        let sum = if x.dtype().is_int() { round(&sum)? } else { sum };
        reshape_to(&cast(&sum, x.dtype())?, &target)
    })
}

fn nodes(at: &Tensor, size: i64, linear: bool, beyond: Beyond) -> Result<Vec<Node>> {
    let lower = if linear { floor(&at.detached()?)? } else { round(&at.detached()?)? };
    let index: Vec<i64> = cast(&lower, DType::Float64)?.to_vec::<f64>()?.into_iter().map(|x| x as i64).collect();
    let node = |offset: i64, weight: Tensor| {
        let (index, counts) = index.iter().map(|index| beyond.place(index + offset, size)).unzip();
        Node { index, counts, weight }
    };
    if !linear {
        return Ok(vec![node(0, super::create::ones(at.shape(), at.dtype())?)]);
    }
    let upper = subtract(at, &lower)?;
    Ok(vec![node(0, subtract(1.0, &upper)?), node(1, upper)])
}

/// Interpolates an array at coordinates (`keras.ops.image.map_coordinates`): `order` 0 takes the nearest
/// element, 1 interpolates linearly.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0], [2, 2])?;
/// let places = Tensor::from_slice(&[0.5f32, 1.0, 0.0, 0.5], [2, 2])?;
/// assert_eq!(ops::map_coordinates(&x, &places, 1, "constant", 0.0)?.to_vec::<f32>()?, [1.0, 2.5]);
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// If the number of rows of coordinates is not that of axes, or for another order.
pub fn map_coordinates(
    inputs: &Tensor,
    coordinates: &Tensor,
    order: i64,
    fill_mode: &str,
    fill_value: f64,
) -> Result<Tensor> {
    let config = config! { order: order, fill_mode: fill_mode, fill_value: fill_value };
    call("MapCoordinates", config, CallArgs::from(inputs).and(coordinates.clone()))?.into_single()
}
