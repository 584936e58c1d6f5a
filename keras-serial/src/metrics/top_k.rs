//! Checks whether classes are among the highest predictions.

use crate::error::Result;
use crate::ops::dtypes::{cast, to_float};
use crate::ops::numeric::in_top_k;
use crate::ops::shape::reshape_to;
use crate::tensor::{DType, Shape, Tensor};

/// Returns 1 for each class that is among the `k` highest predictions of its row, else 0.
pub(super) fn among_top_k(classes: &Tensor, y_pred: &Tensor, k: usize) -> Result<Tensor> {
    let rows = reshape_to(&to_float(y_pred)?, &Shape::from([None, Some(y_pred.shape().last()?)]))?;
    let matches = in_top_k(&reshape_to(classes, &Shape::from([None]))?, &rows, k)?;
    reshape_to(&cast(&matches, DType::Float32)?, classes.shape())
}
