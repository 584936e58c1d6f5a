//! Whether larger or smaller values of a metric are better.

/// Whether larger or smaller values are better; used by callbacks in the mode `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Larger is better.
    Up,
    /// Smaller is better.
    Down,
}

impl Direction {
    /// Returns the direction of a built-in metric (its `_direction` in Keras); counts and plain means
    /// have none.
    pub(super) fn of_class(class: &str) -> Option<Self> {
        Some(match class {
            "Accuracy"
            | "BinaryAccuracy"
            | "CategoricalAccuracy"
            | "SparseCategoricalAccuracy"
            | "TopKCategoricalAccuracy"
            | "SparseTopKCategoricalAccuracy"
            | "Precision"
            | "Recall"
            | "SensitivityAtSpecificity"
            | "SpecificityAtSensitivity"
            | "PrecisionAtRecall"
            | "RecallAtPrecision"
            | "AUC"
            | "PearsonCorrelation"
            | "ConcordanceCorrelation"
            | "FBetaScore"
            | "F1Score"
            | "IoU"
            | "BinaryIoU"
            | "MeanIoU"
            | "OneHotIoU"
            | "OneHotMeanIoU"
            | "CosineSimilarity"
            | "R2Score" => Self::Up,
            "Hinge"
            | "SquaredHinge"
            | "CategoricalHinge"
            | "KLDivergence"
            | "Poisson"
            | "BinaryCrossentropy"
            | "CategoricalCrossentropy"
            | "SparseCategoricalCrossentropy"
            | "MeanSquaredError"
            | "MeanAbsoluteError"
            | "MeanAbsolutePercentageError"
            | "MeanSquaredLogarithmicError"
            | "RootMeanSquaredError"
            | "LogCoshError" => Self::Down,
            _ => return None,
        })
    }
}
