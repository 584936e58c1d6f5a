//! Families of layers, which share a colour in pictures.

use crate::json::Value;

/// A family of layers, with a colour of its own in pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Input,
    Core,
    Convolution,
    Pooling,
    Normalization,
    Regularization,
    Recurrent,
    Attention,
    Merging,
    Reshaping,
    Operation,
    Model,
    Custom,
}

/// The classes of `keras.layers` whose names do not say their family.
const BY_NAME: &[(Family, &[&str])] = &[
    (Family::Input, &["InputLayer"]),
    (Family::Normalization, &["SpectralNormalization"]),
    (Family::Merging, &["Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"]),
    (Family::Recurrent, &["Bidirectional", "TimeDistributed", "StackedRNNCells"]),
    (Family::Regularization, &["ActivityRegularization", "GaussianNoise"]),
    (Family::Reshaping, &["Flatten", "Permute", "RepeatVector", "Reshape"]),
];

/// Parts of the names of classes, in order.
const BY_PART: &[(Family, &[&str])] = &[
    (Family::Recurrent, &["LSTM", "GRU", "RNN"]),
    (Family::Convolution, &["Conv"]),
    (Family::Pooling, &["Pooling"]),
    (Family::Normalization, &["Normalization"]),
    (Family::Attention, &["Attention"]),
    (Family::Regularization, &["Dropout"]),
    (Family::Reshaping, &["Cropping", "UpSampling", "ZeroPadding"]),
];

impl Family {
    /// Returns the family of a serialized layer.
    pub fn of(form: &Value, class: &str) -> Self {
        let text = |key| form.get(key).and_then(Value::as_str).unwrap_or_default();
        let module = text("module");
        if text("registered_name").contains('>') || !(module.is_empty() || module.split('.').next() == Some("keras")) {
            return Self::Custom;
        }
        if module.contains(".ops") {
            return Self::Operation;
        }
        if form.get("config").and_then(|config| config.get("layers")).is_some() {
            return Self::Model;
        }
        let by_name = BY_NAME.iter().find(|(_, names)| names.contains(&class));
        let family =
            by_name.or_else(|| BY_PART.iter().find(|(_, parts)| parts.iter().any(|part| class.contains(part))));
        family.map_or(Self::Core, |(family, _)| *family)
    }

    /// Returns the colour of the header, on which dark text can be read.
    pub fn colour(self) -> &'static str {
        match self {
            Self::Input => "#d5dbe3",
            Self::Core => "#bcd7f5",
            Self::Convolution => "#f6d0a8",
            Self::Pooling => "#f3bfb8",
            Self::Normalization => "#c5e6c0",
            Self::Regularization => "#dfe8b4",
            Self::Recurrent => "#d6c8f0",
            Self::Attention => "#f4c4e0",
            Self::Merging => "#b8e4e0",
            Self::Reshaping => "#e4d9c8",
            Self::Operation => "#e3e3e3",
            Self::Model => "#c9d0ea",
            Self::Custom => "#ffe39a",
        }
    }

    /// Returns the name for the legend of a page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Core => "core",
            Self::Convolution => "convolution",
            Self::Pooling => "pooling",
            Self::Normalization => "normalization",
            Self::Regularization => "regularization",
            Self::Recurrent => "recurrent",
            Self::Attention => "attention",
            Self::Merging => "merging",
            Self::Reshaping => "reshaping",
            Self::Operation => "operation",
            Self::Model => "model",
            Self::Custom => "custom",
        }
    }
}
