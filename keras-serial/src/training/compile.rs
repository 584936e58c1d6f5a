//! The arguments of `compile`, and their configuration.

use super::parts::{self, IntoLosses, IntoMetrics, LossWeights, Losses, Metrics};
use crate::config::wrong_type;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::losses::Loss;
use crate::metrics::Metric;
use crate::optimizers::{self, LossScaleOptimizer, Optimize, Optimizer, OptimizerExt};
use crate::tensor::Nested;

/// The optimizer argument of `compile`: a name, an [`Optimizer`], or none for models that are only
/// evaluated.
#[derive(Clone, Debug)]
pub struct CompileOptimizer(Result<Option<Optimizer>>);

impl CompileOptimizer {
    /// Returns no optimizer: the model can't be trained.
    pub fn none() -> Self {
        Self(Ok(None))
    }
}

/// Looks the optimizer up by its Keras name; `compile` reports an unknown one.
impl From<&str> for CompileOptimizer {
    fn from(name: &str) -> Self {
        Self(optimizers::get(&Value::from(name)).map(Some))
    }
}

impl From<Optimizer> for CompileOptimizer {
    fn from(optimizer: Optimizer) -> Self {
        Self(Ok(Some(optimizer)))
    }
}

impl<T: Optimize> From<T> for CompileOptimizer {
    fn from(optimizer: T) -> Self {
        Optimizer::new(optimizer).into()
    }
}

/// The arguments of [`Model::compile`](crate::models::Model::compile).
///
/// # Arguments
/// - `optimizer`, `loss`: by name or as objects; see [`Losses`].
/// - `loss_weights`: the factor of each output's loss in the total loss.
/// - `metrics`, `weighted_metrics`: what is measured besides the loss; the latter with sample weights.
/// - `run_eagerly`: false by default; affects only how `ScheduleFreeAdamW` starts.
/// - `jit_compile`: kept for Keras; it has no effect here.
/// - `steps_per_execution`: the number of batches per call of the callbacks; 1 by default.
/// - `auto_scale_loss`: whether the optimizer of a `mixed_float16` model scales its loss; true by
///   default.
///
/// Follows <https://keras.io/api/models/model_training_apis/#compile-method>.
///
/// ```
/// use keras_serial::optimizers::{Adam, OptimizerExt};
/// use keras_serial::prelude::*;
/// let model = Sequential::new([Input::new([3]).layer(), Dense::new(1).into()])?;
/// model.compile(Compile::new(Adam::new().learning_rate(0.01), "mse").metrics(["mae"]))?;
/// let config = model.get_compile_config()?.unwrap_or_default();
/// assert_eq!(config.get("loss").and_then(|loss| loss.as_str()), Some("mse"));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "`Model::compile` takes it"]
pub struct Compile {
    optimizer: CompileOptimizer,
    pub(super) loss: Losses,
    pub(super) loss_weights: LossWeights,
    pub(super) metrics: Metrics,
    pub(super) weighted_metrics: Metrics,
    pub(super) run_eagerly: bool,
    pub(super) steps_per_execution: usize,
    jit_compile: bool,
    auto_scale_loss: bool,
    /// Whether the optimizer scales its loss even if the model's dtype policy does not ask for it.
    scales_loss: bool,
    /// The `loss_weights` as the file has them, because numbers would lose their notation.
    loss_weights_value: Option<Value>,
}

/// Returns Keras's defaults of `compile()`: RMSprop, and no loss.
impl Default for Compile {
    fn default() -> Self {
        Self::new("rmsprop", Losses::none())
    }
}

impl Compile {
    /// Creates the arguments with this optimizer and loss, and no metrics.
    pub fn new(optimizer: impl Into<CompileOptimizer>, loss: impl IntoLosses) -> Self {
        Self {
            optimizer: optimizer.into(),
            loss: loss.into_parts(),
            loss_weights: LossWeights::none(),
            metrics: Metrics::none(),
            weighted_metrics: Metrics::none(),
            run_eagerly: false,
            steps_per_execution: 1,
            jit_compile: false,
            auto_scale_loss: true,
            scales_loss: false,
            loss_weights_value: None,
        }
    }

