//! CLAHE by operations alone, while a program is traced.

use super::clahe::{Place, VALUES, around, reflected};
use crate::error::Result;
use crate::ops;
use crate::tensor::{DType, Shape, Tensor};

/// Equalizes planes of pixel values from 0 to 255, `(images, channels, height, width)`.
///
/// # Errors
/// If an extent is not known.
pub(super) fn equalized(x: &Tensor, [down, across]: [usize; 2], clip_limit: f64) -> Result<Tensor> {
    let (height, width) = (x.shape().dim(2)?, x.shape().dim(3)?);
    let (high, wide) = (height.div_ceil(down), width.div_ceil(across));
    let (tiles, area) = (down * across, high * wide);
    let planes = x.shape().dim(0)? * x.shape().dim(1)?;
    let bytes = ops::cast_to(&ops::floor(&ops::clip(x, 0.0, 255.0)?)?, DType::Int64)?;
    let bytes = ops::reshape(&bytes, &Shape::from([planes, height, width]))?;

    // The histograms of the tiles; the image is mirrored beyond its edges.
    let mirrored = |count: usize, extent: usize| {
        Tensor::from_vec((0..count).map(|at| reflected(at, extent) as i64).collect(), [count])
    };
    let whole = ops::take(&bytes, &mirrored(down * high, height)?, 1)?;
    let whole = ops::take(&whole, &mirrored(across * wide, width)?, 2)?;
    let split = ops::reshape(&whole, &Shape::from([planes, down, high, across, wide]))?;
    let split =
        ops::reshape(&ops::transpose(&split, Some(vec![0, 1, 3, 2, 4]))?, &Shape::from([planes * tiles, area]))?;
    let first = ops::multiply(&ops::arange(planes * tiles, DType::Int64)?, VALUES as i64)?;
    let places =
        ops::reshape(&ops::add(&split, &ops::expand_dims(&first, -1)?)?, &Shape::from([planes * tiles * area]))?;
    let counts = ops::numeric::counts(&places, planes * tiles * VALUES)?;
    let mut histograms = ops::reshape(&counts, &Shape::from([planes * tiles, VALUES]))?;

    // The tables that equalize the clipped histograms.
    if clip_limit > 0.0 {
        let limit = clip_limit * area as f64 / VALUES as f64;
        let excess = ops::sum(&ops::maximum(&ops::subtract(&histograms, limit)?, 0.0)?, -1, true)?;
        histograms = ops::add(&ops::minimum(&histograms, limit)?, &ops::divide(&excess, VALUES as f64)?)?;
    }
    let sums = ops::cumsum(&histograms, -1)?;
    let lowest = ops::take(&sums, &Tensor::from_slice(&[0i64], [1])?, 1)?;
    let range = ops::subtract(area as f64, &lowest)?;
    let range = ops::where_(&ops::equal(&range, 0.0)?, &ops::add(&ops::zeros_like(&range)?, 1.0)?, &range)?;
    let tables = ops::divide(&ops::multiply(&ops::subtract(&sums, &lowest)?, 255.0)?, &range)?;
    let tables = ops::reshape(&ops::clip(&tables, 0.0, 255.0)?, &Shape::from([planes, tiles * VALUES]))?;

    // Each value by the tables of the four tiles around it, interpolated by distance.
    let bytes = ops::reshape(&bytes, &Shape::from([planes, height * width]))?;
    let positions = (0..height * width).map(|i| (around(i / width, high, down), around(i % width, wide, across)));
    let corners: Vec<_> = positions.collect();
    let count = corners.len();
    // Beyond the grid, the tiles at the edges are used.
    let inside = |i: usize, count: usize| i.saturating_sub(1).min(count.saturating_sub(1));
    let mapped = |row: fn(&Place) -> usize, column: fn(&Place) -> usize| {
        let tile = |(low, far): &_| ((inside(row(low), down) * across + inside(column(far), across)) * VALUES) as i64;
        let tile = Tensor::from_vec(corners.iter().map(tile).collect(), [1, count])?;
        ops::take_along_axis(&tables, &ops::add(&bytes, &tile)?, 1)
    };
    let weights =
        |weight: fn(&(Place, Place)) -> f32| Tensor::from_vec(corners.iter().map(weight).collect(), [1, count]);
    let (low, far) = (weights(|(low, _)| low.2)?, weights(|(_, far)| far.2)?);
    let between = |a: &Tensor, b: &Tensor, share: &Tensor| {
        ops::add(&ops::multiply(a, &ops::subtract(1.0, share)?)?, &ops::multiply(b, share)?)
    };
    let top = between(&mapped(|low| low.0, |far| far.0)?, &mapped(|low| low.0, |far| far.1)?, &far)?;
    let bottom = between(&mapped(|low| low.1, |far| far.0)?, &mapped(|low| low.1, |far| far.1)?, &far)?;
    ops::reshape(&between(&top, &bottom, &low)?, x.shape())
}
