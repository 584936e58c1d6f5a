//! Quantiles that ignore NaN (`keras.ops.nanquantile`, `nanpercentile`, `nanmedian`).

use super::arithmetic::{add, multiply};
use super::axes::Axes;
use super::define::{Call, classes};
use super::dtypes::{cast, to_float};
use super::shape::{reshape_to, transpose_to};
use super::take::take_axis;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::program;
use crate::tensor::{DType, Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "Nanmedian" = |c| {
        if matches!(c.config.get("axis"), Some(Value::List(axes)) if axes.is_empty()) {
            return c.x();
        }
        quantiles(c, &[0.5], false, "linear")
    };
    "Nanquantile" = |c| {
        let (q, many) = numbers(&c.tensor(1, "q")?)?;
        quantiles(c, &q, many, &c.get("method", "linear".to_owned())?)
    };
    "Nanpercentile" = |c| {
        let (q, many) = numbers(&c.tensor(1, "q")?)?;
        let q: Vec<f64> = q.into_iter().map(|q| q / 100.0).collect();
        quantiles(c, &q, many, &c.get("method", "linear".to_owned())?)
    };
}

fn numbers(q: &Tensor) -> Result<(Vec<f64>, bool)> {
    // Keras uses single precision here.
    let values = program::unless_symbolic(&[q], || cast(q, DType::Float32)?.to_vec::<f32>())?;
    let values =
        values.ok_or_else(|| Error::new(ErrorKind::Unsupported, "quantiles that are computed are not supported"))?;
    Ok((values.into_iter().map(f64::from).collect(), q.rank() > 0))
}

/// Returns the two sorted positions around a quantile, and the weight of the second.
fn between(q: f64, count: usize, method: &str) -> Result<(usize, usize, f64)> {
    let place = (q * (count - 1) as f64).clamp(0.0, (count - 1) as f64);
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    Ok(match method {
        "linear" => (low, high, place - place.floor()),
        "lower" => (low, low, 0.0),
        "higher" => (high, high, 0.0),
        "nearest" => (place.round_ties_even() as usize, place.round_ties_even() as usize, 0.0),
        "midpoint" => (low, high, 0.5),
        method => {
            return Err(Error::new(ErrorKind::InvalidArgument, "unknown method")
                .expected("linear, lower, higher, midpoint or nearest")
                .received(format!("method={method:?}")));
        }
    })
}

fn quantiles(c: &Call<'_>, qs: &[f64], many: bool, method: &str) -> Result<Tensor> {
    let (x, axes): (Tensor, Axes) = (to_float(&c.x()?)?, c.axes()?);
    let keep = c.keepdims()?;
    let positions = axes.positions(x.shape())?;
    let head = many.then_some(Some(qs.len()));
    let kept = (0..x.rank()).zip(x.shape().dims()).filter(|(i, _)| keep || !positions.contains(i));
    let kept: Vec<Option<usize>> = kept.map(|(i, dim)| if positions.contains(&i) { Some(1) } else { *dim }).collect();
    let shape: Shape = head.into_iter().chain(kept).collect();
    program::infer_or_compute(&[&x], Tensor::symbol(&shape, x.dtype()), || {
        let order: Vec<usize> =
            (0..x.rank()).filter(|i| !positions.contains(i)).chain(positions.iter().copied()).collect();
        let count: usize = positions.iter().filter_map(|i| x.shape().dims().get(*i).copied().flatten()).product();
        let total = x.shape().num_elements().unwrap_or_default();
        let flat = reshape_to(&transpose_to(&x, &order)?, &Shape::from([total]))?;
        let values = cast(&flat.detached()?, DType::Float64)?.to_vec::<f64>()?;
        let rows = total / count.max(1);
        let mut lower = (Vec::new(), Vec::new());
        let mut upper = (Vec::new(), Vec::new());
        for q in qs {
            for row in 0..rows {
                let mut valid: Vec<(f64, usize)> = (row * count..(row + 1) * count)
                    .filter_map(|i| Some((*values.get(i)?, i)))
                    .filter(|(value, _)| !value.is_nan())
                    .collect();
                valid.sort_by(|a, b| a.0.total_cmp(&b.0));
                let (low, high, share) = match valid.len() {
                    0 => (0, 0, f64::NAN),
                    count => between(*q, count, method)?,
                };
                // A row of NaN only takes its first element, which is NaN.
                let place = |i: usize| valid.get(i).map_or(row * count, |(_, place)| *place) as i64;
                lower.0.push(place(low));
                lower.1.push(1.0 - share);
                upper.0.push(place(high));
                upper.1.push(share);
            }
        }
        let part = |(places, shares): (Vec<i64>, Vec<f64>)| {
            let count = places.len();
            let shares = cast(&Tensor::from_vec(shares, [count])?, x.dtype())?;
            multiply(take_axis(&flat, &Tensor::from_vec(places, [count])?, 0)?, &shares)
        };
        reshape_to(&add(part(lower)?, part(upper)?)?, &shape)
    })
}
