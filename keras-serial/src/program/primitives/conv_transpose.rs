//! Transposed convolutions.

use burn_backend::ops::{ConvTransposeOptions, ModuleOps};

use super::conv::wrong_rank;
use super::window::{Steps, channels_first, channels_last, ints, lifted, padded, with_channels_first, without_second};
use super::{Range, Slice, Transpose, shaped};
use crate::error::Result;
use crate::program::onnx::{Call, Extent, Value};
use crate::program::primitive::{Primitive, Spec, exactly};
use crate::tensor::Tensor;
use crate::tensor::engine::Engine;

/// How a transposed convolution spreads the input over one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spread {
    pub stride: usize,
    pub dilation: usize,
    /// Positions of the whole result that are cut off at its start.
    pub cropped: usize,
    /// The number of results; zeros where the whole result ends before. Unknown on an axis of unknown extent.
    pub results: usize,
}

/// The transpose of a convolution over one to three axes, channels last: input `(batch, …, inputs)`, kernel
/// `(…window, outputs, inputs)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConvTranspose(pub Vec<Spread>);

impl ConvTranspose {
    /// Computes the whole result on the engine, with the channels first.
    fn whole(&self, x: &Tensor, kernel: &Tensor) -> Result<Tensor> {
        let (strides, dilation): (Vec<usize>, Vec<usize>) =
            self.0.iter().map(|spread| (spread.stride, spread.dilation)).unzip();
        let raw = match (strides.as_slice(), dilation.as_slice()) {
            (&[a, b, c], &[d, e, f]) => {
                let options = ConvTransposeOptions::new([a, b, c], [0; 3], [0; 3], [d, e, f], 1);
                Engine::conv_transpose3d(x.raw()?, kernel.raw()?, None, options)
            }
            (&[a, b], &[d, e]) => {
                let options = ConvTransposeOptions::new([a, b], [0; 2], [0; 2], [d, e], 1);
                Engine::conv_transpose2d(x.raw()?, kernel.raw()?, None, options)
            }
            (&[a], &[d]) => {
                let options = ConvTransposeOptions::new([1, a], [0; 2], [0; 2], [1, d], 1);
                let raw = Engine::conv_transpose2d(lifted(x)?.raw()?, lifted(kernel)?.raw()?, None, options);
                return without_second(&Tensor::from_raw(raw, x.dtype()));
            }
            _ => return Err(wrong_rank(x.shape())),
        };
        Ok(Tensor::from_raw(raw, x.dtype()))
    }
}

impl Primitive for ConvTranspose {
    fn name(&self) -> &'static str {
        "conv_transpose"
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let of = |get: fn(&Spread) -> usize| format!("{:?}", self.0.iter().map(get).collect::<Vec<_>>());
        vec![
            ("strides", of(|spread| spread.stride)),
            ("dilation", of(|spread| spread.dilation)),
            ("cropped", of(|spread| spread.cropped)),
            ("results", of(|spread| spread.results)),
        ]
    }

    fn infer(&self, operands: &[Spec]) -> Result<Spec> {
        let [x, kernel] = exactly(operands)?;
        let ([batch, spatial @ .., _], [.., outputs, _]) = (x.shape.dims(), kernel.shape.dims()) else {
            return Err(wrong_rank(&x.shape));
        };
        if spatial.len() != self.0.len() {
            return Err(wrong_rank(&x.shape));
        }
        let spatial = spatial.iter().zip(&self.0).map(|(extent, spread)| extent.map(|_| spread.results));
        Ok(shaped(x, [*batch].into_iter().chain(spatial).chain([*outputs]).collect::<Vec<_>>()))
    }

    fn eval(&self, operands: &[&Tensor]) -> Result<Tensor> {
        let [x, kernel] = exactly(operands)?;
        let rank = self.0.len();
        let order: Vec<usize> = [rank + 1, rank].into_iter().chain(0..rank).collect();
        let whole = self.whole(&channels_first(x)?, &Transpose(order).eval(&[kernel])?)?;
        let mut y = channels_last(&whole)?;
        let mut ranges: Vec<Range> =
            y.shape().known()?.into_iter().map(|count| Range { start: 0, count, step: 1 }).collect();
        for (range, spread) in ranges.iter_mut().skip(1).zip(&self.0) {
            range.start = spread.cropped.min(range.count);
            range.count = spread.results.min(range.count - range.start);
        }
        y = Slice(ranges).eval(&[&y])?;
        for (axis, spread) in self.0.iter().enumerate() {
            let after = spread.results.saturating_sub(y.shape().dim(axis as isize + 1)?);
            y = padded(&y, axis + 1, &Steps { stride: 1, dilation: 1, before: 0, after }, 0.0)?;
        }
        Ok(y)
    }

    fn operations(&self, operands: &[Spec], _: &Spec) -> u64 {
        let kernel = operands.get(1).map_or(0, Spec::elements);
        let inputs = operands.first().and_then(|x| x.shape.last().ok()).unwrap_or(1).max(1) as u64;
        2 * operands.first().map_or(0, Spec::elements) * (kernel / inputs)
    }

    fn onnx(&self, call: &mut Call) -> Result<Value> {
        let [x, kernel] = call.numbers()?;
        let (from, to, window) = (call.extents(x)?, call.result(), call.extents(kernel)?);
        let (mut start, mut end, mut zeros) = (Vec::new(), Vec::new(), Vec::new());
        let axes = from.iter().zip(&to).skip(1).zip(&window).zip(&self.0);
        for (axis, (((from, to), window), spread)) in axes.enumerate() {
            let cropped = call.each(|transpose: &Self| transpose.0.get(axis).map(|spread| spread.cropped))?;
            let whole = from.zip(window, |extent, window| {
                extent.saturating_sub(1) * spread.stride + window.saturating_sub(1) * spread.dilation + 1
            });
            let rest = whole.zip(&cropped, usize::saturating_sub);
            start.push(cropped);
            end.push(rest.zip(to, usize::saturating_sub));
            zeros.push(to.zip(&rest, usize::saturating_sub));
        }
        let known = |extents: &[Extent]| extents.iter().map(Extent::known).collect::<Option<Vec<usize>>>();
        let (Some(start), Some(end), Some(zeros)) = (known(&start), known(&end), known(&zeros)) else {
            return Err(call.unsupported("what is cut off depends on an unknown extent"));
        };
        if zeros.iter().zip(&self.0).any(|(zeros, spread)| *zeros >= spread.stride.max(spread.dilation)) {
            return Err(call.unsupported("ONNX adds fewer zeros than a stride to a transposed convolution"));
        }
        let attributes = vec![
            ("strides", ints(self.0.iter().map(|spread| spread.stride))),
            ("dilations", ints(self.0.iter().map(|spread| spread.dilation))),
            ("pads", ints(start.into_iter().chain(end))),
            ("output_padding", ints(zeros.into_iter())),
        ];
        let rank = self.0.len();
        let order: Vec<usize> = [rank + 1, rank].into_iter().chain(0..rank).collect();
        let kernel = call.graph.transposed(kernel, &order);
        with_channels_first(call, "ConvTranspose", [x, kernel], attributes)
    }
}
