//! Depthwise convolution: every channel has its own windows, with no sum over channels.
//!
//! Vectors run along the channels. In the usual cases (one output per channel; windows of three, five or
//! seven columns; strides of one or two) some neighbouring outputs are summed at once in registers, and
//! every input is loaded once for all of them. What lies in the padding is not loaded.
#![allow(unsafe_code)]

use super::conv::Geometry;
use super::epilogue::{Activation, Epilogue};
use super::error::{Result, check, check_length, count};
use super::region::{self, Grid, Region};
use super::simd::{Kernel, Simd};
use super::{Context, Level};

/// Cache lines of the input that a pass over one vector of channels touches, about.
const STRIP_LINES: usize = 96;

/// Rows of a window at most, depth times height, that are kept in a list.
const ROWS: usize = 16;

/// A depthwise convolution, `activation(conv(x) + bias + residual)`.
#[derive(Clone, Debug)]
pub struct Depthwise {
    geometry: Geometry,
    multiplier: usize,
    /// `[window][outputs]`, the outputs of a channel side by side.
    weights: Vec<f32>,
    bias: Option<Vec<f32>>,
    activation: Activation,
}

impl Depthwise {
    /// A convolution of weights `[depth][height][width][channels][multiplier]`.
    ///
    /// The geometry has the channels as `inputs`, and `channels · multiplier` as `outputs`; its groups
    /// are not read.
    pub fn new(geometry: Geometry, weights: &[f32], bias: Option<&[f32]>, activation: Activation) -> Result<Self> {
        let geometry = Geometry { groups: 1, ..geometry };
        geometry.check()?;
        check(geometry.inputs > 0, "there is at least one channel")?;
        check(geometry.outputs.is_multiple_of(geometry.inputs), "outputs are a multiple of the channels")?;
        let [depth, height, width] = geometry.axes.map(|axis| axis.window);
        check_length("the weights", count(&[depth, height, width, geometry.outputs])?, weights)?;
        Epilogue { bias, ..Epilogue::default() }.check(geometry.outputs, 0)?;
        let multiplier = geometry.outputs / geometry.inputs;
        let bias = bias.map(<[f32]>::to_vec);
        Ok(Self { geometry, multiplier, weights: weights.to_vec(), bias, activation })
    }

    /// The bytes that the weights take.
    pub fn bytes(&self) -> usize {
        size_of_val(self.weights.as_slice())
    }

    /// Convolves the images of `x` into `out`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> Result<()> {
        let Geometry { axes: [depth, height, width], outputs, .. } = self.geometry;
        let batch = self.geometry.batch(x, out)?;
        let epilogue = Epilogue { bias: self.bias.as_deref(), residual, activation: self.activation };
        epilogue.check(outputs, out.len())?;
        if out.is_empty() {
            return Ok(());
        }
        let taps = depth.window * height.window * width.window;
        let pool = context.pool_for(out.len().saturating_mul(taps));
        let images = batch * depth.output;
        let bands = (2 * pool.threads()).div_ceil(images).min(height.output);
        let block_rows = height.output.div_ceil(if pool.threads() == 1 { 1 } else { bands }) * width.output;
        let image_rows = height.output * width.output;
        let grid = Grid { images, image_rows, block_rows, columns: outputs, block_columns: outputs };
        region::for_each(pool, out, &grid, &|out| self.task(context.level, x, &epilogue, out));
        Ok(())
    }

    fn task(&self, level: Level, x: &[f32], epilogue: &Epilogue<'_>, out: Region<'_>) {
        let Geometry { axes: [depth, height, width], inputs, .. } = self.geometry;
        let first = out.rows().start / width.output;
        let sheet = first / height.output;
        let (image, sheet) = (sheet / depth.output, sheet % depth.output);
        let size = depth.input * height.input * width.input * inputs;
        let image = &x[image * size..(image + 1) * size];
        let bounds = epilogue.activation.bounds().filter(|_| epilogue.residual.is_none());
        let bounds = bounds.unwrap_or((f32::NEG_INFINITY, f32::INFINITY));
        level.run(Band { kernel: self, image, sheet, epilogue, bounds, out });
    }
}

/// The rows of a window that lie inside the image: their places in the image and in the weights.
struct Rows {
    count: usize,
    places: [(usize, usize); ROWS],
}

/// Some whole rows of one sheet of an output.
struct Band<'a, 'b> {
    kernel: &'a Depthwise,
    image: &'a [f32],
    sheet: usize,
    epilogue: &'a Epilogue<'b>,
    /// The bounds of an activation that is nothing but a clip, where no residual comes before it.
    bounds: (f32, f32),
    out: Region<'a>,
}

