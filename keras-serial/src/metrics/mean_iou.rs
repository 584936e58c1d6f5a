//! Intersection over union.

use super::State;
use super::iou_base::{Classes, intersection_metric};
use crate::error::Result;
use crate::tensor::{DType, Tensor};
use crate::utils::auto_name;
use crate::{KerasSerializable, register};

/// Intersection over union, `tp / (tp + fp + fn)`, of all classes: the mean of it.
///
/// `num_classes` says how many classes there are; `ignore_class` is a label that does not count. With `sparse_y_true`
/// (true) and `sparse_y_pred` (true) labels and predictions are numbers of classes, else they have an `axis` (-1) of
/// classes.
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
#[config(new, setters, from_config = Self::complete)]
pub struct MeanIoU {
    /// How many classes there are.
    num_classes: usize,
    #[config(default = auto_name("MeanIoU"))]
    name: String,
    #[config(default = DType::Int64, with = crate::losses::dtype_config)]
    dtype: DType,
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

impl MeanIoU {
    /// Truth and predictions are classes, or scores of them, as they are.
    fn prepare(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((y_true.clone(), y_pred.clone()))
    }
}

intersection_metric! {
    MeanIoU,
    |metric| Classes { count: metric.num_classes, ignored: metric.ignore_class, sparse_y_true: metric.sparse_y_true, sparse_y_pred: metric.sparse_y_pred, axis: metric.axis, dtype: metric.dtype },
    (0..metric.num_classes).collect::<Vec<_>>()
}
