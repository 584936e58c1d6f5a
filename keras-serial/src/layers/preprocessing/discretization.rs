//! Discretization of numbers into bins.

use std::sync::RwLock;

use super::Array;
use super::encode::{OutputMode, encode, encode_traced, encoded_shape};
use crate::config::{Config, HasBase};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::layers::{Adaptable, Layer, LayerBase, OwnState, invalid_argument};
use crate::ops;
use crate::program;
use crate::tensor::{CallArgs, CallContext, DType, Nested, Tensor};
use crate::utils::RwLocked;
use crate::{KerasSerializable, register};

/// Maps each number to the index of its bin: the number of boundaries that are not above it.
///
/// # Arguments
/// - `bin_boundaries`: none; the boundaries, in ascending order.
/// - `num_bins`: none; the number of bins with about equally many samples, whose boundaries
///   [`LayerRef::adapt`](crate::layers::LayerRef::adapt) computes. One of the two must be given.
/// - `epsilon`: 0.01; the error tolerance of the summary from which boundaries are computed.
/// - `output_mode`: `int`, `one_hot`, `multi_hot` or `count`; see [`OutputMode`].
/// - `sparse`: false; kept in the configuration, outputs are always dense here.
///
/// Follows <https://keras.io/api/layers/preprocessing_layers/numerical/discretization>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::layers::Discretization;
/// let x = Tensor::from_slice(&[-1.5f32, 1.0, 3.4, 0.5], [1, 4])?;
/// let y = Discretization::new().bin_boundaries([0.0, 1.0, 2.0]).apply(&x)?;
/// assert_eq!(y.to_vec::<i32>()?, [0, 2, 3, 1]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check, get_config = Self::rearrange)]
pub struct Discretization {
    base: LayerBase,
    #[keras(default)]
    bin_boundaries: Option<Array>,
    #[keras(default)]
    num_bins: Option<usize>,
    #[keras(default = Array::from(0.01))]
    epsilon: Array,
    #[keras(default)]
    output_mode: OutputMode,
    #[keras(default)]
    sparse: bool,
    /// The boundaries from `adapt`; they take precedence over those of the configuration.
    #[keras(skip)]
    learned: RwLock<Option<Vec<f64>>>,
}

impl Discretization {
    fn check(&self) -> Result<()> {
        if self.num_bins.is_none() && self.bin_boundaries.is_none() {
            return Err(Error::new(ErrorKind::Config, "you need to set either `num_bins` or `bin_boundaries`"));
        }
        if self.output_mode == OutputMode::TfIdf {
            return Err(invalid_argument("output_mode", "`int`, `one_hot`, `multi_hot` or `count`", "tf_idf"));
        }
        if self.sparse && self.output_mode == OutputMode::Int {
            return Err(invalid_argument("sparse", "false, if `output_mode` is `int`", "true"));
        }
        Ok(())
    }

    /// Orders the configuration as Keras does: the name and the dtype's name last, and no `trainable`.
    fn rearrange(&self, config: &mut Config) -> Result<()> {
        config.shift_remove("trainable");
        config.shift_remove("dtype");
        let name = config.shift_remove("name").unwrap_or_default();
        if let Some(learned) = &*self.learned.read_locked() {
            config.insert("bin_boundaries".into(), Value::from(learned.clone()));
        }
        config.insert("name".into(), name);
        config.insert("dtype".into(), Value::from(self.base.dtype_policy().variable_dtype()?.name()));
        Ok(())
    }

    /// The number of bins that was asked for.
    pub(super) fn bins(&self) -> Option<usize> {
        self.num_bins
    }

    /// Sets the boundaries to the quantiles of a summary.
    fn learn(&self, summary: Summary, bins: usize) {
        let mut found = compress(summary, 1.0 / bins as f64);
        found.pop();
        let learned = found.into_iter().map(|(value, _)| f64::from(value)).collect();
        *self.learned.write_locked() = Some(learned);
    }

    /// Returns the boundaries, if they are given or adapted.
    ///
    /// # Errors
    /// If the given boundaries are not numbers.
    pub fn boundaries(&self) -> Result<Option<Vec<f64>>> {
        match &*self.learned.read_locked() {
            Some(learned) => Ok(Some(learned.clone())),
            None => self.bin_boundaries.as_ref().map(Array::numbers).transpose(),
        }
    }
}