impl Kernel for Band<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let [_, height, width] = self.kernel.geometry.axes;
        let rows = self.out.rows();
        for line in rows.start / width.output..rows.end / width.output {
            let row = line % height.output;
            let is_finished = match self.kernel.multiplier {
                1 => self.row(s, row, line) && self.epilogue.residual.is_none(),
                _ => self.multiplied(row, line),
            };
            if is_finished && self.epilogue.activation.bounds().is_some() {
                continue;
            }
            for pixel in line * width.output..(line + 1) * width.output {
                self.finish(s, pixel);
            }
        }
    }
}

impl Band<'_, '_> {
    /// The place in the image of the row under a window's row; `None` in the padding.
    #[inline(always)]
    fn line(&self, row: usize, z: usize, y: usize) -> Option<usize> {
        let Geometry { axes: [depth, height, width], inputs, .. } = &self.kernel.geometry;
        let (z, y) = (depth.place(self.sheet, z)?, height.place(row, y)?);
        Some((z * height.input + y) * width.input * inputs)
    }

    /// One row of outputs with as many channels as inputs. Returns whether it is clipped already.
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, row: usize, line: usize) -> bool {
        let Geometry { axes: [depth, height, width], outputs, .. } = self.kernel.geometry;
        let is_usual = outputs >= S::LANES && width.dilation == 1 && width.input > 0;
        if !is_usual || depth.window * height.window > ROWS {
            return self.any(s, row, line);
        }
        let mut rows = Rows { count: 0, places: [(0, 0); ROWS] };
        for z in 0..depth.window {
            for y in 0..height.window {
                if let Some(place) = self.line(row, z, y) {
                    rows.places[rows.count] = (place, (z * height.window + y) * width.window * outputs);
                    rows.count += 1;
                }
            }
        }
        match (width.window, width.stride) {
            (3, 1) => self.vectors::<S, 3, 1>(s, &rows, line),
            (3, 2) => self.vectors::<S, 3, 2>(s, &rows, line),
            (5, 1) => self.vectors::<S, 5, 1>(s, &rows, line),
            (5, 2) => self.vectors::<S, 5, 2>(s, &rows, line),
            (7, 1) => self.vectors::<S, 7, 1>(s, &rows, line),
            _ => return self.any(s, row, line),
        }
        true
    }

    /// One row of outputs, by vectors of channels and groups of pixels; windows are `K` columns wide.
    #[inline(always)]
    fn vectors<S: Simd, const K: usize, const STRIDE: usize>(&mut self, s: S, rows: &Rows, line: usize) {
        let width = self.kernel.geometry.axes[2];
        // Some columns at a time, so that cache lines stay for all vectors of channels that share them.
        let group = if STRIDE == 1 { 7 } else { 8 };
        let strip = (STRIP_LINES / (rows.count.max(1) * STRIDE * group)).max(2) * group;
        for first in (0..width.output).step_by(strip) {
            let columns = first..(first + strip).min(width.output);
            self.strip::<S, K, STRIDE>(s, rows, line, columns);
        }
    }

    /// Some columns of a row of outputs.
    #[inline(always)]
    fn strip<S: Simd, const K: usize, const STRIDE: usize>(
        &mut self,
        s: S,
        rows: &Rows,
        line: usize,
        columns: std::ops::Range<usize>,
    ) {
        let outputs = self.kernel.geometry.outputs;
        let mut channel = 0;
        loop {
            let mut column = columns.start;
            while column < columns.end {
                let place = (line, column, channel);
                column += match columns.end - column {
                    7.. if STRIDE == 1 => self.group::<S, 7, K, STRIDE>(s, rows, place),
                    4.. => self.group::<S, 4, K, STRIDE>(s, rows, place),
                    2.. => self.group::<S, 2, K, STRIDE>(s, rows, place),
                    _ => self.group::<S, 1, K, STRIDE>(s, rows, place),
                };
            }
            if channel + S::LANES == outputs {
                break;
            }
            // The last vector ends with the last channel, and may compute some channels twice.
            channel = (channel + S::LANES).min(outputs - S::LANES);
        }
    }

    /// `P` neighbouring outputs of one vector of channels.
    #[inline(always)]
    fn group<S: Simd, const P: usize, const K: usize, const STRIDE: usize>(
        &mut self,
        s: S,
        rows: &Rows,
        (line, column, channel): (usize, usize, usize),
    ) -> usize {
        let Geometry { axes: [_, _, width], inputs, outputs, .. } = self.kernel.geometry;
        let bias = self.bias(s, channel);
        let mut sums = [bias; P];
        // The first column of the input, which wraps where it lies in the padding.
        let first = (column * STRIDE).wrapping_sub(width.before);
        for &(place, weights) in &rows.places[..rows.count] {
            // The bounds of all loads below.
            let x = &self.image[place + channel..place + (width.input - 1) * inputs + channel + S::LANES];
            let weights = &self.kernel.weights[weights + channel..weights + (K - 1) * outputs + channel + S::LANES];
            let mut factors = [s.zero(); K];
            for k in 0..K {
                // SAFETY: the slice ends after the last column's weights.
                factors[k] = unsafe { s.load(weights.as_ptr().add(k * outputs)) };
            }
            for c in 0..(P - 1) * STRIDE + K {
                let at = first.wrapping_add(c);
                let x = if at < width.input {
                    // SAFETY: the slice ends after the last column of the input.
                    unsafe { s.load(x.as_ptr().add(at * inputs)) }
                } else {
                    s.zero()
                };
                for k in 0..K {
                    if c >= k && (c - k) % STRIDE == 0 && (c - k) / STRIDE < P {
                        let p = (c - k) / STRIDE;
                        sums[p] = s.mul_add(x, factors[k], sums[p]);
                    }
                }
            }
        }
        let first = line * width.output + column;
        let out = self.out.whole_rows(first..first + P);
        let out = &mut out[channel..(P - 1) * outputs + channel + S::LANES];
        let (low, high) = (s.splat(self.bounds.0), s.splat(self.bounds.1));
        for p in 0..P {
            // SAFETY: the slice ends after the last pixel's vector.
            unsafe { s.store(out.as_mut_ptr().add(p * outputs), s.min(high, s.max(low, sums[p]))) };
        }
        P
    }

    /// One row of outputs with any window and any number of channels.
    #[inline(always)]
    fn any<S: Simd>(&mut self, s: S, row: usize, line: usize) -> bool {
        let Geometry { axes: [depth, height, width], inputs, outputs, .. } = self.kernel.geometry;
        for column in 0..width.output {
            for channel in (0..outputs).step_by(S::LANES) {
                let here = S::LANES.min(outputs - channel);
                // Two sums, so that they don't wait for one another.
                let mut sums = [self.bias(s, channel), s.zero()];
                for z in 0..depth.window {
                    for y in 0..height.window {
                        let Some(place) = self.line(row, z, y) else { continue };
                        for k in 0..width.window {
                            let Some(x) = width.place(column, k) else { continue };
                            let x = s.load_slice(&self.image[place + x * inputs + channel..][..here]);
                            let tap = (z * height.window + y) * width.window + k;
                            let weight = s.load_slice(&self.kernel.weights[tap * outputs + channel..][..here]);
                            sums = [s.mul_add(x, weight, sums[0]), sums[1]];
                            sums.swap(0, 1);
                        }
                    }
                }
                let out = self.out.row(line * width.output + column);
                s.store_slice(&mut out[channel..], s.add(sums[0], sums[1]));
            }
        }
        false
    }

    /// One row of outputs with several outputs for each channel.
    #[inline(always)]
    fn multiplied(&mut self, row: usize, line: usize) -> bool {
        let Geometry { axes: [depth, height, width], inputs, outputs, .. } = self.kernel.geometry;
        for column in 0..width.output {
            let out = line * width.output + column;
            match self.epilogue.bias {
                Some(bias) => self.out.row(out).copy_from_slice(bias),
                None => self.out.row(out).fill(0.0),
            }
            for z in 0..depth.window {
                for y in 0..height.window {
                    let Some(place) = self.line(row, z, y) else { continue };
                    for k in 0..width.window {
                        let Some(x) = width.place(column, k) else { continue };
                        let x = &self.image[place + x * inputs..][..inputs];
                        let tap = (z * height.window + y) * width.window + k;
                        let weights = self.kernel.weights[tap * outputs..].chunks_exact(self.kernel.multiplier);
                        let sums = self.out.row(out).chunks_exact_mut(self.kernel.multiplier);
                        for (sums, (x, weights)) in sums.zip(x.iter().zip(weights)) {
                            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += x * weight);
                        }
                    }
                }
            }
        }
        false
    }

    /// The bias of a vector of channels.
    #[inline(always)]
    fn bias<S: Simd>(&self, s: S, channel: usize) -> S::V {
        match self.epilogue.bias {
            Some(bias) => s.load_slice(&bias[channel..]),
            None => s.zero(),
        }
    }

    /// The residual and the activation of one output pixel.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, pixel: usize) {
        let outputs = self.kernel.geometry.outputs;
        let out = self.out.row(pixel);
        if let Some(residual) = self.epilogue.residual {
            let residual = residual[pixel * outputs..].chunks(S::LANES);
            for (out, residual) in out.chunks_mut(S::LANES).zip(residual) {
                let sum = s.add(s.load_slice(out), s.load_slice(residual));
                s.store_slice(out, sum);
            }
        }
        self.epilogue.activation.apply(s, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_axis, assert_close, everywhere, numbers, reference, wide};
    use crate::window::Axis;

    fn compare(axes: [Axis; 3], channels: usize, multiplier: usize, batch: usize, activation: Activation) {
        let outputs = channels * multiplier;
        let geometry = Geometry { axes, inputs: channels, outputs, groups: channels };
        let x = numbers(batch * geometry.image().unwrap(), 1);
        let taps: usize = axes.iter().map(|axis| axis.window).product();
        let weights = numbers(taps * outputs, 2);
        let bias = numbers(outputs, 3);
        let residual = numbers(batch * geometry.positions().unwrap() * outputs, 4);
        // Keras's depthwise weights are those of a grouped convolution, channel by channel.
        let mut expected = reference::conv(&geometry, &wide(&x), &wide(&weights), batch);
        for (i, y) in expected.iter_mut().enumerate() {
            *y += f64::from(bias[i % outputs]) + f64::from(residual[i]);
            if activation == Activation::Relu {
                *y = y.max(0.0);
            }
        }
        let kernel = Depthwise::new(geometry, &weights, Some(&bias), activation).unwrap();
        everywhere(|context| {
            let mut out = vec![f32::NAN; expected.len()];
            kernel.run(context, &x, Some(&residual), &mut out).unwrap();
            assert_close(&out, &expected, &format!("{:?} {geometry:?}", context.level));
        });
    }

    #[test]
    fn windows_of_three_and_five() {
        for channels in [1, 3, 8, 16, 31, 32, 33] {
            for (extent, window, stride, dilation) in
                [(1, 3, 1, 1), (7, 3, 1, 1), (8, 3, 2, 1), (14, 5, 1, 1), (9, 5, 2, 1), (7, 3, 1, 2)]
            {
                let same = Axis::same(extent, window, stride, dilation).unwrap();
                let other = Axis::same(extent + 4, window, stride, dilation).unwrap();
                compare([Axis::NONE, same, other], channels, 1, 2, Activation::Relu);
            }
        }
        let valid = Axis::valid(12, 3, 1, 1).unwrap();
        compare([Axis::NONE, valid, valid], 40, 1, 1, Activation::Linear);
        compare([valid, Axis::NONE, valid], 20, 1, 1, Activation::Linear);
    }

    #[test]
    fn an_input_that_is_all_padding() {
        let padded = Axis::padded(0, 3, 1, 1, [2, 2]).unwrap();
        let axis = Axis::same(4, 3, 1, 1).unwrap();
        compare([Axis::NONE, axis, padded], 16, 1, 1, Activation::Linear);
        compare([Axis::NONE, padded, axis], 16, 1, 1, Activation::Linear);
    }

    #[test]
    fn several_outputs_for_each_channel() {
        for (channels, multiplier) in [(1, 2), (3, 4), (16, 2), (5, 3)] {
            let same = Axis::same(6, 3, 1, 1).unwrap();
            compare([Axis::NONE, same, same], channels, multiplier, 2, Activation::Relu);
        }
    }

    #[test]
    fn impossible_geometries_are_errors() {
        let axis = Axis::valid(4, 3, 1, 1).unwrap();
        let new = |inputs, outputs, weights: usize| {
            Depthwise::new(
                Geometry::two([axis, axis], inputs, outputs, 1),
                &vec![0.0; weights],
                None,
                Activation::Linear,
            )
        };
        assert!(new(2, 3, 27).is_err());
        assert!(new(0, 0, 0).is_err());
        assert!(new(2, 2, 17).is_err());
        let kernel = new(2, 2, 18).unwrap();
        let mut out = vec![0.0; 8];
        assert!(kernel.run(&Context::default(), &[0.0; 31], None, &mut out).is_err());
        assert!(kernel.run(&Context::default(), &[0.0; 32], None, &mut out[1..]).is_err());
        kernel.run(&Context::default(), &[0.0; 32], None, &mut out).unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 64 }, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_geometry(height in any_axis(1..6), width in any_axis(1..6), channels in 1..40usize, multiplier in 1..3usize) {
            compare([Axis::NONE, height, width], channels, multiplier, 1, Activation::Relu);
        }
    }
}
