//! Convolutions.

use burn_backend::ops::{ConvOptions, ConvTransposeOptions, ModuleOps};

use super::{Concat, Reshape, Transpose, extents, shaped};
use crate::error::{Error, ErrorKind, Result};
use crate::program::kernels::conv::{self as kernels, Axis, Geometry};
use crate::program::onnx::{Attribute, Call, Extent, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::engine::Engine;
use crate::tensor::{DType, Tensor};

/// How the window moves over one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub stride: usize,
    pub dilation: usize,
    /// Zeros before the input.
    pub before: usize,
    /// Zeros after the input.
    pub after: usize,
}

impl Steps {
    /// Returns how far a window of this size reaches.
    fn reach(self, window: usize) -> usize {
        window.saturating_sub(1) * self.dilation + 1
    }

    /// Returns the number of results.
    pub(crate) fn results(self, input: usize, window: usize) -> Result<usize> {
        match (input + self.before + self.after).checked_sub(self.reach(window)) {
            Some(room) => Ok(room / self.stride.max(1) + 1),
            None => Err(Error::new(ErrorKind::Shape, "Computed output size would be negative")
                .expected(format!("at least {} positions", self.reach(window)))
                .received(input.to_string())),
        }
    }
}

/// A convolution over one to three axes, channels last: input `(batch, …, inputs)`, kernel
/// `(…window, inputs / groups, outputs)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conv {
    pub axes: Vec<Steps>,
    pub groups: usize,
}

impl Conv {
    /// Returns the shape of the result.
    fn shape(&self, input: &[usize], kernel: &[usize]) -> Result<Vec<usize>> {
        let ([batch, spatial @ .., _], [window @ .., _, outputs]) = (input, kernel) else {
            return Err(wrong_rank(input));
        };
        let mut shape = vec![*batch];
        for ((extent, size), steps) in spatial.iter().zip(window).zip(&self.axes) {
            shape.push(steps.results(*extent, *size)?);
        }
        shape.push(*outputs);
        Ok(shape)
    }

    /// Convolves with the CPU kernel; `None` if it does not apply.
    pub(crate) fn direct(&self, x: &Tensor, kernel: &Tensor) -> Result<Option<Tensor>> {
        let (input, weight) = (x.shape().known()?, kernel.shape().known()?);
        let empty = |tensor: &Tensor| tensor.shape().num_elements() == Some(0);
        if self.groups != 1 || x.dtype() != DType::Float32 || empty(x) || empty(kernel) {
            return Ok(None);
        }
        let shape = self.shape(&input, &weight)?;
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
            x = padded(&x, axis + 1, steps.before, steps.after)?;
        }
        let order: Vec<usize> = [0, rank + 1].into_iter().chain(1..=rank).collect();
        let mut x = Transpose(order).eval(&[&x])?;
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
            _ => return Err(wrong_rank(&x.shape().known()?)),
        };
        let y = Tensor::from_raw(raw, x.dtype());
        let y = if rank == 1 { without_second(&y)? } else { y };
        Transpose([0].into_iter().chain(2..rank + 2).chain([1]).collect()).eval(&[&y])
    }
}

/// Adds zeros before and after an axis.
fn padded(x: &Tensor, axis: usize, before: usize, after: usize) -> Result<Tensor> {
    if before == 0 && after == 0 {
        return Ok(x.clone());
    }
    let zeros = |count: usize| -> Result<Option<Tensor>> {
        let mut shape = x.shape().known()?;
        *super::extent_mut(&mut shape, axis)? = count;
        let zeros = Tensor::from_vec(vec![0.0f32; shape.iter().product()], shape)?;
        if count == 0 { Ok(None) } else { crate::tensor::cast::cast(&zeros, x.dtype()).map(Some) }
    };
    let parts: Vec<Tensor> = zeros(before)?.into_iter().chain([x.clone()]).chain(zeros(after)?).collect();
    Concat(axis).eval(&parts.iter().collect::<Vec<_>>())
}