impl Layer for Discretization {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        self.check()?;
        let x = inputs.tensor()?;
        let dtype = match self.output_mode {
            OutputMode::Int => DType::Int32,
            _ => self.base().dtype_policy().compute_dtype()?,
        };
        let boundaries = self.boundaries()?;
        let depth = boundaries.as_ref().map(|boundaries| boundaries.len() + 1).or(self.num_bins);
        let inferred = match (self.output_mode, x.shape().dims()) {
            (OutputMode::Int | OutputMode::OneHot, _) => encoded_shape(x.shape(), self.output_mode, depth),
            (_, [batch, _, rest @ ..]) => [*batch].into_iter().chain(rest.iter().copied()).chain([depth]).collect(),
            _ => [depth].into(),
        };
        program::infer_or_compute(&[x], Tensor::symbol(inferred, dtype).into(), || {
            let boundaries = boundaries.ok_or_else(|| {
                Error::new(ErrorKind::NotBuilt, "the layer has no boundaries yet")
                    .hint("give it `bin_boundaries`, or adapt it")
            })?;
            // Keras's backend holds boundaries in single precision.
            let boundaries: Vec<f64> = boundaries.into_iter().map(|boundary| f64::from(boundary as f32)).collect();
            let x = &ops::cast_to(x, DType::Float64)?;
            if x.is_traced() {
                let depth = boundaries.len() + 1;
                let count = boundaries.len();
                let boundaries = Tensor::from_vec(boundaries, [count])?;
                let is_above = ops::logical_not(&ops::less(&ops::expand_dims(x, -1)?, &boundaries)?)?;
                let bins = ops::sum(&ops::cast_to(&is_above, DType::Int64)?, -1, false)?;
                return encode_traced(&bins, self.output_mode, depth, dtype, None).map(Into::into);
            }
            let numbers = x.to_vec::<f64>()?;
            let bins =
                numbers.into_iter().map(|x| boundaries.partition_point(|b| x.is_nan() || x >= *b) as i64).collect();
            encode(bins, x.shape(), self.output_mode, boundaries.len() + 1, dtype, None).map(Into::into)
        })
    }

    fn adaptable(&self) -> Option<&dyn Adaptable> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl Adaptable for Discretization {
    fn is_adaptable(&self) -> bool {
        self.num_bins.is_some()
    }

    fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        let Some(bins) = self.num_bins else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a layer that was made with `bin_boundaries` can't be adapted; use `num_bins` instead",
            ));
        };
        let epsilon = self.epsilon.number()?;
        if epsilon.is_nan() || epsilon <= 0.0 {
            return Err(invalid_argument("epsilon", "a positive number", epsilon));
        }
        let mut summary = Vec::new();
        for batch in data.leaves() {
            let mut merged = summarize(ops::cast_to(batch, DType::Float32)?.to_vec()?, epsilon);
            merged.extend(summary);
            merged.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            summary = compress(merged, epsilon);
        }
        self.learn(summary, bins);
        Ok(())
    }
}

impl OwnState for Discretization {
    /// Accepts the summary of the data that old files contain.
    fn state_names(&self) -> &'static [&'static str] {
        &["0"]
    }

    /// Computes the boundaries from a summary of Keras 2, which does not save them.
    fn load_named_state(&self, _: &str, value: &Tensor) -> Result<()> {
        let Some(bins) = self.num_bins.filter(|bins| *bins > 0) else { return Ok(()) };
        if self.boundaries()?.is_some() {
            return Ok(());
        }
        let numbers = ops::cast_to(value, DType::Float32)?.to_vec::<f32>()?;
        let [Some(2), Some(length)] = value.shape().dims() else {
            return Err(Error::new(ErrorKind::Weights, "the summary of the data has another shape")
                .expected("(2, any)")
                .received(value.shape().to_string()));
        };
        let (values, weights) = numbers.split_at((*length).min(numbers.len()));
        let summary: Summary = values.iter().copied().zip(weights.iter().copied()).collect();
        if !summary.is_empty() {
            self.learn(summary, bins);
        }
        Ok(())
    }
}

/// A summary of data: values, each with the number of samples that it stands for.
type Summary = Vec<(f32, f32)>;

/// Summarizes values as about `1 / epsilon` of them, evenly spaced in sorted order.
fn summarize(mut values: Vec<f32>, epsilon: f64) -> Summary {
    values.sort_by(f32::total_cmp);
    let step = (values.len() as f64 * epsilon).max(1.0);
    values.into_iter().skip((step - 1.0) as usize).step_by(step as usize).map(|value| (value, step as f32)).collect()
}

/// Compresses a summary by interpolation over the cumulative share of samples.
fn compress(summary: Summary, epsilon: f64) -> Summary {
    if (summary.len() as f64) * epsilon < 1.0 {
        return summary;
    }
    let cumulative: Vec<f32> = summary
        .iter()
        .scan(0.0f32, |sum, (_, weight)| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let total = cumulative.last().copied().unwrap_or(1.0);
    let shares: Vec<f64> = cumulative.iter().map(|weight| f64::from(weight / total)).collect();
    let values: Vec<f64> = summary.iter().map(|(value, _)| f64::from(*value)).collect();
    let weights: Vec<f64> = cumulative.into_iter().map(f64::from).collect();
    let mut before = 0.0;
    (0..(1.0 / epsilon).ceil() as usize)
        .map(|i| {
            let share = epsilon + i as f64 * epsilon;
            let weight = interpolate(share, &shares, &weights);
            let own = weight - before;
            before = weight;
            (interpolate(share, &shares, &values) as f32, own as f32)
        })
        .collect()
}

/// Interpolates piecewise linearly, constant beyond the ends (NumPy's `interp`).
fn interpolate(x: f64, xs: &[f64], ys: &[f64]) -> f64 {
    let after = xs.partition_point(|at| *at <= x);
    let at = |i: usize| xs.get(i).copied().zip(ys.get(i).copied());
    match (after.checked_sub(1).and_then(at), at(after)) {
        (Some((x0, y0)), Some((x1, y1))) => (y1 - y0) / (x1 - x0) * (x - x0) + y0,
        (Some((_, y)), None) | (None, Some((_, y))) => y,
        (None, None) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn boundaries_are_quantiles() {
        // Discretization(num_bins=4, epsilon=0.01), adapted to [[-1.5, 1.0, 3.4, .5], [0.0, 3.0, 1.3, 0.0]]
        let data = Tensor::from_slice(&[-1.5f32, 1.0, 3.4, 0.5, 0.0, 3.0, 1.3, 0.0], [2, 4]).unwrap();
        let layer = Discretization::new().num_bins(4usize).shared();
        layer.adapt(data.clone()).unwrap();
        assert_eq!(layer.apply(data).unwrap().to_vec::<i32>().unwrap(), [0, 2, 3, 2, 1, 3, 3, 1]);
        assert!(Discretization::new().apply(Tensor::scalar(1.0f32).unwrap()).is_err());
    }
}
