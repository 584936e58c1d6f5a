//! Pooling over one, two or three axes with the channels last: maxima and averages of windows, and global
//! pooling.

use super::Context;
use super::conv::Geometry;
use super::error::{Result, check, check_length, count};
use super::region::{self, Grid, Region};
use super::simd::{Kernel, Simd};
use super::window::Axis;

/// What becomes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Its largest element.
    Max,
    /// Its smallest element.
    Min,
    /// The sum of its elements.
    Sum,
    /// The average of its elements, of which those in the padding are none.
    Average,
}

impl Kind {
    /// The larger ones, or the sums, of two vectors.
    #[inline(always)]
    fn join<S: Simd>(self, s: S, a: S::V, b: S::V) -> S::V {
        match self {
            Self::Max => s.max_nan(a, b),
            Self::Min => s.min_nan(a, b),
            Self::Average | Self::Sum => s.add(a, b),
        }
    }
}

impl Kind {
    /// The larger or smaller one (not a number where one is not), or the sum, of two numbers.
    #[inline(always)]
    fn join_numbers(self, a: f32, b: f32) -> f32 {
        match self {
            Self::Max if a > b || a.is_nan() => a,
            Self::Min if a < b || a.is_nan() => a,
            Self::Max | Self::Min => b,
            Self::Average | Self::Sum => a + b,
        }
    }
}

/// Places of a window that are joined at once.
const PLACES: usize = 16;

/// A pooling over windows.
#[derive(Clone, Copy, Debug)]
pub struct Pooling {
    kind: Kind,
    geometry: Geometry,
}

impl Pooling {
    /// A pooling over depth, height and width; axes that are not there are [`Axis::NONE`].
    pub fn new(kind: Kind, axes: [Axis; 3], channels: usize) -> Result<Self> {
        let geometry = Geometry { axes, inputs: channels, outputs: channels, groups: 1 };
        geometry.check()?;
        Ok(Self { kind, geometry })
    }

    /// Pools the images of `x` into `out`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], out: &mut [f32]) -> Result<()> {
        let Geometry { axes: [depth, height, width], outputs, .. } = self.geometry;
        let batch = self.geometry.batch(x, out)?;
        if out.is_empty() {
            return Ok(());
        }
        let taps = depth.window * height.window * width.window;
        let pool = context.pool_for(out.len().saturating_mul(taps));
        let images = batch * depth.output;
        let bands = if pool.threads() == 1 { 1 } else { (2 * pool.threads()).div_ceil(images) };
        let block_rows = height.output.div_ceil(bands) * width.output;
        let image_rows = height.output * width.output;
        let grid = Grid { images, image_rows, block_rows, columns: outputs, block_columns: outputs };
        region::for_each(pool, out, &grid, &|out| {
            let sheet = out.rows().start / image_rows;
            let (image, sheet) = (sheet / depth.output, sheet % depth.output);
            let size = depth.input * height.input * width.input * outputs;
            let x = &x[image * size..(image + 1) * size];
            context.level.run(Band { pooling: self, x, sheet, out });
        });
        Ok(())
    }
}

/// Some whole rows of one sheet of an output.
struct Band<'a> {
    pooling: &'a Pooling,
    x: &'a [f32],
    sheet: usize,
    out: Region<'a>,
}

