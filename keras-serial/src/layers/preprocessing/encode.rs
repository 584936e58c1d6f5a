//! Encoding of indices: as they are, or as one-hot, multi-hot or count vectors.

use crate::KerasEnum;
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::{DType, Shape, Tensor};

/// The output of layers that compute indices.
#[derive(KerasEnum, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OutputMode {
    /// The indices themselves.
    #[default]
    Int,
    /// A one-hot vector for each index; a last axis of extent 1 is replaced.
    OneHot,
    /// A multi-hot vector for each sample, with a 1 at each of its indices.
    MultiHot,
    /// The count of each index, for each sample.
    Count,
    /// TF-IDF: counts weighted by how rare the index is among documents.
    TfIdf,
}

/// Renames modes that Keras used to call `binary` and `tf-idf`.
pub(super) fn rename_mode(config: &mut crate::Config) {
    if let Some(mode) = config.get_mut("output_mode") {
        match mode.as_str() {
            Some("binary") => *mode = "multi_hot".into(),
            Some("tf-idf") => *mode = "tf_idf".into(),
            _ => {}
        }
    }
}

/// Returns the shape of encoded indices; `depth` is the size of the vectors.
pub(super) fn encoded_shape(shape: &Shape, mode: OutputMode, depth: Option<usize>) -> Shape {
    let dims = shape.dims();
    let (last, rest) = match dims.split_last() {
        Some((last, rest)) => (*last, rest),
        None => return Shape::from([depth]),
    };
    let kept = match mode {
        OutputMode::Int => return shape.clone(),
        OutputMode::OneHot if rest.is_empty() || last != Some(1) => dims,
        _ => rest,
    };
    kept.iter().copied().chain([depth]).collect()
}

/// Encodes indices (`keras.src.utils.numerical_utils.encode_categorical_inputs`); those out of range are
/// ignored. `TfIdf` counts; the caller multiplies by the weights.
pub(super) fn encode(
    indices: Vec<i64>,
    shape: &Shape,
    mode: OutputMode,
    depth: usize,
    dtype: DType,
    weights: Option<&[f64]>,
) -> Result<Tensor> {
    if mode == OutputMode::Int {
        return ops::cast_to(&Tensor::from_vec(indices, shape)?, dtype);
    }
    let dims = shape.known()?;
    let weight = |i: usize| weights.and_then(|weights| weights.get(i)).copied().unwrap_or(1.0);
    // Samples lie along the second axis, even if there are more than two axes.
    let (samples, length, inner) = match (mode, dims.as_slice()) {
        (OutputMode::OneHot, dims) => (dims.iter().product(), 1, 1),
        (_, []) => (1, 1, 1),
        (_, [length]) => (1, *length, 1),
        (_, [batch, length, inner @ ..]) => (*batch, *length, inner.iter().product()),
    };
    let target = match dims.as_slice() {
        _ if mode == OutputMode::OneHot => encoded_shape(shape, mode, Some(depth)).known()?,
        [] | [_] => vec![depth],
        [batch, _, inner @ ..] => [*batch].into_iter().chain(inner.iter().copied()).chain([depth]).collect(),
    };
    let size = target.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim)).filter(|size| *size < 1 << 40);
    let Some(size) = size else {
        return Err(
            Error::new(ErrorKind::Limit, "the encoded tensor is too large").received(format!("shape {target:?}"))
        );
    };
    let mut rows = vec![0.0f64; size];
    for (i, index) in indices.iter().enumerate() {
        let Some(index) = usize::try_from(*index).ok().filter(|index| *index < depth) else { continue };
        let row = (i / (length * inner)) * inner + i % inner;
        debug_assert!(row < samples * inner || samples == 0);
        if let Some(slot) = rows.get_mut(row * depth + index) {
            *slot = match mode {
                OutputMode::Count | OutputMode::TfIdf => *slot + weight(i),
                _ => 1.0,
            };
        }
    }
    ops::cast_to(&Tensor::from_vec(rows, target)?, dtype)
}

/// Encodes indices like [`encode`] while a program is traced.
pub(super) fn encode_traced(
    indices: &Tensor,
    mode: OutputMode,
    depth: usize,
    dtype: DType,
    weights: Option<&Tensor>,
) -> Result<Tensor> {
    if mode == OutputMode::Int {
        return ops::cast_to(indices, dtype);
    }
    let shape = encoded_shape(indices.shape(), mode, Some(depth));
    let is_category = ops::equal(&ops::expand_dims(indices, -1)?, &ops::arange(depth, DType::Int64)?)?;
    if mode == OutputMode::OneHot {
        return ops::reshape(&ops::cast_to(&is_category, dtype)?, &shape);
    }
    // Samples lie along the second axis, even if there are more than two axes.
    let axis = match indices.rank() {
        0 => return ops::cast_to(&is_category, dtype),
        1 => 0isize,
        _ => 1,
    };
    if mode == OutputMode::MultiHot {
        return ops::cast_to(&ops::any(&is_category, axis, false)?, dtype);
    }
    let mut counts = ops::cast_to(&is_category, if weights.is_some() { DType::Float32 } else { DType::Int64 })?;
    if let Some(weights) = weights {
        counts = ops::multiply(&counts, &ops::expand_dims(&ops::cast_to(weights, DType::Float32)?, -1)?)?;
    }
    ops::cast_to(&ops::sum(&counts, axis, false)?, dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_along_the_second_axis() {
        let shape = Shape::from([1, 2, 2]);
        let count = encode(vec![0, 1, 0, 9], &shape, OutputMode::Count, 2, DType::Int64, None).unwrap();
        // keras.src.utils.numerical_utils.encode_categorical_inputs([[[0, 1], [0, 9]]], "count", 2, "int64")
        assert_eq!(count.shape().to_string(), "(1, 2, 2)");
        assert_eq!(count.to_vec::<i64>().unwrap(), [2, 0, 0, 1]);
        assert_eq!(encoded_shape(&Shape::from([None, Some(1)]), OutputMode::OneHot, Some(3)).to_string(), "(None, 3)");
    }
}
