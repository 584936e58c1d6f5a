//! Builds the Keras 3 operations that replace a call of a TensorFlow function.

use crate::error::{Error, Result};
use crate::files::legacy::keras2::graph::{Call, Tensor, node, shape_as_tensor, symbol, tensor_of};
use crate::files::legacy::keras2::no_longer;
use crate::files::legacy::keras2::shapes::Shapes;
use crate::json::{Dict, Value};

/// The arguments of a call, and the operations that replace it.
pub(super) struct Emit<'a> {
    function: &'a str,
    name: &'a str,
    first: Value,
    keywords: Dict,
    shapes: &'a Shapes,
    forms: Vec<Value>,
}

impl<'a> Emit<'a> {
    pub(super) fn new(function: &'a str, name: &'a str, call: Call, shapes: &'a Shapes) -> Result<Self> {
        let Call { first, mut keywords } = call;
        // The name of the operation in a TensorFlow graph.
        keywords.shift_remove("name");
        keywords.retain(|_, value| !value.is_null());
        Ok(Self { function, name, first, keywords, shapes, forms: Vec::new() })
    }

    /// Takes the first argument.
    pub(super) fn first(&mut self) -> Value {
        std::mem::take(&mut self.first)
    }

    /// Takes an argument; null if the call omits it.
    pub(super) fn take(&mut self, keyword: &str) -> Value {
        self.keywords.shift_remove(keyword).unwrap_or_default()
    }

    /// Takes the first of several keywords that is given: some functions also have old argument names.
    pub(super) fn any_of(&mut self, keywords: &[&str]) -> Value {
        let given = keywords.iter().find(|keyword| self.keywords.contains_key(**keyword));
        given.map_or(Value::Null, |keyword| self.take(keyword))
    }

    pub(super) fn required(&mut self, keyword: &str) -> Result<Value> {
        match self.take(keyword) {
            Value::Null => Err(self.refuse(&format!("without `{keyword}`"))),
            value => Ok(value),
        }
    }

    pub(super) fn or(&mut self, keyword: &str, default: impl Into<Value>) -> Value {
        match self.take(keyword) {
            Value::Null => default.into(),
            value => value,
        }
    }

    pub(super) fn flag(&mut self, keyword: &str) -> bool {
        self.take(keyword).as_bool().unwrap_or(false)
    }

    /// Takes an argument that may only have one of these values, which are the defaults.
    pub(super) fn only(&mut self, keyword: &str, usual: &[Value]) -> Result<()> {
        let value = self.take(keyword);
        if value.is_null() || usual.contains(&value) {
            return Ok(());
        }
        Err(self.refuse(&format!("with `{keyword}={}`", value.to_json())))
    }

    pub(super) fn axis(&mut self) -> Value {
        self.any_of(&["axis", "reduction_indices", "axes", "dimension"])
    }

    pub(super) fn keepdims(&mut self) -> Value {
        Value::Bool(self.any_of(&["keepdims", "keep_dims"]).as_bool().unwrap_or(false))
    }

    /// Returns a shape, with -1 for the one unknown extent.
    pub(super) fn shape(&mut self, value: &Value) -> Result<Value> {
        let extents = self.shapes.extents(value).ok_or_else(|| self.refuse("with a shape that is computed"))?;
        if extents.iter().filter(|extent| extent.is_none()).count() > 1 {
            return Err(self.refuse("with a shape of several extents that are not known"));
        }
        Ok(Value::List(extents.into_iter().map(|extent| Value::Int(extent.unwrap_or(-1))).collect()))
    }

    pub(super) fn refuse(&self, how: &str) -> Error {
        no_longer(
            format!("the TensorFlow function `tf.{}` {how} has no counterpart here", self.function),
            "make the model anew with `keras.ops`, or with a layer of your own",
        )
    }

    /// Adds an operation before the last one; returns its output.
    pub(super) fn step(
        &mut self,
        suffix: &str,
        class: &str,
        config: &[(&str, Value)],
        args: Vec<Value>,
    ) -> Result<Value> {
        let name = format!("{}_{suffix}", self.name);
        self.push(&name, class, config, args, Dict::new())?;
        Ok(symbol(&Tensor { layer: name, node: 0, output: 0 }))
    }

    /// Adds the operation that returns the result.
    pub(super) fn last(&mut self, class: &str, config: &[(&str, Value)], args: Vec<Value>) -> Result<()> {
        self.push(self.name, class, config, args, Dict::new())
    }

