//! Layers that a layer makes for itself.

use std::fmt;
use std::sync::OnceLock;

use super::LayerRef;
use crate::config::{ConfigField, FieldVisitor};
use crate::error::Result;
use crate::json::Value;

/// A layer that another one makes from its own arguments, when it is first needed; it is state, not
/// configuration.
#[derive(Default)]
pub struct Sublayer(OnceLock<LayerRef>);

impl Sublayer {
    /// The layer, made now if it is not made yet.
    pub fn get_or_make(&self, make: impl FnOnce() -> LayerRef) -> &LayerRef {
        self.0.get_or_init(make)
    }

    /// The layer, if it is made.
    pub fn get(&self) -> Option<&LayerRef> {
        self.0.get()
    }
}

impl ConfigField for Sublayer {
    fn to_value(&self) -> Result<Value> {
        self.0.get().map_or(Ok(Value::Null), LayerRef::to_value)
    }

    fn from_value(value: &Value) -> Result<Self> {
        let this = Self::default();
        if let Some(layer) = Option::<LayerRef>::from_value(value)? {
            this.0.get_or_init(|| layer);
        }
        Ok(this)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let Some(layer) = self.0.get() {
            layer.visit(name, visitor);
        }
    }
}

impl fmt::Debug for Sublayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.get().fmt(f)
    }
}
