//! The names of Keras's own classes and functions, by which files are read without the classes themselves.

use super::lookup;
use super::operations::is_keras_operation;
use crate::object::{Form, Kind};

/// The classes that files name, by their modules, which are public but for the last three; without those that hold
/// code.
#[rustfmt::skip]
const CLASSES: &[(&str, &[&str])] = &[
    ("keras", &[
        "DTypePolicy", "FloatDTypePolicy", "Functional", "Model", "Sequential",
    ]),
    ("keras.layers", &[
        "Activation", "ActivityRegularization", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D",
        "AdaptiveAveragePooling3D", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D", "Add",
        "AdditiveAttention", "AlphaDropout", "Attention", "AugMix", "AutoContrast", "Average", "AveragePooling1D",
        "AveragePooling2D", "AveragePooling3D", "AvgPool1D", "AvgPool2D", "AvgPool3D", "BatchNormalization",
        "Bidirectional", "CategoryEncoding", "CenterCrop", "Concatenate",
        "ContrastLimitedAdaptiveHistogramEqualization", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose",
        "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "Convolution1D",
        "Convolution1DTranspose", "Convolution2D", "Convolution2DTranspose", "Convolution3D",
        "Convolution3DTranspose", "Cropping1D", "Cropping2D", "Cropping3D", "CutMix", "Dense", "DepthwiseConv1D",
        "DepthwiseConv2D", "Discretization", "Dot", "Dropout", "ELU", "EinsumDense", "Embedding", "Equalization",
        "Flatten", "GRU", "GRUCell", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D",
        "GlobalAveragePooling2D", "GlobalAveragePooling3D", "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool3D",
        "GlobalMaxPool1D", "GlobalMaxPool2D", "GlobalMaxPool3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D",
        "GlobalMaxPooling3D", "GroupNormalization", "GroupQueryAttention", "HashedCrossing", "Hashing", "Identity",
        "InputLayer", "InputSpec", "IntegerLookup", "LSTM", "LSTMCell", "Layer", "LayerNormalization", "LeakyReLU",
        "Masking", "MaxNumBoundingBoxes", "MaxPool1D", "MaxPool2D", "MaxPool3D", "MaxPooling1D", "MaxPooling2D",
        "MaxPooling3D", "Maximum", "MelSpectrogram", "Minimum", "MixUp", "MultiHeadAttention", "Multiply",
        "Normalization", "PReLU", "Permute", "Pipeline", "RMSNormalization", "RNN", "RandAugment", "RandomBrightness",
        "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop", "RandomElasticTransform",
        "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness",
        "RandomShear", "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing",
        "ReversibleEmbedding", "STFTSpectrogram", "SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D",
        "SeparableConvolution2D", "SimpleRNN", "SimpleRNNCell", "Softmax", "Solarization", "SpatialDropout1D",
        "SpatialDropout2D", "SpatialDropout3D", "SpectralNormalization", "StackedRNNCells", "StringLookup",
        "Subtract", "TextVectorization", "TimeDistributed", "UnitNormalization", "UpSampling1D", "UpSampling2D",
        "UpSampling3D", "Wrapper", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D",
    ]),
    ("keras.initializers", &[
        "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "IdentityInitializer",
        "Initializer", "LecunNormal", "LecunUniform", "Ones", "Orthogonal", "OrthogonalInitializer", "RandomNormal",
        "RandomUniform", "STFT", "STFTInitializer", "TruncatedNormal", "VarianceScaling", "Zeros", "constant",
        "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "lecun_normal", "lecun_uniform",
        "ones", "orthogonal", "random_normal", "random_uniform", "stft", "truncated_normal", "variance_scaling",
        "zeros",
    ]),
    ("keras.regularizers", &[
        "L1", "L1L2", "L2", "OrthogonalRegularizer", "Regularizer", "l1", "l1_l2", "l2", "orthogonal_regularizer",
    ]),
    ("keras.constraints", &[
        "Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "max_norm", "min_max_norm", "non_neg",
        "unit_norm",
    ]),
    ("keras.optimizers", &[
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion", "LossScaleOptimizer",
        "MultiOptimizer", "Muon", "Nadam", "Optimizer", "OptimizerMap", "RMSprop", "SGD", "ScheduleFreeAdamW",
    ]),
    ("keras.optimizers.schedules", &[
        "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule",
        "PiecewiseConstantDecay", "PolynomialDecay",
    ]),
    ("keras.losses", &[
        "BinaryCrossentropy", "BinaryFocalCrossentropy", "CTC", "CategoricalCrossentropy",
        "CategoricalFocalCrossentropy", "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle",
        "CosineSimilarity", "Dice", "Hinge", "Huber", "KLDivergence", "LogCosh", "Loss", "LossFunctionWrapper",
        "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError", "MeanSquaredLogarithmicError",
        "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky",
    ]),
    ("keras.metrics", &[
        "AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy",
        "CategoricalCrossentropy", "CategoricalHinge", "ConcordanceCorrelation", "CosineSimilarity", "F1Score",
        "FBetaScore", "FalseNegatives", "FalsePositives", "Hinge", "IoU", "KLDivergence", "LogCoshError", "Mean",
        "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU", "MeanMetricWrapper", "MeanSquaredError",
        "MeanSquaredLogarithmicError", "Metric", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson",
        "Precision", "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError",
        "SensitivityAtSpecificity", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
        "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy",
        "TrueNegatives", "TruePositives",
    ]),
    ("keras.dtype_policies", &[
        "AWQDTypePolicy", "DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "GPTQDTypePolicy", "Int4DTypePolicy",
        "QuantizedDTypePolicy", "QuantizedFloat8DTypePolicy",
    ]),
    ("keras.quantizers", &[
        "AWQConfig", "AbsMaxQuantizer", "Float8QuantizationConfig", "GPTQConfig", "Int4QuantizationConfig",
        "Int8QuantizationConfig", "QuantizationConfig", "Quantizer",
    ]),
    ("keras.utils", &[
        "FeatureSpace",
    ]),
    ("keras.src.layers.preprocessing.feature_space", &[
        "Cross", "Feature", "TFDConcat", "TFDIdentity",
    ]),
    ("keras.src.applications.convnext", &["LayerScale"]),
    ("keras.src.applications.inception_resnet_v2", &["CustomScaleLayer"]),
];

