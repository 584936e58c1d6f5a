//! Which way a metric is better.

/// Is a metric better when it is larger or smaller? Callbacks ask that watch it in the mode `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Larger is better.
    Up,
    /// Smaller is better.
    Down,
}

impl Direction {
    /// That of Keras's own metrics (their `_direction`); counts and plain means have none.
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
