//! Layers that learn from data before training.

use crate::error::Result;
use crate::tensor::{Nested, Tensor};

/// How a layer learns from data before training, as `Normalization` learns means. A layer declares it with
/// [`Layer::adaptable`](super::Layer::adaptable).
pub trait Adaptable {
    /// Returns whether the layer, as it is, has something to learn: not a lookup with a given vocabulary. A
    /// [`FeatureSpace`](super::FeatureSpace) adapts the layers that say so; true by default.
    fn is_adaptable(&self) -> bool {
        true
    }

    /// Computes the layer's state from data: one tensor, or a list of batches. Call it through
    /// [`LayerRef::adapt`](super::LayerRef::adapt), which builds the layer first.
    ///
    /// # Errors
    /// If the layer can't be adapted, or the data do not suit it.
    fn adapt(&self, data: &Nested<Tensor>) -> Result<()>;
}
