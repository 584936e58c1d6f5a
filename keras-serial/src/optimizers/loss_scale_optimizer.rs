//! An optimizer wrapper with dynamic loss scaling, for half precision.

use std::sync::OnceLock;

use super::apply::{build_in_scope, same_number};
use super::kernel::number;
use super::{LearningRate, Optimize, Optimizer, OptimizerBase};
use crate::config::{Config, ConfigField, FieldVisitor, HasBase, KerasSerializable, Number, field};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::ops::{divide, multiply};
use crate::register;
use crate::tensor::Tensor;
use crate::utils::Locked;
use crate::variable::Variable;

/// An optimizer wrapper with dynamic loss scaling: multiplies the loss by a scale before gradients are
/// computed, divides the gradients by it, and skips steps whose gradients are not finite. The scale
/// doubles after `dynamic_growth_steps` finite steps, and halves after each non-finite one.
///
/// # Arguments
/// - `inner_optimizer`: the optimizer that takes the steps.
/// - `initial_scale`: 32768 by default.
/// - `dynamic_growth_steps`: 2000 by default.
/// - `name`.
///
/// Follows <https://keras.io/api/optimizers/loss_scale_optimizer>.
///
/// ```
/// use keras_serial::optimizers::{LossScaleOptimizer, Optimizer, SGD};
/// use keras_serial::tensor::Tensor;
/// let optimizer = Optimizer::from(LossScaleOptimizer::new(SGD::new()).initial_scale(8.0));
/// let loss = optimizer.scale_loss(&Tensor::scalar(0.5f32)?)?;
/// assert_eq!(loss.item::<f32>()?, 4.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers")]
#[derive(Debug)]
pub struct LossScaleOptimizer {
    base: OptimizerBase,
    inner_optimizer: Optimizer,
    initial_scale: Number,
    dynamic_growth_steps: Number,
    own: OnceLock<Own>,
}

#[derive(Debug)]
struct Own {
    step_counter: Variable,
    dynamic_scale: Variable,
}

impl LossScaleOptimizer {
    /// Wraps this optimizer, which no longer scales the loss itself.
    pub fn new(inner_optimizer: impl Into<Optimizer>) -> Self {
        let inner_optimizer = inner_optimizer.into();
        inner_optimizer.base().set_loss_scale_factor(None);
        Self {
            base: OptimizerBase::with_learning_rate(0.0),
            inner_optimizer,
            initial_scale: Number::Float(32768.0),
            dynamic_growth_steps: Number::Int(2000),
            own: OnceLock::new(),
        }
    }

    /// Sets `initial_scale`.
    #[must_use]
    pub fn initial_scale(mut self, scale: impl Into<Number>) -> Self {
        self.initial_scale = scale.into();
        self
    }

    /// Sets `dynamic_growth_steps`.
    #[must_use]
    pub fn dynamic_growth_steps(mut self, steps: impl Into<Number>) -> Self {
        self.dynamic_growth_steps = steps.into();
        self
    }

    /// Returns the optimizer that takes the steps.
    pub fn inner_optimizer(&self) -> &Optimizer {
        &self.inner_optimizer
    }

    fn own(&self) -> Result<&Own> {
        self.own.get().ok_or_else(|| Error::new(ErrorKind::NotBuilt, "the optimizer has not been built"))
    }

    fn rescale(&self, factor: f64) -> Result<()> {
        let own = self.own()?;
        own.step_counter.assign(&Tensor::scalar(0i64)?)?;
        own.dynamic_scale.assign(&multiply(own.dynamic_scale.read(), factor)?)
    }

    fn step(&self, gradients: &[Option<Tensor>], variables: &[Variable]) -> Result<()> {
        let own = self.own()?;
        for gradient in gradients.iter().flatten() {
            if !is_finite(gradient)? {
                return self.rescale(0.5);
            }
        }
        let scale = own.dynamic_scale.read();
        let unscaled = gradients
            .iter()
            .map(|gradient| gradient.as_ref().map(|g| g.map_rows(|part| divide(part, &scale))).transpose());
        self.inner_optimizer.apply(&unscaled.collect::<Result<Vec<_>>>()?, variables)?;
        let steps: i64 = own.step_counter.read().item()?;
        if steps as f64 == self.dynamic_growth_steps.get() - 1.0 {
            self.rescale(2.0)
        } else {
            own.step_counter.assign(&Tensor::scalar(steps + 1)?)
        }
    }
}

/// Returns true if all elements are finite: only then is the sum of their products with zero zero.
fn is_finite(gradient: &Tensor) -> Result<bool> {
    let products = multiply(gradient, 0.0)?;
    Ok(number(&crate::ops::reduce::sum_impl(&products, &crate::ops::Axes::all(), false)?)? == 0.0)
}

