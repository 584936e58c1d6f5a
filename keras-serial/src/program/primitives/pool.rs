//! Max and average pooling of windows.

use burn_backend::ops::ModuleOps;

use super::window::{
    Steps, channels_first, channels_last, ints, lifted, padded, padding, with_channels_first, without_second,
};
use super::{Binary, Reshape, extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::onnx::{Call, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::cast::cast;
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Tensor};

/// The function that pooling applies to each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The largest element; padding counts as the lowest number.
    Max,
    /// The average of those elements that are not padding.
    Average,
}

/// The pooling of windows over one to three axes, channels last: input `(batch, …, channels)`. Windows are not
/// dilated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    pub pooling: Pooling,
    /// The size of the window along each axis.
    pub size: Vec<usize>,
    pub axes: Vec<Steps>,
}

impl Pool {
    /// Pools on the engine, without padding, with the channels first.
    fn valid(&self, x: &Tensor) -> Result<Tensor> {
        let stride = |axis: usize| self.axes.get(axis).map_or(1, |steps| steps.stride);
        match (self.size.as_slice(), x.shape().known()?.as_slice()) {
            (&[a], _) => without_second(&self.two(&lifted(x)?, [1, a], [1, stride(0)])?),
            (&[a, b], _) => self.two(x, [a, b], [stride(0), stride(1)]),
            // The last two axes, then the first one, with the other axes merged.
            (&[a, b, c], &[batch, channels, depth, height, width]) => {
                let sheets = Reshape([batch, channels * depth, height, width].into()).eval(&[x])?;
                let sheets = self.two(&sheets, [b, c], [stride(1), stride(2)])?;
                let &[.., height, width] = sheets.shape().known()?.as_slice() else { return Err(wrong_rank(x)) };
                let columns = Reshape([batch, channels, depth, height * width].into()).eval(&[&sheets])?;
                let columns = self.two(&columns, [a, 1], [stride(0), 1])?;
                let depth = columns.shape().dim(2)?;
                Reshape([batch, channels, depth, height, width].into()).eval(&[&columns])
            }
            _ => Err(wrong_rank(x)),
        }
    }

    fn two(&self, x: &Tensor, size: [usize; 2], strides: [usize; 2]) -> Result<Tensor> {
        let raw = match self.pooling {
            Pooling::Max => Engine::max_pool2d(x.raw()?, size, strides, [0, 0], [1, 1], false),
            Pooling::Average => Engine::avg_pool2d(x.raw()?, size, strides, [0, 0], true, false),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    /// Returns which share of each window lies inside an input of this shape, with channels last.
    fn share(&self, input: &[usize], output: &[usize]) -> Result<Tensor> {
        let mut shares = vec![1.0f32];
        let mut shape = vec![1];
        let extents = input.iter().zip(output).skip(1);
        for ((size, steps), (extent, results)) in self.size.iter().zip(&self.axes).zip(extents) {
            let along: Vec<f32> =
                (0..*results).map(|place| steps.inside(place, *size, *extent) as f32 / *size as f32).collect();
            shares = shares.iter().flat_map(|share| along.iter().map(move |part| share * part)).collect();
            shape.push(*results);
        }
        shape.push(1);
        Tensor::from_vec(shares, shape)
    }
}

fn wrong_rank(x: &Tensor) -> Error {
    Error::new(ErrorKind::Shape, "wrong rank for pooling").received(format!("shape {}", x.shape()))
}

impl Primitive for Pool {
    fn name(&self) -> &'static str {
        match self.pooling {
            Pooling::Max => "max_pool",
            Pooling::Average => "average_pool",
        }
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let of = |get: fn(&Steps) -> usize| format!("{:?}", self.axes.iter().map(get).collect::<Vec<_>>());
        vec![
            ("size", format!("{:?}", self.size)),
            ("strides", of(|steps| steps.stride)),
            ("before", of(|steps| steps.before)),
            ("after", of(|steps| steps.after)),
        ]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x] = exactly(operands)?;
        let input = extents(x);
        let [batch, spatial @ .., channels] = input.as_slice() else {
            return Err(Error::new(ErrorKind::Shape, "wrong rank for pooling").received(format!("shape {}", x.shape)));
        };
        let mut shape = vec![*batch];
        for ((extent, size), steps) in spatial.iter().zip(&self.size).zip(&self.axes) {
            shape.push(extent.map(|extent| steps.results(extent, *size)).transpose()?);
        }
        shape.push(*channels);
        Ok(shaped(x, shape))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x] = exactly(operands)?;
        let outside = match self.pooling {
            // The lowest finite number; half precision would overflow with that of `f32`.
            Pooling::Max if x.dtype() == DType::Float16 => -65504.0,
            Pooling::Max => f32::MIN,
            Pooling::Average => 0.0,
        };
        let mut framed = (*x).clone();
        for (axis, steps) in self.axes.iter().enumerate() {
            framed = padded(&framed, axis + 1, steps, outside)?;
        }
        let y = channels_last(&self.valid(&channels_first(&framed)?)?)?;
        let is_padded = self.axes.iter().any(|steps| steps.before + steps.after > 0);
        if self.pooling == Pooling::Max || !is_padded {
            return Ok(y);
        }
        let share = self.share(&x.shape().known()?, &y.shape().known()?)?;
        Binary::Div.eval(&[&y, &cast(&share, y.dtype())?])
    }

    fn operations(&self, _: &[Spec], result: &Spec) -> u64 {
        result.elements() * self.size.iter().product::<usize>() as u64
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x] = call.numbers()?;
        let name = match self.pooling {
            Pooling::Max => "MaxPool",
            Pooling::Average => "AveragePool",
        };
        let attributes = vec![
            ("kernel_shape", ints(self.size.iter().copied())),
            ("strides", ints(self.axes.iter().map(|steps| steps.stride))),
            padding(call, |pool: &Self| &pool.axes)?,
        ];
        with_channels_first(call, name, [x], attributes)
    }
}
