//! What files hold of a layer, if that is more than its weights in order.

use super::{Assets, LayerRef, Weight};
use crate::config::Config;
use crate::error::Result;
use crate::json::Value;
use crate::tensor::Tensor;

/// How a layer is saved and loaded, if files hold more than its weights in order: another order, files beside the
/// weights (assets), values that are no weights, its own `build_config`. A layer declares it with
/// [`Layer::own_state`](super::Layer::own_state).
pub trait OwnState {
    /// Returns how the layer was built (`Layer.get_build_config`); by default what is `recorded`: the shapes that
    /// it was built with.
    fn build_config(&self, recorded: Option<Value>) -> Option<Value> {
        recorded
    }

    /// Builds the layer from a file's `build_config` (`Layer.build_from_config`), for a class that writes its
    /// own [`OwnState::build_config`]: constructs what the layer contains, then calls [`LayerRef::build`] if
    /// weights depend on a shape. The layer counts as built afterwards. `None` builds from the recorded
    /// shapes instead.
    fn build_from_config(&self, config: &Config, layer: &LayerRef) -> Option<Result<()>> {
        let _ = (config, layer);
        None
    }

    /// Returns the layer's own weights in the order of files, if that is not trainable ones first.
    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        None
    }

    /// Returns weights for which files hold something else than their values: a quantized kernel is saved
    /// with its low-rank update merged in.
    ///
    /// # Errors
    /// If the values can't be computed.
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        Ok(Vec::new())
    }

    /// Saves what the layer keeps beside weights, such as vocabularies.
    ///
    /// # Errors
    /// If they can't be written as text.
    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        let _ = assets;
        Ok(())
    }

    /// Loads what [`OwnState::save_assets`] saved.
    ///
    /// # Errors
    /// If something is missing or does not suit the layer.
    fn load_assets(&self, assets: &Assets) -> Result<()> {
        let _ = assets;
        Ok(())
    }

    /// Returns state that files hold among the weights though it is no weight, by name.
    ///
    /// # Errors
    /// If the state does not exist yet.
    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        Ok(Vec::new())
    }

    /// Returns the names that [`OwnState::load_named_state`] accepts.
    fn state_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// Loads one entry of [`OwnState::named_state`].
    ///
    /// # Errors
    /// If the value does not suit the layer.
    fn load_named_state(&self, name: &str, value: &Tensor) -> Result<()> {
        let _ = (name, value);
        Ok(())
    }
}
