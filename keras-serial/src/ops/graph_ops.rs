//! Operations with arguments, as functions of tensors and as nodes of graphs.

use super::arithmetic::{maximum, minimum};
use super::axes::Axes;
use super::define::call;
use super::dtypes::{cast, full_like};
use super::graph::{OpClass, apply, config};
use super::operand::Operand;
use super::reduce;
use super::shape;
use super::take::take_axis;
use super::{create, linalg};
use crate::config::{Config, ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::tensor::{CallArgs, DType, Item, Nested, Shape, Tensor};

fn get<T: ConfigField>(config: &Config, name: &'static str, default: T) -> Result<T> {
    config.get(name).map_or(Ok(default), |value| T::from_value(value).at(name))
}

fn required<T: ConfigField>(config: &Config, name: &'static str) -> Result<T> {
    crate::config::field::required(config, name, &[], T::from_value)
}

/// Defines an operation: its function, and the class that graphs look up.
macro_rules! operation {
    ($($(#[$doc:meta])* $module:literal $class:literal
       fn $name:ident($($arg:ident: $type:ty),*) -> $output:ty = ($config:expr, $args:expr);
       $config_in:ident, $args_in:ident => $run:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// If the arguments do not fit the shapes.
        pub fn $name($($arg: $type),*) -> Result<$output> {
            static CLASS: OpClass = OpClass { module: $module, class_name: $class, run };
            fn run($config_in: &Config, $args_in: &CallArgs) -> Result<Nested<Tensor>> {
                let _ = &$config_in;
                $run
            }
            inventory::submit! { OpClass { module: $module, class_name: $class, run } }
            FromOutputs::from_outputs(apply(&CLASS, $config, $args)?)
        }
    )*};
}

/// Returns false for each element of `x` (`keras.ops.zeros_like(x, "bool")`).
pub(crate) fn falses_like(x: &Tensor) -> Result<Tensor> {
    call("ZerosLike", config! { dtype: "bool" }, x.into())?.into_single()
}

/// Returns true for each element of `x` (`keras.ops.ones_like(x, "bool")`).
pub(crate) fn trues_like(x: &Tensor) -> Result<Tensor> {
    call("OnesLike", config! { dtype: "bool" }, x.into())?.into_single()
}

/// Conversion of outputs to one tensor or several.
trait FromOutputs: Sized {
    fn from_outputs(outputs: Nested<Tensor>) -> Result<Self>;
}

impl FromOutputs for Tensor {
    fn from_outputs(outputs: Nested<Tensor>) -> Result<Self> {
        outputs.into_single()
    }
}

impl FromOutputs for Vec<Tensor> {
    fn from_outputs(outputs: Nested<Tensor>) -> Result<Self> {
        Ok(outputs.leaves().into_iter().cloned().collect())
    }
}

fn axes(axis: impl Into<Axes>) -> Result<Value> {
    axis.into().to_value()
}

fn axis_or_all(axis: impl Into<Option<isize>>) -> Result<Value> {
    axis.into().to_value()
}

fn one(x: Tensor) -> Result<Nested<Tensor>> {
    Ok(Nested::Leaf(x))
}

fn folded(
    config: &Config,
    args: &CallArgs,
    fold: fn(&Tensor, &Axes, bool) -> Result<Tensor>,
) -> Result<Nested<Tensor>> {
    one(fold(args.tensor()?, &get(config, "axis", Axes::all())?, get(config, "keepdims", false)?)?)
}

fn list(tensors: &[Tensor]) -> CallArgs {
    CallArgs::from(tensors.to_vec())
}

fn dtype_or(config: &Config, x: &Tensor) -> Result<DType> {
    match config.get("dtype") {
        None | Some(Value::Null) => Ok(x.dtype()),
        Some(value) => value.as_str().ok_or_else(|| wrong_type("a dtype's name", value))?.parse(),
    }
}

/// Reads a shape from a configuration; -1 stands for an inferred extent.
fn target_shape(value: &Value) -> Result<Shape> {
    let dims = value.as_list().ok_or_else(|| wrong_type("a shape", value))?;
    dims.iter()
        .map(|dim| match dim {
            Value::Int(-1) | Value::Null => Ok(None),
            dim => usize::from_value(dim).map(Some),
        })
        .collect::<Result<Vec<_>>>()
        .map(Shape::from)
}

fn shape_value(shape: &Shape) -> Value {
    Value::List(shape.dims().iter().map(|dim| dim.map_or(Value::Int(-1), Value::from)).collect())
}

fn positional<'a>(args: &'a CallArgs, index: usize, name: &str) -> Result<&'a Nested<Item>> {
    args.positional
        .get(index)
        .or_else(|| args.keywords.get(name))
        .ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("missing argument `{name}`")))
}

