//! Objects of no special kind: whatever has a configuration.

use std::any::Any;
use std::sync::Arc;

use crate::config::KerasSerializable;
use crate::error::Result;
use crate::json::Value;
use crate::object::{Handle, Kind, Object};

/// The handle to an object of [`Kind::Object`]: one with a configuration and nothing that Keras knows
/// beside it.
#[derive(Clone)]
pub struct PlainObject(pub Arc<dyn KerasSerializable>);

impl PlainObject {
    /// The object, if it is a `T`.
    pub fn downcast<T: KerasSerializable>(&self) -> Option<Arc<T>> {
        (self.0.clone() as Arc<dyn Any + Send + Sync>).downcast().ok()
    }
}

impl Handle for PlainObject {
    fn kind(&self) -> Kind {
        Kind::Object
    }

    fn serialize(&self) -> Result<Value> {
        super::serialize_shared(self.0.clone(), |_| Ok(()))
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
}

impl Object {
    /// An object of a class that is of no special kind: it has a configuration, and that is all.
    pub fn plain(object: impl KerasSerializable) -> Self {
        Self::new(PlainObject(Arc::new(object)))
    }

    /// The object, if it is of no special kind and a `T`.
    pub fn downcast_plain<T: KerasSerializable>(&self) -> Option<Arc<T>> {
        self.downcast_ref::<PlainObject>()?.downcast()
    }
}
