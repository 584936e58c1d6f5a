//! User-defined operations (`keras.Operation`), in graphs and files like Keras's own.

use std::sync::{Arc, Mutex};

use super::graph::{Node, OpRef};
use crate::config::KerasSerializable;
use crate::error::{ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::object::{Form, Handle, Kind, Object};
use crate::registry::{Cast, Probe, deserialize_object};
use crate::tensor::symbolic::Operation;
use crate::tensor::{CallArgs, CallContext, IntoCallArgs, Nested, Tensor};
use crate::utils::Locked;

/// A user-defined operation: what a subclass of `keras.Operation` is in Python.
///
/// It derives its configuration and is registered like any other class; [`Operator`] calls it. On symbols
/// `call` infers shapes, and the call is recorded in the graph. The Python class is registered under the same
/// name, and takes `name` in addition to its arguments:
///
/// ```python
/// @keras.saving.register_keras_serializable("my_package")
/// class Scale(keras.Operation):
///     def __init__(self, factor, *, name=None):
///         super().__init__(name=name)
///         self.factor = factor
///     def call(self, x):
///         return x * self.factor
/// ```
///
/// ```
/// use keras_serial::ops::{Operate, Operator};
/// use keras_serial::prelude::*;
///
/// #[register(package = "my_package")]
/// #[derive(KerasSerializable)]
/// struct Scale {
///     factor: f64,
/// }
///
/// impl Operate for Scale {
///     fn call(&self, args: &CallArgs) -> Result<Nested<Tensor>> {
///         ops::multiply(args.tensor()?, self.factor).map(Nested::from)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let x = Input::new([3]).tensor()?;
/// let y = Operator::new(Scale { factor: 2.0 }).apply(&x)?;
/// let model = Functional::new(x, y)?;
///
/// // Keras reads and writes the same configuration; the class is found by its registered name.
/// let json = model.to_json()?;
/// assert!(json.contains(r#""registered_name": "my_package>Scale""#));
/// let model = model_from_json(&json, &CustomObjects::new())?;
/// let y = model.predict(&Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3])?)?;
/// assert_eq!(y.to_vec::<f32>()?, [2.0, 4.0, 6.0]);
/// # Ok(())
/// # }
/// ```
pub trait Operate: KerasSerializable {
    /// Computes the outputs; on symbols, infers shapes and dtypes.
    ///
    /// # Errors
    /// If the arguments do not fit.
    fn call(&self, args: &CallArgs) -> Result<Nested<Tensor>>;

    /// Returns the names of the arguments of `call`, so that positional ones can be read by name.
    fn call_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns true if the Python class takes `name`; true by default. Otherwise configurations have no name.
    fn takes_name(&self) -> bool {
        true
    }
}

/// A user-defined operation that can be called on tensors and symbols.
#[derive(Clone)]
pub struct Operator {
    object: Arc<dyn Operate>,
    name: Arc<Name>,
    node: OpRef,
}

impl Operator {
    /// Creates an operation with a name generated from its class.
    pub fn new(object: impl Operate) -> Self {
        Self::shared(Arc::new(object))
    }

    /// Creates an operation with this name.
    pub fn named(object: impl Operate, name: impl Into<String>) -> Self {
        let this = Self::new(object);
        this.name.give(name.into());
        this
    }

    fn shared(object: Arc<dyn Operate>) -> Self {
        let name: Arc<Name> = Arc::default();
        let named = object.takes_name();
        let own = OwnNode { object: object.clone(), name: name.clone(), named };
        Self { object, name, node: OpRef::of_node(Node::Own(own)) }
    }

    /// Returns the object if it is a `T`.
    pub fn downcast_ref<T: Operate>(&self) -> Option<&T> {
        (&*self.object as &dyn std::any::Any).downcast_ref()
    }

    /// Returns the name in graphs.
    pub fn name(&self) -> String {
        Operation::name(&self.node)
    }

    /// Calls the operation and returns its single output tensor.
    ///
    /// # Errors
    /// Errors of the operation; also if it returns several tensors.
    pub fn apply(&self, x: impl IntoCallArgs) -> Result<Tensor> {
        self.call(x)?.into_single().at_with(|| self.name())
    }

    /// Calls the operation.
    ///
    /// # Errors
    /// Errors of the operation, with its name.
    pub fn call(&self, args: impl IntoCallArgs) -> Result<Nested<Tensor>> {
        self.node.run(&args.into_args(), &CallContext::inference())
    }
}

/// A given name, or one generated on first use; the flag tells which.
#[derive(Default)]
struct Name(Mutex<(Option<String>, bool)>);

impl Name {
    fn give(&self, name: String) {
        *self.0.locked() = (Some(name), true);
    }

    fn get(&self, class: &str) -> String {
        let mut name = self.0.locked();
        name.0.get_or_insert_with(|| crate::utils::auto_name(class)).clone()
    }

    /// Generates another name if this one was generated and is taken.
    fn replace_if(&self, class: &str, is_taken: impl Fn(&str) -> bool) {
        let mut name = self.0.locked();
        while !name.1 && name.0.as_deref().is_none_or(&is_taken) {
            name.0 = Some(crate::utils::auto_name(class));
        }
    }
}

impl Handle for Operator {
    fn kind(&self) -> Kind {
        Kind::Operation
    }

    fn serialize(&self) -> Result<Value> {
        Operation::serialize(&self.node)
    }

    fn address(&self) -> usize {
        self.node.id()
    }
}

impl<T: Operate> Probe<T> {
    /// Every type that implements `Operate` can be used as an operation.
    pub const OPERATION: Option<Cast> = Some(Cast {
        kind: Kind::Operation,
        cast: |object| {
            let object: Arc<dyn std::any::Any + Send + Sync> = object;
            Some(Object::new(Operator::shared(object.downcast::<T>().ok()?)))
        },
    });
}

/// A user-defined operation as a node of a graph.
pub(super) struct OwnNode {
    object: Arc<dyn Operate>,
    name: Arc<Name>,
    /// Whether the configuration contains the name.
    named: bool,
}

impl OwnNode {
    pub fn class_name(&self) -> &str {
        self.object.class()
    }

    pub fn label(&self) -> String {
        self.name.get(self.object.class())
    }

    pub fn rename_if(&self, is_taken: impl Fn(&str) -> bool) {
        self.name.replace_if(self.object.class(), is_taken);
    }

    pub fn run(&self, args: &CallArgs) -> Result<Nested<Tensor>> {
        match self.object.call_arguments() {
            [] => self.object.call(args),
            names => self.object.call(&args.clone().bind(names)?),
        }
    }

    pub fn serialize(&self) -> Result<Value> {
        let name = self.label();
        crate::registry::serialize_class(&*self.object, |form| {
            if let Some(Value::Dict(config)) = form.get_mut("config").filter(|_| self.named) {
                let mut whole = Dict::from([("name".to_owned(), Value::from(name))]);
                whole.extend(std::mem::take(config));
                *config = whole;
            }
            Ok(())
        })
    }

    /// Deserializes an operation whose class is registered as one; `None` for any other class.
    pub fn from_form(form: &Form<'_>) -> Result<Option<Self>> {
        // Legacy files name the packages of registered classes, but no modules.
        let is_keras = form.module().is_some_and(|module| module == "keras" || module.starts_with("keras."));
        if is_keras && !form.class_name.contains('>') {
            return Ok(None);
        }
        let mut plain = form.dict.clone();
        let mut named = None;
        if let Some(Value::Dict(config)) = plain.get_mut("config")
            && let Some(Value::Str(name)) = config.get("name").cloned()
        {
            config.retain(|key, _| key != "name");
            named = Some(name);
        }
        let Some(stripped) = Form::of(&plain)? else { return Ok(None) };
        let object = match deserialize_object(&stripped, Some(Kind::Operation)) {
            Ok(object) => object,
            // A layer or an unknown class: the error is reported when it is deserialized as a layer.
            Err(error) if matches!(error.kind(), ErrorKind::WrongKind | ErrorKind::UnknownObject) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(operator) = object.downcast_ref::<Operator>() else { return Ok(None) };
        let name: Arc<Name> = Arc::default();
        let known = named.clone().or_else(|| form.dict.get("name").and_then(Value::as_str).map(str::to_owned));
        if let Some(known) = known {
            name.give(known);
        }
        Ok(Some(Self { object: operator.object.clone(), name, named: named.is_some() }))
    }
}