    /// Sets `loss_weights`.
    pub fn loss_weights(mut self, loss_weights: impl Into<LossWeights>) -> Self {
        self.loss_weights = loss_weights.into();
        self.loss_weights_value = None;
        self
    }

    /// Sets `metrics`; a single one is a list of one, as Keras accepts no other.
    pub fn metrics(mut self, metrics: impl IntoMetrics) -> Self {
        self.metrics = metrics.into_parts().listed();
        self
    }

    /// Sets `weighted_metrics`; a single one is a list of one.
    pub fn weighted_metrics(mut self, metrics: impl IntoMetrics) -> Self {
        self.weighted_metrics = metrics.into_parts().listed();
        self
    }

    /// Sets `run_eagerly`.
    pub fn run_eagerly(mut self, run_eagerly: bool) -> Self {
        self.run_eagerly = run_eagerly;
        self
    }

    /// Sets `steps_per_execution`.
    pub fn steps_per_execution(mut self, steps: usize) -> Self {
        self.steps_per_execution = steps;
        self
    }

    /// Sets `jit_compile`.
    pub fn jit_compile(mut self, jit_compile: bool) -> Self {
        self.jit_compile = jit_compile;
        self
    }

    /// Sets `auto_scale_loss`.
    pub fn auto_scale_loss(mut self, auto_scale_loss: bool) -> Self {
        self.auto_scale_loss = auto_scale_loss;
        self
    }

    /// Serializes the arguments as Keras does (`Model.get_compile_config`).
    ///
    /// # Errors
    /// When an object can't be serialized.
    pub fn to_config(&self) -> Result<Dict> {
        let optimizer = match &self.optimizer.0 {
            Ok(None) => Value::Null,
            Ok(Some(optimizer)) => optimizer.serialize().at("optimizer")?,
            Err(error) => return Err(error.clone().at("optimizer")),
        };
        let weights = self.loss_weights_value.clone().unwrap_or_else(|| weights_to_value(&self.loss_weights.0));
        Ok(Dict::from([
            ("optimizer".to_owned(), optimizer),
            ("loss".to_owned(), parts::to_value(&self.loss.0).at("loss")?),
            ("loss_weights".to_owned(), weights),
            ("metrics".to_owned(), parts::to_value(&self.metrics.0).at("metrics")?),
            ("weighted_metrics".to_owned(), parts::to_value(&self.weighted_metrics.0).at("weighted_metrics")?),
            ("run_eagerly".to_owned(), Value::Bool(self.run_eagerly)),
            ("steps_per_execution".to_owned(), Value::Int(i64::try_from(self.steps_per_execution).unwrap_or(1))),
            ("jit_compile".to_owned(), Value::Bool(self.jit_compile)),
        ]))
    }

    /// Returns true if a configuration is for a class's own `compile`, with other arguments.
    #[cfg(feature = "archive")]
    pub(crate) fn is_of_own(config: &Dict) -> bool {
        refuse_unknown(config).is_err()
    }

    /// Sets whether the optimizer scales its loss even if the model's dtype policy does not ask for it.
    pub(super) fn with_scaled_loss(mut self, scales_loss: bool) -> Self {
        self.scales_loss = scales_loss;
        self
    }

