//! Convolution of `float32` on the CPU with channels last (im2col).
//!
//! Blocks of windows are copied to rows of a matrix (im2col), a block at a time so that it stays in the
//! cache, and multiplied with the kernel. Padding is not stored.

use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops};
use burn_backend::TensorMetadata;
use burn_flex::{Flex, FlexTensor};
use keras_serial_kernels::window::Axis;
use ndarray::{ArrayView2, ArrayViewMut2};
use rayon::prelude::*;

use super::gemm::multiply;
use super::{joined, numbers, plain, recorded, tensor, tracked, wrap, wrap_tracked};
use crate::tensor::engine::Raw;

/// The approximate number of elements of a block of windows.
const PIECE: usize = 1 << 16;

/// A convolution over up to three axes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub axes: [Axis; 3],
    pub inputs: usize,
    pub outputs: usize,
}

/// Convolves, and returns `(batch, …, outputs)` in the given shape; `None` if the kernel does not apply.
///
/// `x` is `(batch, …, inputs)`, `kernel` `(…window, inputs, outputs)`.
pub(crate) fn run(x: Raw, kernel: Raw, geometry: &Geometry, shape: &[usize]) -> Option<Raw> {
    if let (Some(input), Some(weight)) = (plain(&x), plain(&kernel)) {
        return Some(wrap(geometry.forward(input, weight, shape)?, &x));
    }
    // If only one operand tracks gradients, the other joins as a constant.
    let [x, kernel] = [x, kernel].map(joined);
    let (input, weight) = (tracked(&x)?, tracked(&kernel)?);
    let y = geometry.forward(input.primitive(), weight.primitive(), shape)?;
    let state = (*geometry, input.primitive().clone(), weight.primitive().clone());
    Some(wrap_tracked(recorded(Convolution, [input.node(), weight.node()], state, y), &x))
}

/// The backward step: gradients of the input and of the kernel.
#[derive(Debug)]
struct Convolution;

impl Backward<Flex, 2> for Convolution {
    type State = (Geometry, FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (geometry, x, kernel) = ops.state;
        let given = grads.consume::<Flex>(&ops.node).to_contiguous();
        let [input, weight] = ops.parents;
        if let Some(parent) = weight
            && let Some(gradient) = geometry.kernel_gradient(&x, &given, &kernel)
        {
            grads.register::<Flex>(parent.id, gradient);
        }
        if let Some(parent) = input
            && let Some(gradient) = geometry.input_gradient(&x, &given, &kernel)
        {
            grads.register::<Flex>(parent.id, gradient);
        }
    }
}

impl Geometry {
    /// Returns the number of elements of a window.
    fn width(&self) -> usize {
        self.axes.iter().map(|axis| axis.window).product::<usize>() * self.inputs
    }

    /// Returns the number of output positions of one image.
    fn positions(&self) -> usize {
        self.axes.iter().map(|axis| axis.output).product()
    }

    /// Returns the number of input positions of one image.
    fn places(&self) -> usize {
        self.axes.iter().map(|axis| axis.input).product()
    }

    /// Returns the number of windows in a block.
    fn rows(&self) -> usize {
        (PIECE / self.width().max(1)).clamp(16, 1024)
    }

    /// Returns true if each window is a single input position, so no copy is needed.
    fn is_pointwise(&self) -> bool {
        self.axes.iter().all(|axis| axis.window == 1 && axis.stride == 1 && axis.input == axis.output)
    }

    fn forward(&self, x: &FlexTensor, kernel: &FlexTensor, shape: &[usize]) -> Option<FlexTensor> {
        let (x, kernel) = (x.to_contiguous(), kernel.to_contiguous());
        let (x, kernel) = (numbers(&x)?, numbers(&kernel)?);
        let count = shape.iter().product::<usize>();
        let weight = ArrayView2::from_shape((self.width(), self.outputs), kernel).ok()?;
        if count == 0 || weight.is_empty() {
            return None;
        }
        let mut y = vec![0.0; count];
        let rows = self.rows();
        y.par_chunks_mut(rows * self.outputs).enumerate().for_each_init(Vec::new, |space, (piece, y)| {
            let count = y.len() / self.outputs;
            let windows = self.windows(x, piece * rows, count, space);
            if let (Ok(windows), Ok(mut y)) = (
                ArrayView2::from_shape((count, self.width()), windows),
                ArrayViewMut2::from_shape((count, self.outputs), y),
            ) {
                multiply(&windows, &weight, &mut y, false);
            }
        });
        Some(tensor(y, shape))
    }

