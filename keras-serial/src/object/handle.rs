//! Type-erased shared handles to objects of every kind.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{Form, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// A shared handle to an object of one kind: a layer's, an initializer's, a function's.
pub trait Handle: Any + Send + Sync {
    /// The kind that the handle stands for.
    fn kind(&self) -> Kind;

    /// The object's whole serialized form.
    fn serialize(&self) -> Result<Value>;

    /// Equal for two handles to one object, and for no others alive at the same time.
    fn address(&self) -> usize;

    /// Restores what the form holds beside the configuration: how a layer was built and compiled.
    fn restore(&self, form: &Form<'_>) -> Result<()> {
        let _ = form;
        Ok(())
    }
}

/// An object of any kind.
#[derive(Clone)]
pub struct Object(Arc<dyn Handle>);

impl Object {
    /// Wraps a handle.
    pub fn new(handle: impl Handle) -> Self {
        Self(Arc::new(handle))
    }

    /// The kind of the object.
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// The handle, if it is of type `H`.
    pub fn downcast_ref<H: Handle>(&self) -> Option<&H> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    /// A copy of the handle, if it is of type `H`.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKind`] when it is another kind of object.
    pub fn downcast<H: Handle + Clone>(&self, expected: &'static str) -> Result<H> {
        self.downcast_ref::<H>().cloned().ok_or_else(|| {
            Error::new(ErrorKind::WrongKind, "wrong kind of object")
                .expected(expected)
                .received(self.kind().with_article())
        })
    }

    /// The object's whole serialized form.
    pub fn serialize(&self) -> Result<Value> {
        self.0.serialize()
    }

    /// Are both handles to one object?
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.address() == other.address()
    }

    pub(crate) fn handle(&self) -> &dyn Any {
        &*self.0
    }

    pub(crate) fn restore(&self, form: &Form<'_>) -> Result<()> {
        self.0.restore(form)
    }

    pub(crate) fn address(&self) -> usize {
        self.0.address()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({})", self.kind())
    }
}
