//! Reduces the losses of samples to one number: weights, masks, reductions.

use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::ops::dtypes::cast;
use crate::ops::numeric::divide_no_nan;
use crate::ops::reduce::sum_impl;
use crate::ops::shape::{expand_at, squeeze_at};
use crate::ops::{Axes, divide, multiply, where_};
use crate::tensor::{DType, Tensor};

/// How the losses of a batch's samples are reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reduction {
    /// Their mean: the sum over the number of samples.
    #[default]
    SumOverBatchSize,
    /// Their sum.
    Sum,
    /// The same as [`Reduction::SumOverBatchSize`].
    Mean,
    /// Their sum over the sum of the sample weights.
    MeanWithSampleWeight,
    /// No reduction: `"none"`.
    None,
    /// No reduction: Python's `None`.
    Null,
}

impl Reduction {
    /// Returns Keras's string; `None` for Python's `None`.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::SumOverBatchSize => Some("sum_over_batch_size"),
            Self::Sum => Some("sum"),
            Self::Mean => Some("mean"),
            Self::MeanWithSampleWeight => Some("mean_with_sample_weight"),
            Self::None => Some("none"),
            Self::Null => None,
        }
    }

    fn all() -> [Self; 5] {
        [Self::SumOverBatchSize, Self::Sum, Self::Mean, Self::MeanWithSampleWeight, Self::None]
    }

    fn keeps_samples(self) -> bool {
        matches!(self, Self::None | Self::Null)
    }
}

impl crate::config::PlainField for Reduction {}

impl ConfigField for Reduction {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Choices(Self::all().iter().filter_map(|reduction| reduction.as_str()).collect())
            .or_null()
    }

    fn to_value(&self) -> Result<Value> {
        Ok(self.as_str().map_or(Value::Null, Value::from))
    }

    fn from_value(value: &Value) -> Result<Self> {
        if value.is_null() {
            return Ok(Self::Null);
        }
        let found = value.as_str().and_then(|text| Self::all().into_iter().find(|r| r.as_str() == Some(text)));
        found.ok_or_else(|| {
            let allowed = Self::all().iter().filter_map(|r| r.as_str()).map(|r| format!("\"{r}\"")).collect::<Vec<_>>();
            Error::new(ErrorKind::Config, "Invalid value for argument `reduction`")
                .expected(format!("one of {}, null", allowed.join(", ")))
                .received(format!("reduction={}", value.short()))
        })
    }
}

/// Gives two tensors the same rank if their ranks differ by one and the larger one ends in an axis of
/// extent 1: that axis is squeezed, or (with `expand_vectors`) a vector is expanded.
pub(crate) fn squeeze_or_expand_to_same_rank(x: &Tensor, y: &Tensor, expand_vectors: bool) -> Result<(Tensor, Tensor)> {
    let ends_in_one = |x: &Tensor| x.shape().dims().last() == Some(&Some(1));
    if x.rank() == y.rank() + 1 && ends_in_one(x) {
        if y.rank() == 1 && expand_vectors {
            return Ok((x.clone(), expand_at(y, -1)?));
        }
        return Ok((squeeze_at(x, -1)?, y.clone()));
    }
    if y.rank() == x.rank() + 1 && ends_in_one(y) {
        if x.rank() == 1 && expand_vectors {
            return Ok((expand_at(x, -1)?, y.clone()));
        }
        return Ok((x.clone(), squeeze_at(y, -1)?));
    }
    Ok((x.clone(), y.clone()))
}

/// Returns the number of elements, as a scalar of a dtype.
fn count(x: &Tensor, dtype: DType) -> Result<Tensor> {
    let count = x.shape().num_elements().ok_or_else(|| {
        Error::new(ErrorKind::Shape, "the number of samples is not known").received(format!("shape {}", x.shape()))
    })?;
    cast(&Tensor::scalar(count as f64)?, dtype)
}

