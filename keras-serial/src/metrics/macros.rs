//! The macro for metrics that are the mean of a function.

use crate::config::Config;
use crate::error::Result;
use crate::tensor::Tensor;

/// A metric that is the mean of a function of targets and predictions.
pub(crate) trait Values: Send + Sync {
    /// Computes the value of each sample.
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor>;
}

/// A built-in function with arguments: it is constructed as the class of the same computation.
pub(crate) struct ParameterizedValues {
    pub function: &'static str,
    pub make: fn(&Config) -> Result<Box<dyn Values>>,
}

inventory::collect!(ParameterizedValues);

/// Defines a metric that is the mean of a function.
///
/// Arguments are `name: type = default`; those with `omit(path)` are omitted from configurations if the
/// function at `path` returns true. The direction says whether larger (`Up`) or smaller (`Down`) values are better. With `function name`, the function itself is public too.
macro_rules! mean_metric {
    (
        $(#[$doc:meta])*
        class $class:ident($name:literal; $($alias:literal),*) direction $direction:ident {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty = $default:expr $(, omit($omit:path))?;)*
        }
        $($(#[$function_doc:meta])* function $function:ident;)?
        |$metric:ident, $y_true:ident, $y_pred:ident| $body:block
    ) => {
        $(#[$doc])*
        #[$crate::register(builtin = "keras.metrics", alias($($alias),*))]
        #[derive($crate::KerasSerializable, Debug)]
        #[keras(new, default, setters)]
        pub struct $class {
            #[keras(default = $crate::metrics::MetricBase::named($name))]
            base: $crate::metrics::MetricBase,
            $($(#[$field_doc])* #[keras(default = $default $(, skip_if = $omit)?)] $field: $ty,)*
            #[keras(skip)]
            state: $crate::metrics::reduce::MeanState,
        }

        impl $crate::metrics::Values for $class {
            fn values(&self, $y_true: &$crate::tensor::Tensor, $y_pred: &$crate::tensor::Tensor) -> $crate::error::Result<$crate::tensor::Tensor> {
                let $metric = self;
                $body
            }
        }

        impl $crate::metrics::Measure for $class {
            fn direction(&self) -> Option<$crate::metrics::Direction> {
                Some($crate::metrics::Direction::$direction)
            }

            fn update_state(
                &self,
                y_true: &$crate::tensor::Tensor,
                y_pred: &$crate::tensor::Tensor,
                sample_weight: Option<&$crate::tensor::Tensor>,
            ) -> $crate::error::Result<()> {
                let values = $crate::metrics::Values::values(self, y_true, y_pred)?;
                let weights = $crate::losses::apply_mask(sample_weight, y_pred.mask().as_ref(), self.base.dtype(), $crate::losses::Reduction::Sum)?;
                self.state.update($crate::metrics::Measure::name(self), self.base.dtype(), &values, weights.as_ref())
            }

            fn result(&self) -> $crate::error::Result<$crate::tensor::Nested<$crate::tensor::Tensor>> {
                self.state.result($crate::metrics::Measure::name(self), self.base.dtype()).map(Into::into)
            }

            fn variables(&self) -> $crate::error::Result<Vec<$crate::variable::Variable>> {
                self.state.variables($crate::metrics::Measure::name(self), self.base.dtype()).map(Vec::from)
            }
        }

        $(
            $(#[$function_doc])*
            ///
            /// # Errors
            /// When the shapes do not fit.
            #[$crate::register(builtin = "keras.src.metrics")]
            pub fn $function(y_true: &$crate::tensor::Tensor, y_pred: &$crate::tensor::Tensor) -> $crate::error::Result<$crate::tensor::Tensor> {
                $crate::metrics::Values::values(&$class::new(), y_true, y_pred)
            }

            inventory::submit! {
                $crate::metrics::macros::ParameterizedValues {
                    function: stringify!($function),
                    make: |arguments| Ok(Box::new(<$class as $crate::KerasSerializable>::from_config(arguments)?)),
                }
            }
        )?
    };
}
pub(super) use mean_metric;
