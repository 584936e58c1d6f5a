//! Cases of losses: targets and predictions, the loss, and the loss with sample weights.

use keras_serial::json::Value;
use keras_serial::losses::Loss;
use keras_serial::object::Handle;
use keras_serial::ops;
use keras_serial::tensor::{DType, Tensor};

use super::{check, tensor};
use crate::cases::Failure;
use crate::compare::same_config;

/// Runs one case.
pub fn run(form: &Value, case: &Value) -> Result<(), Failure> {
    let loss = Loss::deserialize(form)?;
    same_config(&Handle::serialize(&loss)?, form)?;
    let y_true = tensor(case, "y_true")?;
    let y_pred = tensor(case, "y_pred")?;
    let y_pred = if case.get("mask").is_some() {
        let mask = ops::cast_to(&tensor(case, "mask")?, DType::Bool)?;
        y_pred.with_mask(Some(mask))
    } else {
        y_pred
    };
    check("loss", &loss.evaluate(&y_true, &y_pred, None)?, case)?;
    if case.get("grad").is_some() {
        gradient(&loss, &y_true, &y_pred, case)?;
    }
    if case.get("weighted").is_some() {
        let weights: Tensor = tensor(case, "sample_weight")?;
        check("weighted", &loss.evaluate(&y_true, &y_pred, Some(&weights))?, case)?;
    }
    Ok(())
}

/// Returns the gradient of the sum of the losses with respect to the prediction.
fn gradient(loss: &Loss, y_true: &Tensor, y_pred: &Tensor, case: &Value) -> Result<(), Failure> {
    let watched = y_pred.watched()?.with_mask(y_pred.mask());
    let value = loss.evaluate(y_true, &watched, None)?;
    let total = ops::sum(&value, ops::Axes::all(), false)?;
    let zeros = ops::zeros_like(y_pred)?;
    check("grad", &total.backward()?.get(&watched).unwrap_or(zeros), case)
}