impl Kernel for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Geometry { axes: [depth, height, width], outputs, .. } = self.pooling.geometry;
        for pixel in self.out.rows() {
            let (row, column) = (pixel / width.output % height.output, pixel % width.output);
            let out = self.out.row(pixel);
            // The places of the window's elements, some at a time.
            let mut places = [0; PLACES];
            let (mut count, mut seen) = (0, 0);
            for z in 0..depth.window {
                for y in 0..height.window {
                    let lines = depth.place(self.sheet, z).zip(height.place(row, y));
                    let Some(line) = lines.map(|(z, y)| (z * height.input + y) * width.input) else { continue };
                    for k in 0..width.window {
                        let Some(at) = width.place(column, k) else { continue };
                        places[count] = (line + at) * outputs;
                        count += 1;
                        if count == PLACES {
                            join_places(s, self.pooling.kind, out, self.x, &places, seen == 0);
                            seen += count;
                            count = 0;
                        }
                    }
                }
            }
            if count > 0 {
                join_places(s, self.pooling.kind, out, self.x, &places[..count], seen == 0);
            }
            match (self.pooling.kind, seen + count) {
                // A window that lies in the padding as a whole.
                (Kind::Max, 0) => out.fill(f32::NEG_INFINITY),
                (Kind::Min, 0) => out.fill(f32::INFINITY),
                (Kind::Average | Kind::Sum, 0) => out.fill(0.0),
                (Kind::Max | Kind::Min | Kind::Sum, _) => {}
                (Kind::Average, seen) => scale(s, out, 1.0 / seen as f32),
            }
        }
    }
}

/// Joins the channels at some places to the sums or maxima so far, in registers.
#[inline(always)]
fn join_places<S: Simd>(s: S, kind: Kind, out: &mut [f32], x: &[f32], places: &[usize], is_first: bool) {
    let channels = out.len();
    for (at, out) in out.chunks_mut(S::LANES).enumerate() {
        let at = at * S::LANES..channels.min((at + 1) * S::LANES);
        let [first, rest @ ..] = places else { return };
        let first = s.load_slice(&x[first + at.start..first + at.end]);
        let mut joined = if is_first { first } else { kind.join(s, s.load_slice(out), first) };
        for place in rest {
            joined = kind.join(s, joined, s.load_slice(&x[place + at.start..place + at.end]));
        }
        s.store_slice(out, joined);
    }
}

/// Joins numbers to the sums or maxima so far.
#[inline(always)]
fn join<S: Simd>(s: S, kind: Kind, out: &mut [f32], x: &[f32]) {
    for (out, x) in out.chunks_mut(S::LANES).zip(x.chunks(S::LANES)) {
        let (a, b) = (s.load_slice(out), s.load_slice(x));
        s.store_slice(out, kind.join(s, a, b));
    }
}

/// Multiplies all numbers by a factor.
#[inline(always)]
fn scale<S: Simd>(s: S, out: &mut [f32], factor: f32) {
    for out in out.chunks_mut(S::LANES) {
        let product = s.mul(s.load_slice(out), s.splat(factor));
        s.store_slice(out, product);
    }
}

/// Pools all positions of every image, `[batch][positions][channels]`, into `out`, `[batch][channels]`.
pub fn global(
    context: &Context<'_>,
    kind: Kind,
    x: &[f32],
    positions: usize,
    channels: usize,
    out: &mut [f32],
) -> Result<()> {
    check(positions > 0 && channels > 0, "there is at least one position and one channel")?;
    let image = count(&[positions, channels])?;
    check(x.len().is_multiple_of(image), "the input has whole images")?;
    let batch = x.len() / image;
    check_length("the output", batch * channels, out)?;
    let pool = context.pool_for(x.len());
    if channels == 1 {
        let grid = Grid::of_rows(batch, 1, BLOCK.div_ceil(positions));
        region::for_each(pool, out, &grid, &|out| context.level.run(Lines { kind, x, length: positions, out }));
        return Ok(());
    }
    let block_columns = channels.div_ceil(pool.threads().div_ceil(batch.max(1))).next_multiple_of(16);
    let grid = Grid { images: batch, image_rows: 1, block_rows: 1, columns: channels, block_columns };
    region::for_each(pool, out, &grid, &|mut out| {
        let row = out.rows().start;
        let columns = out.columns();
        let x = &x[row * image..(row + 1) * image];
        context.level.run(Global { kind, x, channels, first: columns.start, out: out.row(row) });
    });
    Ok(())
}

/// Elements of a task at least.
const BLOCK: usize = 16 * 1024;

