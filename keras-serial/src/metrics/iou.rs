//! Intersection over union.

use super::State;
use super::iou_base::{Classes, check_targets, intersection_metric};
use crate::error::Result;
use crate::tensor::{DType, Tensor};
use crate::utils::auto_name;
use crate::{KerasSerializable, register};

/// Intersection over union, `tp / (tp + fp + fn)`, of some classes: the mean of it.
///
/// `num_classes` and `target_class_ids` say which classes there are and which count; `ignore_class` is a label that does
/// not. With `sparse_y_true` (true) and `sparse_y_pred` (true) labels and predictions are numbers of classes, else they
/// have an `axis` (-1) of classes.
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
#[config(new, setters, from_config = Self::complete, validate = Self::check)]
pub struct IoU {
    #[config(default = auto_name("IoU"))]
    name: String,
    #[config(default = DType::Int64, with = crate::losses::dtype_config)]
    dtype: DType,
    /// How many classes there are.
    num_classes: usize,
    /// The classes that count.
    target_class_ids: Vec<usize>,
    /// A label that does not count.
    #[config(default)]
    ignore_class: Option<i64>,
    /// Are labels numbers of classes, and not one-hot?
    #[config(default = true)]
    sparse_y_true: bool,
    /// Are predictions numbers of classes, and not scores?
    #[config(default = true)]
    sparse_y_pred: bool,
    /// The axis of the classes.
    #[config(default = -1)]
    axis: isize,
    #[config(skip)]
    state: State,
}

impl IoU {
    fn check(&self) -> Result<()> {
        check_targets(&self.target_class_ids, self.num_classes)
    }

    /// Truth and predictions are classes, or scores of them, as they are.
    fn prepare(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
        self.check()?;
        Ok((y_true.clone(), y_pred.clone()))
    }
}

intersection_metric! {
    IoU,
    |metric| Classes { count: metric.num_classes, ignored: metric.ignore_class, sparse_y_true: metric.sparse_y_true, sparse_y_pred: metric.sparse_y_pred, axis: metric.axis, dtype: metric.dtype },
    metric.target_class_ids
}
