//! The mean intersection over union of all classes.

use super::iou_base::{Classes, intersection_metric};
use super::{MetricBase, State};
use crate::error::Result;
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// The mean intersection over union, `tp / (tp + fp + fn)`, of all classes.
///
/// `num_classes` is the number of classes; `ignore_class` is a label to ignore. With `sparse_y_true`
/// (true) and `sparse_y_pred` (true), labels and predictions are class indices, else they have an `axis`
/// (-1) of classes.
///
/// Follows <https://keras.io/api/metrics/segmentation_metrics/#meaniou-class>.
///
/// ```
/// use keras_serial::metrics::{MeanIoU, Measure};
/// use keras_serial::tensor::Tensor;
/// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 1.0, 1.0], [4])?;
/// let y_pred = Tensor::from_slice(&[0.0f32, 1.0, 0.0, 1.0], [4])?;
/// let metric = MeanIoU::new(2);
/// metric.update_state(&y_true, &y_pred, None)?;
/// let result = metric.result()?.into_single()?.item::<f32>()?;
/// assert!((result - 0.333333).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("mean_io_u"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct MeanIoU {
    /// The number of classes.
    num_classes: usize,
    #[keras(default = MetricBase::of_dtype(DType::Int64))]
    base: MetricBase,
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

impl MeanIoU {
    /// Labels and predictions are class indices or scores already.
    fn prepare(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((y_true.clone(), y_pred.clone()))
    }
}

intersection_metric! {
    MeanIoU,
    |metric| Classes { count: metric.num_classes, ignored: metric.ignore_class, sparse_y_true: metric.sparse_y_true, sparse_y_pred: metric.sparse_y_pred, axis: metric.axis, dtype: metric.base.dtype() },
    (0..metric.num_classes).collect::<Vec<_>>()
}
