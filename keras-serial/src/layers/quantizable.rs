//! Layers whose weights can be quantized.

use super::BuildContext;
use crate::dtype_policies::Quantization;
use crate::error::Result;

/// How a layer's weights are quantized. A layer declares it with
/// [`Layer::quantizable`](super::Layer::quantizable).
pub trait Quantizable {
    /// Replaces the layer's weights by quantized ones: [`BuildContext::take`] removes a weight so that it can
    /// be created again. Call it through [`LayerRef::quantize`](super::LayerRef::quantize), which sets the layer's
    /// new policy.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::error::ErrorKind::Unsupported) if the mode is not supported, before
    /// anything is changed.
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()>;
}