/// Combines sample weights and a mask: masked samples have weight 0, and for means the others are scaled
/// up.
pub(crate) fn apply_mask(
    weights: Option<&Tensor>,
    mask: Option<&Tensor>,
    dtype: DType,
    reduction: Reduction,
) -> Result<Option<Tensor>> {
    let Some(mask) = mask else { return Ok(weights.cloned()) };
    let mask_weights = if matches!(reduction, Reduction::Mean | Reduction::SumOverBatchSize) {
        let valid = sum_impl(&cast(mask, dtype)?, &Axes::all(), false)?;
        let each = divide_no_nan(&count(mask, dtype)?, &valid)?;
        where_(&cast(mask, DType::Bool)?, &each, 0.0)?
    } else {
        cast(mask, dtype)?
    };
    match weights {
        None => Ok(Some(mask_weights)),
        Some(weights) => {
            let (mask_weights, weights) = squeeze_or_expand_to_same_rank(&mask_weights, &cast(weights, dtype)?, true)?;
            multiply(&weights, &mask_weights).map(Some)
        }
    }
}

/// Weights, masks and reduces the losses of samples.
pub(crate) fn reduce_weighted(
    values: &Tensor,
    weights: Option<&Tensor>,
    mask: Option<&Tensor>,
    reduction: Reduction,
    dtype: DType,
) -> Result<Tensor> {
    let mut values = cast(values, dtype)?.with_mask(None);
    let mut weights = apply_mask(weights, mask, dtype, reduction)?;
    if let Some(given) = &weights {
        let (same, given) = squeeze_or_expand_to_same_rank(&values, &cast(given, dtype)?, true)?;
        values = multiply(&same, &given)?;
        weights = Some(given);
    }
    if reduction.keeps_samples() || values.rank() == 0 || values.shape().dims() == [Some(0)] {
        return Ok(values);
    }
    let total = sum_impl(&values, &Axes::all(), false)?;
    match (reduction, &weights) {
        (Reduction::Sum, _) => Ok(total),
        (Reduction::MeanWithSampleWeight, Some(weights)) => {
            divide_no_nan(&total, &sum_impl(weights, &Axes::all(), false)?)
        }
        _ if values.shape().num_elements() == Some(0) => Ok(total),
        _ => divide(&total, count(&values, dtype)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
        Tensor::from_slice(values, shape).unwrap()
    }

    // from keras.src.losses.loss import reduce_weighted_values
    // reduce_weighted_values([1., 2., 3., 4.], sample_weight=[1., 2., 1., 1.], mask=[1, 1, 0, 1], reduction=...)
    #[test]
    fn masked_samples_do_not_count_in_means() {
        let values = tensor(&[1.0, 2.0, 3.0, 4.0], &[4]);
        let weights = tensor(&[1.0, 2.0, 1.0, 1.0], &[4]);
        let mask = Tensor::from_slice(&[true, true, false, true], [4]).unwrap();
        let expected = [(Reduction::Mean, 3.0), (Reduction::Sum, 9.0), (Reduction::MeanWithSampleWeight, 2.25)];
        for (reduction, expected) in expected {
            let loss = reduce_weighted(&values, Some(&weights), Some(&mask), reduction, DType::Float32).unwrap();
            assert_eq!(loss.item::<f32>().unwrap(), expected, "{reduction:?}");
        }
    }

    #[test]
    fn ranks_become_the_same() {
        let (x, y) = (tensor(&[1.0, 2.0], &[2]), tensor(&[1.0, 2.0], &[2, 1]));
        let (a, b) = squeeze_or_expand_to_same_rank(&x, &y, true).unwrap();
        assert_eq!((a.shape().to_string(), b.shape().to_string()), ("(2, 1)".into(), "(2, 1)".into()));
        let (a, b) = squeeze_or_expand_to_same_rank(&x, &y, false).unwrap();
        assert_eq!((a.rank(), b.rank()), (1, 1));
    }

    #[test]
    fn an_unknown_reduction_is_an_error() {
        let error = Reduction::from_value(&Value::from("average")).unwrap_err();
        assert!(error.to_string().contains("mean_with_sample_weight"), "{error}");
    }
}
