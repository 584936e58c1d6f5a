//! The mean intersection over union of binary predictions.

use super::iou_base::{Classes, check_targets, intersection_metric};
use super::{MetricBase, State};
use crate::config::Number;
use crate::error::Result;
use crate::ops::dtypes::cast;
use crate::ops::greater_equal;
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// The mean intersection over union, `tp / (tp + fp + fn)`, of the classes 0 and 1.
///
/// `target_class_ids` (0 and 1) are the classes to average over; predictions that reach `threshold`
/// (0.5) count as 1.
///
/// Follows <https://keras.io/api/metrics/segmentation_metrics/#binaryiou-class>.
///
/// ```
/// use keras_serial::metrics::{BinaryIoU, Measure};
/// use keras_serial::tensor::Tensor;
/// let y_true = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 1.0], [4])?;
/// let y_pred = Tensor::from_slice(&[0.1f32, 0.2, 0.4, 0.7], [4])?;
/// let metric = BinaryIoU::new().threshold(0.3);
/// metric.update_state(&y_true, &y_pred, None)?;
/// let result = metric.result()?.into_single()?.item::<f32>()?;
/// assert!((result - 0.333333).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("binary_io_u"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters, validate = Self::check)]
pub struct BinaryIoU {
    /// The classes to average over: 0, 1, or both.
    #[keras(default = vec![0, 1])]
    target_class_ids: Vec<usize>,
    /// The threshold from which on a prediction counts as 1.
    #[keras(default = Number::Float(0.5))]
    threshold: Number,
    #[keras(default = MetricBase::of_dtype(DType::Int64))]
    base: MetricBase,
    #[keras(skip)]
    state: State,
}

impl BinaryIoU {
    fn check(&self) -> Result<()> {
        check_targets(&self.target_class_ids, 2)
    }

    /// Converts predictions to classes.
    fn prepare(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
        self.check()?;
        let predicted = greater_equal(cast(y_pred, DType::Float32)?, self.threshold.get())?;
        Ok((cast(y_true, self.base.dtype())?, cast(&predicted, self.base.dtype())?))
    }
}

intersection_metric! {
    BinaryIoU,
    |metric| Classes { count: 2, ignored: None, sparse_y_true: true, sparse_y_pred: true, axis: -1, dtype: metric.base.dtype() },
    metric.target_class_ids
}
