//! Metrics: measures of predictions, accumulated over batches (`keras.metrics`).
//!
//! A metric keeps its state in variables: [`Measure::update_state`] adds a batch, [`Measure::result`]
//! returns the value so far, [`Measure::reset_state`] resets it. A [`Metric`] is created from a class, a
//! function of two tensors, or a name. For a custom metric pass a function to [`Metric::function`], or
//! implement [`Measure`] for a struct with a [`State`].
//!
//! # Configurations
//! As for [losses](crate::losses): an argument that Keras 3.15 omits from configurations
//! (`CosineSimilarity.axis`) is written only if it is not the default.

mod accuracy;
mod auc;
mod base;
mod binary_accuracy;
mod binary_crossentropy;
mod binary_iou;
mod categorical_accuracy;
mod categorical_crossentropy;
mod categorical_hinge;
mod concordance_correlation;
mod confusion;
mod confusion_count;
mod confusion_share;
mod cosine_similarity;
mod direction;
mod f1_score;
mod false_negatives;
mod false_positives;
mod fbeta_score;
mod hinge;
mod iou;
mod iou_base;
mod kl_divergence;
mod log_cosh_error;
mod macros;
mod mean;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_iou;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod one_hot_iou;
mod one_hot_mean_iou;
mod pearson_correlation;
mod poisson;
mod precision;
mod precision_at_recall;
mod r2_score;
mod recall;
mod recall_at_precision;
mod reduce;
mod root_mean_squared_error;
mod sensitivity_at_specificity;
mod sensitivity_specificity;
mod sparse_categorical_accuracy;
mod sparse_categorical_crossentropy;
mod sparse_top_k_categorical_accuracy;
mod specificity_at_sensitivity;
mod squared_hinge;
mod state;
mod sum;
mod top_k;
mod top_k_categorical_accuracy;
mod true_negatives;
mod true_positives;
mod wrapper;

pub use accuracy::Accuracy;
pub use auc::{Auc, AucCurve, AucSummation};
pub use base::{MetricBase, MetricExt};
pub use binary_accuracy::{BinaryAccuracy, binary_accuracy};
pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_iou::BinaryIoU;
pub use categorical_accuracy::{CategoricalAccuracy, categorical_accuracy};
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_hinge::CategoricalHinge;
pub use concordance_correlation::{ConcordanceCorrelation, concordance_correlation};
pub use confusion::Thresholds;
pub use cosine_similarity::CosineSimilarity;
pub use direction::Direction;
pub use f1_score::F1Score;
pub use false_negatives::FalseNegatives;
pub use false_positives::FalsePositives;
pub use fbeta_score::{Average, FBetaScore};
pub use hinge::Hinge;
pub use iou::IoU;
pub use kl_divergence::KLDivergence;
pub use log_cosh_error::LogCoshError;
pub(crate) use macros::Values;
pub use mean::Mean;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_absolute_percentage_error::MeanAbsolutePercentageError;
pub use mean_iou::MeanIoU;
pub use mean_squared_error::MeanSquaredError;
pub use mean_squared_logarithmic_error::MeanSquaredLogarithmicError;
pub use one_hot_iou::OneHotIoU;
pub use one_hot_mean_iou::OneHotMeanIoU;
pub use pearson_correlation::{PearsonCorrelation, pearson_correlation};
pub use poisson::Poisson;
pub use precision::Precision;
pub use precision_at_recall::PrecisionAtRecall;
pub use r2_score::{ClassAggregation, R2Score};
pub use recall::Recall;
pub use recall_at_precision::RecallAtPrecision;
pub use root_mean_squared_error::RootMeanSquaredError;
pub use sensitivity_at_specificity::SensitivityAtSpecificity;
pub use sparse_categorical_accuracy::{SparseCategoricalAccuracy, sparse_categorical_accuracy};
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;
pub use sparse_top_k_categorical_accuracy::{SparseTopKCategoricalAccuracy, sparse_top_k_categorical_accuracy};
pub use specificity_at_sensitivity::SpecificityAtSensitivity;
pub use squared_hinge::SquaredHinge;
pub use state::State;
pub use sum::Sum;
use top_k::among_top_k;
pub use top_k_categorical_accuracy::{TopKCategoricalAccuracy, top_k_categorical_accuracy};
pub use true_negatives::TrueNegatives;
pub use true_positives::TruePositives;
pub use wrapper::MeanMetricWrapper;

use crate::config::{HasBase, KerasSerializable};
use crate::error::{Error, ErrorKind, Result};
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::losses::Labels;
use crate::ops::zeros;
use crate::registry::handle;
use crate::tensor::{Nested, Shape, Tensor};
use crate::variable::Variable;

