//! Blending of each image of a batch with another one.

use crate::error::Result;
use crate::ops;
use crate::tensor::{Shape, Tensor};

/// The partner of each image and the image's weight.
pub(crate) struct Mixture {
    order: Tensor,
    weights: Tensor,
}

impl Mixture {
    pub fn new(order: Vec<i64>, weights: Vec<f32>) -> Result<Self> {
        let count = order.len();
        Ok(Self { order: Tensor::from_vec(order, [count])?, weights: Tensor::from_vec(weights, [count])? })
    }

    /// Returns the partners of the images.
    pub fn others(&self, x: &Tensor) -> Result<Tensor> {
        ops::take(x, &self.order, Some(0))
    }

    /// Returns the weighted sums of images and partners.
    pub fn mixed(&self, x: &Tensor) -> Result<Tensor> {
        let shape: Shape =
            self.weights.shape().dims().iter().copied().chain(vec![Some(1); x.rank().saturating_sub(1)]).collect();
        let weights = ops::reshape(&self.weights, &shape)?;
        let weights = if x.dtype().is_float() { ops::cast_to(&weights, x.dtype())? } else { weights };
        let others = ops::multiply(ops::subtract(1.0, &weights)?, self.others(x)?)?;
        ops::add(ops::multiply(&weights, x)?, &others)
    }
}
