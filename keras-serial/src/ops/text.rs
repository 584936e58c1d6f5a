//! Slicing, indexing and joining of tensors of strings, by way of the strings' positions.

use crate::error::Result;
use crate::tensor::{DType, Shape, Tensor};

/// Rearranges strings as `operation` rearranges integers.
pub(super) fn moved(x: &Tensor, operation: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let text = x.strings()?;
    let positions = operation(&Tensor::from_vec((0..text.len() as i64).collect::<Vec<_>>(), x.shape())?)?;
    picked(&text.iter().collect::<Vec<_>>(), &positions)
}

/// Joins tensors of strings as `join` joins integers.
pub(super) fn joined(tensors: &[Tensor], join: impl FnOnce(&[Tensor]) -> Result<Tensor>) -> Result<Tensor> {
    let (mut text, mut positions) = (Vec::new(), Vec::new());
    for x in tensors {
        let (start, own) = (text.len() as i64, x.strings()?);
        text.extend(own);
        positions.push(Tensor::from_vec((start..text.len() as i64).collect::<Vec<_>>(), x.shape())?);
    }
    picked(&text, &join(&positions)?)
}

/// Takes entries of the first axis. It reads these alone: batches are sliced from long lists.
pub(super) fn rows(x: &Tensor, rows: impl Iterator<Item = usize>, shape: &Shape) -> Result<Tensor> {
    let text = x.strings()?;
    let width: usize = x.shape().known()?.iter().skip(1).product();
    let strings = rows.flat_map(|row| text.iter().skip(row * width).take(width)).cloned();
    Tensor::from_strings(strings, shape)
}

/// Returns whether the elements are strings that are known, or traced, which is an error; symbols of strings flow through
/// the primitives.
pub(super) fn is_text(x: &Tensor) -> bool {
    x.dtype() == DType::String && (x.is_traced() || x.strings().is_ok())
}

fn picked(text: &[&String], positions: &Tensor) -> Result<Tensor> {
    let strings = positions.to_vec::<i64>()?.into_iter();
    let strings = strings.filter_map(|position| text.get(usize::try_from(position).ok()?).map(|text| (*text).clone()));
    Tensor::from_strings(strings, positions.shape())
}

#[cfg(test)]
mod tests {
    use super::super::shape::{Span, broadcast_to, concat, slice, transpose_to};
    use super::super::take::take_axis;
    use super::*;

    #[test]
    fn strings_are_moved_as_numbers_are() {
        let x = Tensor::from_strings(["a", "b", "c", "d", "e", "f"], [3, 2]).unwrap();
        let all = |x: Tensor| (x.strings().unwrap().join(""), x.shape().to_string());
        assert_eq!(all(slice(&x, &[Span::range(1, 3)]).unwrap()), ("cdef".into(), "(2, 2)".into()));
        let back = Span { start: None, stop: None, step: -2 };
        assert_eq!(all(slice(&x, &[back]).unwrap()), ("efab".into(), "(2, 2)".into()));
        assert_eq!(all(slice(&x, &[back, Span::range(1, 2)]).unwrap()), ("fb".into(), "(2, 1)".into()));
        assert_eq!(all(take_axis(&x, &Tensor::scalar(-1i64).unwrap(), 1).unwrap()), ("bdf".into(), "(3,)".into()));
        assert_eq!(all(slice(&x, &[Span::range(3, 3)]).unwrap()), (String::new(), "(0, 2)".into()));
        let rows = Tensor::from_slice(&[2i64, 0], [2]).unwrap();
        assert_eq!(all(take_axis(&x, &rows, 0).unwrap()), ("efab".into(), "(2, 2)".into()));
        assert_eq!(all(transpose_to(&x, &[1, 0]).unwrap()), ("acebdf".into(), "(2, 3)".into()));
        assert_eq!(all(concat(&[x.clone(), x.clone()], 1).unwrap()), ("ababcdcdefef".into(), "(3, 4)".into()));
        let row = Tensor::from_strings(["a", "b"], [1, 2]).unwrap();
        assert_eq!(all(broadcast_to(&row, &[2, 2].into()).unwrap()), ("abab".into(), "(2, 2)".into()));
        assert!(concat(&[x, rows], 0).is_err());
    }
}