    /// Like [`Emit::last`], with arguments that are written unchanged.
    pub(super) fn last_as_written(&mut self, class: &str, first: Value, rest: Value) -> Result<()> {
        let first = self.argument(first)?;
        self.push(self.name, class, &[], vec![first], Dict::new())?;
        if let Some(Value::List(args)) = self.forms.last_mut().and_then(arguments_of) {
            args.push(rest);
        }
        Ok(())
    }

    pub(super) fn last_with(
        &mut self,
        class: &str,
        config: &[(&str, Value)],
        args: Vec<Value>,
        keywords: Dict,
    ) -> Result<()> {
        self.push(self.name, class, config, args, keywords)
    }

    /// Adds an operation. `class` includes the module, unless that is `numpy`.
    fn push(
        &mut self,
        name: &str,
        class: &str,
        config: &[(&str, Value)],
        args: Vec<Value>,
        keywords: Dict,
    ) -> Result<()> {
        let (module, class) = match class.split_once('.') {
            Some(("layers", class)) => ("keras.layers".to_owned(), class),
            Some((module, class)) => (format!("keras.src.ops.{module}"), class),
            None => ("keras.src.ops.numpy".to_owned(), class),
        };
        let args = args.into_iter().map(|arg| self.argument(arg)).collect::<Result<Vec<_>>>()?;
        let mut entries = Dict::from([("name".to_owned(), Value::from(name))]);
        entries.extend(config.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        let registered = if module == "keras.layers" { Value::Null } else { Value::from(class) };
        self.forms.push(Value::Dict(Dict::from([
            ("module".to_owned(), Value::from(module)),
            ("class_name".to_owned(), Value::from(class)),
            ("config".to_owned(), Value::Dict(entries)),
            ("registered_name".to_owned(), registered),
            ("name".to_owned(), Value::from(name)),
            ("inbound_nodes".to_owned(), Value::List(vec![node(args, keywords)])),
        ])));
        Ok(())
    }

    /// Converts an argument: a tensor, a number, or nested lists of numbers as a serialized array.
    fn argument(&self, value: Value) -> Result<Value> {
        if let Some(tensor) = tensor_of(&value) {
            return if self.shapes.is_shape(&tensor.layer) { Err(shape_as_tensor(&tensor.layer)) } else { Ok(value) };
        }
        let Value::List(items) = value else { return Ok(value) };
        match dtype(&items) {
            Some(dtype) => Ok(array(Value::List(items), dtype)),
            None => items.into_iter().map(|item| self.argument(item)).collect::<Result<_>>().map(Value::List),
        }
    }

    /// Returns the operations; an error if the call has unused arguments.
    pub(super) fn finish(self) -> Result<Vec<Value>> {
        let rest = self.keywords.iter().find(|(_, value)| !matches!(value, Value::Bool(false)));
        match rest {
            None => Ok(self.forms),
            Some((keyword, value)) => Err(self.refuse(&format!("with `{keyword}={}`", value.short()))),
        }
    }
}

/// Returns the positional arguments of an operation's only call.
fn arguments_of(form: &mut Value) -> Option<&mut Value> {
    let Value::Dict(form) = form else { return None };
    let Some(Value::List(nodes)) = form.get_mut("inbound_nodes") else { return None };
    match nodes.first_mut() {
        Some(Value::Dict(node)) => node.get_mut("args"),
        _ => None,
    }
}

/// Serializes an array.
fn array(value: Value, dtype: &str) -> Value {
    let config = Dict::from([("value".to_owned(), value), ("dtype".to_owned(), Value::from(dtype))]);
    Value::Dict(Dict::from([
        ("class_name".to_owned(), Value::from("__numpy__")),
        ("config".to_owned(), Value::Dict(config)),
    ]))
}

/// Returns the dtype that TensorFlow gives a list of numbers; `None` if it contains anything else.
fn dtype(items: &[Value]) -> Option<&'static str> {
    let mut widest = None;
    for item in items {
        let dtype = match item {
            Value::Bool(_) => "bool",
            Value::Int(_) => "int32",
            Value::Float(_) => "float32",
            Value::List(items) => dtype(items)?,
            _ => return None,
        };
        let rank = |dtype: &str| ["bool", "int32", "float32"].iter().position(|known| *known == dtype);
        if widest.is_none_or(|widest| rank(dtype) > rank(widest)) {
            widest = Some(dtype);
        }
    }
    widest
}