operation! {
    /// Sums over axes (`keras.ops.sum`).
    "keras.src.ops.numpy" "Sum" fn sum(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, reduce::sum_impl);
    /// Averages over axes (`keras.ops.mean`).
    "keras.src.ops.numpy" "Mean" fn mean(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, reduce::mean_impl);
    /// Multiplies over axes (`keras.ops.prod`).
    "keras.src.ops.numpy" "Prod" fn prod(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims, dtype: Value::Null }, x.into());
        config, args => folded(config, args, reduce::prod_impl);
    /// Returns the maximum over axes (`keras.ops.max`).
    "keras.src.ops.numpy" "Max" fn max(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims, initial: Value::Null }, x.into());
        config, args => {
            let folded = folded(config, args, reduce::max_impl)?;
            match config.get("initial") {
                None | Some(Value::Null) => Ok(folded),
                Some(initial) => folded.try_map(&mut |x| cast(&maximum(x, Operand::Value(initial.clone()))?, x.dtype())),
            }
        };
    /// Returns the minimum over axes (`keras.ops.min`).
    "keras.src.ops.numpy" "Min" fn min(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims, initial: Value::Null }, x.into());
        config, args => {
            let folded = folded(config, args, reduce::min_impl)?;
            match config.get("initial") {
                None | Some(Value::Null) => Ok(folded),
                Some(initial) => folded.try_map(&mut |x| cast(&minimum(x, Operand::Value(initial.clone()))?, x.dtype())),
            }
        };
    /// Returns the variance over axes (`keras.ops.var`).
    "keras.src.ops.numpy" "Var" fn var(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, reduce::var_impl);
    /// Returns true if any element over axes is true (`keras.ops.any`).
    "keras.src.ops.numpy" "Any" fn any(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, reduce::any_impl);
    /// Returns true if all elements over axes are true (`keras.ops.all`).
    "keras.src.ops.numpy" "All" fn all(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, reduce::all_impl);
    /// Computes log(Σexp(x)) over axes without overflow (`keras.ops.logsumexp`).
    "keras.src.ops.math" "Logsumexp" fn logsumexp(x: &Tensor, axis: impl Into<Axes>, keepdims: bool) -> Tensor
        = (config! { axis: axes(axis)?, keepdims: keepdims }, x.into());
        config, args => folded(config, args, reduce::logsumexp_impl);
    /// Returns the index of the largest element (`keras.ops.argmax`).
    "keras.src.ops.numpy" "Argmax" fn argmax(x: &Tensor, axis: impl Into<Option<isize>>, keepdims: bool) -> Tensor
        = (config! { axis: axis_or_all(axis)?, keepdims: keepdims }, x.into());
        config, args => one(reduce::arg_extreme(args.tensor()?, get(config, "axis", None)?, get(config, "keepdims", false)?, true)?);
    /// Returns the index of the smallest element (`keras.ops.argmin`).
    "keras.src.ops.numpy" "Argmin" fn argmin(x: &Tensor, axis: impl Into<Option<isize>>, keepdims: bool) -> Tensor
        = (config! { axis: axis_or_all(axis)?, keepdims: keepdims }, x.into());
        config, args => one(reduce::arg_extreme(args.tensor()?, get(config, "axis", None)?, get(config, "keepdims", false)?, false)?);
    /// Reshapes a tensor; one extent may be left out and is inferred (`keras.ops.reshape`).
    "keras.src.ops.numpy" "Reshape" fn reshape(x: &Tensor, newshape: &Shape) -> Tensor
        = (config! { newshape: shape_value(newshape) }, x.into());
        config, args => {
            let shape = config.get("newshape").ok_or_else(|| crate::config::field::missing(config, "newshape"))?;
            one(shape::reshape_to(args.tensor()?, &target_shape(shape)?)?)
        };
    /// Permutes axes; reverses them by default (`keras.ops.transpose`).
    "keras.src.ops.numpy" "Transpose" fn transpose(x: &Tensor, axes: Option<Vec<usize>>) -> Tensor
        = (config! { axes: axes.to_value()? }, x.into());
        config, args => {
            let x = args.tensor()?;
            let axes = get::<Option<Vec<isize>>>(config, "axes", None)?;
            let axes = match axes {
                Some(axes) => axes.into_iter().map(|axis| x.shape().axis(axis)).collect::<Result<Vec<_>>>()?,
                None => (0..x.rank()).rev().collect(),
            };
            one(shape::transpose_to(x, &axes)?)
        };
    /// Inserts an axis of extent 1 (`keras.ops.expand_dims`).
    "keras.src.ops.numpy" "ExpandDims" fn expand_dims(x: &Tensor, axis: isize) -> Tensor
        = (config! { axis: axis }, x.into());
        config, args => {
            let mut x = args.tensor()?.clone();
            for axis in get(config, "axis", Axes::from(0))?.0.unwrap_or_default() {
                x = shape::expand_at(&x, axis)?;
            }
            one(x)
        };
    /// Removes axes of extent 1: the given ones, or all (`keras.ops.squeeze`).
    "keras.src.ops.numpy" "Squeeze" fn squeeze(x: &Tensor, axis: impl Into<Axes>) -> Tensor
        = (config! { axis: axes(axis)? }, x.into());
        config, args => {
            let mut x = args.tensor()?.clone();
            let mut axes = match get(config, "axis", Axes::all())? {
                Axes(None) => (0..x.rank()).filter(|i| x.shape().dims().get(*i) == Some(&Some(1))).collect(),
                axes => axes.positions(x.shape())?,
            };
            while let Some(axis) = axes.pop() {
                x = shape::squeeze_at(&x, axis as isize)?;
            }
            one(x)
        };
    /// Concatenates tensors along an axis (`keras.ops.concatenate`).
    "keras.src.ops.numpy" "Concatenate" fn concatenate(xs: &[Tensor], axis: isize) -> Tensor
        = (config! { axis: axis }, list(xs));
        config, args => one(shape::concat(&Vec::from_outputs(args.inputs()?)?, get(config, "axis", 0)?)?);
    /// Stacks tensors along a new axis (`keras.ops.stack`).
    "keras.src.ops.numpy" "Stack" fn stack(xs: &[Tensor], axis: isize) -> Tensor
        = (config! { axis: axis }, list(xs));
        config, args => {
            let axis = get(config, "axis", 0)?;
            let xs = Vec::from_outputs(args.inputs()?)?;
            one(shape::concat(&xs.iter().map(|x| shape::expand_at(x, axis)).collect::<Result<Vec<_>>>()?, axis)?)
        };
    /// Splits a tensor into equal parts along an axis (`keras.ops.split`).
    "keras.src.ops.numpy" "Split" fn split(x: &Tensor, sections: usize, axis: isize) -> Vec<Tensor>
        = (config! { indices_or_sections: sections, axis: axis }, x.into());
        config, args => {
            let (x, axis) = (args.tensor()?, get(config, "axis", 0)?);
            let how = config.get("indices_or_sections");
            let how = how.ok_or_else(|| crate::config::field::missing(config, "indices_or_sections"))?;
            Ok(Nested::from(super::split::split_impl(x, how, axis)?))
        };
    /// Multiplies matrices (`keras.ops.matmul`).
    "keras.src.ops.numpy" "Matmul" fn matmul(x: &Tensor, y: &Tensor) -> Tensor
        = (Config::new(), CallArgs::from(x).and(y.clone()));
        config, args => match args.tensors().as_slice() {
            [x, y] => one(linalg::matmul_impl(x, y)?),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "matmul takes two tensors")),
        };
    /// Evaluates an Einstein summation (`keras.ops.einsum`).
    "keras.src.ops.numpy" "Einsum" fn einsum(subscripts: &str, operands: &[Tensor]) -> Tensor
        = (config! { subscripts: subscripts }, operands.iter().fold(CallArgs::none(), |args, x| args.and(x.clone())));
        config, args => {
            let operands: Vec<Tensor> = args.tensors().into_iter().cloned().collect();
            one(linalg::einsum_impl(&required::<String>(config, "subscripts")?, &operands)?)
        };
    /// Selects `x` where a condition is true, else `y` (`keras.ops.where`).
    "keras.src.ops.numpy" "Where" fn where_(condition: &Tensor, x: impl Into<Operand>, y: impl Into<Operand>) -> Tensor
        = (Config::new(), CallArgs::positional(vec![Operand::from(condition).into_item(), x.into().into_item(), y.into().into_item()]));
        config, args => {
            let condition = args.tensor()?;
            let left_out = |index: usize, name: &str| {
                let argument = args.positional.get(index).or_else(|| args.keywords.get(name));
                argument.is_none_or(|argument| matches!(argument, Nested::None | Nested::Leaf(Item::Value(Value::Null))))
            };
            if left_out(1, "x1") && left_out(2, "x2") {
                return one(super::sets::where_true(condition)?);
            }
            let (x, y) = super::dtypes::promote(Operand::of(positional(args, 1, "x1")?)?, Operand::of(positional(args, 2, "x2")?)?)?;
            one(shape::where_impl(condition, &x, &y)?)
        };
    /// Casts to another dtype (`keras.ops.cast`).
    "keras.src.ops.core" "Cast" fn cast_to(x: &Tensor, dtype: DType) -> Tensor
        = (config! { dtype: dtype.name() }, x.into());
        config, args => one(cast(args.tensor()?, dtype_or(config, args.tensor()?)?)?);
    /// Returns the tensor, cast if a dtype is given (`keras.ops.convert_to_tensor`).
    "keras.src.ops.core" "ConvertToTensor" fn convert_to_tensor(x: &Tensor, dtype: Option<DType>) -> Tensor
        = (config! { dtype: dtype.map(DType::name).map_or(Value::Null, Value::from) }, x.into());
        config, args => one(cast(args.tensor()?, dtype_or(config, args.tensor()?)?)?);
    /// Clips elements to two bounds (`keras.ops.clip`).
    "keras.src.ops.numpy" "Clip" fn clip(x: &Tensor, x_min: f64, x_max: f64) -> Tensor
        = (config! { x_min: x_min, x_max: x_max }, x.into());
        config, args => {
            let x = args.tensor()?;
            let bound = |name| Ok::<_, Error>(Operand::Value(required::<Value>(config, name)?));
            let low = maximum(x, bound("x_min")?)?;
            one(cast(&minimum(&low, bound("x_max")?)?, x.dtype())?)
        };
    /// Returns zeros of the shape of `x` (`keras.ops.zeros_like`).
    "keras.src.ops.numpy" "ZerosLike" fn zeros_like(x: &Tensor) -> Tensor
        = (config! { dtype: Value::Null }, x.into());
        config, args => one(create::zeros(args.tensor()?.shape(), dtype_or(config, args.tensor()?)?)?);
    /// Returns ones of the shape of `x` (`keras.ops.ones_like`).
    "keras.src.ops.numpy" "OnesLike" fn ones_like(x: &Tensor) -> Tensor
        = (config! { dtype: Value::Null }, x.into());
        config, args => one(create::ones(args.tensor()?.shape(), dtype_or(config, args.tensor()?)?)?);
    /// Returns a tensor of the shape of `x` filled with one number (`keras.ops.full_like`).
    "keras.src.ops.numpy" "FullLike" fn full_like_(x: &Tensor, value: f64) -> Tensor
        = (config! { dtype: Value::Null }, CallArgs::positional(vec![Operand::from(x).into_item(), Operand::from(value).into_item()]));
        config, args => {
            let x = args.tensor()?;
            let value = match Operand::of(positional(args, 1, "fill_value")?)? {
                Operand::Value(value) => full_like(&value, dtype_or(config, x)?)?,
                Operand::Tensor(value) => cast(&value, dtype_or(config, x)?)?,
            };
            one(if x.shape().is_known() { shape::broadcast_to(&value, x.shape())? } else { Tensor::symbol(x.shape(), value.dtype()) })
        };
    /// Encodes integers as one-hot vectors (`keras.ops.one_hot`).
    "keras.src.ops.nn" "OneHot" fn one_hot(x: &Tensor, num_classes: usize) -> Tensor
        = (config! { num_classes: num_classes, axis: -1, dtype: "float32", sparse: false }, x.into());
        config, args => {
            let dtype = config.get("dtype").and_then(Value::as_str).unwrap_or("float32").parse()?;
            one(super::one_hot::one_hot(args.tensor()?, required(config, "num_classes")?, get(config, "axis", -1)?, dtype)?)
        };
    /// Gathers slices at integer indices (`keras.ops.take`).
    "keras.src.ops.numpy" "Take" fn take(x: &Tensor, indices: &Tensor, axis: impl Into<Option<isize>>) -> Tensor
        = (config! { axis: axis_or_all(axis)? }, CallArgs::from(x).and(indices.clone()));
        config, args => {
            let call = super::define::Call { config, args };
            let (x, indices) = (call.x()?, call.tensor(1, "indices")?);
            match call.maybe("axis")? {
                Some(axis) => one(take_axis(&x, &indices, axis)?),
                None => one(take_axis(&shape::reshape_to(&x, &Shape::from([None]))?, &indices, 0)?),
            }
        };
    /// Reverses the elements along axes (`keras.ops.flip`).
    "keras.src.ops.numpy" "Flip" fn flip(x: &Tensor, axis: impl Into<Axes>) -> Tensor
        = (config! { axis: axes(axis)? }, x.into());
        config, args => {
            let x = args.tensor()?;
            one(shape::flip_axes(x, &get(config, "axis", Axes::all())?.positions(x.shape())?)?)
        };
    /// Broadcasts a tensor to a shape (`keras.ops.broadcast_to`).
    "keras.src.ops.numpy" "BroadcastTo" fn broadcast(x: &Tensor, shape: &Shape) -> Tensor
        = (config! { shape: shape.to_value()? }, x.into());
        config, args => one(shape::broadcast_to(args.tensor()?, &required(config, "shape")?)?);
    /// Indexes a tensor with integers, slices, `...` and new axes, like Python's `x[…]` (`GetItem`);
    /// [`s!`](crate::s) builds the key.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let x = Tensor::from_vec((0..6).collect::<Vec<i32>>(), [2, 3])?;
    /// assert_eq!(ops::get_item(&x, s![0, 1..])?.to_vec::<i32>()?, [1, 2]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    "keras.src.ops.numpy" "GetItem" fn get_item(x: &Tensor, key: Nested<Item>) -> Tensor
        = (Config::new(), CallArgs::positional(vec![Operand::from(x).into_item(), key]));
        config, args => one(super::slicing::index(args.tensor()?, positional(args, 1, "key")?)?);
}
