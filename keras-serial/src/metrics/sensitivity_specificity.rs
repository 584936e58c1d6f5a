//! Shared parts of metrics that find the best threshold under a condition.

use super::State;
use super::confusion::{Counts, Grid, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::numeric::divide_no_nan;
use crate::ops::reduce::max_impl;
use crate::ops::{Axes, add, greater_equal, maximum, where_};
use crate::tensor::{DType, Shape, Tensor};
use crate::variable::Variable;

/// Returns the four counts as variables.
pub(super) fn variables(state: &State, metric: &str, shape: &Shape) -> Result<[Variable; 4]> {
    let variable = |name| state.variable(metric, name, shape, DType::Float32);
    Ok([
        variable("true_positives")?,
        variable("false_positives")?,
        variable("true_negatives")?,
        variable("false_negatives")?,
    ])
}

/// Adds the counts of a batch.
pub(super) fn add_counts([tp, fp, tn, fnn]: &[Variable; 4], counts: &Counts) -> Result<()> {
    State::add(tp, &counts.true_positives)?;
    State::add(fp, &counts.false_positives)?;
    State::add(tn, &counts.true_negatives)?;
    State::add(fnn, &counts.false_negatives)
}

/// Computes the ratio of `part` to `part + rest`.
pub(super) fn share(part: &Tensor, rest: &Tensor) -> Result<Tensor> {
    divide_no_nan(part, &add(part, rest)?)
}

/// Returns the largest of `wanted` where `held` is at least `bound`.
pub(super) fn best(held: &Tensor, bound: f64, wanted: &Tensor) -> Result<Tensor> {
    let allowed = where_(&greater_equal(held, bound)?, wanted, 0.0)?;
    maximum(max_impl(&allowed, &Axes::all(), false)?, 0.0)
}

/// Adds the counts of a batch at evenly spaced thresholds.
pub(super) fn update(
    variables: &[Variable; 4],
    thresholds: usize,
    (y_true, y_pred): (&Tensor, &Tensor),
    class_id: Option<usize>,
    sample_weight: Option<&Tensor>,
) -> Result<()> {
    let options = Options { class_id, sample_weight, ..Options::default() };
    add_counts(variables, &Counts::of(y_true, y_pred, &Grid::spread(thresholds, 0.0), options)?)
}

/// Checks that the bound is between 0 and 1, and that there are thresholds.
pub(super) fn check(name: &str, bound: f64, thresholds: usize) -> Result<()> {
    if !(0.0..=1.0).contains(&bound) {
        return Err(Error::new(ErrorKind::Config, format!("Argument `{name}` must be in the range [0, 1]"))
            .received(format!("{name}={bound}")));
    }
    if thresholds == 0 {
        return Err(Error::new(ErrorKind::Config, "Argument `num_thresholds` must be an integer > 0")
            .received("num_thresholds=0"));
    }
    Ok(())
}

/// Defines a metric: the largest value of one ratio where another one is at least a bound.
macro_rules! best_under {
    ($(#[$doc:meta])* $class:ident, $bound:ident, alias $alias:literal, |$tp:ident, $fp:ident, $tn:ident, $fn:ident| $held:expr, $wanted:expr) => {
        $(#[$doc])*
        #[$crate::register(builtin = "keras.metrics", alias($alias))]
        #[derive($crate::KerasSerializable, Debug)]
        #[keras(new, setters, validate = Self::check)]
        pub struct $class {
            base: $crate::metrics::MetricBase,
            /// The only class to count; all by default.
            #[keras(default)]
            class_id: Option<usize>,
            /// The number of thresholds.
            #[keras(default = 200)]
            num_thresholds: usize,
            /// The lower bound of the other ratio.
            $bound: $crate::config::Number,
            #[keras(skip)]
            state: $crate::metrics::State,
        }

        impl $class {
            fn check(&self) -> $crate::error::Result<()> {
                $crate::metrics::sensitivity_specificity::check(stringify!($bound), self.$bound.get(), self.num_thresholds)
            }

            fn counts(&self) -> $crate::error::Result<[$crate::variable::Variable; 4]> {
                $crate::metrics::sensitivity_specificity::variables(&self.state, $crate::metrics::Measure::name(self), &[self.num_thresholds].into())
            }
        }

        impl $crate::metrics::Measure for $class {
            fn direction(&self) -> Option<$crate::metrics::Direction> {
                Some($crate::metrics::Direction::Up)
            }

            fn update_state(
                &self,
                y_true: &$crate::tensor::Tensor,
                y_pred: &$crate::tensor::Tensor,
                sample_weight: Option<&$crate::tensor::Tensor>,
            ) -> $crate::error::Result<()> {
                self.check()?;
                $crate::metrics::sensitivity_specificity::update(
                    &self.counts()?,
                    self.num_thresholds,
                    (y_true, y_pred),
                    self.class_id,
                    sample_weight,
                )
            }

            fn result(&self) -> $crate::error::Result<$crate::tensor::Nested<$crate::tensor::Tensor>> {
                use $crate::metrics::sensitivity_specificity::{best, share};
                let [$tp, $fp, $tn, $fn] = self.counts()?.map(|variable| variable.read());
                let _ = &$tn;
                best(&$held?, self.$bound.get(), &$wanted?).map(Into::into)
            }

            fn variables(&self) -> $crate::error::Result<Vec<$crate::variable::Variable>> {
                self.counts().map(Vec::from)
            }
        }
    };
}
pub(super) use best_under;
