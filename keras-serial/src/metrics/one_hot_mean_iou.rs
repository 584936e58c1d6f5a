//! The mean intersection over union of all classes, for one-hot labels.

use super::iou_base::{Classes, intersection_metric};
use super::{MetricBase, State};
use crate::error::Result;
use crate::tensor::{DType, Tensor};
use crate::{KerasSerializable, register};

/// The mean intersection over union, `tp / (tp + fp + fn)`, of all classes, for one-hot labels.
///
/// `num_classes` is the number of classes; `ignore_class` is a label to ignore. With `sparse_y_pred`
/// (false), predictions are class indices. `axis` (-1) is that of the classes.
///
/// Follows <https://keras.io/api/metrics/segmentation_metrics/#onehotmeaniou-class>.
///
/// ```
/// use keras_serial::metrics::{Measure, OneHotMeanIoU};
/// use keras_serial::tensor::Tensor;
/// let y_true = Tensor::from_slice(&[0.0f32, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0], [4, 3])?;
/// let y_pred = Tensor::from_slice(&[0.2f32, 0.3, 0.5, 0.1, 0.2, 0.7, 0.5, 0.3, 0.1, 0.1, 0.4, 0.5], [4, 3])?;
/// let metric = OneHotMeanIoU::new(3);
/// metric.update_state(&y_true, &y_pred, None)?;
/// let result = metric.result()?.into_single()?.item::<f32>()?;
/// assert!((result - 0.111111).abs() < 1e-4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("one_hot_mean_io_u"))]
#[derive(KerasSerializable, Debug)]
#[keras(new, setters)]
pub struct OneHotMeanIoU {
    /// The number of classes.
    num_classes: usize,
    #[keras(default = MetricBase::of_dtype(DType::Int64))]
    base: MetricBase,
    /// A label to ignore.
    #[keras(default)]
    ignore_class: Option<i64>,
    /// Whether predictions are class indices, not scores.
    #[keras(default = false)]
    sparse_y_pred: bool,
    /// The axis of the classes.
    #[keras(default = -1)]
    axis: isize,
    #[keras(skip)]
    state: State,
}

impl OneHotMeanIoU {
    /// Labels and predictions are class indices or scores already.
    fn prepare(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((y_true.clone(), y_pred.clone()))
    }
}

intersection_metric! {
    OneHotMeanIoU,
    |metric| Classes { count: metric.num_classes, ignored: metric.ignore_class, sparse_y_true: false, sparse_y_pred: metric.sparse_y_pred, axis: metric.axis, dtype: metric.base.dtype() },
    (0..metric.num_classes).collect::<Vec<_>>()
}
