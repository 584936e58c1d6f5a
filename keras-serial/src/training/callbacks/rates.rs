//! The learning rates of a model's optimizer, for callbacks.

use super::{CallbackContext, Logs};
use crate::error::{Error, ErrorKind, Result};
use crate::optimizers::{MultiOptimizer, Optimizer};

/// Returns the optimizer of the model.
///
/// # Errors
/// When the model has none.
pub fn optimizer(cx: &CallbackContext<'_>) -> Result<Optimizer> {
    cx.model().optimizer().ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "the model has no optimizer").hint("compile the model with one")
    })
}

/// Returns the optimizers that have a learning rate, with the names that messages use: those inside a
/// `MultiOptimizer`, or the single one without a name.
pub fn with_rates(optimizer: Optimizer) -> Vec<(Option<String>, Optimizer)> {
    match optimizer.downcast_ref::<MultiOptimizer>() {
        Some(multi) => multi.optimizers().into_iter().map(|one| (Some(one.name().to_owned()), one)).collect(),
        None => vec![(None, optimizer)],
    }
}

/// Adds the learning rates to the logs.
///
/// # Errors
/// When a schedule can't compute its rate.
pub fn log_rates(optimizer: Optimizer, logs: &mut Logs) -> Result<()> {
    for (name, optimizer) in with_rates(optimizer) {
        let entry = name.map_or_else(|| "learning_rate".to_owned(), |name| format!("learning_rate_{name}"));
        logs.insert(entry, optimizer.learning_rate()?);
    }
    Ok(())
}
