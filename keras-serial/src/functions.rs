//! Functions as objects: activations, losses and metrics, looked up by name.

use std::any::{Any, TypeId, type_name};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::{Config, ConfigField, KerasSerializable, field};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::object::{Handle, Kind, Object};
use crate::registry::{self, CustomObjects, Entry, Identity, Place, TypedHandle, WrapsFunction};
use crate::tensor::{DType, Nested, Shape, Tensor};

type Unary = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;
type Binary = Arc<dyn Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync>;
type Making = Arc<dyn Fn(&Shape, DType) -> Result<Tensor> + Send + Sync>;
type Structures = Arc<dyn Fn(&Nested<Tensor>, &Nested<Tensor>) -> Result<Tensor> + Send + Sync>;

/// A function, by its arguments.
#[derive(Clone)]
enum Callable {
    /// An activation, a regularizer or a constraint.
    One(Unary),
    /// A loss or metric: `y_true`, `y_pred`.
    Two(Binary),
    /// A loss of several outputs at once.
    Structures(Structures),
    /// An initializer.
    Making(Making),
}

/// A shared function with a name.
///
/// A registered function is serialized by its registered name. A function defined with `fn` is recognized
/// wherever it is used, and so is a closure that captures nothing. A closure that captures values is
/// recognized by its handle: the one that was registered ([`Entry::of_function`]) or that the registry
/// returns for its name, and clones of it.
#[derive(Clone)]
pub struct Function {
    name: Arc<str>,
    /// The handle's number, which is the same for its clones.
    number: u64,
    id: Identity,
    callable: Callable,
}

impl Function {
    /// Creates a handle to a function, with the function's own name if it is not registered.
    pub fn new<M, F: KerasFunction<M>>(function: F) -> Self {
        // A function's type has its path as its name; the type of a pointer or closure contains no usable
        // name.
        let name = type_name::<F>().rsplit("::").next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        Self::named(function, if is_name { name } else { "" })
    }

    /// Creates a handle to a function, with this name if it is not registered.
    pub fn named<M, F: KerasFunction<M>>(function: F, name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = own_identity(&function).unwrap_or(Identity::Handle(number));
        Self { name: name.into(), number, id, callable: function.into_callable().0 }
    }

    /// Returns the function's registry entry.
    fn entry(&self) -> Option<Arc<Entry>> {
        registry::function_entry(Identity::Handle(self.number)).or_else(|| registry::function_entry(self.id))
    }

    /// Returns the registered name, or else the function's own.
    pub fn name(&self) -> String {
        match self.entry() {
            Some(entry) => entry.registered_name(),
            None => self.name.to_string(),
        }
    }

    /// Returns true if both are handles to the same function.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id || self.number == other.number
    }

    /// Returns true if it is a built-in function of Keras.
    pub fn is_builtin(&self) -> bool {
        self.entry().is_some_and(|entry| entry.module().is_some())
    }

    /// Calls a function of one tensor.
    ///
    /// # Errors
    /// Errors of the function, and if it takes other arguments.
    pub fn call(&self, x: &Tensor) -> Result<Tensor> {
        match &self.callable {
            Callable::One(function) => function(x),
            _ => Err(self.wrong("one tensor, as activations, regularizers and constraints do")),
        }
    }

    /// Calls a function of two tensors.
    ///
    /// # Errors
    /// Errors of the function, and if it takes other arguments.
    pub fn call2(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        match &self.callable {
            Callable::Two(function) => function(y_true, y_pred),
            Callable::Structures(function) => function(&y_true.clone().into(), &y_pred.clone().into()),
            Callable::One(_) | Callable::Making(_) => Err(self.wrong("y_true and y_pred, as losses do")),
        }
    }

    /// Returns true for a function of two structures of tensors.
    pub fn takes_structures(&self) -> bool {
        matches!(self.callable, Callable::Structures(_))
    }

    /// Calls a function of two structures of tensors.
    ///
    /// # Errors
    /// Errors of the function, and if it takes other arguments.
    pub fn call_structures(&self, y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Tensor> {
        match &self.callable {
            Callable::Structures(function) => function(y_true, y_pred),
            _ => Err(self.wrong("structures of tensors")),
        }
    }

    /// Calls a function that creates values of a shape and dtype.
    ///
    /// # Errors
    /// Errors of the function, and if it takes other arguments.
    pub fn call_init(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        match &self.callable {
            Callable::Making(function) => function(shape, dtype),
            _ => Err(self.wrong("a shape and a dtype, as initializers do")),
        }
    }

    fn wrong(&self, expected: &'static str) -> Error {
        Error::new(ErrorKind::WrongKind, format!("the function `{}` takes other arguments", self.name()))
            .expected(expected)
    }
}

