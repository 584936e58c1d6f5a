//! What a primitive sees of the graph when it is asked for its ONNX form.

use std::any::Any;

use super::build;
use super::extents::Extent;
use super::graph::{Attribute, Body, Graph, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::program::{Primitive, Program};
use crate::tensor::DType;

/// A node of a program that becomes operators of a graph.
pub struct Call<'a> {
    /// The graph, which grows.
    pub graph: &'a mut Graph,
    pub(super) operands: Vec<Value>,
    /// The dtypes of the operands in the program.
    pub(super) dtypes: Vec<DType>,
    pub(super) dtype: DType,
    pub(super) result: Vec<Extent>,
    /// The primitive in each of the programs.
    pub(super) primitives: Vec<&'a dyn Primitive>,
    /// Whether what differs between the programs was looked at.
    pub(super) asked: bool,
}

/// Returns the dtype in which the values of a dtype are kept: `bfloat16` as rounded `float32`, because few
/// operators take it.
pub(super) fn kept_as(dtype: DType) -> DType {
    if dtype == DType::BFloat16 { DType::Float32 } else { dtype }
}

/// Returns the dtype in which numbers of a dtype are computed with: most operators take few integer dtypes.
fn computed_as(dtype: DType) -> DType {
    match dtype {
        DType::Int8 | DType::Int16 | DType::UInt8 | DType::UInt16 | DType::Bool => DType::Int32,
        DType::UInt32 => DType::Int64,
        dtype => kept_as(dtype),
    }
}

