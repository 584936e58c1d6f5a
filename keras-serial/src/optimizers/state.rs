//! The variables of an optimizer, and the model variables that they belong to.

use std::collections::{HashMap, HashSet};
use std::sync::MutexGuard;

use regex::Regex;

use super::base::OptimizerBase;
use super::learning_rate::LearningRate;
use crate::config::Number;
use crate::error::{Error, ErrorKind, Result};
use crate::initializers::Initializer;
use crate::tensor::{DType, Shape, Tensor};
use crate::utils::{Locked, scope_path};
use crate::variable::{Variable, VariableOptions};

/// The state of an optimizer between steps.
pub(super) struct State {
    /// The learning rate as given; a number moves to `rate` when that is created.
    pub learning_rate: LearningRate,
    pub loss_scale_factor: Option<Number>,
    iteration: Option<Variable>,
    rate: Option<Variable>,
    /// The other variables, in the order of their creation.
    own: Vec<Variable>,
    /// The ids of variables that Keras creates outside its own list; a wrapping optimizer does not see
    /// them.
    bare: HashSet<u64>,
    /// The slots of each model variable, by name.
    slots: HashMap<u64, Vec<(String, Variable)>>,
    /// The model's variables, once the optimizer is built.
    pub trainable: Option<Vec<Variable>>,
    pub known: HashSet<u64>,
    /// Whether a warning said that some variables have no gradient.
    pub warned_of_gradients: bool,
    pub excluded: HashSet<u64>,
    pub excluded_names: Option<Regex>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            learning_rate: LearningRate::Constant(0.001),
            loss_scale_factor: None,
            iteration: None,
            rate: None,
            own: Vec::new(),
            bare: HashSet::new(),
            slots: HashMap::new(),
            trainable: None,
            known: HashSet::new(),
            warned_of_gradients: false,
            excluded: HashSet::new(),
            excluded_names: None,
        }
    }
}

impl State {
    /// Returns the current learning rate.
    pub fn learning_rate(&self) -> Result<LearningRate> {
        match &self.rate {
            Some(rate) => rate.read().item::<f32>().map(LearningRate::Constant),
            None => Ok(self.learning_rate.clone()),
        }
    }

    /// Replaces the learning rate; a schedule can only be replaced by a schedule.
    pub fn set_learning_rate(&mut self, rate: LearningRate) -> Result<()> {
        match (&self.learning_rate, &rate) {
            (LearningRate::Schedule(_), LearningRate::Constant(_)) => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    "This optimizer was created with a `LearningRateSchedule` object as its `learning_rate` constructor \
                     argument, hence its learning rate is not settable",
                )
                .hint("instantiate the optimizer with a float `learning_rate` argument"));
            }
            (_, LearningRate::Schedule(_)) => self.rate = None,
            (_, LearningRate::Constant(number)) => {
                if let Some(variable) = &self.rate {
                    variable.assign(&Tensor::scalar(*number)?)?;
                }
            }
        }
        self.learning_rate = rate;
        Ok(())
    }
}

fn own_variable(value: Tensor, name: &str, path: String) -> Variable {
    let options = VariableOptions {
        name: name.to_owned(),
        path,
        trainable: false,
        saved: true,
        autocast: false,
        regularizer: None,
        constraint: None,
    };
    Variable::new(value, options)
}

