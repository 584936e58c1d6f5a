//! The mean intersection over union of some classes.

use super::iou_base::{Classes, check_targets, intersection_metric};
use super::{MetricBase, State};
use crate::error::Result;
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// The mean intersection over union, `tp / (tp + fp + fn)`, of some classes.
///
/// `num_classes` is the number of classes, `target_class_ids` are those to average over; `ignore_class`
/// is a label to ignore. With `sparse_y_true` (true) and `sparse_y_pred` (true), labels and predictions
/// are class indices, else they have an `axis` (-1) of classes.
///
/// Follows <https://keras.io/api/metrics/segmentation_metrics/#iou-class>.
///
/// ```
/// use keras_serial::metrics::{IoU, Measure};
/// use keras_serial::tensor::Tensor;
/// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 1.0, 1.0], [4])?;
/// let y_pred = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 1.0], [4])?;
/// let metric = IoU::new(2, vec![0]);
/// metric.update_state(&y_true, &y_pred, None)?;
/// let result = metric.result()?.into_single()?.item::<f32>()?;
/// assert!((result - 0.333333).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("io_u"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters, validate = Self::check)]
pub struct IoU {
    #[keras(default = MetricBase::of_dtype(DType::Int64))]
    base: MetricBase,
    /// The number of classes.
    num_classes: usize,
    /// The classes that the mean is over.
    target_class_ids: Vec<usize>,
    /// A label to ignore.
    #[keras(default)]
    ignore_class: Option<i64>,
    /// Whether labels are class indices, not one-hot.
    #[keras(default = true)]
    sparse_y_true: bool,
    /// Whether predictions are class indices, not scores.
    #[keras(default = true)]
    sparse_y_pred: bool,
    /// The axis of the classes.
    #[keras(default = -1)]
    axis: isize,
    #[keras(skip)]
    state: State,
}

impl IoU {
    fn check(&self) -> Result<()> {
        check_targets(&self.target_class_ids, self.num_classes)
    }

    /// Labels and predictions are class indices or scores already.
    fn prepare(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
        self.check()?;
        Ok((y_true.clone(), y_pred.clone()))
    }
}

intersection_metric! {
    IoU,
    |metric| Classes { count: metric.num_classes, ignored: metric.ignore_class, sparse_y_true: metric.sparse_y_true, sparse_y_pred: metric.sparse_y_pred, axis: metric.axis, dtype: metric.base.dtype() },
    metric.target_class_ids
}
