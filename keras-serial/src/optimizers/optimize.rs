//! The trait that optimizers implement.

use super::apply;
use super::base::OptimizerBase;
use super::learning_rate::LearningRate;
use crate::config::{HasBase, KerasSerializable};
use crate::error::{Error, ErrorKind, Result};
use crate::ops::multiply;
use crate::tensor::Tensor;
use crate::utils::pattern;
use crate::variable::Variable;

/// An optimizer: a rule by which gradients change weights.
///
/// A custom optimizer implements which variables it keeps for each weight (`create_slots`), and how one
/// weight is updated (`update_step`); everything else is shared: clipping, weight decay, moving
/// averages, gradient accumulation, loss scaling, constraints.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::optimizers::{Optimize, OptimizerBase};
/// use keras_serial::variable::Variable;
///
/// /// Follows the gradient's sign.
/// #[register(package = "Mine")]
/// #[derive(KerasSerializable)]
/// struct SignSgd {
///     base: OptimizerBase,
///     #[keras(default = 0.5)]
///     factor: f64,
/// }
///
/// impl Optimize for SignSgd {
///     fn create_slots(&self, variables: &[Variable]) -> Result<()> {
///         self.base.add_slots(variables, &["momentum"])
///     }
///
///     fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
///         let momentum = self.base.slot(variable, "momentum")?;
///         momentum.assign(&ops::add(ops::multiply(&momentum.read(), self.factor)?, gradient)?)?;
///         let step = ops::multiply(ops::sign(&momentum.read())?, learning_rate)?;
///         variable.assign(&ops::subtract(&variable.read(), &step)?)
///     }
/// }
///
/// let dense = LayerRef::from(Dense::new(1).kernel_initializer("ones"));
/// dense.build(&[1, 2].into())?;
/// let optimizer = Optimizer::from("Mine>SignSgd");
/// let gradient = Tensor::from_slice(&[3.0f32, -3.0], [2, 1])?;
/// optimizer.apply(&[Some(gradient), None], &dense.weights())?;
/// assert_eq!(dense.weights()[0].read().to_vec::<f32>()?, [0.999, 1.001]);
/// assert_eq!(optimizer.variables()?[2].path(), "sign_sgd/dense_kernel_momentum");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an optimizer",
    note = "give it a field `base: OptimizerBase`, derive `KerasSerializable`, and implement `Optimize` for it"
)]
pub trait Optimize: KerasSerializable + HasBase<OptimizerBase> {
    /// Creates the optimizer's own variables for the model variables that it will update.
    ///
    /// # Errors
    /// When they can't be created.
    fn create_slots(&self, variables: &[Variable]) -> Result<()>;

    /// Updates one variable of the model, and the optimizer's own variables for it.
    ///
    /// # Errors
    /// When the update fails; all variables are then restored to their values before the step.
    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()>;

    /// Called once per step, before the first variable is updated; does nothing by default.
    ///
    /// # Errors
    /// As [`Optimize::update_step`].
    fn begin_step(&self) -> Result<()> {
        Ok(())
    }

    /// Returns the fraction of a variable, times the learning rate, that a step subtracts first.
    ///
    /// # Errors
    /// When the optimizer can't compute it.
    fn decay_of(&self, variable: &Variable) -> Result<Option<f64>> {
        let _ = variable;
        Ok(self.base().weight_decay())
    }

    /// Returns true if [`Optimize::update_step`] can't fail when gradients have the variables' shapes
    /// and dtypes; false by default. Then no old values are kept for undoing a step, and variables are
    /// updated in place.
    fn never_fails(&self) -> bool {
        false
    }

    /// Returns the name.
    fn name(&self) -> &str {
        self.base().name(self.class())
    }

    /// Returns true if the optimizer has its variables for a model.
    fn is_built(&self) -> bool {
        self.base().state().trainable.is_some()
    }

    /// Creates the optimizer's own variables, unless it has them.
    ///
    /// # Errors
    /// When the arguments contradict one another, or [`Optimize::create_slots`] fails.
    fn build(&self, variables: &[Variable]) -> Result<()> {
        apply::build(self, variables)
    }

    /// Adjusts the state if the first training step builds the optimizer, not its owner; does nothing by
    /// default.
    ///
    /// # Errors
    /// As [`Optimize::create_slots`].
    fn built_by_training(&self) -> Result<()> {
        Ok(())
    }