/// A metric with a configuration and state.
///
/// ```
/// use keras_serial::metrics::{Measure, Metric, MetricBase, State};
/// use keras_serial::ops;
/// use keras_serial::tensor::{DType, Nested, Shape, Tensor};
/// use keras_serial::variable::Variable;
/// use keras_serial::{KerasSerializable, Result, register};
///
/// /// The largest error so far.
/// #[register(package = "MyMetrics")]
/// #[derive(KerasSerializable)]
/// #[keras(new)]
/// struct MaxError {
///     base: MetricBase, // name, dtype
///     #[keras(skip)]
///     state: State,
/// }
///
/// impl MaxError {
///     fn largest(&self) -> Result<Variable> {
///         self.state.variable(self.name(), "largest", &Shape::scalar(), DType::Float32)
///     }
/// }
///
/// impl Measure for MaxError {
///     fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, _: Option<&Tensor>) -> Result<()> {
///         let errors = ops::abs(&ops::subtract(y_true, y_pred)?)?;
///         let largest = ops::max(&errors, ops::Axes::all(), false)?;
///         self.largest()?.assign(&ops::maximum(self.largest()?.read(), &largest)?)
///     }
///
///     fn result(&self) -> Result<Nested<Tensor>> {
///         Ok(self.largest()?.read().into())
///     }
///
///     fn variables(&self) -> Result<Vec<Variable>> {
///         Ok(vec![self.largest()?])
///     }
/// }
///
/// let metric = Metric::new(MaxError::new());
/// metric.update_state(&Tensor::from_slice(&[1.0f32, 5.0], [2])?, &Tensor::from_slice(&[0.0f32, 2.0], [2])?, None)?;
/// assert_eq!(metric.result()?.into_single()?.item::<f32>()?, 3.0);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a metric",
    note = "give it a field `base: MetricBase`, derive `KerasSerializable`, and implement `Measure` for it"
)]
pub trait Measure: KerasSerializable + HasBase<MetricBase> {
    /// Returns the name in logs.
    fn name(&self) -> &str {
        self.base().name(self.class())
    }

    /// Adds a batch: targets, predictions, and sample weights.
    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()>;

    /// Adds values, for metrics that compute a mean or sum of values.
    ///
    /// # Errors
    /// For metrics that compare targets and predictions.
    fn update_values(&self, values: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let _ = (values, sample_weight);
        Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("the metric `{}` compares truth and predictions", self.name()),
        )
        .hint("use `update_state`"))
    }

    /// Returns the value over all batches so far: a tensor, or several by name.
    fn result(&self) -> Result<Nested<Tensor>>;

    /// Returns the variables that hold the state, in Keras's order.
    fn variables(&self) -> Result<Vec<Variable>>;

    /// Returns whether larger or smaller values are better (`_direction` in Keras), for callbacks that watch the
    /// metric in the mode `auto`; `None` if neither is, as for counts and plain means.
    fn direction(&self) -> Option<Direction> {
        None
    }

    /// Resets the state.
    fn reset_state(&self) -> Result<()> {
        self.variables()?.iter().try_for_each(|variable| variable.assign(&zeros(variable.shape(), variable.dtype())?))
    }
}

handle! {
    /// A shared handle to a metric.
    pub struct Metric(dyn Measure);
    kind: Metric, cast: METRIC, expected: "a metric", modules: ["keras.metrics"], function: MeanMetricWrapper, base: MetricBase,
    state: "The metric itself."
}

impl Metric {
    /// Wraps a function of targets and predictions; the metric is its mean.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(MeanMetricWrapper::bare(Function::new(function)))
    }
}