    /// Deserializes what [`Compile::to_config`] writes; every entry is optional. Custom objects in scope
    /// are found.
    ///
    /// # Errors
    /// When an object is unknown or does not accept its configuration.
    pub fn from_config(config: &Dict) -> Result<Self> {
        refuse_unknown(config)?;
        let entry = |name: &str| config.get(name).unwrap_or(&Value::Null);
        let flag = |name: &'static str, default: bool| match entry(name) {
            Value::Null => Ok(default),
            Value::Bool(flag) => Ok(*flag),
            // "auto" is resolved when the model is compiled; here it makes no difference.
            Value::Str(auto) if auto == "auto" => Ok(false),
            other => Err(wrong_type("a boolean", other).at(name)),
        };
        let optimizer = match config.get("optimizer") {
            None => CompileOptimizer::from("rmsprop"),
            Some(Value::Null) => CompileOptimizer::none(),
            Some(form) => optimizers::get(form).at("optimizer")?.into(),
        };
        let steps = match entry("steps_per_execution") {
            Value::Null => 1,
            Value::Int(steps) if *steps > 0 => usize::try_from(*steps).unwrap_or(1),
            other => return Err(wrong_type("a positive integer", other).at("steps_per_execution")),
        };
        let loss_weights = entry("loss_weights");
        Ok(Self {
            optimizer,
            loss: Losses(parts::from_value(entry("loss")).at("loss")?),
            loss_weights: LossWeights(weights_from_value(loss_weights).at("loss_weights")?),
            metrics: Metrics(parts::from_value(entry("metrics")).at("metrics")?),
            weighted_metrics: Metrics(parts::from_value(entry("weighted_metrics")).at("weighted_metrics")?),
            run_eagerly: flag("run_eagerly", false)?,
            steps_per_execution: steps,
            jit_compile: flag("jit_compile", false)?,
            auto_scale_loss: flag("auto_scale_loss", true)?,
            scales_loss: false,
            loss_weights_value: Some(loss_weights.clone()),
        })
    }

    /// Returns an error for losses and metrics of unknown names or with arguments out of range.
    pub(super) fn check_names(&self) -> Result<()> {
        let broken_loss = |loss: &Loss| loss.validate().err();
        let broken_metric = |metric: &Metric| metric.validate().err();
        parts::check_names(&self.loss.0, &["crossentropy", "ce"], broken_loss).at("loss")?;
        for (argument, metrics) in [("metrics", &self.metrics), ("weighted_metrics", &self.weighted_metrics)] {
            parts::check_names(&metrics.0, &["accuracy", "acc"], broken_metric).at(argument)?;
        }
        Ok(())
    }

    /// Returns the optimizer for a model with this dtype policy.
    pub(super) fn make_optimizer(&self, policy: &str) -> Result<Option<Optimizer>> {
        let Some(optimizer) = self.optimizer.0.clone().at("optimizer")? else { return Ok(None) };
        optimizer.validate().at("optimizer")?;
        let scales = optimizer.downcast_ref::<LossScaleOptimizer>().is_some();
        let should_scale = self.scales_loss || (self.auto_scale_loss && policy == "mixed_float16");
        Ok(Some(if should_scale && !scales {
            LossScaleOptimizer::new(optimizer).name("loss_scale_optimizer").into()
        } else {
            optimizer
        }))
    }
}

/// The arguments of Keras's `compile`, and those of Keras 2, which have no effect here.
const ARGUMENTS: [&str; 14] = [
    "optimizer",
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
    "auto_scale_loss",
    "sample_weight_mode",
    "target_tensors",
    "distribute",
    "from_serialized",
    "pss_evaluation_shards",
];

/// Returns an error for unknown arguments: they belong to a class's own `compile`.
fn refuse_unknown(config: &Dict) -> Result<()> {
    let own: Vec<&str> = config.keys().map(String::as_str).filter(|name| !ARGUMENTS.contains(name)).collect();
    if own.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, "the configuration is one of a `compile` of the model's own")
        .expected("the arguments of `Model.compile`")
        .received(own.join(", "))
        .hint(
            "implement `OwnCompile` for the model's type and give it in `Layer::own_compile`, or load with \
             `LoadOptions::new().compile(false)`",
        ))
}

fn weights_to_value(weights: &Nested<f64>) -> Value {
    match weights {
        Nested::Leaf(weight) => Value::Float(*weight),
        Nested::None => Value::Null,
        Nested::List(items) | Nested::Tuple(items) => Value::List(items.iter().map(weights_to_value).collect()),
        Nested::Dict(items) => {
            Value::Dict(items.iter().map(|(name, item)| (name.clone(), weights_to_value(item))).collect())
        }
    }
}

fn weights_from_value(value: &Value) -> Result<Nested<f64>> {
    Ok(match value {
        Value::Null => Nested::None,
        Value::List(items) => Nested::List(items.iter().map(weights_from_value).collect::<Result<_>>()?),
        Value::Dict(items) => {
            let items =
                items.iter().map(|(name, item)| Ok((name.clone(), weights_from_value(item).at_with(|| name.clone())?)));
            Nested::Dict(items.collect::<Result<_>>()?)
        }
        number => Nested::Leaf(number.as_f64().ok_or_else(|| wrong_type("a number", number))?),
    })
}
