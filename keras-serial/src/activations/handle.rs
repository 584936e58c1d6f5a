//! Activations: the values of an `activation` argument, which are functions, objects, or layers.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::linear;
use crate::config::{ConfigField, FieldVisitor, KerasSerializable, Placeholder};
use crate::error::Result;
use crate::functions::{Function, KerasFunction};
use crate::json::Value;
use crate::object::{Handle, Kind, Object};
use crate::registry::{
    Cast, CustomObjects, Probe, StandIn, TypedHandle, deserialize_by_name, serialize_class, with_argument,
};
use crate::tensor::Tensor;

/// An activation with a configuration: in Python, an object with `__call__`.
///
/// ```
/// use keras_serial::activations::Activate;
/// use keras_serial::prelude::*;
/// /// Multiplies by a factor.
/// #[register(package = "my_package")]
/// #[derive(KerasSerializable)]
/// #[keras(new)]
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
    note = "derive `KerasSerializable` and implement `Activate` for it; `Activation::function` takes a function, `From` a name or a layer",
    note = "the layer of this name is `ActivationLayer` in the prelude, and `keras_serial::layers::Activation`"
)]
pub trait Activate: KerasSerializable {
    /// Applies the activation to `x`.
    ///
    /// # Errors
    /// When `x` is not suitable.
    fn activate(&self, x: &Tensor) -> Result<Tensor>;
}

impl Activate for StandIn {
    fn activate(&self, _: &Tensor) -> Result<Tensor> {
        Err(self.error())
    }
}

/// A layer used as an activation; the module of layers implements it.
pub(crate) trait LayerActivation: Any + Send + Sync {
    /// Applies the activation to `x`.
    fn activate(&self, x: &Tensor) -> Result<Tensor>;
    /// Serializes the layer for a configuration.
    fn serialize(&self) -> Result<Value>;
    /// Visits the layer.
    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor);
}

#[derive(Clone)]
enum What {
    Function(Function),
    Object(Arc<dyn Activate>),
    Layer(Arc<dyn LayerActivation>),
}

/// A shared handle to an activation; `linear` by default.
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

/// Wraps an object of a kind that a later module defines as an activation: a layer.
pub struct ActivationSource(pub fn(&Object) -> Option<Activation>);

inventory::collect!(ActivationSource);

impl Activation {
    /// Wraps an object as an activation.
    pub fn new(activation: impl Activate) -> Self {
        Self(What::Object(Arc::new(activation)))
    }

    /// Wraps a function as an activation.
    pub fn function<M, F: KerasFunction<M>>(function: F) -> Self {
        Self(What::Function(Function::new(function)))
    }

    pub(crate) fn layer(layer: impl LayerActivation) -> Self {
        Self(What::Layer(Arc::new(layer)))
    }

    fn as_function(&self) -> Option<&Function> {
        match &self.0 {
            What::Function(function) => Some(function),
            _ => None,
        }
    }

    /// Returns the object, if it is a `T`.
    pub fn downcast_ref<T: Activate>(&self) -> Option<&T> {
        match &self.0 {
            What::Object(object) => (&**object as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// Deserializes an activation from its serialized form, or from a name.
    ///
    /// # Errors
    /// When the value is not an activation.
    pub fn deserialize_form(form: &Value) -> Result<Self> {
        deserialize_by_name(form)
    }

    /// Deserializes like [`Activation::deserialize_form`], with custom objects for this call.
    ///
    /// # Errors
    /// When the value is not an activation.
    pub fn deserialize_with(form: &Value, custom_objects: &CustomObjects) -> Result<Self> {
        let _argument = with_argument(custom_objects);
        deserialize_by_name(form)
    }

    /// Applies the activation to `x`.
    ///
    /// # Errors
    /// Those of the function.
    #[doc(alias = "call")]
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        match &self.0 {
            What::Function(function) => function.call(x),
            What::Object(object) => object.activate(x),
            What::Layer(layer) => layer.activate(x),
        }
    }

    /// Returns true if the activation is the identity.
    pub fn is_linear(&self) -> bool {
        self.name().as_deref() == Some("linear")
    }

    /// Returns true if it is Keras's own function with this name.
    pub(crate) fn is_builtin(&self, name: &str) -> bool {
        self.as_function().is_some_and(|function| function.is_builtin() && function.name() == name)
    }

    /// Returns the name, if it is a function.
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
        Self::from_value(&Value::from(name)).unwrap_or_else(|error| Self::new(StandIn::<()>::broken(error)))
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
        }
    }

    fn address(&self) -> usize {
        match &self.0 {
            What::Function(function) => Handle::address(function),
            What::Object(object) => Arc::as_ptr(object).cast::<()>() as usize,
            What::Layer(layer) => Arc::as_ptr(layer).cast::<()>() as usize,
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

    fn keep(placeholder: Placeholder) -> Option<Self> {
        Some(Self::new(StandIn::<()>::kept(placeholder)))
    }
}

impl ConfigField for Activation {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Either(vec![
            crate::config::FieldType::Object { kind: crate::config::Kind::Function, by_name: true },
            crate::config::FieldType::Object { kind: crate::config::Kind::Layer, by_name: false },
        ])
        .or_null()
    }

    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        if value.is_null() { Ok(Self::default()) } else { deserialize_by_name(value) }
    }

    fn validate(&self) -> Result<()> {
        match &self.0 {
            What::Object(object) => KerasSerializable::validate(&**object),
            What::Function(_) | What::Layer(_) => Ok(()),
        }
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let What::Layer(layer) = &self.0 {
            layer.visit(name, visitor);
        }
    }
}

impl<T: Activate> Probe<T> {
    /// Every type that implements the trait can be used as an activation.
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