/// Returns the metric for a name in `compile`: `"accuracy"` and `"acc"` are resolved by the shapes
/// (`keras.src.trainers.compile_utils.get_metric`). In logs it has the name given here, whatever its own
/// name is.
///
/// # Errors
/// When no metric has this name, or it needs arguments.
pub fn get_metric(name: &str, y_true: &Shape, y_pred: &Shape) -> Result<Metric> {
    let found = match name.to_lowercase().as_str() {
        "accuracy" | "acc" => match Labels::of(y_true, y_pred) {
            Labels::Binary => "binary_accuracy",
            Labels::Sparse => "sparse_categorical_accuracy",
            Labels::OneHot => "categorical_accuracy",
        },
        _ => name,
    };
    Metric::deserialize(&Value::from(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Handle;

    fn tensor(values: &[f32], shape: &[usize]) -> Tensor {
        Tensor::from_slice(values, shape).unwrap()
    }

    fn number(metric: &Metric) -> f32 {
        metric.result().unwrap().into_single().unwrap().item::<f32>().unwrap()
    }

    // keras.src.trainers.compile_utils.get_metric("acc", y_true, y_pred)
    #[test]
    fn accuracy_is_the_one_that_fits() {
        let shape = |dims: &[usize]| Shape::from(dims);
        for (y_true, y_pred, expected) in [
            (shape(&[4]), shape(&[4, 1]), "BinaryAccuracy"),
            (shape(&[4]), shape(&[4, 3]), "SparseCategoricalAccuracy"),
            (shape(&[4, 3]), shape(&[4, 3]), "CategoricalAccuracy"),
        ] {
            assert_eq!(get_metric("acc", &y_true, &y_pred).unwrap().class(), expected);
        }
        assert_eq!(get_metric("mse", &shape(&[4, 1]), &shape(&[4, 1])).unwrap().class(), "MeanSquaredError");
        assert!(get_metric("mean_io_u", &shape(&[4]), &shape(&[4])).is_err());
    }

    // serialize_keras_object(keras.metrics.binary_accuracy): a function whose name is also that of a
    // class
    #[test]
    fn functions_and_classes_of_one_name_are_told_apart() {
        let function = Value::parse(r#"{"module": "builtins", "class_name": "function", "config": "binary_accuracy", "registered_name": "function"}"#).unwrap();
        let metric = Metric::deserialize(&function).unwrap();
        assert_eq!(Handle::serialize(&metric).unwrap(), function);
        assert_eq!(Metric::from("binary_accuracy").class(), "BinaryAccuracy");
        metric.update_state(&tensor(&[1.0, 0.0], &[2]), &tensor(&[0.9, 0.8], &[2, 1]), None).unwrap();
        assert_eq!(number(&metric), 0.5);
    }

    // m = keras.metrics.MeanSquaredError(); y_pred._keras_mask = [True, False]; m.update_state([[1.], [5.]], [[0.], [0.]])
    #[test]
    fn masked_predictions_do_not_count() {
        let y_pred = tensor(&[0.0, 0.0], &[2, 1]).with_mask(Some(Tensor::from_slice(&[true, false], [2]).unwrap()));
        let metric = Metric::from("mse");
        metric.update_state(&tensor(&[1.0, 5.0], &[2, 1]), &y_pred, None).unwrap();
        assert_eq!(number(&metric), 1.0);
    }

    #[test]
    fn wrong_shapes_and_arguments_are_errors() {
        let (two, three) = (tensor(&[0.0, 1.0], &[2, 1]), tensor(&[0.5; 6], &[2, 3]));
        for metric in [
            Auc::new().into(),
            Metric::from("precision"),
            Metric::from("f1_score"),
            Metric::from("r2_score"),
            MeanIoU::new(2).into(),
        ] {
            assert!(metric.update_state(&three, &tensor(&[0.1; 4], &[2, 2]), None).is_err(), "{metric:?}");
        }
        assert!(
            Metric::from(TopKCategoricalAccuracy::new())
                .update_state(&tensor(&[1.0; 3], &[1, 3]), &three, None)
                .is_err()
        );
        assert!(Metric::from(Precision::new().class_id(3)).update_state(&three, &three, None).is_err());
        assert!(Metric::from("auc").update_state(&two, &two, Some(&tensor(&[1.0; 3], &[3]))).is_err());
        let wrong = |form: &str| Metric::deserialize(&Value::parse(form).unwrap()).unwrap_err().to_string();
        let form = |class: &str, config: &str| {
            format!(
                r#"{{"module": "keras.metrics", "class_name": "{class}", "config": {config}, "registered_name": null}}"#
            )
        };
        assert!(wrong(&form("Precision", r#"{"thresholds": [0.5, 1.5]}"#)).contains("must be in [0, 1]"));
        assert!(wrong(&form("AUC", r#"{"num_thresholds": 1}"#)).contains("> 1"));
        assert!(wrong(&form("IoU", r#"{"num_classes": 2, "target_class_ids": [2]}"#)).contains("out of range"));
        assert!(wrong(&form("FBetaScore", r#"{"beta": 0.0}"#)).contains("> 0"));
    }

    // m = keras.metrics.F1Score(average="macro"); m.variables before and after a batch
    #[test]
    fn variables_are_made_when_shapes_are_known() {
        let metric = Metric::from(F1Score::new().average(Average::Macro));
        assert!(metric.variables().unwrap().is_empty());
        let y = tensor(&[1.0, 0.0, 0.0, 1.0], &[2, 2]);
        metric.update_state(&y, &y, None).unwrap();
        let paths: Vec<String> = metric.variables().unwrap().iter().map(|v| v.path().to_owned()).collect();
        let names = ["true_positives", "false_positives", "false_negatives", "intermediate_weights"];
        assert_eq!(paths, names.map(|name| format!("f1_score/{name}")));
        assert!((number(&metric) - 1.0).abs() < 1e-5);
        let wide = tensor(&[1.0, 0.0, 0.0], &[1, 3]);
        assert!(metric.update_state(&wide, &wide, None).unwrap_err().to_string().contains("other shapes"));
    }
}
