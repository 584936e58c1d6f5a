//! The program of a model: what it computes, as data.

use super::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::program::{Program, Spec};
use crate::tensor::{CallContext, DType, Nested, Shape, Tensor};

impl Model {
    /// Traces what the model computes for flat inputs of these shapes, in inference mode: each layer's `call`
    /// runs once, those of custom layers too.
    ///
    /// The dtypes are those of the model's inputs, or `float32` if the model has no graph.
    ///
    /// # Errors
    /// If the shapes do not suit the model, or a layer's `call` can't be traced: it looks at values, or
    /// computes with strings.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Dense::new(3).activation("softmax").shared()])?;
    /// model.build([1, 2])?;
    /// let program = model.program(&[[8, 2].into()])?;
    /// assert_eq!(program.inputs().len(), 1);
    /// assert!(program.nodes().iter().any(|node| node.primitive.name() == "softmax"));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn program(&self, shapes: &[Shape]) -> Result<Program> {
        Program::trace(&self.specs(shapes)?, |inputs| self.on(inputs))
    }

    /// Traces like [`Model::program`]; recurrent layers stay loops, so that the program is the same for any number of
    /// steps.
    ///
    /// # Errors
    /// See [`Model::program`].
    pub fn program_with_loops(&self, shapes: &[Shape]) -> Result<Program> {
        Program::trace_with_loops(&self.specs(shapes)?, |inputs| self.on(inputs))
    }

    /// Returns the shapes with the dtypes of the inputs.
    fn specs(&self, shapes: &[Shape]) -> Result<Vec<Spec>> {
        let structure = self.inputs();
        let known: Vec<DType> =
            structure.iter().flat_map(|inputs| inputs.leaves()).map(|input| input.dtype()).collect();
        if structure.is_some() && known.len() != shapes.len() {
            return Err(Error::new(ErrorKind::Shape, "wrong number of input shapes")
                .expected(known.len().to_string())
                .received(shapes.len().to_string())
                .at(self.name().to_owned()));
        }
        let dtypes = known.into_iter().chain(std::iter::repeat(DType::Float32));
        Ok(shapes.iter().zip(dtypes).map(|(shape, dtype)| Spec { shape: shape.clone(), dtype }).collect())
    }

    /// Calls the model on flat inputs.
    fn on(&self, inputs: &[Tensor]) -> Result<Nested<Tensor>> {
        let inputs = match &self.inputs() {
            Some(structure) => structure.pack(inputs.to_vec())?,
            None if inputs.len() == 1 => inputs.first().cloned().map_or(Nested::None, Nested::Leaf),
            None => Nested::list(inputs.to_vec()),
        };
        self.as_layer().call(inputs, &CallContext::inference())
    }
}
