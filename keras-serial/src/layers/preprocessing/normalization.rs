//! Normalization to mean 0 and variance 1.

use super::Array;
use crate::config::{ConfigField, HasBase, wrong_type};
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::json::Value;
use crate::layers::{Adaptable, BuildContext, Layer, LayerBase, LayerTraits, Weight};
use crate::ops::{self, Axes};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// The lower bound of the standard deviation (`keras.config.epsilon`).
const EPSILON: f64 = 1e-7;

/// Normalizes inputs: `(x - mean) / √variance`, with mean and variance given or adapted from data.
///
/// # Arguments
/// - `axis`: the axes with a separate mean and variance for each position; the last one by default.
/// - `mean`, `variance`: none; computed by [`LayerRef::adapt`](crate::layers::LayerRef::adapt) if not given.
/// - `invert`: false; whether to undo the normalization: `x · √variance + mean`.
///
/// # Weights
/// `mean`, `variance` and an unused count, if they are not given.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/numerical/normalization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Normalization;
/// let layer = Normalization::new().shared();
/// layer.adapt(Tensor::from_slice(&[0.0f32, 2.0, 4.0, 6.0], [4, 1])?)?;
/// let y = layer.apply(&Tensor::from_slice(&[3.0f32, 8.0], [2, 1])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [0.0, 2.236068]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct Normalization {
    base: LayerBase,
    #[keras(default = AxisTuple(vec![-1]))]
    axis: AxisTuple,
    #[keras(default)]
    invert: bool,
    #[keras(default)]
    mean: Option<Array>,
    #[keras(default)]
    variance: Option<Array>,
    #[keras(weight(name = "mean"))]
    adapt_mean: Weight,
    #[keras(weight(name = "variance"))]
    adapt_variance: Weight,
    #[keras(weight)]
    count: Weight,
}

/// A list of axes; deserialized also from a single axis, or from null for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisTuple(Vec<isize>);

impl From<isize> for AxisTuple {
    fn from(axis: isize) -> Self {
        Self(vec![axis])
    }
}

impl From<Option<isize>> for AxisTuple {
    fn from(axis: Option<isize>) -> Self {
        Self(axis.into_iter().collect())
    }
}

impl<const N: usize> From<[isize; N]> for AxisTuple {
    fn from(axes: [isize; N]) -> Self {
        Self(axes.to_vec())
    }
}

impl ConfigField for AxisTuple {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![isize::field_type(), crate::config::FieldType::list(isize::field_type())])
            .or_null()
    }

    fn to_value(&self) -> Result<Value> {
        self.0.to_value()
    }

    fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(Self(Vec::new())),
            Value::Int(_) | Value::Float(_) => isize::from_value(value).map(Self::from),
            Value::List(_) => Vec::from_value(value).map(Self),
            _ => Err(wrong_type("an axis, a list of axes, or null", value)),
        }
    }
}

impl Normalization {
    fn check(&self) -> Result<()> {
        let error = |message: &'static str| Error::new(ErrorKind::Config, message);
        match (&self.mean, &self.variance) {
            (None, None) => Ok(()),
            (Some(mean), Some(variance)) => {
                let (mean, variance) = (mean.tensor(DType::Float64)?, variance.tensor(DType::Float64)?);
                if mean.shape() != variance.shape() {
                    return Err(error("when setting values directly, `mean` and `variance` must have the same shape")
                        .received(format!("mean shape {} and variance shape {}", mean.shape(), variance.shape())));
                }
                if mean.rank() > self.axis.0.len() {
                    return Err(error("the rank of `mean` must be less than or equal to the number of axes")
                        .expected(format!("at most {}", self.axis.0.len()))
                        .received(format!("mean shape {} for axis {:?}", mean.shape(), self.axis.0)));
                }
                Ok(())
            }
            _ => Err(error("when setting values directly, both `mean` and `variance` must be set")),
        }
    }

    /// Returns the positions of the axes that keep their extent.
    fn kept(&self, shape: &Shape) -> Result<Vec<usize>> {
        match self.axis.0.as_slice() {
            [] => Ok(Vec::new()),
            axes => Axes::from(axes).positions(shape),
        }
    }

    /// Reshapes numbers of the kept axes to broadcast with inputs, aligned with the last axes.
    fn aligned(&self, numbers: &Tensor, input: &Shape) -> Result<Tensor> {
        let mut dims = vec![Some(1); input.rank()];
        for (position, dim) in self.kept(input)?.iter().rev().zip(numbers.shape().dims().iter().rev()) {
            if let Some(slot) = dims.get_mut(*position) {
                *slot = *dim;
            }
        }
        ops::reshape(numbers, &dims.into())
    }

