//! The F1 score: precision and recall in one number.

use super::fbeta_score::{Average, FBetaScore};
use super::{Direction, Measure, MetricBase};
use crate::config::{Base, Config, ConfigField, HasBase, field};
use crate::error::Result;
use crate::json::Value;
use crate::tensor::{Nested, Tensor};
use crate::variable::Variable;
use crate::{KerasSerializable, register};

/// The F1 score, the harmonic mean of precision and recall: `2 · precision · recall / (precision +
/// recall)`.
///
/// `average` (none) sets how the scores of classes are averaged; by default each class has its own.
/// Predictions above `threshold` are positive; without one (the default) the highest of each sample is.
///
/// Follows <https://keras.io/api/metrics/classification_metrics/#f1score-class>.
///
/// ```
/// use keras_serial::metrics::{F1Score, Measure};
/// use keras_serial::tensor::Tensor;
/// let metric = F1Score::new().threshold(0.5);
/// let y_true = Tensor::from_slice(&[1.0f32, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0], [3, 3])?;
/// let y_pred = Tensor::from_slice(&[0.2f32, 0.6, 0.7, 0.2, 0.6, 0.6, 0.6, 0.8, 0.0], [3, 3])?;
/// metric.update_state(&y_true, &y_pred, None)?;
/// let result = metric.result()?.into_single()?.to_vec::<f32>()?;
/// let expected = [0.5, 0.8, 0.666667];
/// assert!(result.iter().zip(expected).all(|(r, e): (&f32, f32)| (r - e).abs() < 1e-4));
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.metrics", alias("f1_score"))]
#[derive(Debug)]
pub struct F1Score(FBetaScore);

impl Default for F1Score {
    fn default() -> Self {
        Self::new()
    }
}

impl F1Score {
    /// Creates the metric with the defaults of all arguments.
    pub fn new() -> Self {
        Self(FBetaScore::f1())
    }

    /// Sets `average`.
    #[must_use]
    pub fn average(self, average: Average) -> Self {
        Self(self.0.average(average))
    }

    /// Sets `threshold`.
    #[must_use]
    pub fn threshold(self, threshold: f64) -> Self {
        Self(self.0.threshold(threshold))
    }
}

impl KerasSerializable for F1Score {
    crate::config::described_by_hand! { F1Score {
        "name": Option<String> = Some("f1_score".to_owned()), "The metric's name in logs.";
        "dtype": crate::dtype_policies::Policy = crate::dtype_policies::Policy::default(), "The dtype of the metric's computations.";
        "average": Option<Average> = None, "How the scores of classes are averaged; null for one score a class.";
        "threshold": Option<f64> = None, "The threshold above which a prediction is positive; the largest one if null.";
    } }

    fn get_config(&self) -> Result<Config> {
        let (average, threshold) = self.0.parts();
        let mut config = Config::new();
        self.base().write(Self::class_name(), &mut config)?;
        config.insert("average".to_owned(), average.to_value()?);
        config.insert("threshold".to_owned(), threshold.to_value()?);
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        field::refuse_unknown(config, &["name", "dtype", "average", "threshold"], &[])?;
        let mut config = config.clone();
        config.entry("name".to_owned()).or_insert_with(|| Value::from("f1_score"));
        let score = FBetaScore::from_config(&config)?.checked()?;
        // A name that is generated is one from this class's name.
        score.base().name(Self::class_name());
        Ok(Self(score))
    }
}

impl HasBase<MetricBase> for F1Score {
    fn base(&self) -> &MetricBase {
        self.0.base()
    }

    fn base_mut(&mut self) -> &mut MetricBase {
        self.0.base_mut()
    }
}

impl Measure for F1Score {
    fn direction(&self) -> Option<Direction> {
        Some(Direction::Up)
    }

    fn update_state(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<()> {
        self.0.update_state(y_true, y_pred, sample_weight)
    }

    fn result(&self) -> Result<Nested<Tensor>> {
        self.0.result()
    }

    fn variables(&self) -> Result<Vec<Variable>> {
        self.0.variables()
    }
}
