//! Gradient clipping.

use super::base::OptimizerBase;
use crate::config::Number;
use crate::error::Result;
use crate::ops::scatter::sum_of_rows;
use crate::ops::{Axes, divide, maximum, minimum, multiply, reduce::sum_impl, sqrt, square};
use crate::tensor::Tensor;

/// Applies `clipnorm`, `global_clipnorm` or `clipvalue`.
pub(super) fn clip(base: &OptimizerBase, gradients: Vec<Tensor>) -> Result<Vec<Tensor>> {
    let positive = |limit: Option<Number>| limit.map(Number::get).filter(|limit| *limit > 0.0);
    if let Some(limit) = positive(base.clipnorm) {
        gradients.iter().map(|gradient| by_norm(gradient, limit)).collect()
    } else if let Some(limit) = positive(base.global_clipnorm) {
        by_global_norm(&gradients, limit)
    } else if let Some(limit) = positive(base.clipvalue) {
        gradients.iter().map(|gradient| by_value(gradient, limit)).collect()
    } else {
        Ok(gradients)
    }
}

fn by_norm(gradient: &Tensor, limit: f64) -> Result<Tensor> {
    let norm = sqrt(&squares(gradient)?)?;
    let norm = maximum(norm, limit)?;
    gradient.map_rows(|part| divide(multiply(part, limit)?, &norm))
}

fn by_global_norm(gradients: &[Tensor], limit: f64) -> Result<Vec<Tensor>> {
    let mut sum = Tensor::scalar(0f32)?;
    for gradient in gradients {
        sum = crate::ops::add(sum, squares(gradient)?)?;
    }
    let norm = super::kernel::number(&sqrt(&sum)?)?;
    // An infinite norm gives NaN, so that it is noticed.
    let scale = if norm.is_finite() { limit * (1.0 / norm).min(1.0 / limit) } else { f64::NAN };
    gradients.iter().map(|gradient| multiply(gradient, scale)).collect()
}

/// Clips each lookup of a table's row separately.
fn by_value(gradient: &Tensor, limit: f64) -> Result<Tensor> {
    let clip = |gradient: &Tensor| minimum(maximum(gradient, -limit)?, limit);
    let Some(rows) = gradient.rows() else { return clip(gradient) };
    let rows = rows.map(clip)?;
    Ok(sum_of_rows(&rows, gradient.shape())?.with_rows(rows))
}

fn squares(gradient: &Tensor) -> Result<Tensor> {
    let values = gradient.rows().map_or(gradient, |rows| &rows.values);
    sum_impl(&square(values)?, &Axes::all(), false)
}