    fn kernel_gradient(&self, x: &FlexTensor, given: &FlexTensor, kernel: &FlexTensor) -> Option<FlexTensor> {
        let x = x.to_contiguous();
        let (x, given) = (numbers(&x)?, numbers(given)?);
        let (width, rows) = (self.width(), self.rows());
        let nothing = || (vec![0.0f32; width * self.outputs], Vec::new());
        let add = |(mut sum, mut space): (Vec<f32>, Vec<f32>), (piece, given): (usize, &[f32])| {
            let count = given.len() / self.outputs;
            let windows = self.windows(x, piece * rows, count, &mut space);
            if let (Ok(windows), Ok(given), Ok(mut sum)) = (
                ArrayView2::from_shape((count, width), windows),
                ArrayView2::from_shape((count, self.outputs), given),
                ArrayViewMut2::from_shape((width, self.outputs), &mut sum),
            ) {
                multiply(&windows.t(), &given, &mut sum, true);
            }
            (sum, space)
        };
        let pieces = given.par_chunks(rows * self.outputs).enumerate();
        let (sum, _) = pieces.with_min_len(8).fold(nothing, add).reduce(nothing, |(mut a, space), (b, _)| {
            a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
            (a, space)
        });
        Some(tensor(sum, kernel.shape()))
    }

    fn input_gradient(&self, x: &FlexTensor, given: &FlexTensor, kernel: &FlexTensor) -> Option<FlexTensor> {
        let kernel = kernel.to_contiguous();
        let (given, kernel) = (numbers(given)?, numbers(&kernel)?);
        let (width, rows) = (self.width(), self.rows());
        let weight = ArrayView2::from_shape((width, self.outputs), kernel).ok()?;
        let (image, positions) = (self.places() * self.inputs, self.positions());
        let mut result = vec![0.0f32; x.shape().num_elements()];
        // Windows of one image overlap, so each image is processed by one thread.
        result.par_chunks_mut(image).zip(given.par_chunks(positions * self.outputs)).for_each_init(
            Vec::new,
            |space: &mut Vec<f32>, (result, given)| {
                for (piece, given) in given.chunks(rows * self.outputs).enumerate() {
                    let count = given.len() / self.outputs;
                    space.resize(count * width, 0.0);
                    if let (Ok(given), Ok(mut windows)) = (
                        ArrayView2::from_shape((count, self.outputs), given),
                        ArrayViewMut2::from_shape((count, width), space.as_mut_slice()),
                    ) {
                        multiply(&given, &weight.t(), &mut windows, false);
                    }
                    self.spread(result, piece * rows, space);
                }
            },
        );
        Some(tensor(result, x.shape()))
    }

    /// Returns windows as rows of a matrix (im2col): `count` of them from `first` on, counted over the whole
    /// batch.
    fn windows<'a>(&self, x: &'a [f32], first: usize, count: usize, space: &'a mut Vec<f32>) -> &'a [f32] {
        if self.is_pointwise() {
            return x.get(first * self.inputs..(first + count) * self.inputs).unwrap_or_default();
        }
        let (positions, image) = (self.positions(), self.places() * self.inputs);
        space.resize(count * self.width(), 0.0);
        for (row, window) in space.chunks_mut(self.width()).enumerate() {
            let (sample, position) = ((first + row) / positions, (first + row) % positions);
            let input = x.get(sample * image..(sample + 1) * image).unwrap_or_default();
            self.each_run(position, |place, run| {
                let Some(window) = window.get_mut(run) else { return };
                match place.and_then(|place| input.get(place..place + window.len())) {
                    Some(values) => window.copy_from_slice(values),
                    None => window.fill(0.0),
                }
            });
        }
        space
    }

    /// Adds windows from `first` on to the image that they come from (col2im).
    fn spread(&self, image: &mut [f32], first: usize, windows: &[f32]) {
        for (row, window) in windows.chunks(self.width()).enumerate() {
            self.each_run(first + row, |place, run| {
                let Some(window) = window.get(run) else { return };
                if let Some(values) = place.and_then(|place| image.get_mut(place..place + window.len())) {
                    values.iter_mut().zip(window).for_each(|(value, window)| *value += window);
                }
            });
        }
    }

