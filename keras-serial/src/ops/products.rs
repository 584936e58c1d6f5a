//! Products over chosen axes: dot, tensordot, inner, outer, cross.

use super::arithmetic::{multiply, subtract};
use super::define::{Call, classes};
use super::linalg::einsum_impl;
use super::shape::{concat, expand_at, index_axis, reshape_to};
use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::tensor::{Shape, Tensor};

classes! { "keras.src.ops.numpy"
    "Dot" = |c| {
        let (x, y) = pair(c)?;
        match (x.rank(), y.rank()) {
            (0, _) | (_, 0) => multiply(&x, &y),
            (a, 1) => contract(&x, &y, &[a - 1], &[0]),
            (a, b) => contract(&x, &y, &[a - 1], &[b - 2]),
        }
    };
    "Tensordot" = |c| {
        let (x, y) = pair(c)?;
        let (a, b) = match c.config.get("axes") {
            Some(Value::List(axes)) => {
                let [a, b] = axes.as_slice() else { return Err(Error::new(ErrorKind::InvalidArgument, "wrong `axes`").expected("two lists of axes")) };
                (axes_of(a, x.shape())?, axes_of(b, y.shape())?)
            }
            _ => {
                let count: usize = c.get("axes", 2)?;
                let first = x.rank().checked_sub(count).filter(|_| count <= y.rank());
                let first = first.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "more `axes` than the tensors have"))?;
                ((first..x.rank()).collect(), (0..count).collect())
            }
        };
        contract(&x, &y, &a, &b)
    };
    "Inner" = |c| {
        let (x, y) = pair(c)?;
        match (x.rank(), y.rank()) {
            (0, _) | (_, 0) => multiply(&x, &y),
            (a, b) => contract(&x, &y, &[a - 1], &[b - 1]),
        }
    };
    "Vdot" = |c| {
        let (x, y) = pair(c)?;
        contract(&flat(&x)?, &flat(&y)?, &[0], &[0])
    };
    "Outer" = |c| {
        let (x, y) = pair(c)?;
        multiply(expand_at(&flat(&x)?, 1)?, expand_at(&flat(&y)?, 0)?)
    };
    "Kron" = |c| {
        let (mut x, mut y) = pair(c)?;
        while x.rank() < y.rank() { x = expand_at(&x, 0)?; }
        while y.rank() < x.rank() { y = expand_at(&y, 0)?; }
        let shape: Shape = x.shape().dims().iter().zip(y.shape().dims()).map(|(a, b)| Some((*a)? * (*b)?)).collect();
        for axis in 0..x.rank() {
            x = expand_at(&x, 2 * axis as isize + 1)?;
            y = expand_at(&y, 2 * axis as isize)?;
        }
        let product = multiply(&x, &y)?;
        reshape_to(&product, &shape)
    };
    "Cross" = |c| {
        let (x, y) = pair(c)?;
        let axis = |name| match c.maybe::<isize>("axis") { Ok(Some(axis)) => Ok(axis), Ok(None) => c.get(name, -1), Err(error) => Err(error) };
        let (a, b, to) = (axis("axisa")?, axis("axisb")?, axis("axisc")?);
        let sizes = (x.shape().dim(a)?, y.shape().dim(b)?);
        if !matches!(sizes, (2 | 3, 2 | 3)) {
            return Err(Error::new(ErrorKind::Shape, "cross products are those of vectors of 2 or 3 elements").received(format!("{} and {}", sizes.0, sizes.1)));
        }
        if sizes == (2, 2) {
            // For two vectors in the plane, only the perpendicular component.
            let part = |i: isize, j: isize| multiply(index_axis(&x, a, i)?, index_axis(&y, b, j)?);
            return subtract(part(0, 1)?, part(1, 0)?);
        }
        let (x, y) = (in_space(&x, a)?, in_space(&y, b)?);
        let part = |i: isize, j: isize| multiply(index_axis(&x, a, i)?, index_axis(&y, b, j)?);
        let parts = [(1, 2), (2, 0), (0, 1)].map(|(i, j)| expand_at(&subtract(part(i, j)?, part(j, i)?)?, to));
        concat(&parts.into_iter().collect::<Result<Vec<_>>>()?, to)
    };
}

fn pair(c: &Call<'_>) -> Result<(Tensor, Tensor)> {
    super::dtypes::promote(c.operand(0, "x1")?, c.operand(1, "x2")?)
}

/// Extends vectors of 2 elements by a third, 0.
fn in_space(x: &Tensor, axis: isize) -> Result<Tensor> {
    let position = x.shape().axis(axis)?;
    let missing = 3usize.saturating_sub(x.shape().dim(axis)?);
    let widths: Vec<_> = (0..x.rank()).map(|i| (0, if i == position { missing } else { 0 })).collect();
    super::pad::pad_with(x, &widths, 0.0)
}

fn axes_of(value: &Value, shape: &Shape) -> Result<Vec<usize>> {
    let axes = match value {
        Value::List(_) => Vec::<isize>::from_value(value).at("axes")?,
        value => vec![isize::from_value(value).at("axes")?],
    };
    axes.into_iter().map(|axis| shape.axis(axis)).collect()
}

fn flat(x: &Tensor) -> Result<Tensor> {
    reshape_to(x, &Shape::from([x.shape().num_elements()]))
}

/// Sums products over pairs of axes (tensordot); the other axes follow in order.
fn contract(x: &Tensor, y: &Tensor, a: &[usize], b: &[usize]) -> Result<Tensor> {
    if a.len() != b.len() {
        return Err(
            Error::new(ErrorKind::InvalidArgument, "different numbers of axes").received(format!("{a:?} and {b:?}"))
        );
    }
    let mut fresh = ('a'..='z').chain('A'..='Z');
    let first: Vec<char> = fresh.by_ref().take(x.rank()).collect();
    let matched = |axis: usize| b.iter().position(|other| *other == axis).and_then(|i| first.get(*a.get(i)?).copied());
    let second: Vec<char> = (0..y.rank()).filter_map(|axis| matched(axis).or_else(|| fresh.next())).collect();
    let summed: Vec<char> = a.iter().filter_map(|axis| first.get(*axis).copied()).collect();
    let output: String = first.iter().chain(&second).filter(|label| !summed.contains(label)).collect();
    let text = |labels: &[char]| labels.iter().collect::<String>();
    einsum_impl(&format!("{},{}->{output}", text(&first), text(&second)), &[x.clone(), y.clone()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_summed() {
        let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]).unwrap();
        // np.tensordot([[1, 2], [3, 4]], [[1, 2], [3, 4]], axes=[[0], [1]])
        assert_eq!(contract(&x, &x, &[0], &[1]).unwrap().to_vec::<f32>().unwrap(), [7.0, 15.0, 10.0, 22.0]);
        assert_eq!(contract(&x, &x, &[0, 1], &[0, 1]).unwrap().item::<f32>().unwrap(), 30.0);
    }
}
