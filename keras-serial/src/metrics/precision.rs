//! The share of right ones among predictions of yes.

use super::confusion_share::confusion_share;

confusion_share! {
    /// The share of right ones among predictions of yes: `tp / (tp + fp)`.
    ///
    /// `thresholds` (0.5) is what predictions of yes pass: a number, or several of them for as many results. With `top_k`,
    /// the `k` highest predictions of a sample are yes. `class_id` is the only class that counts (all of them).
    ///
    /// Follows <https://keras.io/api/metrics/classification_metrics/#precision-class>.
    ///
    /// ```
    /// use keras_serial::metrics::{Measure, Precision};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 1.0], [4])?;
    /// let y_pred = Tensor::from_slice(&[1.0f32, 0.0, 1.0, 1.0], [4])?;
    /// let metric = Precision::new();
    /// metric.update_state(&y_true, &y_pred, None)?;
    /// let result = metric.result()?.into_single()?.item::<f32>()?;
    /// assert!((result - 0.666667).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    Precision, false_positives, alias "precision"
}
