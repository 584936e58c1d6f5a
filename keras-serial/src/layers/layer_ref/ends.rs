//! The symbols that a layer was called on, and those that it gave: where new models begin and end.

use std::sync::Arc;

use super::LayerRef;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::symbolic::Node;
use crate::tensor::{Nested, Tensor};

impl LayerRef {
    /// Returns the output of the layer's first call on symbols (`Layer.output`), so that a model can end there.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let hidden = Dense::new(2).name("hidden").kernel_initializer("ones");
    /// let model = Sequential::new(layers![Input::new([3]), hidden, Dense::new(1)])?;
    /// let inputs = model.inputs().expect("the model is built");
    /// let features = Functional::new(inputs, model.get_layer("hidden")?.output()?)?;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3])?;
    /// assert_eq!(features.predict(&x)?.to_vec::<f32>()?, [6.0, 6.0]);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the layer was never called on symbols, or no model holds the call any more.
    pub fn output(&self) -> Result<Nested<Tensor>> {
        let node = self.first_call("output")?;
        let symbols = (0..node.outputs.leaves().len()).filter_map(|index| node.output(index));
        node.outputs.pack(symbols.collect::<Vec<_>>())
    }

    /// Returns the symbols of the layer's first call (`Layer.input`): the only one, or a list.
    ///
    /// # Errors
    /// As [`LayerRef::output`].
    pub fn input(&self) -> Result<Nested<Tensor>> {
        let node = self.first_call("input")?;
        if node.is_input() {
            return self.output();
        }
        let mut inputs: Vec<Tensor> = node.input_tensors().into_iter().cloned().collect();
        Ok(if inputs.len() == 1 { Nested::Leaf(inputs.remove(0)) } else { Nested::list(inputs) })
    }

    fn first_call(&self, what: &str) -> Result<Arc<Node>> {
        let calls = self.base().inbound();
        (0..calls.len()).find_map(|index| calls.get(index)).ok_or_else(|| {
            Error::new(
                ErrorKind::NotBuilt,
                format!("The layer {} has never been called and thus has no defined {what}", self.name()),
            )
            .hint("build the model first, or call the layer on an `Input`")
        })
    }
}
