//! The macro for precision and recall.

/// Defines a metric that is the ratio of true positives to them plus one other count.
macro_rules! confusion_share {
    ($(#[$doc:meta])* $class:ident, $other:ident, alias $alias:literal) => {
        use crate::error::Result;
        use crate::metrics::confusion::{Counts, Grid, Options, Thresholds};
        use crate::metrics::sensitivity_specificity::share;
        use crate::metrics::{Direction, Measure, MetricBase, State};
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
            /// The number of predictions of a sample that are positive.
            #[keras(default)]
            top_k: Option<usize>,
            /// The only class to count; all by default.
            #[keras(default)]
            class_id: Option<usize>,
            #[keras(skip)]
            state: State,
        }

        impl $class {
            fn check(&self) -> Result<()> {
                Thresholds::check(self.thresholds.as_ref())
            }

            fn grid(&self) -> Grid {
                Grid::of(self.thresholds.as_ref(), self.top_k)
            }

            fn counts(&self) -> Result<[Variable; 2]> {
                let shape = Shape::from([self.grid().len()]);
                let variable = |name| self.state.variable(self.name(), name, &shape, DType::Float32);
                Ok([variable("true_positives")?, variable(stringify!($other))?])
            }
        }

        impl Measure for $class {
            fn direction(&self) -> Option<Direction> {
                Some(Direction::Up)
            }

            fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
                self.check()?;
                let (top_k, class_id) = (self.top_k, self.class_id);
                let options = Options { top_k, class_id, sample_weight, ..Options::default() };
                let batch = Counts::of(y_true, y_pred, &self.grid(), options)?;
                let [true_positives, other] = self.counts()?;
                State::add(&true_positives, &batch.true_positives)?;
                State::add(&other, &batch.$other)
            }

            fn result(&self) -> Result<Nested<Tensor>> {
                let [true_positives, other] = self.counts()?;
                let shares = share(&true_positives.read(), &other.read())?;
                if self.grid().len() == 1 { squeeze_at(&shares, 0).map(Into::into) } else { Ok(shares.into()) }
            }

            fn variables(&self) -> Result<Vec<Variable>> {
                self.counts().map(Vec::from)
            }
        }
    };
}
pub(super) use confusion_share;
