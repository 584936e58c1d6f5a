//! How the files of this module define classes of operations.

use super::axes::Axes;
use super::graph::{OpClass, apply};
use super::operand::Operand;
use crate::config::{Config, ConfigField};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::tensor::{CallArgs, DType, Item, Nested, Tensor};

/// One call of an operation: its configuration, and its arguments.
pub(super) struct Call<'a> {
    pub config: &'a Config,
    pub args: &'a CallArgs,
}

impl Call<'_> {
    /// Returns the first argument, a tensor.
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

    /// Returns an argument by position or name as a tensor: from a tensor, a number, or a list of numbers.
    pub fn tensor(&self, position: usize, name: &'static str) -> Result<Tensor> {
        self.optional(position, name)?.ok_or_else(|| missing(name))
    }

    /// Returns an optional argument as a tensor.
    pub fn optional(&self, position: usize, name: &'static str) -> Result<Option<Tensor>> {
        self.argument(position, name).map(array).transpose().at(name)
    }

    /// Returns an argument as an operand: a tensor, or a number that adopts the other operand's dtype.
    pub fn operand(&self, position: usize, name: &'static str) -> Result<Operand> {
        match self.argument(position, name).ok_or_else(|| missing(name))? {
            list @ (Nested::List(_) | Nested::Tuple(_)) => array(list).map(Operand::Tensor),
            item => Operand::of(item),
        }
    }

    /// Returns the tensors of a list argument.
    pub fn list(&self, position: usize, name: &'static str) -> Result<Vec<Tensor>> {
        match self.argument(position, name).ok_or_else(|| missing(name))? {
            Nested::List(items) | Nested::Tuple(items) => items.iter().map(array).collect(),
            item => array(item).map(|x| vec![x]),
        }
    }

    /// Returns an argument as a plain value: a number, or lists of numbers.
    pub fn value(&self, position: usize, name: &'static str) -> Option<Value> {
        plain(self.argument(position, name)?)
    }

    /// Returns an entry of the configuration, or the default.
    pub fn get<T: ConfigField>(&self, name: &'static str, default: T) -> Result<T> {
        self.config.get(name).map_or(Ok(default), |value| T::from_value(value).at(name))
    }

    /// Returns an entry that may be null or missing.
    pub fn maybe<T: ConfigField>(&self, name: &'static str) -> Result<Option<T>> {
        match self.config.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::from_value(value).map(Some).at(name),
        }
    }

    /// Returns a required entry.
    pub fn required<T: ConfigField>(&self, name: &'static str) -> Result<T> {
        crate::config::field::required(self.config, name, &[], T::from_value)
    }

    /// Returns the entry `axis`; all axes by default.
    pub fn axes(&self) -> Result<Axes> {
        self.get("axis", Axes::all())
    }

    pub fn keepdims(&self) -> Result<bool> {
        self.get("keepdims", false)
    }

    /// Returns the entry `dtype`, if there is one.
    pub fn dtype(&self) -> Result<Option<DType>> {
        self.maybe::<String>("dtype")?.map(|name| name.parse()).transpose().at("dtype")
    }

    /// Returns a list of integers, or one integer repeated for each of `count` axes.
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

/// Converts a recorded argument to a tensor: Python's integers are `int32`, its floats `float32`.
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

/// The outputs of an operation: one tensor, or several.
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

/// Returns the two outputs of an operation.
pub(super) fn two(outputs: Nested<Tensor>) -> Result<(Tensor, Tensor)> {
    match outputs.leaves().as_slice() {
        [first, second] => Ok(((*first).clone(), (*second).clone())),
        _ => Err(Error::new(ErrorKind::Graph, "two results expected")),
    }
}

/// Registers classes of operations: `"Class" = |call| …;`.
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

/// Calls the operation of a class: records it or computes it.
pub(super) fn call(class_name: &'static str, config: Config, args: CallArgs) -> Result<Nested<Tensor>> {
    let class = inventory::iter::<OpClass>.into_iter().find(|class| class.class_name == class_name);
    let class = class.ok_or_else(|| Error::new(ErrorKind::Unsupported, format!("no operation `{class_name}`")))?;
    apply(class, config, args)
}
