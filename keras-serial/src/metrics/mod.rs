//! How good predictions are, gathered over batches (`keras.metrics`).
//!
//! A metric keeps its state in variables: [`Measure::update_state`] adds a batch,
//! [`Measure::result`] gives the number so far, [`Measure::reset_state`] starts over. A [`Metric`] is
//! made from a class, a function of two tensors, or a name. A metric of your own is a function that
//! [`Metric::function`] takes, or a struct that implements [`Measure`] with a [`State`].
//!
//! # Configurations
//! As for [losses](crate::losses): an argument that Keras 3.15 leaves out of configurations
//! (`CosineSimilarity.axis`) is written only where it has another value than its default.

mod accuracy;
mod auc;
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
pub use binary_accuracy::{BinaryAccuracy, binary_accuracy};
pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_iou::BinaryIoU;
pub use categorical_accuracy::{CategoricalAccuracy, categorical_accuracy};
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_hinge::CategoricalHinge;
pub use concordance_correlation::{ConcordanceCorrelation, concordance_correlation};
pub use confusion::Thresholds;
pub use cosine_similarity::CosineSimilarity;
pub use f1_score::F1Score;
pub use false_negatives::FalseNegatives;
pub use false_positives::FalsePositives;
pub use fbeta_score::{Average, FBetaScore};
pub use hinge::Hinge;
pub use iou::IoU;
pub use kl_divergence::KLDivergence;
pub use log_cosh_error::LogCoshError;
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
pub use top_k_categorical_accuracy::{TopKCategoricalAccuracy, top_k_categorical_accuracy};
pub use true_negatives::TrueNegatives;
pub use true_positives::TruePositives;
pub use wrapper::MeanMetricWrapper;
use top_k::among_top_k;
pub(crate) use macros::Values;

use crate::config::KerasSerializable;
use crate::error::{Error, ErrorKind, Result};
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::losses::Labels;
use crate::object::{Broken, handle};
use crate::ops::zeros;
use crate::tensor::{Nested, Shape, Tensor};
use crate::variable::Variable;

/// A metric with a configuration and a state.
pub trait Measure: KerasSerializable {
    /// The name in logs; the class's by default.
    fn name(&self) -> String {
        crate::utils::to_snake_case(self.class())
    }

    /// Adds a batch: truth, predictions, and how much each sample weighs.
    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()>;

    /// Adds values of which the mean or sum is taken, for the metrics that do just this.
    ///
    /// # Errors
    /// For metrics that compare truth and predictions.
    fn update_values(&self, values: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        let _ = (values, sample_weight);
        Err(Error::new(ErrorKind::InvalidArgument, format!("the metric `{}` compares truth and predictions", self.name()))
            .hint("use `update_state`"))
    }

    /// The metric over all batches so far: a tensor, or several by name.
    fn result(&self) -> Result<Nested<Tensor>>;

    /// The variables that hold the state, in Keras's order.
    fn variables(&self) -> Result<Vec<Variable>>;

    /// Starts over.
    fn reset_state(&self) -> Result<()> {
        self.variables()?.iter().try_for_each(|variable| variable.assign(&zeros(variable.shape(), variable.dtype())?))
    }
}

handle! {
    /// A shared metric.
    pub struct Metric(dyn Measure);
    kind: Metric, cast: METRIC, expected: "a metric", modules: ["keras.metrics"], function: MeanMetricWrapper
}

impl Metric {
    /// The mean of a function of truth and prediction.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(MeanMetricWrapper::bare(Function::new(function)))
    }
}

impl Measure for Broken {
    fn update_state(&self, _: &Tensor, _: &Tensor, _: Option<&Tensor>) -> Result<()> {
        Err(self.0.clone())
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        Err(self.0.clone())
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        Err(self.0.clone())
    }
}

/// The metric of a name as `compile` takes it: `"accuracy"` and `"acc"` stand for the one that fits
/// the shapes (`keras.src.trainers.compile_utils.get_metric`). In logs it goes by the name given here,
/// whatever its own is.
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