    /// Visits the runs of a window that are contiguous in the input: their start in the input, or `None` in
    /// the padding, and their range in the window.
    fn each_run(&self, position: usize, mut run: impl FnMut(Option<usize>, std::ops::Range<usize>)) {
        let [depth, height, width] = &self.axes;
        let (plane, column) = (position / width.output, position % width.output);
        let (sheet, line) = (plane / height.output, plane % height.output);
        // Positions along the last axis are contiguous, unless the window is dilated or reaches into the
        // padding.
        let whole = width.dilation == 1
            && width.place(column, 0).is_some()
            && width.place(column, width.window.saturating_sub(1)).is_some();
        let mut at = 0;
        for a in 0..depth.window {
            for b in 0..height.window {
                let row = depth.place(sheet, a).zip(height.place(line, b)).map(|(a, b)| a * height.input + b);
                let mut emit = |element: usize, elements: usize| {
                    let place = row.zip(width.place(column, element));
                    let place = place.map(|(row, place)| (row * width.input + place) * self.inputs);
                    run(place, at..at + elements * self.inputs);
                    at += elements * self.inputs;
                };
                if whole {
                    emit(0, width.window);
                } else {
                    (0..width.window).for_each(|element| emit(element, 1));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::conv::{Padding, Window};
    use crate::ops::{self, Axes};
    use crate::program::primitives::Conv;
    use crate::tensor::Tensor;

    type Convolve = fn(&Conv, &Tensor, &Tensor) -> Tensor;

    fn numbers(shape: &[usize]) -> Tensor {
        let count: usize = shape.iter().product();
        Tensor::from_vec((0..count).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>(), shape).unwrap()
    }

    /// Returns the result and the gradients.
    fn all(convolve: Convolve, x: &[usize], kernel: &[usize], window: (usize, usize, Padding)) -> Vec<Vec<f32>> {
        let rank = x.len() - 2;
        let (x, weight) = (numbers(x).watched().unwrap(), numbers(kernel).watched().unwrap());
        let (strides, dilation, padding) = (vec![window.0; rank], vec![window.1; rank], window.2);
        let window = Window { size: &kernel[..rank], strides: &strides, dilation: &dilation, padding };
        let axes = (0..rank).map(|axis| window.steps(axis, x.shape().dim(axis as isize + 1).unwrap()));
        let y = convolve(&Conv { axes: axes.collect(), groups: 1 }, &x, &weight);
        let loss = ops::sum(&ops::multiply(&y, numbers(&y.shape().known().unwrap())).unwrap(), Axes::all(), false);
        let gradients = loss.unwrap().backward().unwrap();
        let list = |x: &Tensor| x.to_vec::<f32>().unwrap();
        vec![list(&y), list(&gradients.get(&x).unwrap()), list(&gradients.get(&weight).unwrap())]
    }

    #[test]
    fn agrees_with_the_engine() {
        let shapes: [(&[usize], &[usize]); 5] = [
            (&[2, 9, 3], &[3, 3, 4]),
            (&[3, 7, 8, 2], &[3, 2, 2, 5]),
            (&[2, 40, 40, 3], &[5, 5, 3, 2]),
            (&[2, 6, 6, 4], &[1, 1, 4, 3]),
            (&[1, 4, 5, 6, 2], &[2, 3, 2, 2, 3]),
        ];
        let windows = [
            (1, 1, Padding::Valid),
            (1, 1, Padding::Same),
            (2, 1, Padding::Same),
            (1, 2, Padding::Same),
            (2, 1, Padding::Valid),
        ];
        let ours: Convolve = |conv, x, kernel| conv.direct(x, kernel).unwrap().unwrap();
        let theirs: Convolve = |conv, x, kernel| conv.by_engine(x, kernel).unwrap();
        for (x, kernel) in shapes {
            for window in windows {
                let results = [ours, theirs].map(|convolve| all(convolve, x, kernel, window).concat());
                let [a, b] = &results;
                assert_eq!(a.len(), b.len(), "{x:?} {kernel:?} {window:?}");
                for (a, b) in a.iter().zip(b) {
                    assert!((a - b).abs() <= 1e-4 + 1e-4 * b.abs(), "{x:?} {kernel:?} {window:?}: {a} {b}");
                }
            }
        }
    }
}
