//! A callback that stops training when the loss is NaN or infinite.

use super::output::print_msg;
use super::python_format::repr;
use super::{Callback, CallbackContext, Logs};
use crate::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};

/// A callback that stops training, or fails, when the loss is NaN or infinite.
///
/// # Arguments
/// - `raise_error`: whether it is an error, so that [`Callback::on_train_end`] is not called; false by
///   default.
///
/// Follows <https://keras.io/api/callbacks/terminate_on_nan>.
///
/// ```
/// use keras_serial::prelude::*;
/// use keras_serial::training::callbacks::{Callback, CallbackContext, CallbackParams, Logs, TerminateOnNaN};
/// let model = Model::from(Sequential::new([Input::new([2]).layer(), Dense::new(1).into()])?);
/// let cx = CallbackContext::new(&model, CallbackParams::default());
/// let mut logs = Logs::from([("loss".to_owned(), f64::NAN)]);
/// let mut callback = TerminateOnNaN::new().raise_error(true);
/// let error = callback.on_train_batch_end(3, &mut logs, &cx).unwrap_err();
/// assert!(error.to_string().contains("NaN or Inf loss encountered at batch 3"));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, default, setters)]
pub struct TerminateOnNaN {
    #[keras(default)]
    raise_error: bool,
    #[keras(skip)]
    epoch: usize,
}

impl Callback for TerminateOnNaN {
    fn on_epoch_begin(&mut self, epoch: usize, _: &mut Logs, _: &CallbackContext<'_>) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, logs: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        let Some(loss) = logs.get("loss").copied().filter(|loss| !loss.is_finite()) else { return Ok(()) };
        if !self.raise_error {
            print_msg(&format!("Batch {batch}: Invalid loss, terminating training"));
            cx.stop_training();
            return Ok(());
        }
        let step = match cx.model().optimizer() {
            Some(optimizer) => format!(", step {}", optimizer.iterations()?),
            None => String::new(),
        };
        Err(Error::new(ErrorKind::NotFinite, format!("NaN or Inf loss encountered at batch {batch}"))
            .expected("a finite loss")
            .received(format!("loss={} in epoch {}{step}", repr(loss), self.epoch + 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::callbacks::testing::{drive, model};

    #[test]
    fn stops_or_fails() {
        let values = [1.0, f64::INFINITY, 1.0];
        assert_eq!(drive(&mut TerminateOnNaN::new(), &model(), "loss", &values).unwrap(), 2);
        assert_eq!(drive(&mut TerminateOnNaN::new(), &model(), "val_loss", &values).unwrap(), 3);
        let error = drive(&mut TerminateOnNaN::new().raise_error(true), &model(), "loss", &values).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFinite);
        assert!(
            error.to_string().contains("at batch 0. Expected a finite loss. Received: loss=inf in epoch 2"),
            "{error}"
        );
    }
}
