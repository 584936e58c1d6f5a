//! How files of this room say what classes of operations compute.

use super::graph::{OpClass, Operand, apply};
use super::reduce::Axes;
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::tensor::{CallArgs, DType, Item, Nested, Tensor};

/// One call of an operation: what its node is configured with, and what it is called on.
pub(super) struct Call<'a> {
    pub config: &'a Config,
    pub args: &'a CallArgs,
}

impl Call<'_> {
    /// The first argument, a tensor.
    pub fn x(&self) -> Result<Tensor> {
        self.tensor(0, "x")
    }

    fn argument(&self, position: usize, name: &str) -> Option<&Nested<Item>> {
        let found = self.args.positional.get(position).or_else(|| self.args.keywords.get(name))?;
        match found {
            Nested::None | Nested::Leaf(Item::Value(Value::Null)) => None,
            found => Some(found),
        }
    }

    /// An argument by position or name: a tensor, a number, or a list of numbers.
    pub fn tensor(&self, position: usize, name: &'static str) -> Result<Tensor> {
        self.optional(position, name)?.ok_or_else(|| missing(name))
    }

    /// An argument that may be left out.
    pub fn optional(&self, position: usize, name: &'static str) -> Result<Option<Tensor>> {
        self.argument(position, name).map(array).transpose().at(name)
    }

    /// A tensor or a number, which takes on the other operand's dtype.
    pub fn operand(&self, position: usize, name: &'static str) -> Result<Operand> {
        match self.argument(position, name).ok_or_else(|| missing(name))? {
            list @ (Nested::List(_) | Nested::Tuple(_)) => array(list).map(Operand::Tensor),
            item => Operand::of(item),
        }
    }

    /// The tensors of a list argument.
    pub fn list(&self, position: usize, name: &'static str) -> Result<Vec<Tensor>> {
        match self.argument(position, name).ok_or_else(|| missing(name))? {
            Nested::List(items) | Nested::Tuple(items) => items.iter().map(array).collect(),
            item => array(item).map(|x| vec![x]),
        }
    }

    /// The plain value of an argument: a number, or lists of numbers.
    pub fn value(&self, position: usize, name: &'static str) -> Option<Value> {
        plain(self.argument(position, name)?)
    }

    /// An entry of the configuration.
    pub fn get<T: ConfigField>(&self, name: &'static str, default: T) -> Result<T> {
        self.config.get(name).map_or(Ok(default), |value| T::from_value(value).at(name))
    }

    /// An entry that may be null.
    pub fn maybe<T: ConfigField>(&self, name: &'static str) -> Result<Option<T>> {
        match self.config.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::from_value(value).map(Some).at(name),
        }
    }

    /// A required entry.
    pub fn required<T: ConfigField>(&self, name: &'static str) -> Result<T> {
        crate::config::field::required(self.config, name, &[], T::from_value)
    }

    /// `axis`: some axes, or all.
    pub fn axes(&self) -> Result<Axes> {
        self.get("axis", Axes::all())
    }

    pub fn keepdims(&self) -> Result<bool> {
        self.get("keepdims", false)
    }

    /// `dtype`, if one is named.
    pub fn dtype(&self) -> Result<Option<DType>> {
        self.maybe::<String>("dtype")?.map(|name| name.parse()).transpose().at("dtype")
    }

    /// A list of integers, or one for each of `count` axes.
    pub fn each(&self, name: &'static str, count: usize, default: usize) -> Result<Vec<usize>> {
        match self.config.get(name) {
            None | Some(Value::Null) => Ok(vec![default; count]),
            Some(Value::List(_)) => self.required(name),
            Some(value) => Ok(vec![usize::from_value(value).at(name)?; count]),
        }
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("missing argument `{name}`"))
}

fn plain(item: &Nested<Item>) -> Option<Value> {
    match item {
        Nested::Leaf(Item::Value(value)) => Some(value.clone()),
        Nested::List(items) | Nested::Tuple(items) => items.iter().map(plain).collect::<Option<_>>().map(Value::List),
        _ => None,
    }
}

/// A recorded argument as a tensor: Python's integers are `int32`, its floats `float32`.
fn array(item: &Nested<Item>) -> Result<Tensor> {
    fn dtype_of(value: &Value) -> DType {
        match value {
            Value::Bool(_) => DType::Bool,
            Value::Int(_) => DType::Int32,
            Value::List(items) => {
                let dtypes = items.iter().map(dtype_of);
                dtypes.reduce(super::dtypes::result_type).unwrap_or(DType::Float32)
            }
            _ => DType::Float32,
        }
    }
    if let Nested::Leaf(Item::Tensor(tensor) | Item::Array(tensor)) = item {
        return Ok(tensor.clone());
    }
    match plain(item) {
        Some(value) => crate::tensor::nested_tensor(&value, dtype_of(&value)),
        None => Err(Error::new(ErrorKind::InvalidArgument, "wrong argument")
            .expected("a tensor, a number, or lists of numbers")
            .received(format!("{item:?}"))),
    }
}

/// What an operation gives: one tensor, or several.
pub(super) trait Outputs {
    fn into_outputs(self) -> Nested<Tensor>;
}

impl Outputs for Tensor {
    fn into_outputs(self) -> Nested<Tensor> {
        Nested::Leaf(self)
    }
}

impl Outputs for Vec<Tensor> {
    fn into_outputs(self) -> Nested<Tensor> {
        Nested::list(self)
    }
}

impl Outputs for (Tensor, Tensor) {
    fn into_outputs(self) -> Nested<Tensor> {
        Nested::list([self.0, self.1])
    }
}

impl Outputs for (Tensor, Tensor, Tensor) {
    fn into_outputs(self) -> Nested<Tensor> {
        Nested::list([self.0, self.1, self.2])
    }
}

impl Outputs for Nested<Tensor> {
    fn into_outputs(self) -> Nested<Tensor> {
        self
    }
}

/// The two results of an operation.
pub(super) fn two(outputs: Nested<Tensor>) -> Result<(Tensor, Tensor)> {
    match outputs.leaves().as_slice() {
        [first, second] => Ok(((*first).clone(), (*second).clone())),
        _ => Err(Error::new(ErrorKind::Graph, "two results expected")),
    }
}

/// Defines classes of operations: `"Class" = |call| …;`.
macro_rules! classes {
    ($module:literal $($class:literal = $run:expr;)*) => {$(
        inventory::submit! {
            $crate::ops::graph::OpClass {
                module: $module,
                class_name: $class,
                run: |config, args| {
                    let run: fn(&$crate::ops::define::Call<'_>) -> $crate::error::Result<_> = $run;
                    run(&$crate::ops::define::Call { config, args }).map($crate::ops::define::Outputs::into_outputs)
                },
            }
        }
    )*};
}
pub(super) use classes;

/// Calls the operation of a class: records it, or computes.
pub(super) fn call(class_name: &'static str, config: Config, args: CallArgs) -> Result<Nested<Tensor>> {
    let class = inventory::iter::<OpClass>.into_iter().find(|class| class.class_name == class_name);
    let class = class.ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("no operation `{class_name}`")))?;
    apply(class, config, args)
}
