//! The trait that an optimizer implements.

use super::apply;
use super::base::OptimizerBase;
use super::learning_rate::LearningRate;
use super::pattern;
use crate::config::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::layers::HasBase;
use crate::ops::multiply;
use crate::tensor::Tensor;
use crate::variable::Variable;

/// A rule by which gradients change weights.
///
/// An optimizer of one's own says which variables it keeps for each weight (`create_slots`), and how
/// one weight is updated (`update_step`); everything else is shared: clipping, weight decay, moving
/// averages, gathering of gradients, loss scaling, constraints.
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
///     #[config(default = 0.5)]
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
    /// Makes the optimizer's own variables, for the model's that it will change.
    ///
    /// # Errors
    /// When they can't be made.
    fn create_slots(&self, variables: &[Variable]) -> Result<()>;

    /// Changes one variable of the model, and the optimizer's own for it.
    ///
    /// # Errors
    /// When the optimizer can't; all variables then get back the values that they had before the step.
    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()>;

    /// What happens once in a step, before the first variable changes; nothing by default.
    ///
    /// # Errors
    /// As [`Optimize::update_step`].
    fn begin_step(&self) -> Result<()> {
        Ok(())
    }

    /// Which share of a variable, times the learning rate, a step takes off it first.
    ///
    /// # Errors
    /// When the optimizer can't say.
    fn decay_of(&self, variable: &Variable) -> Result<Option<f64>> {
        let _ = variable;
        Ok(self.base().weight_decay())
    }

    /// Can [`Optimize::update_step`] not fail once gradients have the variables' shapes and dtypes?
    /// Then no old values are held back for undoing a step, and variables change where they stand.
    /// No by default.
    fn never_fails(&self) -> bool {
        false
    }

    /// The name.
    fn name(&self) -> &str {
        self.base().name(self.class())
    }

    /// Has it variables for a model?
    fn is_built(&self) -> bool {
        self.base().state().trainable.is_some()
    }

    /// Makes the optimizer's own variables, unless it has them.
    ///
    /// # Errors
    /// When the arguments contradict one another, or [`Optimize::create_slots`] fails.
    fn build(&self, variables: &[Variable]) -> Result<()> {
        apply::build(self, variables)
    }

    /// What is otherwise where the first step of training builds the optimizer, and not its owner;
    /// nothing by default.
    ///
    /// # Errors
    /// As [`Optimize::create_slots`].
    fn built_by_training(&self) -> Result<()> {
        Ok(())
    }

    /// Takes a step: changes the variables by their gradients (`keras.optimizers.Optimizer.apply`).
    /// Builds the optimizer for the variables if need be. Variables without a gradient stay.
    ///
    /// # Errors
    /// When no variable has a gradient, one is not known to the optimizer, or shapes differ. The
    /// values of all variables then are what they were.
    fn apply(&self, gradients: &[Option<Tensor>], variables: &[Variable]) -> Result<()> {
        apply::apply(self, gradients, variables)
    }

    /// The optimizer's own variables, in the order of files: the counter of steps, the learning rate
    /// if it is a number, then what [`Optimize::create_slots`] made.
    ///
    /// # Errors
    /// When the engine can't make the first two.
    fn variables(&self) -> Result<Vec<Variable>> {
        self.name();
        self.base().own_variables()
    }

    /// How many times the variables were changed.
    ///
    /// # Errors
    /// When the counter was assigned something else than a number.
    fn iterations(&self) -> Result<i64> {
        let steps = self.base().steps()?;
        Ok(steps.div_euclid(self.base().accumulation().unwrap_or(1)))
    }

    /// The learning rate of the next step.
    ///
    /// # Errors
    /// When a schedule can't say.
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
    /// When it is a schedule now and would become a number.
    fn set_learning_rate(&self, rate: LearningRate) -> Result<()> {
        self.base().state().set_learning_rate(rate)
    }

    /// The loss, as gradients are to be taken of it.
    ///
    /// # Errors
    /// When the loss is no tensor of numbers.
    fn scale_loss(&self, loss: &Tensor) -> Result<Tensor> {
        match self.base().loss_scale_factor() {
            Some(factor) => multiply(loss, factor),
            None => Ok(loss.clone()),
        }
    }

    /// Puts the moving averages in the variables' place, if the optimizer keeps them; to be called
    /// at the end of training.
    ///
    /// # Errors
    /// When these are not the variables that it was built with.
    fn finalize_variable_values(&self, variables: &[Variable]) -> Result<()> {
        if self.base().use_ema { apply::overwrite_with_averages(self.base(), variables) } else { Ok(()) }
    }

    /// Exempts variables from weight decay: these, and those in whose names one of the patterns is
    /// found. Replaces what was exempted before.
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

    /// The values of the own variables, as files number them.
    ///
    /// # Errors
    /// As [`Optimize::variables`].
    fn save_own_variables(&self) -> Result<Vec<Tensor>> {
        Ok(self.variables()?.iter().map(Variable::read).collect())
    }

    /// Gives the own variables the values of a file.
    ///
    /// # Errors
    /// When there are more or fewer, or shapes differ; no variable has changed then.
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