    /// Returns mean and variance in shapes that broadcast with inputs.
    fn statistics(&self, input: &Shape, dtype: DType) -> Result<(Tensor, Tensor)> {
        let (mean, variance) = match (&self.mean, &self.variance) {
            (Some(mean), Some(variance)) => (mean.tensor(dtype)?, variance.tensor(dtype)?),
            _ => (ops::cast_to(&self.adapt_mean.value()?, dtype)?, ops::cast_to(&self.adapt_variance.value()?, dtype)?),
        };
        Ok((self.aligned(&mean, input)?, self.aligned(&variance, input)?))
    }
}

impl Layer for Normalization {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        self.check()?;
        let kept =
            self.kept(input)?.iter().map(|position| input.dim(*position as isize)).collect::<Result<Vec<_>>>()?;
        if self.mean.is_some() {
            return Ok(());
        }
        let (zeros, ones): (Initializer, Initializer) = ("zeros".into(), "ones".into());
        self.adapt_mean.make(cx, kept.as_slice()).initializer(&zeros).trainable(false).create()?;
        self.adapt_variance.make(cx, kept.as_slice()).initializer(&ones).trainable(false).create()?;
        self.count.make(cx, Shape::scalar()).initializer(&zeros).dtype(DType::Int64).trainable(false).create()
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let x = ops::cast_to(inputs.tensor()?, dtype)?;
        let (mean, variance) = self.statistics(x.shape(), dtype)?;
        let deviation = ops::maximum(&ops::sqrt(&variance)?, EPSILON)?;
        if self.invert {
            return ops::add(&mean, ops::multiply(&x, &deviation)?).map(Into::into);
        }
        ops::divide(ops::subtract(&x, &mean)?, &deviation).map(Into::into)
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }

    fn adaptable(&self) -> Option<&dyn Adaptable> {
        Some(self)
    }
}

impl Adaptable for Normalization {
    fn is_adaptable(&self) -> bool {
        self.mean.is_none()
    }

    /// Batches of different sizes are weighted by their number of elements.
    fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        if self.mean.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`mean` and `variance` are given, so there is nothing to adapt",
            ));
        }
        let mut total: Option<(Tensor, Tensor, f64)> = None;
        for batch in data.leaves() {
            let batch = ops::cast_to(batch, DType::Float32)?;
            let kept = self.kept(batch.shape())?;
            let axes: Vec<isize> = (0..batch.rank()).filter(|i| !kept.contains(i)).map(|i| i as isize).collect();
            let count: f64 = axes.iter().map(|axis| batch.shape().dim(*axis)).product::<Result<usize>>()? as f64;
            let (mean, variance) = match axes.as_slice() {
                [] => (batch.clone(), ops::zeros_like(&batch)?),
                axes => (ops::mean(&batch, axes, false)?, ops::var(&batch, axes, false)?),
            };
            total = Some(match total {
                None => (mean, variance, count),
                Some((old_mean, old_variance, old_count)) => {
                    let weight = count / (count + old_count);
                    let joined = ops::add(&ops::multiply(&old_mean, 1.0 - weight)?, ops::multiply(&mean, weight)?)?;
                    let part = |mean: &Tensor, variance: &Tensor, weight: f64| {
                        let offset = ops::square(&ops::subtract(mean, &joined)?)?;
                        ops::multiply(ops::add(variance, offset)?, weight)
                    };
                    let variance =
                        ops::add(part(&old_mean, &old_variance, 1.0 - weight)?, part(&mean, &variance, weight)?)?;
                    (joined, variance, count + old_count)
                }
            });
        }
        let Some((mean, variance, _)) = total else {
            return Err(Error::new(ErrorKind::InvalidArgument, "adapt() received an empty iterable (no batches)")
                .expected("at least one batch"));
        };
        self.adapt_mean.assign(&mean)?;
        self.adapt_variance.assign(&variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn batches_adapt_as_the_whole() {
        let data: Vec<f32> = (0..12).map(|i| (i * i) as f32).collect();
        let whole = Normalization::new().shared();
        whole.adapt(Tensor::from_slice(&data, [6, 2]).unwrap()).unwrap();
        let parts = Normalization::new().shared();
        let split = [Tensor::from_slice(&data[..4], [2, 2]).unwrap(), Tensor::from_slice(&data[4..], [4, 2]).unwrap()];
        parts.adapt(split.to_vec()).unwrap();
        for (a, b) in whole.get_weights().iter().zip(parts.get_weights()).take(2) {
            for (a, b) in a.to_vec::<f32>().unwrap().iter().zip(b.to_vec::<f32>().unwrap()) {
                assert!((a - b).abs() <= 1e-4 * b.abs());
            }
        }
    }

    #[test]
    fn one_of_mean_and_variance_is_an_error() {
        let layer = Normalization::new().mean([1.0]);
        assert!(layer.apply(Tensor::from_slice(&[1.0f32], [1, 1]).unwrap()).is_err());
    }
}
