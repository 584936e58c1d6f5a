//! An optimizer that combines several, for different variables.

use super::apply::{same_number, undo_on_error};
use super::{LearningRate, Optimize, Optimizer, OptimizerBase, OptimizerMap};
use crate::config::{Config, ConfigField, FieldVisitor, HasBase, KerasSerializable, Number, field};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::object::Handle;
use crate::register;
use crate::tensor::Tensor;
use crate::utils::Locked;
use crate::variable::Variable;

/// An optimizer that updates each variable with the optimizer that a map has for its path.
///
/// # Arguments
/// - `optimizer_map`: maps variables to optimizers.
/// - `loss_scale_factor`: for all optimizers in the map; none by default.
/// - `name`.
///
/// Follows <https://keras.io/api/optimizers/>.
///
/// ```
/// use keras_serial::optimizers::{Lion, MultiOptimizer, Optimizer, OptimizerExt, OptimizerMap, SGD};
/// use keras_serial::prelude::*;
/// let dense = LayerRef::from(Dense::new(1).name("d").kernel_initializer("ones"));
/// dense.build(&[1, 1].into())?;
/// let map = OptimizerMap::new(SGD::new().learning_rate(0.5)).with(".*bias", Lion::new().learning_rate(0.25));
/// let gradients = [Tensor::from_slice(&[3.0f32], [1, 1])?, Tensor::from_slice(&[3.0f32], [1])?];
/// Optimizer::from(MultiOptimizer::new(map)).apply(&gradients.map(Some), &dense.weights())?;
/// assert_eq!(dense.weights()[0].read().item::<f32>()?, -0.5);
/// assert_eq!(dense.weights()[1].read().item::<f32>()?, -0.25);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.optimizers")]
#[derive(Debug)]
pub struct MultiOptimizer {
    base: OptimizerBase,
    optimizer_map: OptimizerMap,
}

impl MultiOptimizer {
    /// Creates the optimizer with this map.
    pub fn new(optimizer_map: OptimizerMap) -> Self {
        Self::scaled(optimizer_map, None)
    }

    /// Creates the optimizer with this map; all its optimizers get this `loss_scale_factor`.
    pub fn scaled(optimizer_map: OptimizerMap, loss_scale_factor: Option<Number>) -> Self {
        let base = OptimizerBase::with_learning_rate(0.0);
        base.set_loss_scale_factor(loss_scale_factor);
        for optimizer in optimizer_map.optimizers() {
            optimizer.base().set_loss_scale_factor(loss_scale_factor);
        }
        Self { base, optimizer_map }
    }

    /// Returns the optimizers, the default one last.
    pub fn optimizers(&self) -> Vec<Optimizer> {
        self.optimizer_map.optimizers()
    }

    /// Returns each optimizer with the indices of its variables.
    fn split(&self, variables: &[Variable]) -> Result<Vec<(Optimizer, Vec<usize>)>> {
        let mut split: Vec<(Optimizer, Vec<usize>)> =
            self.optimizers().into_iter().map(|optimizer| (optimizer, Vec::new())).collect();
        for (position, variable) in variables.iter().enumerate() {
            let optimizer = self.optimizer_map.of(variable).at_with(|| variable.path().to_owned())?;
            for refused in ["LossScaleOptimizer", "MultiOptimizer"] {
                if optimizer.class() == refused {
                    return Err(Error::new(
                        ErrorKind::Config,
                        format!("{refused} cannot be used inside an MultiOptimizer"),
                    ));
                }
            }
            let entry = split.iter_mut().find(|(known, _)| known.address() == optimizer.address());
            if let Some((_, positions)) = entry {
                positions.push(position);
            }
        }
        split.retain(|(_, positions)| !positions.is_empty());
        Ok(split)
    }

    fn no_learning_rate() -> Error {
        Error::new(ErrorKind::InvalidArgument, "Learning rate cannot be accessed on a MultiOptimizer")
            .hint("access the learning rate on the individual sub-optimizers instead")
    }
}

fn picked<T: Clone>(items: &[T], positions: &[usize]) -> Vec<T> {
    positions.iter().filter_map(|position| items.get(*position)).cloned().collect()
}

impl HasBase<OptimizerBase> for MultiOptimizer {
    fn base(&self) -> &OptimizerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut OptimizerBase {
        &mut self.base
    }
}

impl KerasSerializable for MultiOptimizer {
    fn get_config(&self) -> Result<Config> {
        let loss_scale_factor = self.base.state().loss_scale_factor;
        Ok(Config::from([
            ("optimizer_map".to_owned(), self.optimizer_map.to_value().at("optimizer_map")?),
            ("loss_scale_factor".to_owned(), loss_scale_factor.to_value()?),
            ("name".to_owned(), Value::from(Optimize::name(self))),
        ]))
    }

    fn from_config(config: &Config) -> Result<Self> {
        field::refuse_unknown(config, &[], &["optimizer_map", "loss_scale_factor", "name"])?;
        let map = field::required(config, "optimizer_map", &[], OptimizerMap::from_value)?;
        let factor = field::optional(config, "loss_scale_factor", &[], Option::<Number>::from_value, || None)?;
        let mut this = Self::scaled(map, factor);
        if let Some(name) = field::optional(config, "name", &[], Option::<String>::from_value, || None)? {
            this.base.set_name(name);
        }
        Ok(this)
    }

    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        visitor.enter("optimizers");
        for (index, optimizer) in self.optimizers().iter().enumerate() {
            visitor.field(&index.to_string(), optimizer);
        }
        visitor.leave();
    }
}

impl Optimize for MultiOptimizer {
    fn create_slots(&self, variables: &[Variable]) -> Result<()> {
        self.split(variables)?
            .iter()
            .try_for_each(|(optimizer, positions)| optimizer.build(&picked(variables, positions)))
    }

    fn built_by_training(&self) -> Result<()> {
        self.optimizer_map.optimizers().iter().try_for_each(|optimizer| optimizer.built_by_training())
    }

    fn update_step(&self, gradient: &Tensor, variable: &Variable, learning_rate: f64) -> Result<()> {
        self.optimizer_map.of(variable)?.update_step(gradient, variable, learning_rate)
    }

    fn apply(&self, gradients: &[Option<Tensor>], variables: &[Variable]) -> Result<()> {
        if gradients.is_empty() {
            return Ok(());
        }
        let _stepping = self.base.stepping.locked();
        same_number(gradients, variables)?;
        self.build(variables)?;
        undo_on_error(self, || {
            for (optimizer, positions) in self.split(variables)? {
                optimizer.apply(&picked(gradients, &positions), &picked(variables, &positions))?;
            }
            self.base.iteration()?.assign(&Tensor::scalar(self.base.steps()? + 1)?)
        })
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Optimize::name(self);
        let mut variables = self.base.own_variables()?;
        for optimizer in self.optimizers() {
            variables.extend(optimizer.variables()?);
        }
        Ok(variables)
    }

    fn learning_rate(&self) -> Result<f64> {
        Err(Self::no_learning_rate())
    }

    fn set_learning_rate(&self, _: LearningRate) -> Result<()> {
        Err(Self::no_learning_rate())
    }

    fn finalize_variable_values(&self, variables: &[Variable]) -> Result<()> {
        let split = self.split(variables)?;
        split
            .iter()
            .try_for_each(|(optimizer, positions)| optimizer.finalize_variable_values(&picked(variables, positions)))
    }
}