impl HasBase<OptimizerBase> for LossScaleOptimizer {
    fn base(&self) -> &OptimizerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut OptimizerBase {
        &mut self.base
    }
}

impl KerasSerializable for LossScaleOptimizer {
    fn get_config(&self) -> Result<Config> {
        Ok(Config::from([
            ("name".to_owned(), Value::from(Optimize::name(self))),
            ("inner_optimizer".to_owned(), self.inner_optimizer.to_value().at("inner_optimizer")?),
            ("initial_scale".to_owned(), self.initial_scale.to_value()?),
            ("dynamic_growth_steps".to_owned(), self.dynamic_growth_steps.to_value()?),
        ]))
    }

    fn from_config(config: &Config) -> Result<Self> {
        let of_base: Vec<&str> =
            OptimizerBase::CONFIG_KEYS.iter().copied().filter(|key| *key != "learning_rate").collect();
        let own = ["inner_optimizer", "initial_scale", "dynamic_growth_steps", "dynamic"];
        field::refuse_unknown(config, &of_base, &own)?;
        if config.get("dynamic").is_some_and(|dynamic| dynamic != &Value::Bool(true)) {
            return Err(Error::new(ErrorKind::Config, "LossScaleOptimizer no longer supports `dynamic=False`")
                .hint("set `loss_scale_factor` directly on the `inner_optimizer`"));
        }
        let mut defaults = Config::new();
        OptimizerBase::default().write_config("optimizer", &mut defaults)?;
        for (key, value) in config.iter().filter(|(key, _)| *key != "name") {
            if defaults.get(key).is_some_and(|default| default != value) {
                return Err(Error::new(ErrorKind::Config, format!("LossScaleOptimizer does not support `{key}`"))
                    .hint(format!("set `{key}` on the `inner_optimizer`")));
            }
        }
        let mut this = Self::new(field::required(config, "inner_optimizer", &[], Optimizer::from_value)?);
        if let Some(name) = field::optional(config, "name", &[], Option::<String>::from_value, || None)? {
            this.base.set_name(name);
        }
        let (scale, steps) = (this.initial_scale, this.dynamic_growth_steps);
        this.initial_scale = field::optional(config, "initial_scale", &[], Number::from_value, || scale)?;
        this.dynamic_growth_steps = field::optional(config, "dynamic_growth_steps", &[], Number::from_value, || steps)?;
        Ok(this)
    }

    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.field("inner_optimizer", &self.inner_optimizer);
    }
}

impl Optimize for LossScaleOptimizer {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        let counter = self.base.add_own(Tensor::scalar(0i64)?, "step_counter")?;
        let scale = self.base.add_own(Tensor::scalar(self.initial_scale.get() as f32)?, "dynamic_scale")?;
        self.inner_optimizer.build(variables)?;
        self.own
            .set(Own { step_counter: counter, dynamic_scale: scale })
            .map_err(|_| Error::new(ErrorKind::InvalidArgument, "the optimizer is built already"))
    }

    fn built_by_training(&self) -> Result<()> {
        self.inner_optimizer.built_by_training()
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        self.inner_optimizer.update_step(gradient, variable, learning_rate)
    }

    fn apply(&self, gradients: &[Option<Tensor>], variables: &[Variable]) -> Result<()> {
        if gradients.is_empty() {
            return Ok(());
        }
        let _stepping = self.base.stepping.locked();
        same_number(gradients, variables)?;
        build_in_scope(self, variables)?;
        // The inner step is all or nothing, and what follows only assigns numbers.
        self.step(gradients, variables)
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Optimize::name(self);
        let mut variables = self.base.own_variables()?;
        let inner = self.inner_optimizer.variables()?;
        variables.extend(inner.into_iter().filter(|variable| self.inner_optimizer.base().is_seen_outside(variable)));
        Ok(variables)
    }

    fn iterations(&self) -> Result<i64> {
        self.inner_optimizer.iterations()
    }

    fn learning_rate(&self) -> Result<f64> {
        self.inner_optimizer.learning_rate()
    }

    fn set_learning_rate(&self, rate: LearningRate) -> Result<()> {
        self.inner_optimizer.set_learning_rate(rate)
    }

    fn scale_loss(&self, loss: &Tensor) -> Result<Tensor> {
        match self.own.get() {
            Some(own) => multiply(loss, own.dynamic_scale.read()),
            None => multiply(loss, self.initial_scale.get()),
        }
    }

    fn finalize_variable_values(&self, variables: &[Variable]) -> Result<()> {
        self.inner_optimizer.finalize_variable_values(variables)
    }
}
