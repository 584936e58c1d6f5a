//! Projective transforms, and their effect on bounding boxes.

use super::boxes::columns;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::image_transform::Projection;
use crate::ops::{self, Axes};
use crate::tensor::{DType, Tensor};

/// Returns the rotation about a center `[y, x]`.
pub(super) fn rotation(degrees: f32, [y, x]: [f32; 2]) -> Projection {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos, 0.0, 0.0]
}

/// Returns the projection that maps four points `end` back to the points `start`; an error if three of them
/// are collinear.
pub(super) fn perspective(start: [[f64; 2]; 4], end: [[f64; 2]; 4]) -> Result<Projection> {
    let mut rows: Vec<[f64; 9]> = Vec::with_capacity(8);
    for ([x, y], [u, v]) in start.into_iter().zip(end) {
        rows.push([u, v, 1.0, 0.0, 0.0, 0.0, -x * u, -x * v, x]);
        rows.push([0.0, 0.0, 0.0, u, v, 1.0, -y * u, -y * v, y]);
    }
    solved(rows).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "no perspective puts the corners of the image there")
            .received(format!("{end:?}"))
    })
}

/// Solves eight equations by Gaussian elimination; `None` if there is no unique solution.
fn solved(mut rows: Vec<[f64; 9]>) -> Option<Projection> {
    for column in 0..8 {
        let size = |row: &[f64; 9]| row.get(column).map_or(0.0, |number| number.abs());
        let pivot = (column..rows.len()).max_by(|a, b| {
            let size = |i: &usize| rows.get(*i).map_or(0.0, size);
            size(a).total_cmp(&size(b))
        })?;
        rows.swap(column, pivot);
        let row = *rows.get(column)?;
        let scale = *row.get(column)?;
        if scale == 0.0 {
            return None;
        }
        let row = row.map(|number| number / scale);
        for (i, other) in rows.iter_mut().enumerate() {
            let factor = *other.get(column)?;
            if i == column {
                *other = row;
            } else {
                other.iter_mut().zip(row).for_each(|(number, own)| *number -= factor * own);
            }
        }
    }
    let solution: Vec<f32> = rows.iter().map(|[.., last]| *last as f32).collect();
    solution.try_into().ok()
}

/// Returns the boxes around the transformed corners of boxes. A projection maps output positions to input
/// positions, so corners are mapped by its inverse.
pub(super) fn projected_boxes(boxes: &Tensor, maps: &[Projection]) -> Result<Tensor> {
    let inverse: Vec<f32> = maps.iter().flat_map(inverted).collect();
    let maps = ops::cast_to(&Tensor::from_vec(inverse, [maps.len(), 1, 9])?, DType::Float32)?;
    let numbers = ops::split(&maps, 9, -1)?;
    let [left, top, right, bottom] = columns(&ops::cast_to(boxes, DType::Float32)?)?;
    let combine = |row: usize, x: &Tensor, y: &Tensor| -> Result<Tensor> {
        let part = |i: usize| numbers.get(row * 3 + i).cloned().map_or_else(|| ops::zeros_like(x), Ok);
        ops::add(ops::add(ops::multiply(&part(0)?, x)?, ops::multiply(&part(1)?, y)?)?, &part(2)?)
    };
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for (x, y) in [(&left, &top), (&right, &top), (&left, &bottom), (&right, &bottom)] {
        let scale = combine(2, x, y)?;
        xs.push(ops::divide(&combine(0, x, y)?, &scale)?);
        ys.push(ops::divide(&combine(1, x, y)?, &scale)?);
    }
    let (xs, ys) = (ops::concatenate(&xs, -1)?, ops::concatenate(&ys, -1)?);
    let low = |x: &Tensor| ops::min(x, Axes::from(-1), true);
    let high = |x: &Tensor| ops::max(x, Axes::from(-1), true);
    let around = ops::concatenate(&[low(&xs)?, low(&ys)?, high(&xs)?, high(&ys)?], -1)?;
    ops::cast_to(&around, boxes.dtype())
}

/// Returns the inverse of a projection as a 3 × 3 matrix, up to a factor.
fn inverted(map: &Projection) -> [f32; 9] {
    let [a, b, c, d, e, f, g, h] = map.map(f64::from);
    let rows = [
        [e - f * h, c * h - b, b * f - c * e],
        [f * g - d, a - c * g, c * d - a * f],
        [d * h - e * g, b * g - a * h, a * e - b * d],
    ];
    let [[r0, r1, r2], [r3, r4, r5], [r6, r7, r8]] = rows;
    [r0, r1, r2, r3, r4, r5, r6, r7, r8].map(|number| number as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_go_where_they_are_put() {
        let start = [[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [3.0, 1.0]];
        let end = [[0.5, 0.0], [3.0, 0.5], [0.0, 2.0], [2.0, 1.5]];
        let [a0, a1, a2, b0, b1, b2, c0, c1] = perspective(start, end).unwrap().map(f64::from);
        for ([x, y], [u, v]) in start.into_iter().zip(end) {
            let scale = c0 * u + c1 * v + 1.0;
            assert!(((a0 * u + a1 * v + a2) / scale - x).abs() < 1e-4);
            assert!(((b0 * u + b1 * v + b2) / scale - y).abs() < 1e-4);
        }
        assert!(perspective(start, [[0.0, 0.0]; 4]).is_err());
    }

    #[test]
    fn boxes_follow_the_image() {
        let boxes = Tensor::from_slice(&[0.0f32, 0.0, 2.0, 1.0], [1, 1, 4]).unwrap();
        let moved = projected_boxes(&boxes, &[[1.0, 0.0, -3.0, 0.0, 1.0, 1.0, 0.0, 0.0]]).unwrap();
        assert_eq!(moved.to_vec::<f32>().unwrap(), [3.0, -1.0, 5.0, 0.0]);
        let turned = projected_boxes(&boxes, &[rotation(90.0, [1.0, 1.0])]).unwrap().to_vec::<f32>().unwrap();
        assert!(turned.iter().zip([0.0, 0.0, 1.0, 2.0]).all(|(a, b)| (a - b).abs() < 1e-5), "{turned:?}");
    }
}
