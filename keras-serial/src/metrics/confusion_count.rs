//! The macro for metrics that are one of the four counts.

/// Defines a metric that is one of [`super::confusion::Counts`].
macro_rules! confusion_count {
    ($(#[$doc:meta])* $class:ident, $count:ident, alias $alias:literal) => {
        use crate::error::Result;
        use crate::metrics::confusion::{Counts, Grid, Options, Thresholds};
        use crate::metrics::{Measure, MetricBase, State};
        use crate::ops::shape::squeeze_at;
        use crate::tensor::{DType, Nested, Shape, Tensor};
        use crate::variable::Variable;
        use crate::{KerasSerializable, register};

        $(#[$doc])*
        #[register(builtin = "keras.metrics", alias($alias))]
        #[derive(KerasSerializable, Debug)]
        #[keras(new, default, setters, validate = Self::check)]
        pub struct $class {
            base: MetricBase,
            /// The threshold above which a prediction is positive.
            #[keras(default)]
            thresholds: Option<Thresholds>,
            #[keras(skip)]
            state: State,
        }

        impl $class {
            fn check(&self) -> Result<()> {
                Thresholds::check(self.thresholds.as_ref())
            }

            fn grid(&self) -> Grid {
                Grid::of(self.thresholds.as_ref(), None)
            }

            fn accumulator(&self) -> Result<Variable> {
                self.state.variable(self.name(), "accumulator", &Shape::from([self.grid().len()]), DType::Float32)
            }
        }

        impl Measure for $class {
            fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
                self.check()?;
                let options = Options { sample_weight, ..Options::default() };
                let counts = Counts::of(y_true, y_pred, &self.grid(), options)?;
                State::add(&self.accumulator()?, &counts.$count)
            }

            fn result(&self) -> Result<Nested<Tensor>> {
                let counts = self.accumulator()?.read();
                if self.grid().len() == 1 { squeeze_at(&counts, 0).map(Into::into) } else { Ok(counts.into()) }
            }

            fn variables(&self) -> Result<Vec<Variable>> {
                Ok(vec![self.accumulator()?])
            }
        }
    };
}
pub(super) use confusion_count;
