//! Max and average pooling of two axes.

use burn_backend::ops::ModuleOps;

use super::{extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// The function that pooling applies to each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Max,
    Average,
}

/// The pooling of windows with channels first, without padding: input `(batch, channels, height, width)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub pooling: Pooling,
    pub size: [usize; 2],
    pub strides: [usize; 2],
}

impl Primitive for Pool {
    fn name(&self) -> &'static str {
        match self.pooling {
            Pooling::Max => "max_pool",
            Pooling::Average => "average_pool",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("size", format!("{:?}", self.size)), ("strides", format!("{:?}", self.strides))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        let [batch, channels, height, width] = *extents(x)?.as_slice() else {
            return Err(Error::new(ErrorKind::Shape, "wrong rank").received(format!("shape {}", x.shape)));
        };
        let [rows, columns] = self.size;
        let [down, right] = self.strides;
        let results = |extent: usize, size: usize, stride: usize| extent.saturating_sub(size) / stride.max(1) + 1;
        Ok(shaped(x, vec![batch, channels, results(height, rows, down), results(width, columns, right)]))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let raw = x.raw()?;
        let raw = match self.pooling {
            Pooling::Max => Engine::max_pool2d(raw, self.size, self.strides, [0, 0], [1, 1], false),
            Pooling::Average => Engine::avg_pool2d(raw, self.size, self.strides, [0, 0], true, false),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }
}
