//! Cross-entropy for integer class labels.

use super::entropy;
use super::macros::loss;
use crate::error::{Error, ErrorKind, Result};
use crate::ops::numeric::EPSILON;
use crate::ops::one_hot::one_hot;
use crate::ops::reduce::{logsumexp_impl, sum_impl};
use crate::ops::shape::{expand_at, squeeze_at};
use crate::ops::{Axes, clip, log, negative, not_equal, subtract, where_};
use crate::tensor::{DType, Shape, Tensor};

loss! {
    /// The cross-entropy `-log(y_pred[y_true])`, for integer class labels.
    ///
    /// `from_logits` (false): whether predictions are logits, not probabilities; `ignore_class` (none)
    /// is a label whose samples are ignored; `axis` (-1) is that of the classes, the last one. Keras
    /// 3.15 omits `axis` from configurations; here it is written if it is not the default.
    ///
    /// Follows <https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class>.
    ///
    /// ```
    /// use keras_serial::losses::{ComputeLoss, SparseCategoricalCrossentropy};
    /// use keras_serial::tensor::Tensor;
    /// let y_true = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    /// let y_pred = Tensor::from_slice(&[0.1f32, 0.6, 0.3, 0.7, 0.2, 0.1], [2, 3])?;
    /// let loss = SparseCategoricalCrossentropy::new().evaluate(&y_true, &y_pred, None)?.item::<f32>()?;
    /// assert!((loss - 1.406705).abs() < 1e-4);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    class SparseCategoricalCrossentropy("sparse_categorical_crossentropy") {
        /// Whether predictions are logits, not probabilities.
        from_logits: bool = false;
        /// A label whose samples are ignored.
        ignore_class: Option<i64> = None;
        /// The axis of the classes.
        axis: isize = -1, omit(is_last);
    }

    /// Computes [`SparseCategoricalCrossentropy`] per sample, with default arguments and without reduction.
    function sparse_categorical_crossentropy();

    |loss, y_true, y_pred| {
        loss.entropy(y_true, y_pred)
    }
}

impl SparseCategoricalCrossentropy {
    fn entropy(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        let last = y_pred.rank() as isize - 1;
        if self.axis != -1 && self.axis != last {
            return Err(Error::new(ErrorKind::Unsupported, "Only axis=-1 is currently supported")
                .received(format!("axis={}", self.axis)));
        }
        let mut labels = y_true.clone();
        if labels.rank() == y_pred.rank() && labels.shape().get(-1)? == Some(1) {
            labels = squeeze_at(&labels, -1)?;
        }
        let rows: Shape =
            y_pred.shape().dims().split_last().map(|(_, rows)| rows.iter().copied().collect()).unwrap_or_default();
        if labels.rank() != rows.rank() || !labels.shape().is_compatible(&rows) {
            let error = Error::new(
                ErrorKind::Shape,
                "Arguments `target` and `output` must have the same shape up until the last dimension",
            )
            .expected(format!("target.shape={rows}"))
            .received(format!("target.shape={}, output.shape={}", labels.shape(), y_pred.shape()));
            let is_one_hot = labels.rank() == y_pred.rank() && labels.shape().is_compatible(y_pred.shape());
            return Err(match is_one_hot {
                true => error.hint("one-hot labels are for `categorical_crossentropy`"),
                false => error,
            });
        }
        let mut y_pred = y_pred.clone();
        let valid = self.ignore_class.map(|class| not_equal(&labels, class as f64)).transpose()?;
        if let Some(valid) = &valid {
            labels = where_(valid, &labels, 0)?;
            y_pred = where_(&expand_at(valid, -1)?, &y_pred, 0)?;
        }
        let classes = y_pred.shape().last()?;
        let labels = entropy::classes(&labels, classes)?;
        let logits = if self.from_logits { y_pred } else { log(&clip(&y_pred, EPSILON, 1.0 - EPSILON)?)? };
        let logarithms = subtract(&logits, logsumexp_impl(&logits, &Axes::from(-1), true)?)?;
        let chosen = one_hot(&labels, classes, -1, DType::Bool)?;
        let entropy = negative(&sum_impl(&where_(&chosen, &logarithms, 0)?, &Axes::from(-1), false)?)?;
        match valid {
            Some(valid) => Ok(where_(&valid, &entropy, 0)?.with_mask(Some(valid))),
            None => Ok(entropy),
        }
    }
}

fn is_last(axis: &isize) -> bool {
    *axis == -1
}
