//! Quantization of a layer's own weights.

use super::LayerRef;
use crate::dtype_policies::{Policy, Quantization};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::BuildContext;
use crate::utils::{Locked, NameScope};
use crate::variable::Autocast;

impl LayerRef {
    /// Quantizes the layer's own weights in place; no other thread may call the layer meanwhile.
    /// [`Model::quantize`](crate::models::Model::quantize) quantizes all layers of a model.
    ///
    /// ```
    /// use keras_serial::dtype_policies::Quantization;
    /// use keras_serial::prelude::*;
    /// let layer = Dense::new(2).shared();
    /// layer.build(&Shape::from([None, Some(3)]))?;
    /// layer.quantize(Quantization::Int8)?;
    /// assert_eq!(layer.dtype_policy().name(), "int8_from_float32");
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the layer is not built or already quantized, or its class does not support the mode.
    pub fn quantize(&self, mode: Quantization) -> Result<()> {
        crate::program::layers_changed();
        self.try_quantize(mode).at_with(|| self.name().to_owned())
    }

    fn try_quantize(&self, mode: Quantization) -> Result<()> {
        let base = self.base();
        let _building = base.building.locked();
        let policy = self.check_quantizing(mode)?;
        let Some(quantizable) = self.0.quantizable() else {
            let what = format!("Layer {} does not have a `quantize` method implemented", self.class_name());
            return Err(Error::new(ErrorKind::Unsupported, what));
        };
        let shapes = base.built_shapes().unwrap_or_default();
        // New weights get the paths of those that they replace.
        let path = self.own_weights().first().and_then(|own| Some(own.path().rsplit_once('/')?.0.to_owned()));
        let _scope = path.map(|path| NameScope::enter(&path));
        let _plain = Autocast::enter(None);
        quantizable.quantize(mode, &mut BuildContext { base, shapes: &shapes })?;
        base.set_quantized(policy);
        Ok(())
    }

    /// Returns the policy of the quantized layer, or an error if the layer is not built or already quantized.
    pub(crate) fn check_quantizing(&self, mode: Quantization) -> Result<Policy> {
        let (base, class) = (self.base(), self.class_name());
        if !base.is_built() {
            return Err(Error::new(ErrorKind::NotBuilt, "Cannot quantize a layer that isn't yet built")
                .received(format!("Layer '{}' (of type '{class}')", self.name()))
                .hint("call the model on data, or build it, first"));
        }
        match base.dtype_policy().quantization() {
            Some(_) => {
                Err(Error::new(ErrorKind::InvalidArgument, format!("Layer '{}' is already quantized", self.name()))
                    .received(format!("dtype_policy='{}'", base.dtype_policy().name())))
            }
            None => base.dtype_policy().quantize(mode),
        }
    }
}
