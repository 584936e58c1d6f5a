//! Kernels of a plan: what a step computes, with its weights packed.

use std::fmt::Debug;

use crate::error::{Error, ErrorKind};
use crate::program::Operand;
use keras_serial_kernels::{Context, Error as KernelError, Result};

/// A kernel with its geometry and its weights: slices in, one slice out.
pub(super) trait Kernel: Debug + Send + Sync {
    /// Computes the result from the operands, in the order of [`Fused::operands`].
    fn run(&self, context: &Context<'_>, operands: &[&[f32]], out: &mut [f32]) -> Result<()>;

    /// Returns the bytes that packed weights take.
    fn bytes(&self) -> usize {
        0
    }

    /// Returns the name under which the step is printed.
    fn name(&self) -> &'static str;
}

/// A kernel that takes the place of one or more nodes.
pub(super) struct Fused {
    pub kernel: Box<dyn Kernel>,
    /// The values that it reads.
    pub operands: Vec<Operand>,
    /// The node whose result it gives.
    pub last: usize,
    /// The nodes that need not be computed for this result.
    pub inner: Vec<usize>,
}

impl Fused {
    /// Creates a kernel for one node.
    pub fn one(node: usize, kernel: impl Kernel + 'static, operands: impl Into<Vec<Operand>>) -> Self {
        Self { kernel: Box::new(kernel), operands: operands.into(), last: node, inner: Vec::new() }
    }
}

/// Returns an operand of a kernel.
pub(super) fn operand<'a>(operands: &[&'a [f32]], position: usize) -> Result<&'a [f32]> {
    operands.get(position).copied().ok_or(KernelError::Length {
        what: "the operands",
        expected: position + 1,
        received: operands.len(),
    })
}

/// Converts a kernel's error, which says that a plan is wrong.
pub(super) fn failed(error: KernelError) -> Error {
    Error::new(ErrorKind::Engine, "a kernel does not fit its operands").with_source(error)
}
