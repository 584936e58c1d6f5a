//! Losses that layers add during a call (`add_loss`, activity regularizers).

use std::cell::RefCell;

use crate::error::Result;
use crate::ops::divide;
use crate::program;
use crate::regularizers::Regularizer;
use crate::tensor::{Nested, Tensor};

thread_local! {
    static COLLECTED: RefCell<Option<Vec<Tensor>>> = const { RefCell::new(None) };
}

/// Runs `work` and returns the losses that its calls added.
///
/// # Errors
/// Errors of `work`.
pub fn collect_losses<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Vec<Tensor>)> {
    struct Restore(Option<Vec<Tensor>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            COLLECTED.set(self.0.take());
        }
    }
    let _restore = Restore(COLLECTED.replace(Some(Vec::new())));
    let result = work()?;
    Ok((result, COLLECTED.take().unwrap_or_default()))
}

/// Adds a loss to those of the current step (`Layer.add_loss`).
pub fn add_loss(loss: Tensor) {
    COLLECTED.with_borrow_mut(|collected| {
        if let Some(losses) = collected {
            losses.push(loss);
        }
    });
}

/// Adds the activity regularizer's penalty on a layer's outputs, divided by the batch size.
pub(super) fn add_activity(regularizer: &Regularizer, outputs: &Nested<Tensor>) -> Result<()> {
    if COLLECTED.with_borrow(Option::is_none) {
        return Ok(());
    }
    outputs.leaves().into_iter().try_for_each(|output| {
        program::infer_or_compute(&[output], (), || {
            let penalty = regularizer.penalty(output)?;
            let batch = output.shape().dims().first().copied().flatten().unwrap_or(1).max(1);
            add_loss(divide(&penalty, batch as f64)?);
            Ok(())
        })
    })
}