impl OptimizerBase {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.locked()
    }

    /// Returns a path as in Keras's `name_scope`: an optimizer inside another's scope is below its name.
    fn path(&self, name: &str) -> String {
        let own = format!("{}/", self.given_name().unwrap_or("optimizer"));
        let around = scope_path("");
        if around == own || around.ends_with(&format!("/{own}")) { around + name } else { around + &own + name }
    }

    /// Returns the step counter.
    pub(super) fn iteration(&self) -> Result<Variable> {
        let mut state = self.state();
        match &state.iteration {
            Some(variable) => Ok(variable.clone()),
            None => {
                let variable = own_variable(Tensor::scalar(0i64)?, "iteration", self.path("iteration"));
                Ok(state.iteration.insert(variable).clone())
            }
        }
    }

    /// Returns the number of steps taken, including those that only accumulated gradients.
    pub(super) fn steps(&self) -> Result<i64> {
        self.iteration()?.read().item()
    }

    /// Returns the variable of the learning rate, unless that is a schedule.
    fn rate(&self) -> Result<Option<Variable>> {
        let mut state = self.state();
        match (&state.rate, &state.learning_rate) {
            (Some(variable), _) => Ok(Some(variable.clone())),
            (None, LearningRate::Constant(number)) => {
                let variable = own_variable(Tensor::scalar(*number)?, "learning_rate", self.path("learning_rate"));
                Ok(Some(state.rate.insert(variable).clone()))
            }
            (None, LearningRate::Schedule(_)) => Ok(None),
        }
    }

    /// Returns the optimizer's own variables, in the order of files.
    pub(super) fn own_variables(&self) -> Result<Vec<Variable>> {
        let first = [Some(self.iteration()?), self.rate()?];
        Ok(first.into_iter().flatten().chain(self.state().own.iter().cloned()).collect())
    }

    /// Creates a variable of the optimizer (`add_variable`).
    ///
    /// # Errors
    /// When the initializer can't create the value.
    pub fn add_variable(&self, shape: &Shape, dtype: DType, initializer: &Initializer, name: &str) -> Result<Variable> {
        self.add_value(initializer.init(shape, dtype)?, name, self.path(name))
    }

    /// Creates a scalar variable of the optimizer.
    pub(super) fn add_own(&self, value: Tensor, name: &str) -> Result<Variable> {
        self.add_value(value, name, self.path(name))
    }

    /// Creates a variable that Keras creates outside the optimizer's list (`backend.Variable`).
    pub(super) fn add_bare(&self, value: Tensor, name: &str) -> Result<Variable> {
        let variable = self.add_value(value, name, scope_path(name))?;
        self.state().bare.insert(variable.id());
        Ok(variable)
    }

    /// Returns true if a wrapping optimizer sees the variable.
    pub(super) fn is_seen_outside(&self, variable: &Variable) -> bool {
        !self.state().bare.contains(&variable.id())
    }

    /// Creates a variable with this value and path.
    fn add_value(&self, value: Tensor, name: &str, path: String) -> Result<Variable> {
        let variable = own_variable(value, name, path);
        self.state().own.push(variable.clone());
        Ok(variable)
    }

    /// Creates a variable with the shape and dtype of a model variable, as its slot `name`
    /// (`add_variable_from_reference`).
    ///
    /// # Errors
    /// When the initializer can't create the value.
    pub fn add_slot(&self, variable: &Variable, name: &str, initializer: &Initializer) -> Result<Variable> {
        let full_name = format!("{}_{name}", variable.path().replace('/', "_"));
        let slot = self.add_variable(variable.shape(), variable.dtype(), initializer, &full_name)?;
        self.keep_slot(variable, name, &slot);
        Ok(slot)
    }

    /// Adds an existing variable as the slot `name` of a model variable.
    pub(super) fn keep_slot(&self, variable: &Variable, name: &str, slot: &Variable) {
        self.state().slots.entry(variable.id()).or_default().push((name.to_owned(), slot.clone()));
    }

    /// Creates slots with these names, filled with zeros, for each of the model's variables
    /// (`add_optimizer_variables`).
    ///
    /// # Errors
    /// When the engine can't create them.
    pub fn add_slots(&self, variables: &[Variable], names: &[&str]) -> Result<()> {
        let zeros = Initializer::new(crate::initializers::Zeros);
        for variable in variables {
            for name in names {
                self.add_slot(variable, name, &zeros)?;
            }
        }
        Ok(())
    }

    /// Returns a slot of a model variable, if it exists.
    pub fn find_slot(&self, variable: &Variable, name: &str) -> Option<Variable> {
        let state = self.state();
        let mut slots = state.slots.get(&variable.id())?.iter();
        slots.find(|(known, _)| known == name).map(|(_, slot)| slot.clone())
    }

    /// Returns a slot of a model variable.
    ///
    /// # Errors
    /// When there is no slot with this name.
    pub fn slot(&self, variable: &Variable, name: &str) -> Result<Variable> {
        self.find_slot(variable, name).ok_or_else(|| {
            Error::new(ErrorKind::NotBuilt, format!("the optimizer has no `{name}` for this variable"))
                .expected("a variable that the optimizer was built with")
                .at(variable.path().to_owned())
        })
    }
}
