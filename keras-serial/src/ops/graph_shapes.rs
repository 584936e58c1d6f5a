//! More operations with arguments: those that move elements.

use super::elementwise::sqrt;
use super::graph::{OpClass, apply, config};
use super::graph_ops::{FromOutputs, folded, get, one, operation, required};
use super::numeric;
use super::reduce::{self, Axes};
use super::shape::{self, Span};
use crate::config::{Config, ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::{CallArgs, Nested, Shape, Tensor};

operation! {
    /// The standard deviation over axes (`keras.ops.std`).
    "keras.src.ops.numpy" "Std" fn std(x: &Tensor, axis: Axes, keepdims: bool) -> Tensor
        = (config! { axis: axis.to_value()?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, |x, axes, keepdims| sqrt(&reduce::var_impl(x, axes, keepdims)?));
    /// Running sums along an axis (`keras.ops.cumsum`).
    "keras.src.ops.numpy" "Cumsum" fn cumulative_sum(x: &Tensor, axis: Option<isize>) -> Tensor
        = (config! { axis: axis.to_value()?, dtype: Value::Null }, x.into());
        config, args => {
            let (x, axis) = along(args.tensor()?, get(config, "axis", None)?)?;
            one(numeric::cumsum(&x, axis)?)
        };
    /// Each element so many times, along an axis or of the flat tensor (`keras.ops.repeat`).
    "keras.src.ops.numpy" "Repeat" fn repeat(x: &Tensor, repeats: usize, axis: Option<isize>) -> Tensor
        = (config! { repeats: repeats, axis: axis.to_value()? }, x.into());
        config, args => {
            let (x, axis) = along(args.tensor()?, get(config, "axis", None)?)?;
            one(shape::repeat_axis(&x, required(config, "repeats")?, axis)?)
        };
    /// The whole tensor so many times along each axis (`keras.ops.tile`).
    "keras.src.ops.numpy" "Tile" fn tile(x: &Tensor, repeats: &[usize]) -> Tensor
        = (config! { repeats: repeats.to_vec().to_value()? }, x.into());
        config, args => one(tile_impl(args.tensor()?, &whole_numbers(config, "repeats")?)?);
    /// A constant around the edges, (before, after) of each axis (`keras.ops.pad`).
    "keras.src.ops.numpy" "Pad" fn pad(x: &Tensor, pad_width: &[(usize, usize)], value: f64) -> Tensor
        = (
            config! { pad_width: pad_width.to_vec().to_value()?, mode: "constant" },
            CallArgs::from(x).with_value("constant_values", value)
        );
        config, args => {
            let mode: String = get(config, "mode", "constant".to_owned())?;
            if mode != "constant" {
                return Err(Error::new(ErrorKind::Unsupported, "only constants can be padded with").received(format!("mode={mode:?}")));
            }
            let x = args.tensor()?;
            let widths = pad_widths(config, x.rank())?;
            one(shape::pad_with(x, &widths, args.value("constant_values").and_then(Value::as_f64).unwrap_or(0.0))?)
        };
    /// Elements shifted along an axis, those at the end to the front (`keras.ops.roll`).
    "keras.src.ops.numpy" "Roll" fn roll(x: &Tensor, shift: i64, axis: Option<isize>) -> Tensor
        = (config! { shift: shift, axis: axis.to_value()? }, x.into());
        config, args => one(roll_impl(args.tensor()?, required(config, "shift")?, get(config, "axis", None)?)?);
    /// Two axes in each other's place (`keras.ops.swapaxes`).
    "keras.src.ops.numpy" "Swapaxes" fn swapaxes(x: &Tensor, axis1: isize, axis2: isize) -> Tensor
        = (config! { axis1: axis1, axis2: axis2 }, x.into());
        config, args => {
            let x = args.tensor()?;
            let (first, second) = (x.shape().axis(required(config, "axis1")?)?, x.shape().axis(required(config, "axis2")?)?);
            let mut axes: Vec<usize> = (0..x.rank()).collect();
            axes.swap(first, second);
            one(shape::transpose_to(x, &axes)?)
        };
    /// An axis in another place, the others in their order (`keras.ops.moveaxis`).
    "keras.src.ops.numpy" "Moveaxis" fn moveaxis(x: &Tensor, source: &[isize], destination: &[isize]) -> Tensor
        = (config! { source: source.to_vec().to_value()?, destination: destination.to_vec().to_value()? }, x.into());
        config, args => {
            let x = args.tensor()?;
            let axes = |name| axes_of(config, name)?.into_iter().map(|axis| x.shape().axis(axis)).collect::<Result<Vec<_>>>();
            let (source, destination) = (axes("source")?, axes("destination")?);
            let mut order: Vec<usize> = (0..x.rank()).filter(|axis| !source.contains(axis)).collect();
            let mut moves: Vec<(usize, usize)> = destination.into_iter().zip(source).collect();
            moves.sort_unstable();
            for (to, from) in moves {
                order.insert(to.min(order.len()), from);
            }
            one(shape::transpose_to(x, &order)?)
        };
    /// The elements in one row (`keras.ops.ravel`).
    "keras.src.ops.numpy" "Ravel" fn ravel(x: &Tensor) -> Tensor
        = (Config::new(), x.into());
        config, args => one(flat(args.tensor()?)?);
    /// The slices along an axis (`keras.ops.unstack`).
    "keras.src.ops.core" "Unstack" fn unstack(x: &Tensor, num: Option<usize>, axis: isize) -> Vec<Tensor>
        = (config! { num: num.to_value()?, axis: axis }, x.into());
        config, args => {
            let (x, axis) = (args.tensor()?, get(config, "axis", 0)?);
            let count = match get::<Option<usize>>(config, "num", None)? {
                Some(count) => count,
                None => x.shape().dim(axis)?,
            };
            let parts = (0..count).map(|i| shape::index_axis(x, axis, i as isize)).collect::<Result<Vec<_>>>()?;
            Ok(Nested::from(parts))
        };
}

fn flat(x: &Tensor) -> Result<Tensor> {
    shape::reshape_to(x, &Shape::from([None]))
}

/// The tensor and an axis of it; the flat one without.
fn along(x: &Tensor, axis: Option<isize>) -> Result<(Tensor, isize)> {
    match axis {
        Some(axis) => Ok((x.clone(), axis)),
        None => Ok((flat(x)?, 0)),
    }
}

/// One number, or a list of them.
fn whole_numbers(config: &Config, name: &'static str) -> Result<Vec<usize>> {
    match config.get(name) {
        Some(one @ Value::Int(_)) => Ok(vec![usize::from_value(one)?]),
        _ => required(config, name),
    }
}

fn axes_of(config: &Config, name: &'static str) -> Result<Vec<isize>> {
    match config.get(name) {
        Some(one @ Value::Int(_)) => Ok(vec![isize::from_value(one)?]),
        _ => required(config, name),
    }
}

fn tile_impl(x: &Tensor, repeats: &[usize]) -> Result<Tensor> {
    let mut x = x.clone();
    while x.rank() < repeats.len() {
        x = shape::expand_at(&x, 0)?;
    }
    let first = x.rank() - repeats.len();
    for (i, count) in repeats.iter().enumerate() {
        match count {
            0 => x = shape::slice_axis(&x, (first + i) as isize, Span::range(0, 0))?,
            1 => {}
            count => x = shape::concat(&vec![x; *count], (first + i) as isize)?,
        }
    }
    Ok(x)
}

/// Widths of each axis: a number for all, a pair for all, or pairs.
fn pad_widths(config: &Config, rank: usize) -> Result<Vec<(usize, usize)>> {
    let pair = |value: &Value| <(usize, usize)>::from_value(value);
    match config.get("pad_width") {
        Some(one @ Value::Int(_)) => Ok(vec![(usize::from_value(one)?, usize::from_value(one)?); rank]),
        Some(both @ Value::List(items)) if items.iter().all(|item| matches!(item, Value::Int(_))) => {
            Ok(vec![pair(both)?; rank])
        }
        Some(Value::List(items)) => match items.as_slice() {
            [one] => Ok(vec![pair(one)?; rank]),
            items if items.len() == rank => items.iter().map(pair).collect(),
            _ => Err(Error::new(ErrorKind::Shape, "wrong number of `pad_width`").expected(format!("{rank} pairs"))),
        },
        Some(other) => Err(wrong_type("pairs of numbers", other)),
        None => Err(crate::config::field::missing(config, "pad_width")),
    }
}

fn roll_impl(x: &Tensor, shift: i64, axis: Option<isize>) -> Result<Tensor> {
    if x.is_symbolic() {
        return Ok(Tensor::symbol(x.shape(), x.dtype()));
    }
    let (row, along_axis) = along(x, axis)?;
    let extent = row.shape().dim(along_axis)?;
    let by = shift.rem_euclid(extent.max(1) as i64) as usize;
    let part = |from, to| shape::slice_axis(&row, along_axis, Span::range(from, to));
    let rolled = shape::concat(&[part(extent - by, extent)?, part(0, extent - by)?], along_axis)?;
    if axis.is_some() { Ok(rolled) } else { shape::reshape_to(&rolled, x.shape()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(x: Result<Tensor>) -> Vec<f32> {
        x.unwrap().to_vec::<f32>().unwrap()
    }

    #[test]
    fn elements_move_as_in_keras() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]).unwrap();
        assert_eq!(values(repeat(&x, 2, Some(1))), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
        assert_eq!(values(tile(&x, &[2])), [1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]);
        assert_eq!(values(roll(&x, 1, None)), [4.0, 1.0, 2.0, 3.0]);
        assert_eq!(values(roll(&x, -1, Some(0))), [3.0, 4.0, 1.0, 2.0]);
        assert_eq!(values(swapaxes(&x, 0, -1)), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(values(pad(&x, &[(0, 0), (1, 0)], 9.0)), [9.0, 1.0, 2.0, 9.0, 3.0, 4.0]);
        assert_eq!(values(cumulative_sum(&x, None)), [1.0, 3.0, 6.0, 10.0]);
        let y = Tensor::symbol([2, 3, 4], x.dtype());
        assert_eq!(moveaxis(&y, &[0], &[-1]).unwrap().shape().to_string(), "(3, 4, 2)");
        assert_eq!(unstack(&y, None, 1).unwrap().len(), 3);
    }
}
