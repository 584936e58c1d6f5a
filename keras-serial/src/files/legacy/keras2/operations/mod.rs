//! Converts TensorFlow functions that graphs of Keras 2 call on symbols to operations of `keras.ops`.
//!
//! Keras 2 wraps a function in a layer (`TFOpLambda`, `SlicingOpLambda`) with its public name
//! (`math.reduce_mean`). Each corresponds to one operation of Keras 3, or to a few in sequence.

mod arrays;
mod emit;
mod images;
mod numbers;

use self::emit::Emit;
use super::graph::Call;
use super::shapes::Shapes;
use super::{class_of, no_longer};
use crate::error::Result;
use crate::json::Value;

/// How a function is expressed in Keras 3.
#[derive(Clone, Copy)]
enum Rule {
    /// An operation on one tensor without arguments.
    Unary(&'static str),
    /// An operation on two tensors or numbers; with the second one's keyword.
    Binary(&'static str, &'static str),
    /// An operation over `axis`, with `keepdims`.
    Reduce(&'static str),
    /// Any other conversion.
    Way(fn(&mut Emit<'_>) -> Result<()>),
}

use Rule::{Binary, Reduce, Unary, Way};

/// Functions by their names without `tf.` and `compat.v1.`.
static FUNCTIONS: &[(&[&str], Rule)] = &[
    (&["__operators__.getitem"], Way(arrays::getitem)),
    (&["__operators__.add", "math.add", "add"], Binary("Add", "y")),
    (&["math.subtract", "subtract"], Binary("Subtract", "y")),
    (&["math.multiply", "multiply"], Binary("Multiply", "y")),
    (&["math.scalar_mul", "scalar_mul"], Binary("Multiply", "x")),
    (&["math.truediv", "math.divide", "divide", "truediv", "realdiv", "div"], Binary("TrueDivide", "y")),
    (&["math.divide_no_nan", "div_no_nan"], Binary("DivideNoNan", "y")),
    (&["math.floordiv", "floor_div", "floordiv", "math.floor_div"], Binary("FloorDivide", "y")),
    (&["math.floormod", "math.mod", "mod", "floormod"], Binary("Mod", "y")),
    (&["math.pow", "pow"], Binary("Power", "y")),
    (&["math.maximum", "maximum"], Binary("Maximum", "y")),
    (&["math.minimum", "minimum"], Binary("Minimum", "y")),
    (&["math.atan2", "atan2"], Binary("Arctan2", "x")),
    (&["math.equal", "equal"], Binary("Equal", "y")),
    (&["math.not_equal", "not_equal"], Binary("NotEqual", "y")),
    (&["math.less", "less"], Binary("Less", "y")),
    (&["math.less_equal", "less_equal"], Binary("LessEqual", "y")),
    (&["math.greater", "greater"], Binary("Greater", "y")),
    (&["math.greater_equal", "greater_equal"], Binary("GreaterEqual", "y")),
    (&["math.logical_and", "logical_and"], Binary("LogicalAnd", "y")),
    (&["math.logical_or", "logical_or"], Binary("LogicalOr", "y")),
    (&["math.logical_xor", "logical_xor"], Binary("LogicalXor", "y")),
    (&["nn.bias_add"], Way(numbers::bias_add)),
    (&["linalg.cross", "cross"], Way(numbers::cross)),
    (&["math.squared_difference", "squared_difference"], Way(numbers::squared_difference)),
    (&["math.add_n", "add_n"], Way(numbers::add_n)),
    (&["math.logical_not", "logical_not"], Unary("LogicalNot")),
    (&["math.negative", "negative"], Unary("Negative")),
    (&["math.abs", "abs"], Unary("Absolute")),
    (&["math.sign", "sign"], Unary("Sign")),
    (&["math.exp", "exp"], Unary("Exp")),
    (&["math.expm1"], Unary("Expm1")),
    (&["math.log", "log"], Unary("Log")),
    (&["math.log1p", "log1p"], Unary("Log1p")),
    (&["math.sqrt", "sqrt"], Unary("Sqrt")),
    (&["math.rsqrt", "rsqrt"], Unary("math.Rsqrt")),
    (&["math.square", "square"], Unary("Square")),
    (&["math.reciprocal", "reciprocal"], Unary("Reciprocal")),
    (&["math.sin", "sin"], Unary("Sin")),
    (&["math.cos", "cos"], Unary("Cos")),
    (&["math.tan", "tan"], Unary("Tan")),
    (&["math.asin", "asin"], Unary("Arcsin")),
    (&["math.acos", "acos"], Unary("Arccos")),
    (&["math.atan", "atan"], Unary("Arctan")),
    (&["math.sinh", "sinh"], Unary("Sinh")),
    (&["math.cosh", "cosh"], Unary("Cosh")),
    (&["math.tanh", "nn.tanh", "tanh"], Unary("Tanh")),
    (&["math.asinh", "asinh"], Unary("Arcsinh")),
    (&["math.acosh", "acosh"], Unary("Arccosh")),
    (&["math.atanh", "atanh"], Unary("Arctanh")),
    (&["math.floor", "floor"], Unary("Floor")),
    (&["math.ceil", "ceil"], Unary("Ceil")),
    (&["math.round", "math.rint", "round"], Way(numbers::round)),
    (&["math.erf", "erf"], Unary("math.Erf")),
    (&["math.erfinv"], Unary("math.Erfinv")),
    (&["math.is_nan", "is_nan"], Unary("Isnan")),
    (&["math.is_inf", "is_inf"], Unary("Isinf")),
    (&["math.is_finite", "is_finite"], Unary("Isfinite")),
    (&["math.sigmoid", "nn.sigmoid", "sigmoid", "keras.activations.sigmoid"], Unary("nn.Sigmoid")),
    (&["math.log_sigmoid"], Unary("nn.LogSigmoid")),
    (&["math.softplus", "nn.softplus", "keras.activations.softplus"], Unary("nn.Softplus")),
    (&["math.softsign", "nn.softsign", "keras.activations.softsign"], Unary("nn.Softsign")),
    (&["nn.relu"], Unary("nn.Relu")),
    (&["nn.relu6"], Unary("nn.Relu6")),
    (&["nn.selu", "keras.activations.selu"], Unary("nn.Selu")),
    (&["nn.silu", "nn.swish", "keras.activations.swish"], Way(numbers::silu)),
    (&["nn.elu", "keras.activations.elu"], Way(numbers::elu)),
    (&["nn.gelu", "keras.activations.gelu"], Way(numbers::gelu)),
    (&["nn.leaky_relu"], Way(numbers::leaky_relu)),
    (&["nn.softmax", "math.softmax", "keras.activations.softmax"], Way(numbers::softmax)),
    (&["nn.log_softmax", "math.log_softmax"], Way(numbers::log_softmax)),
    (&["math.l2_normalize", "linalg.l2_normalize", "nn.l2_normalize"], Way(numbers::l2_normalize)),
    (&["clip_by_value"], Way(numbers::clip)),
    (&["math.reduce_sum", "reduce_sum"], Reduce("Sum")),
    (&["math.reduce_mean", "reduce_mean"], Reduce("Mean")),
    (&["math.reduce_max", "reduce_max"], Reduce("Max")),
    (&["math.reduce_min", "reduce_min"], Reduce("Min")),
    (&["math.reduce_prod", "reduce_prod"], Reduce("Prod")),
    (&["math.reduce_std"], Reduce("Std")),
    (&["math.reduce_variance"], Reduce("Var")),
    (&["math.reduce_any", "reduce_any"], Reduce("Any")),
    (&["math.reduce_all", "reduce_all"], Reduce("All")),
    (&["math.reduce_logsumexp", "reduce_logsumexp"], Reduce("math.Logsumexp")),
    (&["math.reduce_euclidean_norm"], Way(numbers::norm)),
    (&["linalg.norm", "norm"], Way(numbers::norm)),
    (&["math.count_nonzero", "count_nonzero"], Way(numbers::count_nonzero)),
    (&["math.argmax", "argmax"], Way(numbers::argmax)),
    (&["math.argmin", "argmin"], Way(numbers::argmin)),
    (&["math.cumsum", "cumsum"], Way(numbers::cumsum)),
    (&["math.cumprod", "cumprod"], Way(numbers::cumprod)),
    (&["linalg.matmul", "matmul"], Way(numbers::matmul)),
    (&["tensordot"], Way(numbers::tensordot)),
    (&["cast"], Way(arrays::cast)),
    (&["identity", "convert_to_tensor"], Unary("Copy")),
    (&["stop_gradient"], Unary("core.StopGradient")),
    (&["zeros_like"], Way(arrays::zeros_like)),
    (&["ones_like"], Way(arrays::ones_like)),
    (&["reshape"], Way(arrays::reshape)),
    (&["keras.backend.batch_flatten"], Way(arrays::batch_flatten)),
    (&["transpose"], Way(arrays::transpose)),
    (&["linalg.matrix_transpose", "linalg.adjoint"], Way(arrays::matrix_transpose)),
    (&["expand_dims"], Way(arrays::expand_dims)),
    (&["squeeze"], Way(arrays::squeeze)),
    (&["tile"], Way(arrays::tile)),
    (&["repeat"], Way(arrays::repeat)),
    (&["pad"], Way(arrays::pad)),
    (&["reverse"], Way(arrays::reverse)),
    (&["roll"], Way(arrays::roll)),
    (&["broadcast_to"], Way(arrays::broadcast_to)),
    (&["concat"], Way(arrays::concat)),
    (&["stack"], Way(arrays::stack)),
    (&["unstack"], Way(arrays::unstack)),
    (&["split"], Way(arrays::split)),
    (&["gather"], Way(arrays::gather)),
    (&["one_hot"], Way(arrays::one_hot)),
    (&["sort"], Way(arrays::sort)),
    (&["argsort"], Way(arrays::argsort)),
    (&["math.top_k", "nn.top_k"], Way(arrays::top_k)),
    (&["where"], Way(arrays::choose)),
    (&["linalg.diag_part"], Way(arrays::diag_part)),
    (&["linalg.trace"], Way(arrays::trace)),
    (&["linalg.band_part"], Way(arrays::band_part)),
    (&["image.resize", "image.resize_images"], Way(images::resize)),
    (&["image.flip_left_right"], Way(images::flip_left_right)),
    (&["image.flip_up_down"], Way(images::flip_up_down)),
    (&["image.rgb_to_grayscale"], Way(images::rgb_to_grayscale)),
    (&["nn.max_pool1d"], Way(images::max_pool1d)),
    (&["nn.max_pool2d", "nn.max_pool"], Way(images::max_pool2d)),
    (&["nn.max_pool3d"], Way(images::max_pool3d)),
    (&["nn.avg_pool1d"], Way(images::avg_pool1d)),
    (&["nn.avg_pool2d", "nn.avg_pool"], Way(images::avg_pool2d)),
    (&["nn.avg_pool3d"], Way(images::avg_pool3d)),
    (&["nn.conv1d"], Way(images::conv1d)),
    (&["nn.conv2d", "nn.convolution"], Way(images::conv2d)),
    (&["nn.depth_to_space"], Way(images::depth_to_space)),
    (&["nn.space_to_depth"], Way(images::space_to_depth)),
];

/// Returns the function that a layer of Keras 2 wraps.
pub(super) fn function_of(layer: &Value) -> Option<&str> {
    let wraps = matches!(layer.as_dict().map(class_of), Some("TFOpLambda" | "SlicingOpLambda"));
    let function = layer.get("config").filter(|_| wraps)?.get("function")?.as_str()?;
    let function = function.strip_prefix("tf.").unwrap_or(function);
    Some(["compat.v1.", "compat.v2."].iter().find_map(|prefix| function.strip_prefix(prefix)).unwrap_or(function))
}

/// Converts one call of a function to operations; the last one gets its name.
pub(super) fn convert(function: &str, name: &str, call: Call, shapes: &Shapes) -> Result<Vec<Value>> {
    let Some((_, rule)) = FUNCTIONS.iter().find(|(names, _)| names.contains(&function)) else {
        return Err(no_longer(
            format!("the TensorFlow function `tf.{function}` has no counterpart here"),
            "make the model anew with `keras.ops`, or with a layer of your own",
        ));
    };
    let mut emit = Emit::new(function, name, call, shapes)?;
    match rule {
        Unary(class) => {
            let x = emit.first();
            emit.last(class, &[], vec![x])?;
        }
        Binary(class, second) => {
            let args = vec![emit.first(), emit.required(second)?];
            emit.last(class, &[], args)?;
        }
        Reduce(class) => {
            let (axis, keepdims) = (emit.axis(), emit.keepdims());
            let x = emit.first();
            let further: &[(&str, Value)] = match *class {
                "Max" | "Min" => &[("initial", Value::Null)],
                "Prod" => &[("dtype", Value::Null)],
                _ => &[],
            };
            let config = [&[("axis", axis), ("keepdims", keepdims)], further].concat();
            emit.last(class, &config, vec![x])?;
        }
        Way(way) => way(&mut emit)?,
    }
    emit.finish()
}
