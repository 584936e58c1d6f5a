//! The steps of a plan: fused kernels, and primitives on the engine.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::kernels::{self, Context, conv, depthwise, gemm, pool2d, winograd};
use crate::program::Primitive;
use crate::tensor::{Shape, Tensor};

/// What a step computes.
#[derive(Debug)]
pub(super) enum Work {
    /// A primitive on the engine.
    Engine(Arc<dyn Primitive>),
    /// A convolution, with what follows it.
    Conv(conv::Conv),
    /// A 3×3 convolution by Winograd's transform, with what follows it.
    Winograd(winograd::Winograd),
    /// A depthwise convolution, with what follows it.
    Depthwise(depthwise::Depthwise),
    /// A product with a constant matrix, with what follows it.
    Dense(gemm::Dense),
    /// The average over all positions of each channel.
    GlobalAverage { positions: usize, channels: usize },
}

impl Work {
    /// Computes the result of a shape from the operands; the second one of a kernel is the residual.
    pub(super) fn run(&self, context: &Context<'_>, operands: &[&Tensor], shape: &Shape) -> Result<Tensor> {
        if let Self::Engine(primitive) = self {
            return primitive.eval(operands);
        }
        let missing = || Error::new(ErrorKind::InvalidArgument, "a step without operand");
        let (x, residual) = (operands.first().ok_or_else(missing)?, operands.get(1));
        let count = shape.num_elements().ok_or_else(missing)?;
        let mut out = vec![0.0f32; count];
        match residual {
            None => x.with_elements(|x: &[f32]| self.compute(context, x, None, &mut out))??,
            Some(residual) => residual.with_elements(|residual: &[f32]| {
                x.with_elements(|x: &[f32]| self.compute(context, x, Some(residual), &mut out))
            })???,
        }
        Tensor::from_vec(out, shape)
    }

    fn compute(&self, context: &Context<'_>, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> Result<()> {
        let done: kernels::Result<()> = match self {
            Self::Engine(_) => Ok(()),
            Self::Conv(kernel) => kernel.run(context, x, residual, out),
            Self::Winograd(kernel) => kernel.run(context, x, residual, out),
            Self::Depthwise(kernel) => kernel.run(context, x, residual, out),
            Self::Dense(kernel) => kernel.run(context, x, residual, out),
            Self::GlobalAverage { positions, channels } => {
                pool2d::global(context, pool2d::Kind::Average, x, *positions, *channels, out)
            }
        };
        done.map_err(failed)
    }
}

/// Converts a kernel's error, which says that a plan is wrong.
pub(super) fn failed(error: kernels::Error) -> Error {
    Error::new(ErrorKind::Engine, "a kernel does not fit its operands").with_source(error)
}
