//! Objects without a special kind.

use std::any::Any;
use std::sync::Arc;

use crate::config::KerasSerializable;
use crate::error::Result;
use crate::json::Value;
use crate::object::{Handle, Kind, Object};

/// A handle to an object without a special kind: a class with a configuration only.
#[derive(Clone)]
pub struct PlainObject(pub Arc<dyn KerasSerializable>);

impl PlainObject {
    /// Returns the object, if it is a `T`.
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
    /// Wraps an object without a special kind: a class with a configuration only.
    pub fn plain(object: impl KerasSerializable) -> Self {
        Self::new(PlainObject(Arc::new(object)))
    }

    /// Returns the object, if it has no special kind and is a `T`.
    pub fn downcast_plain<T: KerasSerializable>(&self) -> Option<Arc<T>> {
        self.downcast_ref::<PlainObject>()?.downcast()
    }
}
