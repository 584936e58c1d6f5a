//! What an `activation` argument can be: a function, an object, or a layer.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::linear;
use crate::config::{ConfigField, FieldVisitor, KerasSerializable};
use crate::error::{Error, Result};
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::object::{Handle, Kind, Object};
use crate::registry::{Cast, CustomObjects, Probe, TypedHandle, revive_by_name, serialize_class, with_argument};
use crate::tensor::Tensor;

/// An object with a configuration that can follow a layer's own computation: in Python, a class with
/// `__call__`.
///
/// ```
/// use keras_serial::activations::Activate;
/// use keras_serial::prelude::*;
/// /// Multiplies by a factor.
/// #[register(package = "my_package")]
/// #[derive(KerasSerializable)]
/// #[config(new)]
/// struct Growth {
///     factor: f64,
/// }
///
/// impl Activate for Growth {
///     fn activate(&self, x: &Tensor) -> Result<Tensor> {
///         ops::multiply(x, self.factor)
///     }
/// }
///
/// let layer = Dense::new(1).kernel_initializer("ones").activation(keras_serial::activations::Activation::new(Growth::new(0.5)));
/// let layer = Dense::from_config(&layer.get_config()?)?;
/// assert_eq!(layer.apply(&Tensor::from_slice(&[3.0f32, 5.0], [1, 2])?)?.to_vec::<f32>()?, [4.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no activation",
    note = "derive `KerasSerializable` and implement `Activate` for it; `Activation::function` takes a function, `From` a layer"
)]
pub trait Activate: KerasSerializable {
    /// The activation of `x`.
    ///
    /// # Errors
    /// When `x` does not suit it.
    fn activate(&self, x: &Tensor) -> Result<Tensor>;
}

/// A layer in the place of an activation; the room of layers implements it.
pub(crate) trait StandIn: Any + Send + Sync {
    /// The activation of `x`.
    fn activate(&self, x: &Tensor) -> Result<Tensor>;
    /// Its entry in a configuration.
    fn serialize(&self) -> Result<Value>;
    /// Shows the layer.
    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

#[derive(Clone)]
enum What {
    Function(Function),
    Object(Arc<dyn Activate>),
    Layer(Arc<dyn StandIn>),
    /// An unknown name: an error where it is used.
    Unknown(Error),
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
pub struct Activation(What);

/// Makes an activation of a kind of object that lies in a room below: a layer.
pub struct ActivationSource(pub fn(&Object) -> Option<Activation>);

inventory::collect!(ActivationSource);

impl Activation {
    /// Shares an object that is an activation.
    pub fn new(activation: impl Activate) -> Self {
        Self(What::Object(Arc::new(activation)))
    }

    /// A function as an activation.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self(What::Function(Function::new(function)))
    }

    pub(crate) fn stand_in(layer: impl StandIn) -> Self {
        Self(What::Layer(Arc::new(layer)))
    }

    fn as_function(&self) -> Option<&Function> {
        match &self.0 {
            What::Function(function) => Some(function),
            _ => None,
        }
    }

    /// The object, if it is a `T`.
    pub fn downcast_ref<T: Activate>(&self) -> Option<&T> {
        match &self.0 {
            What::Object(object) => (&**object as &dyn Any).downcast_ref(),
            _ => None,
        }
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
        match &self.0 {
            What::Function(function) => function.call(x),
            What::Object(object) => object.activate(x),
            What::Layer(layer) => layer.activate(x),
            What::Unknown(error) => Err(error.clone()),
        }
    }

    /// Does it change nothing?
    pub fn is_linear(&self) -> bool {
        self.name().as_deref() == Some("linear")
    }

    /// Is it Keras's own function of this name?
    pub(crate) fn is_builtin(&self, name: &str) -> bool {
        self.as_function().is_some_and(|function| function.is_builtin() && function.name() == name)
    }

    /// The name, if it is a function.
    pub fn name(&self) -> Option<String> {
        self.as_function().map(Function::name)
    }
}

impl Default for Activation {
    fn default() -> Self {
        Self::function(linear)
    }
}

impl From<&str> for Activation {
    fn from(name: &str) -> Self {
        Self::from_value(&Value::from(name)).unwrap_or_else(|error| Self(What::Unknown(error)))
    }
}

impl<F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static> From<F> for Activation {
    fn from(function: F) -> Self {
        Self::function(function)
    }
}

impl From<Function> for Activation {
    fn from(function: Function) -> Self {
        Self(What::Function(function))
    }
}

impl Handle for Activation {
    fn kind(&self) -> Kind {
        Kind::Function
    }

    fn serialize(&self) -> Result<Value> {
        match &self.0 {
            // Keras writes its own functions by name alone.
            What::Function(function) if function.is_builtin() => Ok(Value::from(function.name())),
            What::Function(function) => Handle::serialize(function),
            What::Object(object) => serialize_class(&**object, |_| Ok(())),
            What::Layer(layer) => layer.serialize(),
            What::Unknown(error) => Err(error.clone()),
        }
    }

    fn address(&self) -> usize {
        match &self.0 {
            What::Function(function) => Handle::address(function),
            What::Object(object) => Arc::as_ptr(object).cast::<()>() as usize,
            What::Layer(layer) => Arc::as_ptr(layer).cast::<()>() as usize,
            What::Unknown(_) => 0,
        }
    }
}

impl TypedHandle for Activation {
    const KIND: Kind = Kind::Function;
    const EXPECTED: &'static str = "an activation: a function, its name, an object that is one, or a layer";
    const MODULES: &'static [&'static str] = &["keras.activations"];

    fn convert(object: &Object) -> Option<Self> {
        if let Some(function) = object.downcast_ref::<Function>() {
            return Some(Self(What::Function(function.clone())));
        }
        if let Some(activation) = object.downcast_ref::<Self>() {
            return Some(activation.clone());
        }
        inventory::iter::<ActivationSource>.into_iter().find_map(|source| (source.0)(object))
    }
}

impl ConfigField for Activation {
    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        if value.is_null() { Ok(Self::default()) } else { revive_by_name(value) }
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let What::Layer(layer) = &self.0 {
            layer.visit(name, visitor);
        }
    }
}

impl<T: Activate> Probe<T> {
    /// Every type with the trait can stand for an activation.
    pub const ACTIVATION: Option<Cast> = Some(Cast {
        kind: Kind::Function,
        cast: |object| {
            let object: Arc<dyn Any + Send + Sync> = object;
            let object: Arc<dyn Activate> = object.downcast::<T>().ok()?;
            Some(Object::new(Activation(What::Object(object))))
        },
    });
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            What::Object(object) => f.write_str(object.class()),
            _ => f.write_str(self.name().as_deref().unwrap_or("layer")),
        }
    }
}