/// Some rows, each of which becomes one number.
struct Lines<'a> {
    kind: Kind,
    x: &'a [f32],
    length: usize,
    out: Region<'a>,
}

impl Kernel for Lines<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for row in self.out.rows() {
            let line = &self.x[row * self.length..(row + 1) * self.length];
            // Two vectors, so that they don't wait for one another; what is left over is joined one by one.
            let mut pairs = line.chunks_exact(2 * S::LANES);
            let mut joined = pairs.next().map(|pair| [s.load_slice(pair), s.load_slice(&pair[S::LANES..])]);
            if let Some(joined) = &mut joined {
                for pair in pairs.by_ref() {
                    joined[0] = self.kind.join(s, joined[0], s.load_slice(pair));
                    joined[1] = self.kind.join(s, joined[1], s.load_slice(&pair[S::LANES..]));
                }
            }
            let vector = joined.map(|[a, b]| s.to_array(self.kind.join(s, a, b)));
            let lanes = vector.as_ref().map_or(&[][..], |array| array.as_ref());
            let mut numbers = lanes.iter().chain(pairs.remainder()).copied();
            let first = numbers.next().unwrap_or(0.0);
            let joined = numbers.fold(first, |a, b| self.kind.join_numbers(a, b));
            let share = if self.kind == Kind::Average { 1.0 / self.length as f32 } else { 1.0 };
            self.out.row(row)[0] = joined * share;
        }
    }
}

/// Some channels of one image.
struct Global<'a> {
    kind: Kind,
    x: &'a [f32],
    channels: usize,
    first: usize,
    out: &'a mut [f32],
}

