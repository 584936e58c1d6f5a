//! Convolutions.

use burn_backend::ops::{ConvOptions, ConvTransposeOptions, ModuleOps};

use super::shaped;
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::conv::{self as kernels, Geometry};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Tensor};

/// A convolution with channels last, of `float32` and one group: input `(batch, …, channels)`, kernel
/// `(…window, inputs, outputs)`.
#[derive(Clone, Debug)]
pub(crate) struct DirectConv {
    pub geometry: Geometry,
    /// The shape of the result.
    pub shape: Vec<usize>,
}

impl DirectConv {
    /// Returns true if the kernel can take the tensors.
    pub(crate) fn applies(x: &Tensor, groups: usize) -> bool {
        groups == 1 && x.dtype() == DType::Float32
    }
}

impl Primitive for DirectConv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let axes = self.geometry.axes.iter().filter(|axis| **axis != kernels::Axis::NONE);
        let of = |get: fn(&kernels::Axis) -> usize| format!("{:?}", axes.clone().map(get).collect::<Vec<_>>());
        vec![
            ("strides", of(|axis| axis.stride)),
            ("dilation", of(|axis| axis.dilation)),
            ("before", of(|axis| axis.before)),
        ]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, _] = exactly(operands)?;
        Ok(shaped(x, self.shape.clone()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, kernel] = exactly(operands)?;
        let raw = kernels::run(x.raw()?, kernel.raw()?, &self.geometry, &self.shape).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the convolution runs on the CPU, in float32").received(x.dtype().name())
        })?;
        Ok(Tensor::from_raw(raw, x.dtype()))
    }
}

/// A convolution with channels first, without padding, over two or three axes: input `(batch, channels, …)`,
/// kernel `(outputs, inputs / groups, …window)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conv {
    pub strides: Vec<usize>,
    pub dilation: Vec<usize>,
    pub groups: usize,
}

impl Primitive for Conv {
    fn name(&self) -> &'static str {
        "conv_channels_first"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("strides", format!("{:?}", self.strides)),
            ("dilation", format!("{:?}", self.dilation)),
            ("groups", self.groups.to_string()),
        ]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, kernel] = exactly(operands)?;
        let (input, kernel) = (super::extents(x)?, super::extents(kernel)?);
        let ([batch, _, spatial @ ..], [outputs, _, window @ ..]) = (input.as_slice(), kernel.as_slice()) else {
            return Err(wrong_rank(x));
        };
        let mut shape = vec![*batch, *outputs];
        let steps = self.strides.iter().zip(&self.dilation);
        for ((extent, size), (stride, dilation)) in spatial.iter().zip(window).zip(steps) {
            shape.push((extent.saturating_sub(size.saturating_sub(1) * dilation + 1)) / (*stride).max(1) + 1);
        }
        Ok(shaped(x, shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, kernel] = exactly(operands)?;
        let (raw, weight) = (x.raw()?, kernel.raw()?);
        let raw = match (self.strides.as_slice(), self.dilation.as_slice()) {
            (&[a, b, c], &[d, e, f]) => {
                let options = ConvOptions::new_with_padding([a, b, c], [(0, 0); 3], [d, e, f], self.groups);
                Engine::conv3d(raw, weight, None, options)
            }
            (&[a, b], &[d, e]) => {
                let options = ConvOptions::new_with_padding([a, b], [(0, 0); 2], [d, e], self.groups);
                Engine::conv2d(raw, weight, None, options)
            }
            _ => return Err(wrong_rank(&Spec::of(x))),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }
}

/// The transpose of a convolution with channels first, over two or three axes, uncropped: input
/// `(batch, channels, …)`, kernel `(inputs, outputs, …window)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConvTranspose {
    pub strides: Vec<usize>,
    pub dilation: Vec<usize>,
}

impl Primitive for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![("strides", format!("{:?}", self.strides)), ("dilation", format!("{:?}", self.dilation))]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, kernel] = exactly(operands)?;
        let (input, kernel) = (super::extents(x)?, super::extents(kernel)?);
        let ([batch, _, spatial @ ..], [_, outputs, window @ ..]) = (input.as_slice(), kernel.as_slice()) else {
            return Err(wrong_rank(x));
        };
        let mut shape = vec![*batch, *outputs];
        let steps = self.strides.iter().zip(&self.dilation);
        for ((extent, size), (stride, dilation)) in spatial.iter().zip(window).zip(steps) {
            shape.push(extent.saturating_sub(1) * stride + size.saturating_sub(1) * dilation + 1);
        }
        Ok(shaped(x, shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, kernel] = exactly(operands)?;
        let (raw, weight) = (x.raw()?, kernel.raw()?);
        let raw = match (self.strides.as_slice(), self.dilation.as_slice()) {
            (&[a, b, c], &[d, e, f]) => {
                let options = ConvTransposeOptions::new([a, b, c], [0; 3], [0; 3], [d, e, f], 1);
                Engine::conv_transpose3d(raw, weight, None, options)
            }
            (&[a, b], &[d, e]) => {
                let options = ConvTransposeOptions::new([a, b], [0; 2], [0; 2], [d, e], 1);
                Engine::conv_transpose2d(raw, weight, None, options)
            }
            _ => return Err(wrong_rank(&Spec::of(x))),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }
}

fn wrong_rank(x: &Spec) -> Error {
    Error::new(ErrorKind::Shape, "wrong rank for a convolution").received(format!("shape {}", x.shape))
}