impl Handle for Function {
    fn kind(&self) -> Kind {
        Kind::Function
    }

    fn serialize(&self) -> Result<Value> {
        let entry = self.entry();
        if self.name.is_empty() && entry.is_none() {
            return Err(Error::new(
                ErrorKind::Config,
                "a closure or function pointer has no name and can't be serialized",
            )
            .hint(
                "write it as a function and register it with #[register]; or register the closure while the \
                 program runs, and use it by its registered name",
            ));
        }
        Ok(registry::serialize_function(entry.as_deref(), &self.name))
    }

    fn address(&self) -> usize {
        self.number as usize
    }
}

impl TypedHandle for Function {
    const KIND: Kind = Kind::Function;
    const EXPECTED: &'static str = "a function";
    const MODULES: &'static [&'static str] = &["keras.activations", "keras.losses", "keras.src.metrics"];
}

/// A function as a field, serialized by name.
impl crate::config::PlainField for Function {}

impl ConfigField for Function {
    fn field_type() -> crate::config::FieldType {
        crate::config::FieldType::Object { kind: crate::config::Kind::Function, by_name: true }
    }

    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        registry::deserialize_by_name(value)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fn {}", self.name())
    }
}

/// Returns what identifies a function, if its type or address does.
fn own_identity<M, F: KerasFunction<M>>(function: &F) -> Option<Identity> {
    // A zero-sized type has a single value, so it identifies the function.
    if size_of::<F>() == 0 {
        return Some(Identity::Type(TypeId::of::<F>()));
    }
    let any: &dyn Any = function;
    let target = if let Some(pointer) = any.downcast_ref::<fn(&Tensor) -> Result<Tensor>>() {
        *pointer as usize
    } else if let Some(pointer) = any.downcast_ref::<fn(&Tensor, &Tensor) -> Result<Tensor>>() {
        *pointer as usize
    } else {
        *any.downcast_ref::<fn(&Nested<Tensor>, &Nested<Tensor>) -> Result<Tensor>>()? as usize
    };
    Some(Identity::Pointer(TypeId::of::<F>(), target))
}

/// A function with its type erased.
pub struct Erased(Callable);

/// A function that can be registered: of one tensor (activations, regularizers, constraints), of two (losses,
/// metrics), of two structures of tensors (losses of several outputs at once), or of a shape and a dtype
/// (initializers).
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a Keras function",
    note = "write `fn(&Tensor) -> Result<Tensor>` for an activation, `fn(&Tensor, &Tensor) -> Result<Tensor>` for a loss or metric"
)]
pub trait KerasFunction<M>: Send + Sync + 'static {
    /// Erases the type.
    fn into_callable(self) -> Erased;
}

impl<F: Fn(&Tensor) -> Result<Tensor> + Send + Sync + 'static> KerasFunction<((),)> for F {
    fn into_callable(self) -> Erased {
        Erased(Callable::One(Arc::new(self)))
    }
}

impl<F: Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync + 'static> KerasFunction<((), ())> for F {
    fn into_callable(self) -> Erased {
        Erased(Callable::Two(Arc::new(self)))
    }
}

impl<F> KerasFunction<((), (), ())> for F
where
    F: Fn(&Nested<Tensor>, &Nested<Tensor>) -> Result<Tensor> + Send + Sync + 'static,
{
    fn into_callable(self) -> Erased {
        Erased(Callable::Structures(Arc::new(self)))
    }
}

impl<F: Fn(&Shape, DType) -> Result<Tensor> + Send + Sync + 'static> KerasFunction<(Shape, DType)> for F {
    fn into_callable(self) -> Erased {
        Erased(Callable::Making(Arc::new(self)))
    }
}

