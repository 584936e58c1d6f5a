//! The learning rates of a model's optimizer.

use super::{CallbackContext, Logs};
use crate::error::{Error, ErrorKind, Result};
use crate::optimizers::{MultiOptimizer, Optimizer};

/// The optimizer of the model.
///
/// # Errors
/// When the model has none.
pub fn optimizer(cx: &CallbackContext<'_>) -> Result<Optimizer> {
    cx.model().optimizer().ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "the model has no optimizer").hint("compile the model with one")
    })
}

/// The optimizers that have a learning rate, with the name by which messages tell them apart: those
/// inside a `MultiOptimizer`, or the one that there is.
pub fn with_rates(optimizer: Optimizer) -> Vec<(Option<String>, Optimizer)> {
    match optimizer.downcast_ref::<MultiOptimizer>() {
        Some(multi) => multi.optimizers().into_iter().map(|one| (Some(one.name().to_owned()), one)).collect(),
        None => vec![(None, optimizer)],
    }
}

/// Puts the learning rates into the logs.
///
/// # Errors
/// When a schedule can't say.
pub fn log_rates(optimizer: Optimizer, logs: &mut Logs) -> Result<()> {
    for (name, optimizer) in with_rates(optimizer) {
        let entry = name.map_or_else(|| "learning_rate".to_owned(), |name| format!("learning_rate_{name}"));
        logs.insert(entry, optimizer.learning_rate()?);
    }
    Ok(())
}
