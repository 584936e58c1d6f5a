//! `Model::export`, and how it is done.

use std::path::Path;

use super::signature::Signature;
use super::write;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::models::Model;
use crate::program::onnx::Graph;
use crate::tensor::Shape;

/// The operator sets that can be written.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=23;

/// The format of an exported model, and how it is written.
#[derive(Clone, Debug)]
pub struct ExportOptions {
    opset: i64,
    external_data: bool,
    input_shapes: Option<Vec<Shape>>,
}

impl ExportOptions {
    /// Creates the options for ONNX: operator set 18, weights in the file itself up to 1.9 GB.
    pub fn onnx() -> Self {
        Self { opset: 18, external_data: false, input_shapes: None }
    }

    /// Sets the version of the operator set, 13 to 23; 18 by default.
    pub fn opset(mut self, opset: i64) -> Self {
        self.opset = opset;
        self
    }

    /// Sets whether weights go into a file beside, `m.onnx.data` for `m.onnx`; by default they do if they have more
    /// than 1.9 GB, which is what one file can hold.
    pub fn external_data(mut self, external_data: bool) -> Self {
        self.external_data = external_data;
        self
    }

    /// Sets the shapes of the flat inputs, with their batch; by default those of the model's inputs, or those that
    /// it was built with. Unknown extents (`None`) stay unknown in the exported graph.
    ///
    /// A fixed shape exports what can't be exported otherwise: a layer that computes something else for another
    /// extent, as a recurrent layer does that takes its steps one by one.
    pub fn input_shapes<S: Into<Shape>>(mut self, shapes: impl IntoIterator<Item = S>) -> Self {
        self.input_shapes = Some(shapes.into_iter().map(Into::into).collect());
        self
    }
}

impl Model {
    /// Exports the model's predictions to an ONNX file (`Model.export(format="onnx")`): what it computes in
    /// inference mode.
    ///
    /// Inputs and outputs have the names of the model's input layers and of the layers that give the outputs, in
    /// the order of the flat structures; weights have their paths. The file is written atomically, and not at all
    /// if the export fails.
    ///
    /// # Errors
    /// With the path of the layer if it can't be traced, or computes what ONNX has no words for; if the model has
    /// no known input shapes; if the operator set is none of 13 to 23; [`ErrorKind::Io`] if the system refuses.
    ///
    /// ```
    /// use keras_serial::export::ExportOptions;
    /// use keras_serial::prelude::*;
    /// let x = Input::new([2]).name("x").tensor()?;
    /// let model = Functional::new(x.clone(), Dense::new(3).activation("softmax").apply(&x)?)?;
    /// let folder = tempfile::tempdir()?;
    /// model.export(folder.path().join("m.onnx"), ExportOptions::onnx().opset(18))?;
    /// assert!(folder.path().join("m.onnx").exists());
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn export(&self, path: impl AsRef<Path>, options: ExportOptions) -> Result<()> {
        let graph = self.onnx_graph(&options)?;
        write::write(&graph, self.name(), path.as_ref(), options.external_data)
    }

    /// Returns the ONNX graph that [`Model::export`] writes, as data.
    ///
    /// # Errors
    /// Those of [`Model::export`], but for the file's.
    pub fn onnx_graph(&self, options: &ExportOptions) -> Result<Graph> {
        if !OPSETS.contains(&options.opset) {
            return Err(Error::new(ErrorKind::InvalidArgument, "an operator set that can't be written")
                .expected(format!("{} to {}", OPSETS.start(), OPSETS.end()))
                .received(options.opset.to_string()));
        }
        let signature = Signature::of(self, options.input_shapes.as_deref()).at_with(|| self.name().to_owned())?;
        signature.graph(self, options.opset)
    }
}
