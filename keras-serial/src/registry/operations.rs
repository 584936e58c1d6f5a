//! The names of Keras's own operations, by which they are told from layers.

use crate::json::{Dict, Value};
use crate::object::Form;

/// The classes of operations in `keras.src.ops`, which legacy files name without a module.
#[rustfmt::skip]
pub(super) const OPERATIONS: &[&str] = &[
    "Abs", "Absolute", "AdaptiveAveragePool", "AdaptiveMaxPool", "Add", "AffineTransform", "All", "AllClose",
    "Amax", "Amin", "Angle", "Any", "Append", "Arange", "Arccos", "Arccosh", "Arcsin", "Arcsinh", "Arctan",
    "Arctan2", "Arctanh", "Argmax", "Argmin", "Argpartition", "Argsort", "Array", "ArraySplit", "AssociativeScan",
    "Average", "AveragePool", "BatchNorm", "BinaryCrossentropy", "Bincount", "BitwiseAnd", "BitwiseInvert",
    "BitwiseLeftShift", "BitwiseNot", "BitwiseOr", "BitwiseRightShift", "BitwiseXor", "BroadcastTo", "CDist",
    "CTCDecode", "CTCLoss", "Cast", "CategoricalCrossentropy", "Cbrt", "Ceil", "Celu", "Cholesky",
    "CholeskyInverse", "Clip", "Concatenate", "Cond", "Conj", "Conjugate", "Conv", "ConvTranspose",
    "ConvertToTensor", "Copy", "Corrcoef", "Correlate", "Cos", "Cosh", "CountNonzero", "CropImages", "Cross",
    "Cumprod", "Cumsum", "Deg2rad", "DepthToSpace", "DepthwiseConv", "Det", "Diag", "Diagflat", "Diagonal", "Diff",
    "Digitize", "Divide", "DivideNoNan", "Dot", "DotProductAttention", "Dsplit", "Dstack", "Eig", "Eigh", "Einsum",
    "ElasticTransform", "Elu", "EmptyLike", "Equal", "Erf", "Erfc", "Erfinv", "Exp", "Exp2", "ExpandDims", "Expm1",
    "ExtractPatches", "ExtractSequences", "FFT", "FFT2", "Fabs", "Flip", "Fliplr", "Flipud", "Floor", "FloorDivide",
    "Fmax", "Fmin", "Fmod", "Fold", "ForiLoop", "Full", "FullLike", "GaussianBlur", "Gcd", "Gelu", "Geomspace",
    "GetItem", "Glu", "Greater", "GreaterEqual", "HSVToRGB", "HardShrink", "HardSigmoid", "HardSilu", "HardTanh",
    "Heaviside", "Histogram", "Hsplit", "Hstack", "Hypot", "I0", "IFFT2", "IRFFT", "ISTFT", "Imag", "InTopK",
    "Inner", "Inv", "IsIn", "Isclose", "Isfinite", "Isinf", "Isnan", "Isneginf", "Isposinf", "Isreal", "JVP",
    "Kron", "LayerNorm", "Lcm", "Ldexp", "LeakyRelu", "LeftShift", "Less", "LessEqual", "Linspace", "Log", "Log10",
    "Log1p", "Log2", "LogSigmoid", "LogSoftmax", "Logaddexp", "Logaddexp2", "Logdet", "LogicalAnd", "LogicalNot",
    "LogicalOr", "LogicalXor", "Logspace", "Logsumexp", "Lstsq", "LuFactor", "Map", "MapCoordinates", "Matmul",
    "MatrixRank", "Max", "MaxPool", "Maximum", "Mean", "Median", "Meshgrid", "Min", "Minimum", "Mod", "Moments",
    "Moveaxis", "MultiHot", "Multiply", "NanToNum", "Nanargmax", "Nanargmin", "Nancumprod", "Nancumsum", "Nanmax",
    "Nanmean", "Nanmedian", "Nanmin", "Nanpercentile", "Nanprod", "Nanquantile", "Nanstd", "Nansum", "Nanvar",
    "Ndim", "Negative", "Nextafter", "Nonzero", "Norm", "Normalize", "NotEqual", "OneHot", "OnesLike", "Outer",
    "PSNR", "Pad", "PadImages", "Percentile", "PerspectiveTransform", "Pinv", "Polar", "Power", "Prod", "Ptp", "Qr",
    "Quantile", "RFFT", "RGBToGrayscale", "RGBToHSV", "RMSNorm", "Rad2deg", "Ravel", "Real", "Rearrange",
    "Reciprocal", "Relu", "Relu6", "Repeat", "Reshape", "Resize", "RightShift", "Roll", "Rot90", "Round", "Rsqrt",
    "SSIM", "STFT", "SVD", "SaturateCast", "ScaleAndTranslate", "Scan", "Scatter", "ScatterUpdate", "SearchSorted",
    "SegmentMax", "SegmentMin", "SegmentProd", "SegmentReduction", "SegmentSum", "Select", "Selu", "SeparableConv",
    "Sigmoid", "Sign", "Signbit", "Silu", "Sin", "Sinc", "Sinh", "Size", "Slice", "SliceUpdate", "Slogdet",
    "SobelEdges", "SoftShrink", "Softmax", "Softplus", "Softsign", "Solve", "SolveTriangular", "Sort",
    "SpaceToDepth", "SparseCategoricalCrossentropy", "SparsePlus", "SparseSigmoid", "Sparsemax", "Split", "Sqrt",
    "Square", "Squareplus", "Squeeze", "Stack", "Std", "StopGradient", "Subtract", "Sum", "Swapaxes", "Switch",
    "Take", "TakeAlongAxis", "Tan", "Tanh", "TanhShrink", "Tensordot", "Threshold", "Tile", "TopK", "Trace",
    "Transpose", "Trapezoid", "Tril", "Triu", "TrueDivide", "Trunc", "Unfold", "Unique", "UnravelIndex", "Unstack",
    "Vander", "Var", "Vdot", "VectorizedMap", "View", "ViewAsComplex", "ViewAsReal", "Vsplit", "Vstack", "Where",
    "WhileLoop", "ZerosLike",
];

