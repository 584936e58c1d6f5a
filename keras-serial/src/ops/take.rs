//! Gathering by indices along an axis.

use super::arithmetic::{add, less};
use super::dtypes::cast;
use super::shape::{reshape_to, where_impl};
use super::text::{is_text, moved, rows};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::Take;
use crate::tensor::{DType, Shape, Tensor};

/// Gathers the slices of `x` along `axis` at integer indices; negative ones count from the end.
///
/// # Errors
/// If an index is out of range, at which the engine would panic.
pub(crate) fn take_axis(x: &Tensor, indices: &Tensor, axis: isize) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    let dims = x.shape().dims();
    let before = dims.get(..position).unwrap_or_default();
    let after = dims.get(position + 1..).unwrap_or_default();
    let shape: Shape = before.iter().chain(indices.shape().dims()).chain(after).copied().collect();
    program::infer_or_compute(&[x, indices], Tensor::symbol(&shape, x.dtype()), || {
        if is_text(x) {
            if position > 0 {
                return moved(x, |x| take_axis(x, indices, axis));
            }
            let wanted = counted(indices, x.shape().dim(0)?)?.to_vec::<i64>()?;
            return rows(x, wanted.into_iter().filter_map(|row| usize::try_from(row).ok()), &shape);
        }
        let wanted = counted(indices, x.shape().dim(axis)?)?;
        let picked = program::apply(Take(position), &[x, &reshape_to(&wanted, &Shape::from([None]))?])?;
        reshape_to(&picked, &shape)
    })
}

/// Returns indices along an axis as `int64`, with negative ones counted from its end.
///
/// # Errors
/// If an index is out of range; traced ones are checked when the program runs.
pub(crate) fn counted(indices: &Tensor, extent: usize) -> Result<Tensor> {
    let extent = extent as i64;
    let indices = cast(indices, DType::Int64)?;
    if indices.is_traced() {
        return where_impl(&less(&indices, 0)?, &add(&indices, extent)?, &indices);
    }
    let mut wanted = indices.to_vec::<i64>()?;
    for index in &mut wanted {
        let counted = if *index < 0 { *index + extent } else { *index };
        if !(0..extent).contains(&counted) {
            return Err(Error::new(ErrorKind::InvalidArgument, "index out of range")
                .expected(format!("an index from 0 to {}", extent - 1))
                .received(index.to_string()));
        }
        *index = counted;
    }
    Tensor::from_vec(wanted, indices.shape())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_range_indices_are_errors() {
        let x = Tensor::from_vec((0..6).collect::<Vec<i32>>(), [2, 3]).unwrap();
        let index = Tensor::from_slice(&[0i64, 3], [2]).unwrap();
        assert!(take_axis(&x, &index, 1).unwrap_err().to_string().contains("from 0 to 2"));
    }
}
