//! Padding with a constant.

use super::create::full;
use super::shape::concat;
use crate::error::Result;
use crate::program;
use crate::tensor::{Shape, Tensor};

/// Pads with a constant: (before, after) for each axis.
pub(crate) fn pad_with(x: &Tensor, widths: &[(usize, usize)], value: f64) -> Result<Tensor> {
    let wide = |(dim, (before, after)): (&Option<usize>, &(usize, usize))| {
        dim.map(|dim| dim.saturating_add(*before).saturating_add(*after))
    };
    let inferred: Shape = x.shape().dims().iter().zip(widths).map(wide).collect();
    program::infer_or_compute(&[x], Tensor::symbol(inferred, x.dtype()), || {
        let mut out = x.unmasked();
        for (axis, (before, after)) in widths.iter().enumerate().filter(|(_, widths)| **widths != (0, 0)) {
            let edge = |width: usize| -> Result<Option<Tensor>> {
                if width == 0 {
                    return Ok(None);
                }
                let shape = out.shape().with(axis as isize, Some(width))?;
                full(&shape, value, x.dtype()).map(Some)
            };
            let (front, back) = (edge(*before)?, edge(*after)?);
            let parts: Vec<Tensor> = front.into_iter().chain([out.clone()]).chain(back).collect();
            out = concat(&parts, axis as isize)?;
        }
        Ok(out)
    })
}

/// Pads one axis with a constant, by the same number before and after.
pub(crate) fn full_edges(x: &Tensor, axis: isize, edge: usize, value: f64) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    let widths: Vec<_> = (0..x.rank()).map(|i| if i == position { (edge, edge) } else { (0, 0) }).collect();
    pad_with(x, &widths, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_each_axis() {
        let x = Tensor::from_vec((0..6).collect::<Vec<i32>>(), [2, 3]).unwrap();
        let padded = pad_with(&x, &[(0, 0), (1, 0)], 9.0).unwrap();
        assert_eq!(padded.to_vec::<i32>().unwrap(), [9, 0, 1, 2, 9, 3, 4, 5]);
    }
}
