//! Layers that an outer layer constructs.

use std::fmt;
use std::sync::OnceLock;

use super::{BuildAttempt, BuildContext, Layer, LayerRef};
use crate::config::{FieldVisitor, StateField, unmarked};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{CallContext, IntoCallArgs, Shape, Tensor};

/// A layer inside another one, constructed when the outer layer is built: empty until then.
///
/// ```ignore
/// #[keras(sublayer(name = "query_dense"))]
/// query_dense: Sublayer,
/// ```
#[derive(Default)]
pub struct Sublayer(OnceLock<Slot>);

/// A layer, and the slot of its replacement if the build that constructed it fails.
struct Slot {
    layer: LayerRef,
    next: Box<Sublayer>,
}

impl Slot {
    fn new(layer: LayerRef) -> Self {
        Self { layer, next: Box::default() }
    }
}

impl Sublayer {
    /// Returns the slot of the current layer, past those of failed builds.
    fn slot(&self) -> &OnceLock<Slot> {
        let mut slot = &self.0;
        while let Some(abandoned) = slot.get().filter(|slot| slot.layer.base().is_abandoned()) {
            slot = &abandoned.next.0;
        }
        slot
    }

    /// Sets the layer, and builds it for an input of this shape.
    ///
    /// # Errors
    /// If there is a layer already; errors of building.
    pub fn make(&self, cx: &mut BuildContext<'_>, layer: impl Layer, input: &Shape) -> Result<()> {
        let layer = LayerRef::new(layer);
        BuildAttempt::makes(&layer);
        cx.build_layer(&layer, input)?;
        self.slot().set(Slot::new(layer)).map_err(|slot| {
            Error::new(ErrorKind::InvalidArgument, format!("the layer `{}` is made twice", slot.layer.name()))
        })
    }

    /// Returns the layer, and constructs it on first use.
    pub fn get_or_make(&self, make: impl FnOnce() -> LayerRef) -> &LayerRef {
        &self.slot().get_or_init(|| Slot::new(make())).layer
    }

    /// Returns the layer, if there is one.
    pub fn layer(&self) -> Option<&LayerRef> {
        self.slot().get().map(|slot| &slot.layer)
    }

    /// Calls the layer and returns its single output tensor.
    ///
    /// # Errors
    /// If the layer is not constructed yet; errors of the call.
    pub fn call(&self, inputs: impl IntoCallArgs, cx: &CallContext) -> Result<Tensor> {
        let layer = self.layer().ok_or_else(|| {
            Error::new(ErrorKind::NotBuilt, "a layer inside of this one is not made yet")
                .hint("call the layer, or build it with an input shape, first")
        })?;
        layer.call(inputs, cx)?.into_single()
    }
}

unmarked!(Sublayer, MarkedSublayer);

impl StateField for Sublayer {
    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        if let Some(layer) = self.layer() {
            visitor.field(name, layer);
        }
    }
}

impl fmt::Debug for Sublayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layer() {
            Some(layer) => layer.fmt(f),
            None => f.write_str("<unbuilt layer>"),
        }
    }
}