/// A function used as a regularizer, constraint or initializer.
///
/// ```
/// use keras_serial::prelude::*;
/// /// The sum of the squares.
/// #[register(package = "my_package")]
/// fn squares(x: &Tensor) -> Result<Tensor> {
///     ops::sum(&ops::square(x)?, ops::Axes::all(), false)
/// }
/// let layer = Dense::new(1).kernel_regularizer(Regularizer::function(squares));
/// let config = layer.get_config()?;
/// let name = config.get("kernel_regularizer").and_then(|form| form.get("config")?.as_str());
/// assert_eq!(name, Some("my_package>squares"));
/// assert!(Dense::from_config(&config).is_ok());
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FunctionObject(Function);

impl FunctionObject {
    /// Wraps a function.
    pub(crate) fn bare(function: Function) -> Self {
        Self(function)
    }

    /// Returns the function, as which the object is serialized.
    pub(crate) fn as_function(&self) -> Option<&Function> {
        Some(&self.0)
    }

    /// Returns the function.
    pub fn function(&self) -> &Function {
        &self.0
    }
}

impl WrapsFunction for FunctionObject {
    fn of_function(object: &Object) -> Option<Self> {
        object.downcast_ref::<Function>().cloned().map(Self::bare)
    }

    fn function_handle(&self) -> Option<&dyn Handle> {
        self.as_function().map(|function| function as &dyn Handle)
    }
}

impl KerasSerializable for FunctionObject {
    fn get_config(&self) -> Result<Config> {
        Ok(Config::from([("fn".to_owned(), Handle::serialize(&self.0)?)]))
    }

    fn from_config(config: &Config) -> Result<Self> {
        field::required(config, "fn", &[], registry::deserialize_by_name).map(Self)
    }
}

/// Returns the registered name of a function, or else its own name (`keras.saving.get_registered_name`).
///
/// ```
/// use keras_serial::{activations, functions::get_registered_name_of_fn};
/// assert_eq!(get_registered_name_of_fn(activations::relu), "relu");
/// ```
pub fn get_registered_name_of_fn<M, F: KerasFunction<M>>(function: F) -> String {
    Function::new(function).name()
}

/// Constructs the handle that `#[register]` puts into the registry.
#[doc(hidden)]
pub fn function_handle<M, F: KerasFunction<M>>(function: F, name: &'static str) -> Object {
    Object::new(Function::named(function, name))
}

/// Returns the type id of a function, which identifies it.
#[doc(hidden)]
pub fn type_id_of_fn<F: 'static>(_: &F) -> TypeId {
    TypeId::of::<F>()
}

impl Entry {
    /// Creates the registry entry of a function, in package `Custom`, for registering at run time.
    ///
    /// ```
    /// use keras_serial::{prelude::*, registry::{self, Entry}};
    /// fn twice(x: &Tensor) -> Result<Tensor> {
    ///     ops::add(x, x)
    /// }
    /// registry::register(Entry::of_fn("twice", twice).in_package("my_package"))?;
    /// assert_eq!(registry::get_registered_object("my_package>twice")?.kinds().len(), 1);
    /// assert!(registry::unregister("my_package>twice"));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    #[track_caller]
    pub fn of_fn<M, F: KerasFunction<M>>(name: &str, function: F) -> Self {
        Self::of_function(name, &Function::named(function, name))
    }

    /// Creates the registry entry of a function's handle, in package `Custom`: the handle and its clones are
    /// serialized by the registered name, even if the function is a closure that captures values.
    ///
    /// ```
    /// use keras_serial::{functions::Function, prelude::*, registry::{self, Entry}};
    /// let scaled = |by: f64| Function::named(move |x: &Tensor| ops::multiply(x, by), "scaled");
    /// let (half, twice) = (scaled(0.5), scaled(2.0));
    /// registry::register(Entry::of_function("half", &half))?;
    /// registry::register(Entry::of_function("twice", &twice))?;
    /// assert_eq!((half.name(), twice.name()), ("Custom>half".to_owned(), "Custom>twice".to_owned()));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    #[track_caller]
    pub fn of_function(name: &str, function: &Function) -> Self {
        let caller = std::panic::Location::caller();
        let place = Place { file: caller.file(), line: caller.line() };
        let identities = [Identity::Handle(function.number), function.id];
        Self::existing(name.to_owned(), identities, Object::new(function.clone()), place)
    }
}

impl CustomObjects {
    /// Adds a function under a name.
    #[must_use]
    #[track_caller]
    pub fn with_fn<M, F: KerasFunction<M>>(self, name: &str, function: F) -> Self {
        self.with_entry(name, Entry::of_fn(name, function))
    }
}
