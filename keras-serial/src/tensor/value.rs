//! Tensors inside configurations: `__tensor__` and `__numpy__`.

use super::cast::cast;
use super::{DType, Element, Shape, Tensor};
use crate::config::{ConfigField, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::object::{Handle, Kind, Object};
use crate::registry::{SpecialForm, TypedHandle};

/// A tensor in a configuration, and its class name there.
#[derive(Clone, Debug)]
pub struct TensorValue {
    tensor: Tensor,
    class_name: &'static str,
}

impl TensorValue {
    /// Creates a tensor in a configuration: `__tensor__`, or `__numpy__` for NumPy arrays.
    pub(crate) fn new(tensor: Tensor, class_name: &'static str) -> Self {
        Self { tensor, class_name }
    }

    /// Creates a NumPy array in a configuration.
    pub fn numpy(tensor: Tensor) -> Self {
        Self::new(tensor, "__numpy__")
    }

    /// Returns true for a NumPy array.
    pub fn is_numpy(&self) -> bool {
        self.class_name == "__numpy__"
    }

    /// Returns the tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    fn deserialize(class_name: &'static str, config: &Value) -> Result<Object> {
        let dict = config.as_dict().ok_or_else(|| wrong_type("a dict with `value` and `dtype`", config))?;
        let value = dict.get("value").ok_or_else(|| crate::config::field::missing(dict, "value"))?;
        let dtype =
            dict.get("dtype").and_then(Value::as_str).ok_or_else(|| crate::config::field::missing(dict, "dtype"))?;
        Ok(Object::new(Self { tensor: from_nested(value, dtype.parse().at("dtype")?).at("value")?, class_name }))
    }
}

inventory::submit! { SpecialForm { class_name: "__tensor__", deserialize: |config| TensorValue::deserialize("__tensor__", config) } }
inventory::submit! { SpecialForm { class_name: "__numpy__", deserialize: |config| TensorValue::deserialize("__numpy__", config) } }

/// Reads a tensor from nested lists of numbers or strings.
pub(crate) fn from_nested(value: &Value, dtype: DType) -> Result<Tensor> {
    let mut shape = Vec::new();
    let mut level = value;
    while let Value::List(items) = level {
        shape.push(items.len());
        match items.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    let mut leaves = Vec::new();
    flatten(value, &shape, &mut leaves)?;
    let shape = Shape::from(shape);
    if dtype == DType::String {
        let strings =
            leaves.iter().map(|leaf| leaf.as_str().map(str::to_owned).ok_or_else(|| wrong_type("a string", leaf)));
        return Tensor::from_strings(strings.collect::<Result<Vec<_>>>()?, shape);
    }
    if dtype.is_float() || dtype == DType::Bool {
        let numbers = leaves.iter().map(|leaf| match leaf {
            Value::Bool(flag) => Ok(f64::from(u8::from(*flag))),
            leaf => f64::from_value(leaf),
        });
        return cast(&Tensor::from_vec(numbers.collect::<Result<Vec<_>>>()?, shape)?, dtype);
    }
    cast(&Tensor::from_vec(leaves.iter().map(|leaf| i64::from_value(leaf)).collect::<Result<Vec<_>>>()?, shape)?, dtype)
}

fn flatten<'a>(value: &'a Value, shape: &[usize], leaves: &mut Vec<&'a Value>) -> Result<()> {
    match (value, shape) {
        (Value::List(items), [extent, rest @ ..]) if items.len() == *extent => {
            items.iter().try_for_each(|item| flatten(item, rest, leaves))
        }
        (Value::List(_), _) | (_, [_, ..]) => {
            Err(Error::new(ErrorKind::Config, "the nested lists are not rectangular"))
        }
        (leaf, []) => {
            leaves.push(leaf);
            Ok(())
        }
    }
}

/// Converts a tensor to nested lists.
pub(crate) fn to_nested(tensor: &Tensor) -> Result<Value> {
    fn leaves<T: Element>(tensor: &Tensor, value: impl Fn(T) -> Value) -> Result<Vec<Value>> {
        Ok(tensor.to_vec::<T>()?.into_iter().map(value).collect())
    }
    let flat = match tensor.dtype() {
        DType::String => tensor.strings()?.iter().map(|text| Value::from(text.as_str())).collect(),
        DType::Bool => leaves::<bool>(tensor, Value::from)?,
        DType::UInt64 => leaves::<u64>(tensor, Value::from)?,
        dtype if dtype.is_float() => leaves::<f64>(&cast(tensor, DType::Float64)?, Value::from)?,
        _ => leaves::<i64>(&cast(tensor, DType::Int64)?, Value::from)?,
    };
    let mut level = flat;
    for extent in tensor.shape().known()?.iter().skip(1).rev() {
        let mut items = level.into_iter();
        let mut rows = Vec::new();
        loop {
            let row: Vec<Value> = items.by_ref().take(*extent).collect();
            if row.is_empty() {
                break;
            }
            rows.push(Value::List(row));
        }
        level = rows;
    }
    Ok(match tensor.rank() {
        0 => level.into_iter().next().unwrap_or_default(),
        _ => Value::List(level),
    })
}

impl Handle for TensorValue {
    fn kind(&self) -> Kind {
        Kind::Tensor
    }

    fn serialize(&self) -> Result<Value> {
        let config = Dict::from([
            ("value".to_owned(), to_nested(&self.tensor)?),
            ("dtype".to_owned(), Value::from(self.tensor.dtype().name())),
        ]);
        Ok(Value::Dict(Dict::from([
            ("class_name".to_owned(), Value::from(self.class_name)),
            ("config".to_owned(), Value::Dict(config)),
        ])))
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

impl TypedHandle for TensorValue {
    const KIND: Kind = Kind::Tensor;
    const EXPECTED: &'static str = "an array";
    const MODULES: &'static [&'static str] = &[];
}

impl ConfigField for TensorValue {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::Tensor, by_name: false }
    }

    fn to_value(&self) -> Result<Value> {
        self.serialize()
    }

    fn from_value(value: &Value) -> Result<Self> {
        crate::registry::deserialize_by_name(value)
    }
}
