//! The variables of a metric.

use std::sync::{PoisonError, RwLock};

use crate::error::{Error, ErrorKind, Result};
use crate::ops::{add, zeros};
use crate::tensor::{DType, Shape, Tensor};
use crate::variable::{Variable, VariableOptions};

/// The variables of a metric, each created with zeros on first use.
///
/// ```
/// use keras_serial::metrics::State;
/// use keras_serial::tensor::{DType, Shape, Tensor};
/// let state = State::default();
/// let total = state.variable("my_metric", "total", &Shape::scalar(), DType::Float32)?;
/// State::add(&total, &Tensor::scalar(2.0f32)?)?;
/// assert_eq!(total.path(), "my_metric/total");
/// assert_eq!(total.read().item::<f32>()?, 2.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct State(RwLock<Vec<Variable>>);

impl State {
    /// Returns the metric's variable with this name.
    ///
    /// # Errors
    /// When it exists with another shape: a batch has other classes than earlier ones.
    pub fn variable(&self, metric: &str, name: &str, shape: &Shape, dtype: DType) -> Result<Variable> {
        let mut variables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(variable) = variables.iter().find(|variable| variable.name() == name) {
            if variable.shape() != shape {
                return Err(Error::new(ErrorKind::Shape, format!("the metric `{metric}` was built for other shapes"))
                    .expected(format!("shape {} of `{name}`", variable.shape()))
                    .received(format!("shape {shape}"))
                    .hint("use one metric for each shape"));
            }
            return Ok(variable.clone());
        }
        let options = VariableOptions {
            name: name.to_owned(),
            // Names with `/` would look like a path.
            path: format!("{}/{name}", metric.replace('/', ">")),
            trainable: false,
            saved: true,
            autocast: false,
            regularizer: None,
            constraint: None,
        };
        let variable = Variable::new(zeros(shape, dtype)?, options);
        variables.push(variable.clone());
        Ok(variable)
    }

    /// Returns all variables so far, in the order of their creation.
    pub fn variables(&self) -> Vec<Variable> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds to a variable.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn add(variable: &Variable, value: &Tensor) -> Result<()> {
        variable.assign(&add(variable.read(), value)?)
    }
}
