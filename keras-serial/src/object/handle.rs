//! Type-erased shared handles to objects of any kind.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::{Form, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;

/// A shared handle to an object of one kind: a layer, an initializer, a function, ….
pub trait Handle: Any + Send + Sync {
    /// Returns the kind of the object.
    fn kind(&self) -> Kind;

    /// Serializes the object with class and module, not only its configuration.
    fn serialize(&self) -> Result<Value>;

    /// Returns an address that is equal for handles to the same object, and unique among live ones.
    fn address(&self) -> usize;

    /// Loads what the serialized object holds besides the configuration: how a layer was built and
    /// compiled.
    fn deserialize_state(&self, form: &Form<'_>) -> Result<()> {
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

    /// Returns the kind of the object.
    pub fn kind(&self) -> Kind {
        self.0.kind()
    }

    /// Returns the handle, if it is of type `H`.
    pub fn downcast_ref<H: Handle>(&self) -> Option<&H> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    /// Clones the handle, if it is of type `H`.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKind`] when the object is of another kind.
    pub fn downcast<H: Handle + Clone>(&self, expected: &'static str) -> Result<H> {
        self.downcast_ref::<H>().cloned().ok_or_else(|| {
            Error::new(ErrorKind::WrongKind, "wrong kind of object")
                .expected(expected)
                .received(self.kind().with_article())
        })
    }

    /// Serializes the object with class and module, not only its configuration.
    pub fn serialize(&self) -> Result<Value> {
        self.0.serialize()
    }

    /// Returns true if both handles are of the same object.
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.address() == other.address()
    }

    pub(crate) fn handle(&self) -> &dyn Any {
        &*self.0
    }

    pub(crate) fn deserialize_state(&self, form: &Form<'_>) -> Result<()> {
        self.0.deserialize_state(form)
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
