//! The negative cosine similarity, `-cos(y_true, y_pred)`.

use super::entropy;
use super::macros::loss;
use super::squeeze_or_expand_to_same_rank;
use crate::ops::numeric::unit;
use crate::ops::reduce::sum_impl;
use crate::ops::{Axes, multiply, negative};

loss! {
    /// The negative cosine of the angle between targets and predictions: -1 if they point in the same
    /// direction.
    ///
    /// `axis` (-1) is that of the vectors. Keras 3.15 omits it from configurations; here it is written
    /// if it is not the default.
    ///
    /// Follows <https://keras.io/api/losses/regression_losses/#cosinesimilarity-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, CosineSimilarity};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let loss = CosineSimilarity::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - -0.865639).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CosineSimilarity("cosine_similarity") {
        /// The axis of the vectors.
        axis: Axes = Axes::from(-1), omit(entropy::is_last_axis);
    }

    /// Computes [`CosineSimilarity`] per sample, with default arguments and without reduction.
    function cosine_similarity();

    |loss, y_true, y_pred| {
        let (y_true, y_pred) = squeeze_or_expand_to_same_rank(y_true, y_pred, true)?;
        let product = multiply(unit(&y_true, &loss.axis)?, unit(&y_pred, &loss.axis)?)?;
        negative(&sum_impl(&product, &loss.axis, false)?)
    }
}
