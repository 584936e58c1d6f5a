//! Convolutions.

use burn_backend::ops::{ConvOptions, ModuleOps};
use keras_serial_kernels::window::Axis;

use super::window::{
    Steps, channels_first, channels_last, ints, lifted, padded, padding, with_channels_first, without_second,
};
use super::{Transpose, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::conv::{self as kernels, Geometry};
use crate::program::onnx::{Attribute, Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Shape, Tensor};

/// A convolution over one to three axes, channels last: input `(batch, …, inputs)`, kernel
/// `(…window, inputs / groups, outputs)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conv {
    pub axes: Vec<Steps>,
    pub groups: usize,
}

impl Conv {
    /// Returns the shape of the result.
    fn shape(&self, x: &Shape, kernel: &Shape) -> Result<Shape> {
        let ([batch, spatial @ .., _], [window @ .., _, outputs]) = (x.dims(), kernel.dims()) else {
            return Err(wrong_rank(x));
        };
        let mut shape = vec![*batch];
        for ((extent, size), steps) in spatial.iter().zip(window).zip(&self.axes) {
            let results = extent.zip(*size).map(|(extent, size)| steps.results(extent, size));
            shape.push(results.transpose()?);
        }
        shape.push(*outputs);
        Ok(shape.into())
    }

    /// Convolves with the CPU kernel; `None` if it does not apply.
    pub(crate) fn direct(&self, x: &Tensor, kernel: &Tensor) -> Result<Option<Tensor>> {
        let (input, weight) = (x.shape().known()?, kernel.shape().known()?);
        let empty = |tensor: &Tensor| tensor.shape().num_elements() == Some(0);
        if self.groups != 1 || x.dtype() != DType::Float32 || empty(x) || empty(kernel) {
            return Ok(None);
        }
        let shape = self.shape(x.shape(), kernel.shape())?.known()?;
        let ([_, spatial @ .., inputs], [window @ .., _, outputs]) = (input.as_slice(), weight.as_slice()) else {
            return Ok(None);
        };
        let mut axes = [Axis::NONE; 3];
        let places = axes.iter_mut().skip(3usize.saturating_sub(spatial.len()));
        let results = shape.iter().skip(1);
        for ((((place, input), window), steps), output) in places.zip(spatial).zip(window).zip(&self.axes).zip(results)
        {
            let Steps { stride, dilation, before, .. } = *steps;
            *place = Axis { input: *input, output: *output, window: *window, stride, dilation, before };
        }
        let geometry = Geometry { axes, inputs: *inputs, outputs: *outputs };
        let result = kernels::run(x.raw()?, kernel.raw()?, &geometry, &shape);
        Ok(result.map(|raw| Tensor::from_raw(raw, x.dtype())))
    }

    /// Convolves on the engine, which has the channels first and at least two axes.
    pub(crate) fn by_engine(&self, x: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        let rank = self.axes.len();
        let mut x = x.clone();
        for (axis, steps) in self.axes.iter().enumerate() {
            x = padded(&x, axis + 1, steps, 0.0)?;
        }
        let mut x = channels_first(&x)?;
        let order: Vec<usize> = [rank + 1, rank].into_iter().chain(0..rank).collect();
        let mut kernel = Transpose(order).eval(&[kernel])?;
        let mut axes = self.axes.clone();
        if rank == 1 {
            (x, kernel) = (lifted(&x)?, lifted(&kernel)?);
            axes.insert(0, Steps { stride: 1, dilation: 1, before: 0, after: 0 });
        }
        let (strides, dilation): (Vec<usize>, Vec<usize>) =
            axes.iter().map(|steps| (steps.stride, steps.dilation)).unzip();
        let (raw, weight) = (x.raw()?, kernel.raw()?);
        let raw = match (strides.as_slice(), dilation.as_slice()) {
            (&[a, b, c], &[d, e, f]) => {
                let options = ConvOptions::new_with_padding([a, b, c], [(0, 0); 3], [d, e, f], self.groups);
                Engine::conv3d(raw, weight, None, options)
            }
            (&[a, b], &[d, e]) => {
                let options = ConvOptions::new_with_padding([a, b], [(0, 0); 2], [d, e], self.groups);
                Engine::conv2d(raw, weight, None, options)
            }
            _ => return Err(wrong_rank(x.shape())),
        };
        let y = Tensor::from_raw(raw, x.dtype());
        let y = if rank == 1 { without_second(&y)? } else { y };
        channels_last(&y)
    }
}

impl Primitive for Conv {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let of = |get: fn(&Steps) -> usize| format!("{:?}", self.axes.iter().map(get).collect::<Vec<_>>());
        let mut attributes = vec![
            ("strides", of(|steps| steps.stride)),
            ("before", of(|steps| steps.before)),
            ("after", of(|steps| steps.after)),
        ];
        if self.axes.iter().any(|steps| steps.dilation != 1) {
            attributes.push(("dilation", of(|steps| steps.dilation)));
        }
        if self.groups != 1 {
            attributes.push(("groups", self.groups.to_string()));
        }
        attributes
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, kernel] = exactly(operands)?;
        Ok(shaped(x, self.shape(&x.shape, &kernel.shape)?))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, kernel] = exactly(operands)?;
        match self.direct(x, kernel)? {
            Some(y) => Ok(y),
            None => self.by_engine(x, kernel),
        }
    }

    fn operations(&self, operands: &[Spec], result: &Spec) -> u64 {
        // For each output channel, a window over the input channels of its group.
        let kernel = operands.get(1).map_or(0, Spec::elements);
        let outputs = result.shape.last().unwrap_or(1).max(1) as u64;
        2 * result.elements() * (kernel / outputs)
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, kernel] = call.numbers()?;
        let rank = self.axes.len();
        let mut attributes = vec![
            ("strides", ints(self.axes.iter().map(|steps| steps.stride))),
            ("dilations", ints(self.axes.iter().map(|steps| steps.dilation))),
            ("group", Attribute::Int(self.groups as i64)),
        ];
        attributes.push(padding(call, |conv: &Self| &conv.axes)?);
        let order: Vec<usize> = [rank + 1, rank].into_iter().chain(0..rank).collect();
        let kernel = call.graph.transposed(kernel, &order);
        with_channels_first(call, "Conv", [x, kernel], attributes)
    }
}

pub(super) fn wrong_rank(x: &Shape) -> Error {
    Error::new(ErrorKind::Shape, "wrong rank for a convolution").received(format!("shape {x}"))
}
