//! Indices as they are, or as rows of numbers: one for each, or one for each sample.

use crate::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::ops;
use crate::tensor::{DType, Shape, Tensor};

/// What layers that find indices give.
#[derive(KerasSerializable, Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OutputMode {
    /// The indices.
    #[default]
    Int,
    /// A row with a 1 at the index, for each index; a last axis of extent 1 is replaced.
    OneHot,
    /// A row with a 1 at each index, for each sample.
    MultiHot,
    /// How often each index occurs, for each sample.
    Count,
    /// The count weighted by how seldom documents have the index.
    TfIdf,
}

/// The names that Keras gave some modes before: `binary`, `tf-idf`.
pub(super) fn rename_mode(config: &mut crate::Config) {
    if let Some(mode) = config.get_mut("output_mode") {
        match mode.as_str() {
            Some("binary") => *mode = "multi_hot".into(),
            Some("tf-idf") => *mode = "tf_idf".into(),
            _ => {}
        }
    }
}

/// The shape of the result: `depth` numbers for each index or sample.
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

/// Indices encoded (`keras.src.utils.numerical_utils.encode_categorical_inputs`): those out of
/// range
/// give nothing. `TfIdf` counts; its weights are the caller's.
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
    // A sample lies along the second axis, also where there are more than two.
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