    /// Takes a step: updates the variables by their gradients (`keras.optimizers.Optimizer.apply`).
    /// Builds the optimizer for the variables if needed. Variables without a gradient stay unchanged.
    ///
    /// # Errors
    /// When no variable has a gradient, one is unknown to the optimizer, or shapes differ. All variables
    /// are then unchanged.
    fn apply(&self, gradients: &[Option<Tensor>], variables: &[Variable]) -> Result<()> {
        apply::apply(self, gradients, variables)
    }

    /// Returns the optimizer's own variables, in the order of files: the step counter, the learning rate
    /// if it is a number, then those that [`Optimize::create_slots`] created.
    ///
    /// # Errors
    /// When the engine can't create the first two.
    fn variables(&self) -> Result<Vec<Variable>> {
        self.name();
        self.base().own_variables()
    }

    /// Returns how many times the variables were updated.
    ///
    /// # Errors
    /// When something other than a number was assigned to the counter.
    fn iterations(&self) -> Result<i64> {
        let steps = self.base().steps()?;
        Ok(steps.div_euclid(self.base().accumulation().unwrap_or(1)))
    }

    /// Returns the learning rate of the next step.
    ///
    /// # Errors
    /// When a schedule can't compute it.
    fn learning_rate(&self) -> Result<f64> {
        let rate = self.base().state().learning_rate()?;
        match rate {
            LearningRate::Constant(rate) => Ok(f64::from(rate)),
            LearningRate::Schedule(schedule) => schedule.learning_rate(self.base().steps()?),
        }
    }

    /// Replaces the learning rate.
    ///
    /// # Errors
    /// When a schedule would be replaced by a number.
    fn set_learning_rate(&self, rate: LearningRate) -> Result<()> {
        self.base().state().set_learning_rate(rate)
    }

    /// Scales the loss, for the computation of gradients.
    ///
    /// # Errors
    /// When the loss is not a numeric tensor.
    fn scale_loss(&self, loss: &Tensor) -> Result<Tensor> {
        match self.base().loss_scale_factor() {
            Some(factor) => multiply(loss, factor),
            None => Ok(loss.clone()),
        }
    }

    /// Assigns the moving averages to the variables, if the optimizer keeps them; to be called at the
    /// end of training.
    ///
    /// # Errors
    /// When these are not the variables that it was built with.
    fn finalize_variable_values(&self, variables: &[Variable]) -> Result<()> {
        if self.base().use_ema { apply::overwrite_with_averages(self.base(), variables) } else { Ok(()) }
    }

    /// Exempts variables from weight decay: these, and those whose names match one of the patterns.
    /// Replaces earlier exemptions.
    ///
    /// # Errors
    /// When a pattern is not a regular expression.
    fn exclude_from_weight_decay(&self, variables: &[Variable], names: &[&str]) -> Result<()> {
        let pattern = if names.is_empty() { None } else { Some(pattern::search(&names.join("|"))?) };
        let mut state = self.base().state();
        state.excluded = variables.iter().map(Variable::id).collect();
        state.excluded_names = pattern;
        Ok(())
    }

    /// Returns the values of the optimizer's own variables, as files number them.
    ///
    /// # Errors
    /// As [`Optimize::variables`].
    fn save_own_variables(&self) -> Result<Vec<Tensor>> {
        Ok(self.variables()?.iter().map(Variable::read).collect())
    }

    /// Assigns the values of a file to the optimizer's own variables.
    ///
    /// # Errors
    /// When their number or shapes differ; no variable is changed then.
    fn load_own_variables(&self, values: &[Tensor]) -> Result<()> {
        let variables = self.variables()?;
        if variables.len() != values.len() {
            let error = Error::new(ErrorKind::Weights, "the saved optimizer has another number of variables")
                .expected(format!("{} variables", variables.len()))
                .received(format!("{} variables", values.len()))
                .at(self.name().to_owned());
            return Err(if self.is_built() {
                error
            } else {
                error.hint("the optimizer has not been built yet: call `build` with the model's trainable variables")
            });
        }
        for (variable, value) in variables.iter().zip(values) {
            if variable.shape() != value.shape() {
                return Err(Error::new(ErrorKind::Weights, "the saved variable has another shape")
                    .expected(format!("shape {}", variable.shape()))
                    .received(format!("shape {}", value.shape()))
                    .at(variable.path().to_owned()));
            }
        }
        variables.iter().zip(values).try_for_each(|(variable, value)| variable.assign(value))
    }
}