/// Adds an axis of extent 1 after the first two.
fn lifted(x: &Tensor) -> Result<Tensor> {
    let mut shape = x.shape().known()?;
    shape.insert(2.min(shape.len()), 1);
    Reshape(shape).eval(&[x])
}

/// Removes the axis that [`lifted`] added.
fn without_second(x: &Tensor) -> Result<Tensor> {
    let shape = x.shape().known()?;
    let kept = shape.iter().enumerate().filter(|(axis, _)| *axis != 2).map(|(_, extent)| *extent);
    Reshape(kept.collect()).eval(&[x])
}

impl Conv {
    /// Returns the padding as an attribute: numbers, or the word for that of Keras's `same`, where they depend on
    /// an unknown extent.
    fn padding(&self, call: &mut Call) -> Result<(&'static str, Attribute)> {
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for axis in 0..self.axes.len() {
            before.push(call.each(|conv: &Self| conv.axes.get(axis).map(|steps| steps.before))?);
            after.push(call.each(|conv: &Self| conv.axes.get(axis).map(|steps| steps.after))?);
        }
        let all: Option<Vec<usize>> = before.iter().chain(&after).map(Extent::known).collect();
        if let Some(all) = all {
            return Ok(("pads", ints(all.into_iter())));
        }
        let [x, _] = call.operands()?;
        let (from, to) = (call.extents(x)?, call.result());
        let spatial = from.iter().zip(&to).skip(1);
        let is_same = spatial.zip(&self.axes).zip(before.iter().zip(&after)).all(|(((from, to), steps), pads)| {
            *to == from.zip(from, |extent, _| extent.div_ceil(steps.stride.max(1)))
                && pads
                    .0
                    .values()
                    .iter()
                    .zip(pads.1.values())
                    .all(|(before, after)| (0..=1).contains(&after.wrapping_sub(*before)))
        });
        if is_same {
            return Ok(("auto_pad", Attribute::Text("SAME_UPPER")));
        }
        Err(call.unsupported("the padding depends on an unknown extent in a way that has no ONNX form"))
    }
}

fn ints(numbers: impl Iterator<Item = usize>) -> Attribute {
    Attribute::Ints(numbers.map(|number| number as i64).collect())
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
        Ok(shaped(x, self.shape(&extents(x)?, &extents(kernel)?)?))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, kernel] = exactly(operands)?;
        match self.direct(x, kernel)? {
            Some(y) => Ok(y),
            None => self.by_engine(x, kernel),
        }
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, kernel] = call.numbers()?;
        let rank = self.axes.len();
        let mut attributes = vec![
            ("strides", ints(self.axes.iter().map(|steps| steps.stride))),
            ("dilations", ints(self.axes.iter().map(|steps| steps.dilation))),
            ("group", Attribute::Int(self.groups as i64)),
        ];
        attributes.push(self.padding(call)?);
        let first: Vec<usize> = [0, rank + 1].into_iter().chain(1..=rank).collect();
        let x = call.graph.transposed(x, &first);
        let order: Vec<usize> = [rank + 1, rank].into_iter().chain(0..rank).collect();
        let kernel = call.graph.transposed(kernel, &order);
        let value = call.operator("Conv", &[x, kernel], attributes)?;
        let last: Vec<usize> = [0].into_iter().chain(2..rank + 2).chain([1]).collect();
        let value = call.graph.transposed(value, &last);
        call.rounded(value)
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
        let (input, kernel) = (extents(x)?, extents(kernel)?);
        let ([batch, _, spatial @ ..], [_, outputs, window @ ..]) = (input.as_slice(), kernel.as_slice()) else {
            return Err(wrong_rank(&input));
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
            _ => return Err(wrong_rank(&x.shape().known()?)),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, kernel] = call.numbers()?;
        let attributes =
            vec![("strides", ints(self.strides.iter().copied())), ("dilations", ints(self.dilation.iter().copied()))];
        let value = call.operator("ConvTranspose", &[x, kernel], attributes)?;
        call.rounded(value)
    }
}

fn wrong_rank(x: &[usize]) -> Error {
    Error::new(ErrorKind::Shape, "wrong rank for a convolution").received(format!("shape {x:?}"))
}
