//! The cosine similarity of targets and predictions.

use super::macros::mean_metric;
use crate::losses::{self, as_numbers};
use crate::ops::{Axes, negative};

mean_metric! {
    /// The cosine of the angle between targets and predictions: 1 if they point in the same direction.
    ///
    /// `axis` (-1) is that of the vectors. Keras 3.15 omits it from configurations; here it is written
    /// if it is not the default.
    ///
    /// Follows <https://keras.io/api/metrics/regression_metrics/#cosinesimilarity-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{CosineSimilarity, Measure};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 2.0, 3.0, 4.0, 5.0], [2, 3])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 2.0, 4.0, 8.0], [2, 3])?;
    /// let metric = CosineSimilarity::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.865639).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class CosineSimilarity("cosine_similarity"; "cosine_similarity") direction Up {
        /// The axis of the vectors.
        axis: Axes = Axes::from(-1), omit(losses::is_last_axis);
    }

    |metric, y_true, y_pred| {
        let (y_true, y_pred) = as_numbers(y_true, y_pred)?;
        negative(&losses::CosineSimilarity::new().axis(metric.axis.clone()).compute(&y_true, &y_pred)?)
    }
}
