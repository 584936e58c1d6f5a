//! A callback that evaluates with the moving averages of the weights.

use super::rates::optimizer;
use super::{Callback, CallbackContext, Logs};
use crate::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::optimizers::{LossScaleOptimizer, MultiOptimizer, Optimizer};
use crate::variable::Variable;

/// A callback that swaps the weights with the optimizer's moving averages during evaluation and
/// prediction; the optimizer must have `use_ema`.
///
/// # Arguments
/// - `swap_on_epoch`: whether the averages stay in the model from the end of an epoch to the start of
///   the next, for later callbacks such as a checkpoint; false by default.
///
/// Follows <https://keras.io/api/callbacks/swap_ema_weights>.
///
/// ```
/// use keras_serial::training::callbacks::SwapEMAWeights;
/// let callback = SwapEMAWeights::new().swap_on_epoch(true);
/// # let _ = callback;
/// ```
#[derive(KerasSerializable, Clone, Debug)]
#[keras(new, default, setters)]
pub struct SwapEMAWeights {
    #[keras(default)]
    swap_on_epoch: bool,
    #[keras(skip)]
    averages_in_model: bool,
}

impl SwapEMAWeights {
    fn put(&mut self, averages: bool, cx: &CallbackContext<'_>) -> Result<()> {
        if self.averages_in_model != averages {
            for (variable, average) in averaged(cx)? {
                let weight = variable.read();
                variable.assign(&average.read())?;
                average.assign(&weight)?;
            }
            self.averages_in_model = averages;
        }
        Ok(())
    }
}

/// Returns the weights that have a moving average, with the average.
fn averaged(cx: &CallbackContext<'_>) -> Result<Vec<(Variable, Variable)>> {
    let mut own = optimizer(cx)?;
    if let Some(inner) = own.downcast_ref::<LossScaleOptimizer>().map(|scaling| scaling.inner_optimizer().clone()) {
        own = inner;
    }
    let optimizers: Vec<Optimizer> = match own.downcast_ref::<MultiOptimizer>() {
        Some(multi) => multi.optimizers().into_iter().filter(|optimizer| optimizer.base().uses_ema()).collect(),
        None if own.base().uses_ema() && own.is_built() => vec![own.clone()],
        None => Vec::new(),
    };
    if optimizers.is_empty() {
        let message = "SwapEMAWeights must be used when `use_ema=True` is set on the optimizer";
        return Err(Error::new(ErrorKind::InvalidArgument, message).received(format!(
            "use_ema={}",
            if own.base().uses_ema() { "True, on an optimizer that is not built" } else { "False" }
        )));
    }
    let variables = cx.model().trainable_weights();
    let pairs = optimizers.iter().flat_map(|optimizer| {
        let of_one = |variable: &Variable| Some((variable.clone(), optimizer.base().find_slot(variable, "average")?));
        variables.iter().filter_map(of_one)
    });
    Ok(pairs.collect())
}

impl Callback for SwapEMAWeights {
    fn on_epoch_begin(&mut self, _: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.swap_on_epoch { self.put(false, cx) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, epoch: usize, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        if self.swap_on_epoch && !self.averages_in_model {
            self.put(true, cx)?;
            // At the end of training the optimizer assigns its averages to the model, so they must be
            // its averages again.
            if epoch + 1 == cx.params().epochs {
                for (variable, average) in averaged(cx)? {
                    average.assign(&variable.read())?;
                }
            }
        }
        Ok(())
    }

    fn on_test_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.put(true, cx)
    }

    fn on_test_end(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.put(false, cx)
    }

    fn on_predict_begin(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.put(true, cx)
    }

    // Here Keras leaves the averages in the model, contrary to its documentation.
    fn on_predict_end(&mut self, _: &mut Logs, cx: &CallbackContext<'_>) -> Result<()> {
        self.put(false, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizers::{OptimizerExt, SGD};
    use crate::tensor::Tensor;
    use crate::training::Compile;
    use crate::training::callbacks::CallbackParams;
    use crate::training::callbacks::testing::model;

    #[test]
    fn averages_and_weights_change_places() {
        let model = model();
        let cx = CallbackContext::new(&model, CallbackParams { verbose: 0, epochs: 2, steps: None });
        let mut logs = Logs::new();
        model.compile(Compile::new("sgd", "mse")).unwrap();
        let error = SwapEMAWeights::new().on_test_begin(&mut logs, &cx).unwrap_err().to_string();
        assert!(
            error.contains("must be used when `use_ema=True` is set on the optimizer. Received: use_ema=False"),
            "{error}"
        );

        let optimizer = Optimizer::from(SGD::new().learning_rate(1.0).use_ema(true).ema_momentum(0.5));
        model.compile(Compile::new(optimizer.clone(), "mse")).unwrap();
        let weights = model.trainable_weights();
        model
            .set_weights(&[
                Tensor::from_slice(&[4.0f32, 8.0], [2, 1]).unwrap(),
                Tensor::from_slice(&[0.0f32], [1]).unwrap(),
            ])
            .unwrap();
        // Both steps subtract 1: 3, then 2; with the averages 3, then (3 + 2) / 2.
        let ones = || [Tensor::from_slice(&[1.0f32, 1.0], [2, 1]).ok(), Tensor::from_slice(&[1.0f32], [1]).ok()];
        optimizer.apply(&ones(), &weights).unwrap();
        optimizer.apply(&ones(), &weights).unwrap();
        let kernel = || weights[0].read().to_vec::<f32>().unwrap();
        assert_eq!(kernel(), [2.0, 6.0]);

        let mut callback = SwapEMAWeights::new().swap_on_epoch(true);
        for begin_and_end in [(true, [2.5, 6.5]), (false, [2.0, 6.0])] {
            match begin_and_end.0 {
                true => callback.on_test_begin(&mut logs, &cx).unwrap(),
                false => callback.on_test_end(&mut logs, &cx).unwrap(),
            }
            assert_eq!(kernel(), begin_and_end.1);
        }
        callback.on_epoch_end(0, &mut logs, &cx).unwrap();
        assert_eq!(kernel(), [2.5, 6.5]);
        callback.on_epoch_begin(1, &mut logs, &cx).unwrap();
        assert_eq!(kernel(), [2.0, 6.0]);
        callback.on_epoch_end(1, &mut logs, &cx).unwrap();
        optimizer.finalize_variable_values(&weights).unwrap();
        assert_eq!(kernel(), [2.5, 6.5]);
    }
}