/// The functions of `keras.activations`, `keras.losses` and `keras.metrics`, which files name without a module.
#[rustfmt::skip]
const FUNCTIONS: &[&str] = &[
    "binary_accuracy", "binary_crossentropy", "binary_focal_crossentropy", "categorical_accuracy",
    "categorical_crossentropy", "categorical_focal_crossentropy", "categorical_generalized_cross_entropy",
    "categorical_hinge", "celu", "circle", "concordance_correlation", "cosine_similarity", "ctc", "dice", "elu",
    "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "hinge",
    "huber", "kl_divergence", "leaky_relu", "linear", "log_cosh", "log_sigmoid", "log_softmax", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "mish",
    "pearson_correlation", "poisson", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_categorical_accuracy", "sparse_categorical_crossentropy", "sparse_plus",
    "sparse_sigmoid", "sparse_top_k_categorical_accuracy", "sparsemax", "squared_hinge", "squareplus", "swish",
    "tanh", "tanh_shrink", "threshold", "top_k_categorical_accuracy", "tversky",
];

/// What the engine adds to these names: which operations it computes.
pub(crate) struct Operations {
    /// Returns true for the class of an operation that is computed here.
    pub(crate) has: fn(class_name: &str) -> bool,
}

inventory::collect!(Operations);

/// The classes of versions of Keras after 3.15.1 that are known here.
const NEWER: &[(&str, &[&str])] = &[("keras.layers", &["TernaryDense"])];

fn classes() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str])> {
    CLASSES.iter().chain(NEWER)
}

/// Returns true if Keras has a class of this name in a module.
pub(crate) fn has_class(module: &str, class_name: &str) -> bool {
    classes().any(|(known, names)| *known == module && names.contains(&class_name))
}

/// Returns true if the form names a class or a function of Keras's own, which this build need not have. Files also name
/// private modules.
pub(crate) fn is_of_keras(form: &Form<'_>) -> bool {
    if form.class_name == "function" {
        return form.config().as_str().is_some_and(|name| FUNCTIONS.contains(&name));
    }
    let is_class = || classes().any(|(_, names)| names.contains(&form.class_name));
    // Keras 2 wrote no modules.
    let is_module = form.module().is_none_or(|module| module == "keras" || module.starts_with("keras."));
    let is_custom = form.registered_name().is_some_and(|name| name.contains('>'));
    is_keras_operation(form) || is_module && !is_custom && is_class()
}

/// Returns true if classes of Keras itself are linked, so that one that is missing is not supported. A build without
/// the engine has none.
pub(crate) fn has_builtins() -> bool {
    lookup::has_builtins()
}

/// Returns true if the form names one of Keras's own operations that the engine computes.
pub(crate) fn is_computed_operation(form: &Form<'_>) -> bool {
    let is_computed = || inventory::iter::<Operations>.into_iter().any(|operations| (operations.has)(form.class_name));
    is_keras_operation(form) && is_computed()
}

/// Returns true if the form is an operation: one of Keras's own, or a registered class of that kind.
pub(crate) fn is_operation(form: &Form<'_>) -> bool {
    let is_custom = || super::find(form).is_ok_and(|entry| entry.kinds().contains(&Kind::Operation));
    is_keras_operation(form) || is_custom()
}

#[cfg(feature = "engine")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::entries;

    #[test]
    fn all_linked_classes_are_listed() {
        for entry in entries().iter().filter(|entry| !entry.is_function()) {
            let Some(module) = entry.module() else { continue };
            let name = entry.builtin_name();
            let is_listed = has_class(module, name) || classes().any(|(_, names)| names.contains(&name));
            assert!(is_listed, "{module}.{name}");
        }
    }
}
