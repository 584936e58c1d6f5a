//! Functions as objects: activations, losses, metrics by name.

use std::any::{TypeId, type_name};
use std::sync::Arc;

use crate::config::ConfigField;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::object::{Handle, Kind, Object};
use crate::registry::{self, CustomObjects, Entry, Place, TypedHandle};
use crate::tensor::{Nested, Tensor};

type Unary = Arc<dyn Fn(&Tensor) -> Result<Tensor> + Send + Sync>;
type Binary = Arc<dyn Fn(&Tensor, &Tensor) -> Result<Tensor> + Send + Sync>;
type Structures = Arc<dyn Fn(&Nested<Tensor>, &Nested<Tensor>) -> Result<Tensor> + Send + Sync>;

/// What a function takes.
#[derive(Clone)]
enum Callable {
    /// An activation or a regularizer.
    One(Unary),
    /// A loss or a metric: `y_true`, `y_pred`.
    Two(Binary),
    /// A loss of several outputs at once.
    Structures(Structures),
}

/// A shared function with a name.
#[derive(Clone)]
pub struct Function {
    name: Arc<str>,
    id: TypeId,
    callable: Callable,
}

impl Function {
    /// A handle to a function, known by its own name where it is not registered.
    pub fn new<M, F: KerasFunction<M>>(function: F) -> Self {
        // A function's own type is named by its path; a pointer's or closure's type tells no name.
        let name = type_name::<F>().rsplit("::").next().unwrap_or_default();
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        Self::named(function, if is_name { name } else { "" })
    }

    /// A handle to a function, known by this name where it is not registered.
    pub fn named<M, F: KerasFunction<M>>(function: F, name: &str) -> Self {
        Self { name: name.into(), id: TypeId::of::<F>(), callable: function.into_callable().0 }
    }

    /// The registered name, or its own.
    pub fn name(&self) -> String {
        match registry::function_entry(self.id) {
            Some(entry) => entry.registered_name(),
            None => self.name.to_string(),
        }
    }

    /// Are both handles to one function?
    pub fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
    }

    /// Is it one of Keras's own?
    pub fn is_builtin(&self) -> bool {
        registry::function_entry(self.id).is_some_and(|entry| entry.module().is_some())
    }

    /// Calls a function of one tensor.
    ///
    /// # Errors
    /// The function's own, or when it takes two.
    pub fn call(&self, x: &Tensor) -> Result<Tensor> {
        match &self.callable {
            Callable::One(function) => function(x),
            Callable::Two(_) | Callable::Structures(_) => Err(self.wrong("one tensor, as activations do")),
        }
    }

    /// Calls a function of two tensors.
    ///
    /// # Errors
    /// The function's own, or when it takes one.
    pub fn call2(&self, y_true: &Tensor, y_pred: &Tensor) -> Result<Tensor> {
        match &self.callable {
            Callable::Two(function) => function(y_true, y_pred),
            Callable::Structures(function) => function(&y_true.clone().into(), &y_pred.clone().into()),
            Callable::One(_) => Err(self.wrong("y_true and y_pred, as losses do")),
        }
    }

    /// Is it a function of two structures of tensors?
    pub fn takes_structures(&self) -> bool {
        matches!(self.callable, Callable::Structures(_))
    }

    /// Calls a function of two structures of tensors.
    ///
    /// # Errors
    /// The function's own, or when it takes tensors.
    pub fn call_structures(&self, y_true: &Nested<Tensor>, y_pred: &Nested<Tensor>) -> Result<Tensor> {
        match &self.callable {
            Callable::Structures(function) => function(y_true, y_pred),
            Callable::One(_) | Callable::Two(_) => Err(self.wrong("structures of tensors")),
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
        if self.name.is_empty() && registry::function_entry(self.id).is_none() {
            return Err(Error::new(
                ErrorKind::Config,
                "a closure or function pointer has no name and can't be serialized",
            )
            .hint("write it as a function and register it with #[register]"));
        }
        Ok(registry::serialize_function(self.id, &self.name))
    }

    fn address(&self) -> usize {
        self.name.as_ptr() as usize
    }
}

impl TypedHandle for Function {
    const KIND: Kind = Kind::Function;
    const EXPECTED: &'static str = "a function";
    const MODULES: &'static [&'static str] = &["keras.activations", "keras.losses", "keras.src.metrics"];
}

/// A function as a field, by name.
impl crate::config::PlainField for Function {}

impl ConfigField for Function {
    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        registry::revive_by_name(value)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "fn {}", self.name())
    }
}

/// What a function becomes inside a handle.
pub struct Erased(Callable);

/// A function that can be registered: of one tensor (activations), of two (losses, metrics), or of two
/// structures of tensors (losses of several outputs at once).
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

/// The registered name of a function; its own name when it is not registered
/// (`keras.saving.get_registered_name`).
///
/// ```
/// use keras_serial::{activations, functions::get_registered_name_of_fn};
/// assert_eq!(get_registered_name_of_fn(activations::relu), "relu");
/// ```
pub fn get_registered_name_of_fn<M, F: KerasFunction<M>>(function: F) -> String {
    Function::new(function).name()
}

/// The handle that `#[register]` puts on the master list.
#[doc(hidden)]
pub fn function_handle<M, F: KerasFunction<M>>(function: F, name: &'static str) -> Object {
    Object::new(Function::named(function, name))
}

/// A function's own type, which tells it from all others.
#[doc(hidden)]
pub fn type_id_of_fn<F: 'static>(_: &F) -> TypeId {
    TypeId::of::<F>()
}

impl Entry {
    /// The entry of a function, in package `Custom`, to be registered while the program runs.
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
        let caller = std::panic::Location::caller();
        let place = Place { file: caller.file(), line: caller.line() };
        Self::existing(name.to_owned(), TypeId::of::<F>, function_handle_owned(function, name), place)
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

fn function_handle_owned<M, F: KerasFunction<M>>(function: F, name: &str) -> Object {
    Object::new(Function::named(function, name))
}
