//! Compares the weights of an edited file to those of a model.

use crate::error::Result;
use crate::files::{Comparison, FileEditor, Layout, WeightTree, legacy};
use crate::models::Model;
use crate::saving::legacy::build as build_legacy;
use crate::saving::weights::{by_own_path, by_path};

impl FileEditor {
    /// Compares the file to a model: objects, weights and shapes, not values.
    ///
    /// # Errors
    /// When the model's weights can't be laid out as in the file.
    pub fn compare(&self, model: &Model) -> Result<Comparison> {
        let model = model.as_layer();
        let reference = match self.layout() {
            Layout::Paths => by_path::build(model, &[])?.0,
            Layout::Legacy => {
                let root = build_legacy(model)?;
                if self.weights().groups.contains_key(legacy::WEIGHTS) {
                    let mut tree = WeightTree::default();
                    tree.groups.insert(legacy::WEIGHTS.into(), root);
                    tree
                } else {
                    root
                }
            }
            Layout::Own => {
                let mut tree = WeightTree::default();
                for (key, tensor) in by_own_path::build(model)? {
                    tree.insert(&key, tensor)?;
                }
                tree
            }
        };
        Ok(self.compare_weights(&reference))
    }
}
