//! Matrix products and Einstein summation.

use super::axes::Axes;
use super::dtypes::{cast, promote};
use super::operand::Operand;
use super::reduce::sum_impl;
use super::shape::{broadcast_to, expand_at, reshape_to, squeeze_at, transpose_to};
use crate::error::{Error, ErrorKind, Result};
use crate::program;
use crate::program::primitives::MatMul;
use crate::tensor::{DType, Shape, Tensor};

/// Multiplies matrices, batched over leading axes (`keras.ops.matmul`).
pub(crate) fn matmul_impl(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (x, y) = promote(Operand::from(x), Operand::from(y))?;
    let (x_vector, y_vector) = (x.rank() == 1, y.rank() == 1);
    let x = if x_vector { expand_at(&x, 0)? } else { x };
    let y = if y_vector { expand_at(&y, -1)? } else { y };
    let mismatch = || {
        Error::new(ErrorKind::Shape, "matrices can't be multiplied")
            .expected("the last extent of the first to be the second to last of the second")
            .received(format!("shapes {} and {}", x.shape(), y.shape()))
    };
    if x.rank() < 2 || y.rank() < 2 {
        return Err(mismatch());
    }
    if let (Some(a), Some(b)) = (x.shape().get(-1)?, y.shape().get(-2)?)
        && a != b
    {
        return Err(mismatch());
    }
    let batch = |t: &Tensor| Shape::from(t.shape().dims().split_at(t.rank() - 2).0.to_vec());
    let (x_batch, y_batch) = (batch(&x), batch(&y));
    let joined = x_batch.broadcast(&y_batch).map_err(|_| mismatch())?;
    let rows = x.shape().get(-2)?;
    let columns = y.shape().get(-1)?;
    let shape: Shape = joined.dims().iter().copied().chain([rows, columns]).collect();
    let product = if y.rank() == 2 && x.rank() > 2 {
        // One large product instead of many small ones.
        let flat = reshape_to(&x, &Shape::from([None, x.shape().get(-1)?]))?;
        reshape_to(&multiply_matrices(&flat, &y)?, &shape)?
    } else {
        let to = |t: &Tensor| -> Result<Tensor> {
            let tail = t.shape().dims().split_at(t.rank() - 2).1.iter().copied();
            broadcast_to(t, &joined.dims().iter().copied().chain(tail).collect())
        };
        multiply_matrices(&to(&x)?, &to(&y)?)?
    };
    let product = if x_vector { squeeze_at(&product, -2)? } else { product };
    if y_vector { squeeze_at(&product, -1) } else { Ok(product) }
}

/// Multiplies matrices of the same rank and batch.
fn multiply_matrices(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        dtype if dtype.is_float() => program::apply(MatMul, &[x, y]),
        // The engine multiplies integers in their own width, which would overflow with 8 bits.
        dtype => {
            let wide = |t: &Tensor| cast(t, DType::Int32);
            cast(&program::apply(MatMul, &[&wide(x)?, &wide(y)?])?, if dtype.size() < 4 { DType::Int32 } else { dtype })
        }
    }
}

/// Evaluates an Einstein summation (`keras.ops.einsum`): `"abc,cd->abd"`.
pub(crate) fn einsum_impl(subscripts: &str, operands: &[Tensor]) -> Result<Tensor> {
    let (inputs, output) = parse(subscripts, operands)?;
    let mut terms = inputs.into_iter().zip(operands.iter().cloned());
    let Some((mut labels, mut result)) = terms.next() else {
        return Err(Error::new(ErrorKind::InvalidArgument, "einsum needs at least one operand"));
    };
    (labels, result) = diagonal(labels, result)?;
    let mut rest: Vec<(Vec<char>, Tensor)> = terms.collect();
    while !rest.is_empty() {
        let (other_labels, other) = rest.remove(0);
        let (other_labels, other) = diagonal(other_labels, other)?;
        let needed = |label: &char| output.contains(label) || rest.iter().any(|(labels, _)| labels.contains(label));
        (labels, result) = contract(&labels, &result, &other_labels, &other, needed)?;
    }
    let folded: Vec<isize> =
        labels.iter().enumerate().filter(|(_, l)| !output.contains(l)).map(|(i, _)| i as isize).collect();
    if !folded.is_empty() {
        result = sum_impl(&result, &Axes(Some(folded)), false)?;
        labels.retain(|label| output.contains(label));
    }
    let order: Option<Vec<usize>> = output.iter().map(|label| labels.iter().position(|l| l == label)).collect();
    transpose_to(&result, &order.ok_or_else(|| malformed(subscripts))?)
}

