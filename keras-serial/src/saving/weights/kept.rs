//! What a file holds of layers whose classes are not registered: weights and assets, for the next save.

use std::any::Any;
use std::sync::Arc;

use crate::config::Placeholder;
use crate::error::{Error, ErrorKind, Result};
use crate::files::{Layout, WeightTree};
use crate::layers::{Assets, LayerRef, UnreadState};

/// What a file holds of a layer whose class is not registered, and of all inside it; in legacy files, of a layer that
/// holds one.
#[derive(Clone)]
pub(in crate::saving) struct Kept {
    /// How the file names the weights.
    pub layout: Layout,
    /// The weights, by their paths below the layer's.
    pub tree: WeightTree,
    pub assets: Assets,
}

impl UnreadState for Kept {
    fn size(&self) -> (usize, usize) {
        let (mut count, mut bytes) = (0usize, 0usize);
        self.tree.each(&mut |_, tensor| {
            count = tensor.shape().iter().fold(1usize, |n, extent| n.saturating_mul(*extent)).saturating_add(count);
            bytes = bytes.saturating_add(usize::try_from(tensor.num_bytes()).unwrap_or(usize::MAX));
        });
        (count, bytes)
    }
}

/// Returns why a placeholder stands for a layer: its class, or that of an object in it, is not registered.
fn lack(placeholder: &Placeholder) -> String {
    let (class, reason) = (placeholder.registered_name(), placeholder.reason());
    let is_own = reason.kind() == ErrorKind::UnknownObject && reason.message().contains(&format!("`{class}`"));
    if is_own {
        return format!("the class `{class}` is not registered");
    }
    format!("the layer of the class `{class}` can't be made: {}", placeholder.reason_text())
}

impl Kept {
    /// Returns what is kept of a layer's file.
    pub fn of(layer: &LayerRef) -> Option<Self> {
        let state = layer.base().model_state().unread()?;
        (&*state as &dyn Any).downcast_ref::<Self>().cloned()
    }

    /// Sets the weights that a layer keeps.
    pub fn set_tree(layer: &LayerRef, layout: Layout, tree: WeightTree) {
        let assets = Self::of(layer).map(|kept| kept.assets).unwrap_or_default();
        layer.base().model_state().set_unread(Some(Arc::new(Self { layout, tree, assets })));
    }

    /// Sets the assets that a layer keeps.
    pub fn set_assets(layer: &LayerRef, assets: Assets) {
        let kept = Self::of(layer).unwrap_or(Self {
            layout: Layout::Paths,
            tree: WeightTree::default(),
            assets: Assets::default(),
        });
        layer.base().model_state().set_unread(Some(Arc::new(Self { assets, ..kept })));
    }

    /// Returns the weights, to be written in a layout.
    ///
    /// # Errors
    /// When the layout is another one than that of the file from which they come: only the class knows the names in
    /// both.
    pub fn in_layout(self, layer: &LayerRef, layout: Layout) -> Result<WeightTree> {
        if self.layout == layout || self.tree.is_empty() {
            return Ok(self.tree);
        }
        let describe = |layout| match layout {
            Layout::Paths => "the paths of layers (`.keras`, `.weights.h5`)",
            Layout::Legacy => "the names of layers (legacy `.h5`)",
            Layout::Own => "the weights' own paths (`.safetensors`)",
        };
        let below = layer.with_layers_below();
        let mut lacks: Vec<String> = below.iter().filter_map(|layer| layer.placeholder()).map(lack).collect();
        lacks.dedup();
        Err(Error::new(
            ErrorKind::Weights,
            format!("the weights can't be named for this file, because {}", lacks.join(", and ")),
        )
        .expected(format!("a file in the form that they come from: by {}", describe(self.layout)))
        .received(format!("by {}", describe(layout)))
        .hint(
            "register what is missing in a crate that is linked, or pass it as `custom_objects`; a crate of your own has \
             the command line too, by `keras_serial::cli::main`",
        )
        .at(layer.name().to_owned()))
    }
}
