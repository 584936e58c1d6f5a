//! Shared parts of cross-entropies and hinges: labels, smoothing, logarithms of probabilities.

use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::ops::dtypes::cast;
use crate::ops::numeric::EPSILON;
use crate::ops::reduce::{all_impl, logsumexp_impl, sum_impl};
use crate::ops::{
    Axes, add, clip, divide, equal, exp, log, log1p, logical_or, multiply, negative, relu, subtract, where_,
};
use crate::program;
use crate::tensor::{DType, Tensor};

/// Checks that both have the same shape: cross-entropies compare element by element.
pub(super) fn same_shape(y_true: &Tensor, y_pred: &Tensor) -> Result<()> {
    if y_true.rank() == y_pred.rank() && y_true.shape().is_compatible(y_pred.shape()) {
        return Ok(());
    }
    let (targets, outputs) = (y_true.shape(), y_pred.shape());
    let error = Error::new(ErrorKind::Shape, "Arguments `target` and `output` must have the same shape")
        .received(format!("target.shape={targets}, output.shape={outputs}"));
    let several_classes = outputs.get(-1).is_ok_and(|classes| classes.is_some_and(|classes| classes > 1));
    let are_indices = targets.rank() < outputs.rank() || targets.get(-1).is_ok_and(|last| last == Some(1));
    Err(match several_classes && are_indices {
        true => error.hint("labels that are indices of classes are for `sparse_categorical_crossentropy`"),
        false => error,
    })
}

/// Smooths labels towards a value.
pub(super) fn smooth(y_true: &Tensor, smoothing: f64, towards: f64) -> Result<Tensor> {
    if smoothing == 0.0 {
        return Ok(y_true.clone());
    }
    add(multiply(y_true, 1.0 - smoothing)?, towards * smoothing)
}

/// Smooths one-hot labels towards equal classes.
pub(super) fn smooth_classes(y_true: &Tensor, smoothing: f64) -> Result<Tensor> {
    if smoothing == 0.0 {
        return Ok(y_true.clone());
    }
    smooth(y_true, smoothing, 1.0 / y_true.shape().last()? as f64)
}

/// Computes the binary cross-entropy of each element (`keras.ops.binary_crossentropy`).
pub(super) fn binary_entropy(y_true: &Tensor, y_pred: &Tensor, from_logits: bool) -> Result<Tensor> {
    same_shape(y_true, y_pred)?;
    if from_logits {
        let tail = log1p(&exp(&negative(&crate::ops::abs(y_pred)?)?)?)?;
        return add(subtract(relu(y_pred)?, multiply(y_pred, y_true)?)?, &tail);
    }
    let p = clip(y_pred, EPSILON, 1.0 - EPSILON)?;
    let yes = multiply(y_true, log(&p)?)?;
    let no = multiply(subtract(1.0, y_true)?, log(&subtract(1.0, &p)?)?)?;
    negative(&add(&yes, &no)?)
}

/// Returns the logarithms of probabilities, normalized to add up to 1 along an axis.
pub(super) fn log_probabilities(y_pred: &Tensor, from_logits: bool, axis: &Axes) -> Result<Tensor> {
    if from_logits {
        return subtract(y_pred, logsumexp_impl(y_pred, axis, true)?);
    }
    let p = divide(y_pred, sum_impl(y_pred, axis, true)?)?;
    log(&clip(&p, EPSILON, 1.0 - EPSILON)?)
}

/// Converts labels of 0 and 1 to -1 and 1; other labels stay unchanged.
pub(super) fn to_plus_minus_one(y_true: &Tensor) -> Result<Tensor> {
    let is_binary = all_impl(&logical_or(equal(y_true, 0)?, equal(y_true, 1)?)?, &Axes::all(), false)?;
    where_(&is_binary, &subtract(multiply(y_true, 2.0)?, 1.0)?, y_true)
}

/// Converts labels to integers and checks that all are class indices.
///
/// # Errors
/// When one is not: the engine would silently compute a wrong loss.
pub(super) fn classes(labels: &Tensor, count: usize) -> Result<Tensor> {
    let labels = cast(labels, DType::Int64)?;
    let known = 0..count as i64;
    program::infer_or_compute(&[&labels], (), || {
        match labels.to_vec::<i64>()?.into_iter().find(|label| !known.contains(label)) {
            None => Ok(()),
            Some(label) => Err(Error::new(ErrorKind::InvalidArgument, "a label is outside of the classes")
                .expected(format!("labels from 0 to {}", known.end - 1))
                .received(label.to_string())),
        }
    })?;
    Ok(labels)
}

/// Returns one weight for all classes, or a vector with one for each.
pub(super) fn class_weights(value: &Value, dtype: DType) -> Result<Tensor> {
    let numbers = match value {
        Value::List(_) => Vec::<f64>::from_value(value)?,
        number => return cast(&Tensor::scalar(f64::from_value(number)?)?, dtype),
    };
    let count = numbers.len();
    cast(&Tensor::from_vec(numbers, [count])?, dtype)
}

/// Returns true for the default axis, which is omitted from configurations.
pub(crate) fn is_last_axis(axis: &Axes) -> bool {
    *axis == Axes::from(-1)
}
