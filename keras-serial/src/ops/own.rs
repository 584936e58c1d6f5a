//! Classes of operations of one's own (`keras.Operation`), in graphs and files beside Keras's.

use std::sync::{Arc, Mutex, PoisonError};

use super::graph::{Node, OpRef};
use crate::config::KerasSerializable;
use crate::error::{ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::object::{Form, Handle, Kind, Object};
use crate::registry::{Cast, Probe, deserialize_object};
use crate::tensor::symbolic::Operation;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};

/// A class of operations: what a subclass of `keras.Operation` is in Python.
///
/// It derives its configuration and is registered as any other class; [`Operator`] calls it. On
/// symbols `call` infers shapes, and the call is recorded in the graph. In Python the class is
/// registered under the same name, and takes `name` beside its arguments:
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
    /// Computes from values; on symbols, infers shapes and dtypes.
    ///
    /// # Errors
    /// When the arguments do not fit.
    fn call(&self, args: &CallArgs) -> Result<Nested<Tensor>>;

    /// The names of the arguments of `call`, by which positional ones are found too.
    fn call_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    /// Does the Python class take `name`? Yes by default; where it does not, no configuration holds one.
    fn takes_name(&self) -> bool {
        true
    }
}

/// An operation of one's own class, which can be called on tensors and symbols.
#[derive(Clone)]
pub struct Operator {
    object: Arc<dyn Operate>,
    name: Arc<Name>,
    node: OpRef,
}

impl Operator {
    /// An operation whose name comes from its class.
    pub fn new(object: impl Operate) -> Self {
        Self::shared(Arc::new(object))
    }

    /// An operation with a name.
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

    /// The object, if it is a `T`.
    pub fn downcast_ref<T: Operate>(&self) -> Option<&T> {
        (&*self.object as &dyn std::any::Any).downcast_ref()
    }

    /// The name in graphs.
    pub fn name(&self) -> String {
        Operation::name(&self.node)
    }

    /// Calls the operation on one tensor, which gives one.
    ///
    /// # Errors
    /// The operation's own; also when it gives several tensors.
    pub fn apply(&self, x: impl Into<CallArgs>) -> Result<Tensor> {
        self.call(x)?.into_single().at_with(|| self.name())
    }

    /// Calls the operation.
    ///
    /// # Errors
    /// The operation's own, under its name.
    pub fn call(&self, args: impl Into<CallArgs>) -> Result<Nested<Tensor>> {
        self.node.run(&args.into(), &CallContext::inference())
    }
}

/// A name that was given, or is made up when it is first asked for.
#[derive(Default)]
struct Name(Mutex<(Option<String>, bool)>);

impl Name {
    fn give(&self, name: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Some(name), true);
    }

    fn get(&self, class: &str) -> String {
        let mut name = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        name.0.get_or_insert_with(|| crate::utils::auto_name(class)).clone()
    }

    /// Another name where this one is made up and taken.
    fn replace_if(&self, class: &str, is_taken: impl Fn(&str) -> bool) {
        let mut name = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    /// Every type with the trait can stand for an operation.
    pub const OPERATION: Option<Cast> = Some(Cast {
        kind: Kind::Operation,
        cast: |object| {
            let object: Arc<dyn std::any::Any + Send + Sync> = object;
            Some(Object::new(Operator::shared(object.downcast::<T>().ok()?)))
        },
    });
}

/// An own operation as a node of a graph.
pub(super) struct OwnNode {
    object: Arc<dyn Operate>,
    name: Arc<Name>,
    /// Does the configuration hold the name?
    named: bool,
}

impl OwnNode {
    pub fn class_name(&self) -> &'static str {
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

    /// The operation of a form whose class is registered as one; `None` for any other class.
    pub fn from_form(form: &Form<'_>) -> Result<Option<Self>> {
        if form.module().is_some_and(|module| module == "keras" || module.starts_with("keras.")) {
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
            // A layer, or nothing known: the error is that of layers.
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