impl Call<'_> {
    /// Returns all operands.
    pub fn all(&self) -> &[Value] {
        &self.operands
    }

    /// Returns the operands.
    ///
    /// # Errors
    /// If there are not `N`.
    pub fn operands<const N: usize>(&self) -> Result<[Value; N]> {
        self.operands.as_slice().try_into().map_err(|_| {
            Error::new(ErrorKind::InvalidArgument, "wrong number of operands")
                .expected(N.to_string())
                .received(self.operands.len().to_string())
        })
    }

    /// Returns the first operand.
    ///
    /// # Errors
    /// If there is none.
    pub fn first(&self) -> Result<Value> {
        let none = || Error::new(ErrorKind::InvalidArgument, "no operands").expected("at least one");
        self.operands.first().copied().ok_or_else(none)
    }

    /// Returns the operands in the dtype in which they are computed with.
    ///
    /// # Errors
    /// If there are not `N`.
    pub fn numbers<const N: usize>(&mut self) -> Result<[Value; N]> {
        let mut numbers = self.operands::<N>()?;
        for number in &mut numbers {
            *number = self.number(*number)?;
        }
        Ok(numbers)
    }

    /// Returns a value in the dtype in which it is computed with.
    ///
    /// # Errors
    /// If the cast can't be added.
    pub fn number(&mut self, value: Value) -> Result<Value> {
        self.graph.cast(value, computed_as(self.graph.dtype(value)))
    }

    /// Returns the result's dtype in the program.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Returns the dtype of the first operand in the program.
    pub fn operand_dtype(&self) -> DType {
        self.dtypes.first().copied().unwrap_or(self.dtype)
    }

    /// Returns the extents of a value.
    ///
    /// # Errors
    /// If the primitive has made the value itself.
    pub fn extents(&self, value: Value) -> Result<Vec<Extent>> {
        let extents = self.graph.extents(value).map(<[Extent]>::to_vec);
        extents.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "the shape of an inner value is not known"))
    }

    /// Returns the extents of the result.
    pub fn result(&mut self) -> Vec<Extent> {
        self.asked = true;
        self.result.clone()
    }

    /// Returns a number of the primitive, as it is in each of the programs.
    ///
    /// # Errors
    /// If the programs have other primitives here.
    pub fn each<P: Primitive>(&mut self, get: impl Fn(&P) -> Option<usize>) -> Result<Extent> {
        self.asked = true;
        let of = |primitive: &&dyn Primitive| {
            let primitive: &dyn Any = *primitive;
            primitive.downcast_ref::<P>().and_then(&get)
        };
        let values: Option<Vec<usize>> = self.primitives.iter().map(of).collect();
        values.map(Extent::new).ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "programs of different functions"))
    }

    /// Returns the body of a loop: the operators of a program that the primitive holds.
    ///
    /// # Errors
    /// If the programs have other primitives here, or a node of the body has no ONNX form.
    pub fn body<P: Primitive>(&mut self, get: impl Fn(&P) -> Option<&Program>) -> Result<Body> {
        self.asked = true;
        let mut programs = Vec::with_capacity(self.primitives.len());
        for primitive in &self.primitives {
            let primitive: &dyn Any = *primitive;
            let program = primitive.downcast_ref::<P>().and_then(&get);
            programs.push(
                program.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "programs of different functions"))?,
            );
        }
        build::body(self.graph, &programs)
    }

    /// Applies an element-wise operator without attributes to the operands; the result has their dtype, and then
    /// that of the program.
    ///
    /// # Errors
    /// If an operand can't be brought to its form.
    pub fn elementwise(&mut self, name: &'static str, inputs: &[Value]) -> Result<Value> {
        let dtype = inputs.first().map_or(self.dtype, |input| self.graph.dtype(*input));
        self.graph.elementwise(name, inputs, vec![], dtype)
    }

    /// Applies an element-wise operator whose result is a boolean.
    ///
    /// # Errors
    /// If an operand can't be brought to its form.
    pub fn test(&mut self, name: &'static str, inputs: &[Value]) -> Result<Value> {
        self.graph.elementwise(name, inputs, vec![], DType::Bool)
    }

    /// Applies an operator whose result has the dtype of its first input.
    ///
    /// # Errors
    /// If an operand can't be brought to its form.
    pub fn operator(
        &mut self,
        name: &'static str,
        inputs: &[Value],
        attributes: Vec<(&'static str, Attribute)>,
    ) -> Result<Value> {
        let dtype = inputs.first().map_or(self.dtype, |input| self.graph.dtype(*input));
        self.graph.operator(name, inputs, attributes, dtype)
    }

    /// Returns a number as a scalar of the dtype of a value.
    ///
    /// # Errors
    /// If the engine can't make it.
    pub fn scalar(&mut self, number: f64, like: Value) -> Result<Value> {
        let dtype = self.graph.dtype(like);
        self.graph.scalar(number, dtype)
    }

    /// Returns what was computed in the dtype of the program's result.
    ///
    /// # Errors
    /// If the cast can't be added.
    pub fn rounded(&mut self, value: Value) -> Result<Value> {
        if self.dtype == DType::BFloat16 {
            let rounded = self.graph.cast(value, DType::BFloat16)?;
            return self.graph.cast(rounded, DType::Float32);
        }
        self.graph.cast(value, self.dtype)
    }

    /// Returns the error of something without ONNX form.
    pub fn unsupported(&self, what: &'static str) -> Error {
        Error::new(ErrorKind::Unsupported, what)
    }

    /// Returns an error unless the operator set is at least this one.
    ///
    /// # Errors
    /// If it is not.
    pub fn needs_opset(&self, opset: i64, what: &'static str) -> Result<()> {
        if self.graph.opset() >= opset {
            return Ok(());
        }
        Err(self
            .unsupported(what)
            .expected(format!("opset {opset} or later"))
            .received(format!("opset {}", self.graph.opset()))
            .hint("`ExportOptions::opset`"))
    }
}

impl Graph {
    /// Converts a value to another dtype.
    ///
    /// # Errors
    /// If the value can't be brought to its form.
    pub fn cast(&mut self, value: Value, dtype: DType) -> Result<Value> {
        if self.dtype(value) == dtype {
            return Ok(value);
        }
        self.elementwise("Cast", &[value], vec![("to", Attribute::DType(dtype))], dtype)
    }
}
