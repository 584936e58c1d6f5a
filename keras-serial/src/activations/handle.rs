//! What an `activation` argument can be: a function, or a layer.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::linear;
use crate::config::{ConfigField, FieldVisitor};
use crate::error::{Error, Result};
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::object::{Handle, Kind, Object};
use crate::registry::{CustomObjects, TypedHandle, revive_by_name, with_argument};
use crate::tensor::Tensor;

/// Something that can follow a layer's own computation.
pub trait Activate: Any + Send + Sync {
    /// The activation of `x`.
    fn activate(&self, x: &Tensor) -> Result<Tensor>;
    /// Its entry in a configuration.
    fn serialize(&self) -> Result<Value>;
    /// Shows the layer that it is, if it is one.
    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        let _ = (name, visitor);
    }
}

/// A shared activation; `linear` by default.
///
/// ```
/// use keras_serial::activations::Activation;
/// use keras_serial::tensor::Tensor;
/// let relu = Activation::from("relu");
/// assert_eq!(relu.apply(&Tensor::from_slice(&[-1.0f32, 1.0], [2])?)?.to_vec::<f32>()?, [0.0, 1.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone)]
pub struct Activation(Arc<dyn Activate>);

/// Makes an activation of a kind of object that lies in a room below: a layer.
pub struct ActivationSource(pub fn(&Object) -> Option<Activation>);

inventory::collect!(ActivationSource);

impl Activation {
    /// Shares an activation.
    pub fn new(activation: impl Activate) -> Self {
        Self(Arc::new(activation))
    }

    /// A function as an activation.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self::new(Function::new(function))
    }

    /// The activation of a serialized form, or of a name.
    ///
    /// # Errors
    /// When the form or name is not one of an activation.
    pub fn deserialize_form(form: &Value) -> Result<Self> {
        revive_by_name(form)
    }

    /// As [`Activation::deserialize_form`], with custom objects for this call.
    ///
    /// # Errors
    /// When the form or name is not one of an activation.
    pub fn deserialize_with(form: &Value, custom_objects: &CustomObjects) -> Result<Self> {
        let _argument = with_argument(custom_objects);
        revive_by_name(form)
    }

    /// The activation of `x`.
    ///
    /// # Errors
    /// The function's own.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        self.0.activate(x)
    }

    /// Does it change nothing?
    pub fn is_linear(&self) -> bool {
        self.name().as_deref() == Some("linear")
    }

    /// Is it Keras's own function of this name?
    pub(crate) fn is_builtin(&self, name: &str) -> bool {
        let function = (&*self.0 as &dyn Any).downcast_ref::<Function>();
        function.is_some_and(|function| function.is_builtin() && function.name() == name)
    }

    /// The name, if it is a function.
    pub fn name(&self) -> Option<String> {
        (&*self.0 as &dyn Any).downcast_ref::<Function>().map(Function::name)
    }
}

impl Default for Activation {
    fn default() -> Self {
        Self::function(linear)
    }
}

impl Activate for Function {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        self.call(x)
    }

    fn serialize(&self) -> Result<Value> {
        // Keras writes its own functions by name alone.
        if self.is_builtin() { Ok(Value::from(self.name())) } else { Handle::serialize(self) }
    }
}

/// An unknown name: an error where it is used.
struct Unknown(Error);

impl Activate for Unknown {
    fn activate(&self, _: &Tensor) -> Result<Tensor> {
        Err(self.0.clone())
    }

    fn serialize(&self) -> Result<Value> {
        Err(self.0.clone())
    }
}

impl From<&str> for Activation {
    fn from(name: &str) -> Self {
        Self::from_value(&Value::from(name)).unwrap_or_else(|error| Self::new(Unknown(error)))
    }
}

impl<F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static> From<F> for Activation {
    fn from(function: F) -> Self {
        Self::function(function)
    }
}

impl Handle for Activation {
    fn kind(&self) -> Kind {
        Kind::Function
    }

    fn serialize(&self) -> Result<Value> {
        self.0.serialize()
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
}

impl TypedHandle for Activation {
    const KIND: Kind = Kind::Function;
    const EXPECTED: &'static str = "an activation: a function, its name, or a layer";
    const MODULES: &'static [&'static str] = &["keras.activations"];

    fn convert(object: &Object) -> Option<Self> {
        if let Some(function) = object.downcast_ref::<Function>() {
            return Some(Self::new(function.clone()));
        }
        inventory::iter::<ActivationSource>.into_iter().find_map(|source| (source.0)(object))
    }
}

impl ConfigField for Activation {
    fn to_value(&self) -> Result<Value> {
        self.0.serialize()
    }

    fn from_value(value: &Value) -> Result<Self> {
        if value.is_null() { Ok(Self::default()) } else { revive_by_name(value) }
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit(name, visitor);
    }
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().as_deref().unwrap_or("layer"))
    }
}