fn malformed(subscripts: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, "malformed einsum subscripts")
        .expected("such as \"abc,cd->abd\"")
        .received(format!("{subscripts:?}"))
}

/// Parses the labels of the operands' axes and of the result's; `...` is replaced by labels.
fn parse(subscripts: &str, operands: &[Tensor]) -> Result<(Vec<Vec<char>>, Vec<char>)> {
    let text: String = subscripts.chars().filter(|c| *c != ' ').collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (text.as_str(), None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if terms.len() != operands.len() {
        return Err(Error::new(ErrorKind::InvalidArgument, "wrong number of operands for einsum")
            .expected(format!("{} for {subscripts:?}", terms.len()))
            .received(operands.len().to_string()));
    }
    let named = |term: &str| term.replace("...", "").chars().count();
    let dots = terms
        .iter()
        .zip(operands)
        .filter(|(term, _)| term.contains("..."))
        .map(|(term, x)| x.rank().saturating_sub(named(term)))
        .max()
        .unwrap_or(0);
    // Labels for `...`, right-aligned like broadcasting.
    let dot_labels: Vec<char> = (0..dots as u32).filter_map(|i| char::from_u32(0xe000 + i)).collect();
    let expand = |term: &str, rank: Option<usize>| -> Result<Vec<char>> {
        let (before, after) = term.split_once("...").map_or((term, None), |(b, a)| (b, Some(a)));
        let mut labels: Vec<char> = before.chars().collect();
        if let Some(after) = after {
            let count = rank.map_or(dots, |rank| rank.saturating_sub(named(term)));
            labels.extend(dot_labels.iter().skip(dots - count.min(dots)));
            labels.extend(after.chars());
        }
        let wrong_rank = rank.is_some_and(|rank| labels.len() != rank);
        if wrong_rank || labels.iter().any(|l| !l.is_alphabetic() && !dot_labels.contains(l)) {
            return Err(malformed(subscripts));
        }
        Ok(labels)
    };
    let inputs =
        terms.iter().zip(operands).map(|(term, x)| expand(term, Some(x.rank()))).collect::<Result<Vec<_>>>()?;
    let output = match output {
        Some(output) => expand(output, None)?,
        None => {
            let all: Vec<char> = inputs.concat();
            let mut once: Vec<char> =
                all.iter().copied().filter(|l| all.iter().filter(|m| *m == l).count() == 1).collect();
            once.retain(|l| !dot_labels.contains(l));
            once.sort_unstable();
            dot_labels.iter().copied().chain(once).collect()
        }
    };
    Ok((inputs, output))
}

/// Takes the diagonal of axes with the same label in one operand.
fn diagonal(mut labels: Vec<char>, mut x: Tensor) -> Result<(Vec<char>, Tensor)> {
    while let Some((first, second)) = repeated(&labels) {
        let extent = x.shape().get(first as isize)?;
        let kept = Shape::from(
            x.shape()
                .dims()
                .iter()
                .enumerate()
                .map(|(i, d)| if i == first || i == second { *d } else { Some(1) })
                .collect::<Vec<_>>(),
        );
        let eye = match extent {
            Some(extent) if kept.is_known() => {
                let row = super::create::arange(extent, DType::Int64)?;
                let along = |axis: usize| {
                    reshape_to(&row, &(0..x.rank()).map(|i| Some(if i == axis { extent } else { 1 })).collect())
                };
                cast(&super::arithmetic::equal(&along(first)?, &along(second)?)?, x.dtype())?
            }
            _ => Tensor::symbol(kept, x.dtype()),
        };
        x = sum_impl(&super::arithmetic::multiply(&x, &eye)?, &Axes::from(second as isize), false)?;
        labels.remove(second);
    }
    Ok((labels, x))
}

fn repeated(labels: &[char]) -> Option<(usize, usize)> {
    labels.iter().enumerate().find_map(|(i, label)| {
        let j = labels.iter().skip(i + 1).position(|other| other == label)?;
        Some((i, i + 1 + j))
    })
}

/// Contracts two operands by a batched matrix product: shared labels that are still needed are the batch,
/// other shared ones are summed over.
fn contract(
    x_labels: &[char],
    x: &Tensor,
    y_labels: &[char],
    y: &Tensor,
    needed: impl Fn(&char) -> bool,
) -> Result<(Vec<char>, Tensor)> {
    let pick = |labels: &[char], keep: &dyn Fn(&char) -> bool| -> Vec<char> {
        labels.iter().copied().filter(|l| keep(l)).collect()
    };
    let batch = pick(x_labels, &|l| y_labels.contains(l) && needed(l));
    let summed = pick(x_labels, &|l| y_labels.contains(l) && !needed(l));
    let rows = pick(x_labels, &|l| !y_labels.contains(l));
    let columns = pick(y_labels, &|l| !x_labels.contains(l));
    let arrange = |t: &Tensor, labels: &[char], groups: [&[char]; 3]| -> Result<(Tensor, Vec<Vec<Option<usize>>>)> {
        let order: Vec<usize> = groups.concat().iter().filter_map(|l| labels.iter().position(|m| m == l)).collect();
        let t = transpose_to(t, &order)?;
        let mut dims = t.shape().dims().iter().copied();
        let extents = groups.iter().map(|group| dims.by_ref().take(group.len()).collect()).collect();
        Ok((t, extents))
    };
    let (x, x_dims) = arrange(x, x_labels, [&batch, &rows, &summed])?;
    let (y, y_dims) = arrange(y, y_labels, [&batch, &summed, &columns])?;
    let group = |dims: &[Vec<Option<usize>>], i: usize| dims.get(i).cloned().unwrap_or_default();
    let size = |dims: &[Option<usize>]| Shape::from(dims.to_vec()).num_elements();
    // Axes of extent 1 broadcast.
    let shared: Vec<Option<usize>> =
        Shape::from(group(&x_dims, 0)).broadcast(&Shape::from(group(&y_dims, 0)))?.dims().to_vec();
    let inner: Vec<Option<usize>> =
        Shape::from(group(&x_dims, 2)).broadcast(&Shape::from(group(&y_dims, 1)))?.dims().to_vec();
    let out_dims: Shape = shared.iter().copied().chain(group(&x_dims, 1)).chain(group(&y_dims, 2)).collect();
    let labels: Vec<char> = batch.into_iter().chain(rows).chain(columns).collect();
    let x = broadcast_to(&x, &shared.iter().copied().chain(group(&x_dims, 1)).chain(inner.iter().copied()).collect())?;
    let y = broadcast_to(&y, &shared.iter().chain(&inner).copied().chain(group(&y_dims, 2)).collect())?;
    let x = reshape_to(&x, &Shape::from([size(&shared), size(&group(&x_dims, 1)), size(&inner)]))?;
    let y = reshape_to(&y, &Shape::from([size(&shared), size(&inner), size(&group(&y_dims, 2))]))?;
    Ok((labels, reshape_to(&matmul_impl(&x, &y)?, &out_dims)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(shape: &[usize]) -> Tensor {
        let count: usize = shape.iter().product();
        Tensor::from_vec((0..count).map(|i| i as f32).collect(), shape).unwrap()
    }

    // np.einsum(...) on np.arange(n).reshape(...)
    #[test]
    fn einsum_agrees_with_numpy() {
        let y = einsum_impl("ab,bc->ca", &[range(&[2, 3]), range(&[3, 2])]).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [10.0, 28.0, 13.0, 40.0]);
        let y = einsum_impl("abc,cd->abd", &[range(&[1, 2, 2]), range(&[2, 2])]).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [2.0, 3.0, 6.0, 11.0]);
        let y = einsum_impl("...x,xy->...y", &[range(&[2, 2, 2]), range(&[2, 1])]).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [1.0, 3.0, 5.0, 7.0]);
        let y = einsum_impl("ii->i", &[range(&[2, 2])]).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [0.0, 3.0]);
        assert!(einsum_impl("ab,bc->ad", &[range(&[2, 3]), range(&[3, 2])]).is_err());
    }

    #[test]
    fn matmul_broadcasts_batches() {
        let y = matmul_impl(&range(&[2, 2, 3]), &range(&[3, 1])).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [5.0, 14.0, 23.0, 32.0]);
        assert_eq!(matmul_impl(&range(&[3]), &range(&[3])).unwrap().item::<f32>().unwrap(), 5.0);
        let error = matmul_impl(&range(&[2, 3]), &range(&[2, 3])).unwrap_err();
        assert!(error.to_string().contains("shapes (2, 3) and (2, 3)"));
    }
}
