//! The program of a model: what it computes, as data.

use super::Model;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::program::{Program, Spec};
use crate::tensor::{CallContext, DType, Nested, Shape};

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
        let specs: Vec<Spec> =
            shapes.iter().zip(dtypes).map(|(shape, dtype)| Spec { shape: shape.clone(), dtype }).collect();
        Program::trace(&specs, |inputs| {
            let inputs = match &structure {
                Some(structure) => structure.pack(inputs.to_vec())?,
                None if inputs.len() == 1 => inputs.first().cloned().map_or(Nested::None, Nested::Leaf),
                None => Nested::list(inputs.to_vec()),
            };
            self.as_layer().call(inputs, &CallContext::inference())
        })
        .at_with(|| self.name().to_owned())
    }
}