impl Kernel for Global<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let positions = self.x.len() / self.channels;
        let columns = self.first..self.first + self.out.len();
        let mut rows = self.x.chunks_exact(self.channels);
        if let Some(row) = rows.next() {
            self.out.copy_from_slice(&row[columns.clone()]);
        }
        for row in rows {
            join(s, self.kind, self.out, &row[columns.clone()]);
        }
        if self.kind == Kind::Average {
            scale(s, self.out, 1.0 / positions as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, reference, wide};

    fn compare(axes: [Axis; 3], channels: usize, batch: usize) {
        let geometry = Geometry { axes, inputs: channels, outputs: channels, groups: 1 };
        let (image, positions) = (geometry.image().unwrap(), geometry.positions().unwrap());
        let x = numbers(batch * image, 1);
        for kind in [Kind::Max, Kind::Min, Kind::Sum, Kind::Average] {
            let mut windows = vec![Vec::new(); positions];
            reference::windows(&geometry, |position, _, place| windows[position].push(place));
            let mut expected = Vec::new();
            for image in wide(&x).chunks(image) {
                for places in &windows {
                    expected.extend((0..channels).map(|c| {
                        let numbers = places.iter().map(|place| image[place * channels + c]);
                        match kind {
                            Kind::Max => numbers.fold(f64::NEG_INFINITY, f64::max),
                            Kind::Min => numbers.fold(f64::INFINITY, f64::min),
                            Kind::Sum => numbers.sum::<f64>(),
                            Kind::Average if places.is_empty() => 0.0,
                            Kind::Average => numbers.sum::<f64>() / places.len() as f64,
                        }
                    }));
                }
            }
            everywhere(|context| {
                let mut out = vec![f32::NAN; expected.len()];
                Pooling::new(kind, axes, channels).unwrap().run(context, &x, &mut out).unwrap();
                assert_close(&out, &expected, &format!("{:?} {kind:?} {geometry:?}", context.level));
            });
        }
    }

    #[test]
    fn windows() {
        for channels in [1, 3, 31, 32, 33] {
            for (extent, window, stride) in [(1, 1, 1), (6, 2, 2), (7, 3, 2), (9, 3, 1), (5, 2, 3)] {
                let same = Axis::same(extent, window, stride, 1).unwrap();
                let other = Axis::same(extent + 2, window, stride, 1).unwrap();
                compare([Axis::NONE, same, other], channels, 2);
                let valid = Axis::valid(extent, window, stride, 1).unwrap();
                compare([valid, same, valid], channels, 1);
            }
        }
    }

    #[test]
    fn whole_images() {
        for (batch, positions, channels) in [(1, 1, 1), (2, 49, 33), (3, 5, 32), (1, 300, 400)] {
            let x = numbers(batch * positions * channels, 1);
            let pooled = |fold: fn(f64, f64) -> f64, start: f64| -> Vec<f64> {
                let image = |image: &[f64]| -> Vec<f64> {
                    (0..channels).map(|c| image[c..].iter().step_by(channels).copied().fold(start, fold)).collect()
                };
                wide(&x).chunks(positions * channels).flat_map(image).collect()
            };
            let largest = pooled(f64::max, f64::NEG_INFINITY);
            let averages: Vec<f64> = pooled(|a, b| a + b, 0.0).iter().map(|sum| sum / positions as f64).collect();
            everywhere(|context| {
                for (kind, expected) in [(Kind::Max, &largest), (Kind::Average, &averages)] {
                    let mut out = vec![f32::NAN; batch * channels];
                    global(context, kind, &x, positions, channels, &mut out).unwrap();
                    assert_close(&out, expected, &format!("{:?} {kind:?} {positions} {channels}", context.level));
                }
            });
        }
    }

    #[test]
    fn what_is_not_a_number_stays() {
        let axis = Axis::valid(3, 3, 1, 1).unwrap();
        everywhere(|context| {
            for at in 0..3 {
                let mut x = [1.0; 3];
                x[at] = f32::NAN;
                let mut out = [0.0];
                let pooling = Pooling::new(Kind::Max, [Axis::NONE, Axis::NONE, axis], 1).unwrap();
                pooling.run(context, &x, &mut out).unwrap();
                assert!(out[0].is_nan(), "{:?} {at}", context.level);
            }
        });
    }

    #[test]
    fn lines_become_numbers() {
        for length in [1, 2, 7, 16, 31, 32, 33, 64, 100, 259] {
            let x = numbers(3 * length, 1);
            for kind in [Kind::Max, Kind::Min, Kind::Sum, Kind::Average] {
                let line = |line: &[f64]| match kind {
                    Kind::Max => line.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                    Kind::Min => line.iter().copied().fold(f64::INFINITY, f64::min),
                    Kind::Sum => line.iter().sum(),
                    Kind::Average => line.iter().sum::<f64>() / length as f64,
                };
                let expected: Vec<f64> = wide(&x).chunks(length).map(line).collect();
                everywhere(|context| {
                    let mut out = [f32::NAN; 3];
                    global(context, kind, &x, length, 1, &mut out).unwrap();
                    assert_close(&out, &expected, &format!("{kind:?} {length}"));
                    let mut with_nan = x.clone();
                    with_nan[length - 1] = f32::NAN;
                    global(context, kind, &with_nan, length, 1, &mut out).unwrap();
                    assert!(out[0].is_nan() && !out[1].is_nan());
                });
            }
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let context = Context::default();
        let axis = Axis::valid(4, 2, 2, 1).unwrap();
        let pooling = Pooling::new(Kind::Max, [Axis::NONE, axis, axis], 2).unwrap();
        assert!(pooling.run(&context, &[0.0; 31], &mut [0.0; 8]).is_err());
        assert!(pooling.run(&context, &[0.0; 32], &mut [0.0; 7]).is_err());
        assert!(Pooling::new(Kind::Max, [Axis { stride: 0, ..axis }; 3], 2).is_err());
        assert!(global(&context, Kind::Max, &[0.0; 4], 0, 1, &mut []).is_err());
        assert!(global(&context, Kind::Max, &[0.0; 4], 3, 1, &mut [0.0]).is_err());
        assert!(global(&context, Kind::Max, &[0.0; 4], 2, 1, &mut [0.0]).is_err());
    }
}