/// The classes of operations that Keras defines in other modules.
const OTHER_OPERATIONS: &[(&str, &[&str])] = &[
    ("keras.src.activations.activations", &["Mish", "ReLU"]),
    ("keras.src.quantizers.quantizers", &["FakeQuantWithMinMaxVars"]),
];

/// Returns true if the form is in a module of Keras's own operations.
pub(crate) fn is_keras_operation(form: &Form<'_>) -> bool {
    let module = form.module().unwrap_or_default();
    let is_other =
        || OTHER_OPERATIONS.iter().any(|(other, names)| *other == module && names.contains(&form.class_name));
    module == "keras.ops" || module.starts_with("keras.src.ops.") || is_other()
}

/// Returns the module of a class that a legacy file names alone. In graphs, operations share names with layers
/// (`Multiply`), but have no `trainable` in their configurations.
pub(crate) fn legacy_module(form: &Dict, in_graph: bool) -> &'static str {
    let is_operation = |class: &str| {
        let config = form.get("config").and_then(Value::as_dict).filter(|_| in_graph);
        let is_named = || {
            let others = OTHER_OPERATIONS.iter().flat_map(|(_, names)| names.iter());
            OPERATIONS.iter().chain(others).any(|name| *name == class)
        };
        config.is_some_and(|config| !config.contains_key("trainable")) && is_named()
    };
    match form.get("class_name").and_then(Value::as_str).unwrap_or_default() {
        "Functional" | "Model" => "keras.src.models.functional",
        "Sequential" => "keras",
        class if is_operation(class) => "keras.ops",
        _ => "keras.layers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_legacy_files_are_told_from_layers() {
        let form = |text: &str| Value::parse(text).unwrap();
        let module = |text: &str, in_graph| legacy_module(form(text).as_dict().unwrap(), in_graph);
        assert_eq!(module(r#"{"class_name": "Multiply", "config": {"name": "m"}}"#, true), "keras.ops");
        assert_eq!(module(r#"{"class_name": "Multiply", "config": {"name": "m"}}"#, false), "keras.layers");
        assert_eq!(module(r#"{"class_name": "Multiply", "config": {"trainable": true}}"#, true), "keras.layers");
        assert_eq!(module(r#"{"class_name": "InputLayer", "config": {"name": "i"}}"#, true), "keras.layers");
    }
}
