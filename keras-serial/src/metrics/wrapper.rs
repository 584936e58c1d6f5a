//! Functions as metrics.

use super::macros::ParameterizedValues;
use super::reduce::MeanState;
use super::{Measure, MetricBase, Values};
use crate::config::{Base, Config, HasBase, field};
use crate::error::{Result, ResultExt};
use crate::functions::{Function, KerasFunction};
use crate::json::Dict;
use crate::losses::{Loss, Reduction, apply_mask};
use crate::object::{Handle, Object};
use crate::registry::WrapsFunction;
use crate::tensor::{DType, Nested, Tensor};
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// A metric that is the mean of a function of targets and predictions.
///
/// Follows <https://keras.io/api/metrics/metrics_wrappers/#meanmetricwrapper-class>.
///
/// ```
/// use keras_serial::losses::mean_absolute_error;
/// use keras_serial::metrics::{MeanMetricWrapper, Measure};
/// use keras_serial::tensor::Tensor;
/// let metric = MeanMetricWrapper::new(mean_absolute_error);
/// let y_true = Tensor::from_slice(&[0.0f32, 1.0], [2, 1])?;
/// let y_pred = Tensor::from_slice(&[1.0f32, 4.0], [2, 1])?;
/// metric.update_state(&y_true, &y_pred, None)?;
/// assert_eq!(metric.result()?.into_single()?.item::<f32>()?, 2.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("mean_metric_wrapper"))]
pub struct MeanMetricWrapper {
    base: MetricBase,
    function: Function,
    /// Arguments of a built-in function, and what computes with them.
    arguments: Dict,
    with_arguments: Option<Box<dyn Values>>,
    /// Whether it is only the function, and serialized as such.
    bare: bool,
    state: MeanState,
}

impl MeanMetricWrapper {
    /// Wraps a function; the metric is its mean.
    pub fn new<M, F: KerasFunction<M>>(function: F) -> Self {
        Self { base: MetricBase::named("mean_metric_wrapper"), bare: false, ..Self::bare(Function::new(function)) }
    }

    /// Wraps only the function, as `compile` does.
    pub(crate) fn bare(function: Function) -> Self {
        Self {
            base: MetricBase::named(function.name()),
            function,
            arguments: Dict::new(),
            with_arguments: None,
            bare: true,
            state: MeanState::default(),
        }
    }

    /// Sets `name`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.base.set_name(name);
        self.bare = false;
        self
    }

    /// Sets `dtype`.
    #[must_use]
    pub fn dtype(mut self, dtype: impl Into<DType>) -> Self {
        self.base.set_dtype(dtype.into());
        self.bare = false;
        self
    }

    /// Returns the function, if it is serialized as such.
    pub(crate) fn as_function(&self) -> Option<&Function> {
        self.bare.then_some(&self.function)
    }
}

impl WrapsFunction for MeanMetricWrapper {
    fn of_function(object: &Object) -> Option<Self> {
        object.downcast_ref::<Function>().cloned().map(Self::bare)
    }

    fn function_handle(&self) -> Option<&dyn Handle> {
        self.as_function().map(|function| function as &dyn Handle)
    }
}

impl KerasSerializable for MeanMetricWrapper {
    crate::config::described_by_hand! { MeanMetricWrapper {
        "name": Option<String> = Some("mean_metric_wrapper".to_owned()), "The metric's name.";
        "dtype": crate::dtype_policies::Policy = crate::dtype_policies::Policy::default(), "The dtype of its computations.";
        "fn": Function, "The function of targets and predictions; its own arguments are entries too.";
    } allows_unknown: true }

    fn get_config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.base.write(Self::class_name(), &mut config)?;
        config.insert("fn".to_owned(), Handle::serialize(&self.function)?);
        config.extend(self.arguments.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        let function: Function = field::required(config, "fn", &[], crate::registry::deserialize_by_name)?;
        let base = MetricBase::named("mean_metric_wrapper").read_over(config)?;
        let mut arguments = config.clone();
        arguments.retain(|key, _| key != "fn" && !MetricBase::KEYS.contains(&key.as_str()));
        let with_arguments = if arguments.is_empty() { None } else { Some(parameterized(&function, &arguments)?) };
        Ok(Self { base, arguments, with_arguments, bare: false, ..Self::bare(function) })
    }
}

/// Constructs a built-in function with arguments: of a metric or a loss.
fn parameterized(function: &Function, arguments: &Dict) -> Result<Box<dyn Values>> {
    let name = function.name();
    let own = inventory::iter::<ParameterizedValues>.into_iter().find(|p| function.is_builtin() && p.function == name);
    match own {
        Some(own) => (own.make)(arguments).at(name),
        None => Ok(Box::new(crate::losses::parameterized(function, arguments)?)),
    }
}

impl Values for Loss {
    fn values(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let (y_true, y_pred) = crate::losses::as_numbers(y_true, y_pred)?;
        self.call(&y_true, &y_pred)
    }
}

impl HasBase<MetricBase> for MeanMetricWrapper {
    fn base(&self) -> &MetricBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut MetricBase {
        &mut self.base
    }
}

impl Measure for MeanMetricWrapper {
    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let values = match &self.with_arguments {
            Some(own) => own.values(y_true, y_pred)?,
            None => self.function.call2(y_true, y_pred)?,
        };
        let weights = apply_mask(sample_weight, y_pred.mask().as_ref(), self.base.dtype(), Reduction::Sum)?;
        self.state.update(Measure::name(self), self.base.dtype(), &values, weights.as_ref())
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        self.state.result(Measure::name(self), self.base.dtype()).map(Into::into)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        self.state.variables(Measure::name(self), self.base.dtype()).map(Vec::from)
    }
}
