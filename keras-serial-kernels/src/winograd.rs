//! Winograd's convolution F(2×2, 3×3): 3×3 windows with stride 1 by 16 products for every four outputs,
//! where a direct convolution needs 36.
//!
//! Weights are transformed when the kernel is made. A task transforms tiles of 4×4 inputs, multiplies each
//! of the 16 transformed elements by its weights over the channels (on the register tile), and transforms
//! the products of one panel of output channels back to 2×2 outputs while they are in the cache.

use super::conv::Geometry;
use super::epilogue::{Activation, Epilogue};
use super::error::{Result, check, check_length};
use super::pack::Packed;
use super::region::{self, Grid, Region};
use super::scratch;
use super::simd::{Kernel, Level, Simd};
use super::tile::{self, Left};
use super::{Context, SMALL};

/// Elements of a task's transformed input at most, as far as it can be cut.
const BLOCK: usize = 128 * 1024;

/// Elements of the transformed weights that stay in the second cache.
const CACHED_WEIGHTS: usize = 512 * 1024;

/// Elements of a transformed tile.
const TILE: usize = 16;

/// A 3×3 convolution with stride 1, `activation(conv(x) + bias + residual)`.
#[derive(Clone, Debug)]
pub struct Winograd {
    geometry: Geometry,
    /// For each of the 16 elements.
    weights: Vec<Packed>,
    bias: Option<Vec<f32>>,
    activation: Activation,
}

impl Winograd {
    /// Returns true if a convolution can be computed so: with 3×3 windows, stride and dilation 1, and one group.
    pub fn applies(geometry: &Geometry) -> bool {
        let [depth, height, width] = &geometry.axes;
        let is_flat = depth.window == 1 && depth.input == 1 && depth.output == 1 && depth.before == 0;
        let has_three = [height, width].iter().all(|axis| axis.window == 3 && axis.stride == 1 && axis.dilation == 1);
        is_flat && has_three && geometry.groups == 1
    }

    /// Transforms and packs weights `[3][3][inputs][outputs]` for a level.
    pub fn new(
        level: Level,
        geometry: Geometry,
        weights: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        geometry.check()?;
        check(Self::applies(&geometry), "Winograd's convolution has 3×3 windows and stride 1")?;
        let Geometry { inputs, outputs, .. } = geometry;
        let size = super::error::count(&[inputs, outputs, TILE])? / TILE;
        check_length("the weights", 9 * size, weights)?;
        Epilogue { bias, ..Epilogue::default() }.check(outputs, 0)?;
        let mut element = vec![0.0; size];
        let weights = (0..TILE)
            .map(|at| {
                let factors = weight_factors(at);
                for (i, sum) in element.iter_mut().enumerate() {
                    let terms =
                        factors.iter().enumerate().map(|(tap, factor)| factor * f64::from(weights[tap * size + i]));
                    *sum = terms.sum::<f64>() as f32;
                }
                Packed::new(level, &element, inputs, outputs)
            })
            .collect::<Result<_>>()?;
        Ok(Self { geometry, weights, bias: bias.map(<[f32]>::to_vec), activation })
    }

    /// The bytes that the transformed weights take.
    pub fn bytes(&self) -> usize {
        self.weights.iter().map(Packed::bytes).sum()
    }

    /// Convolves the images of `x` into `out`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> Result<()> {
        let Geometry { axes: [_, height, width], inputs, outputs, .. } = self.geometry;
        let batch = self.geometry.batch(x, out)?;
        let epilogue = Epilogue { bias: self.bias.as_deref(), residual, activation: self.activation };
        epilogue.check(outputs, out.len())?;
        self.weights.iter().try_for_each(|weights| weights.check_level(context.level))?;
        if out.is_empty() {
            return Ok(());
        }
        let pool = context.pool_for((out.len() * 4).saturating_mul(inputs));
        let grid = self.grid(batch, pool.threads(), context.level.panel());
        region::for_each(pool, out, &grid, &|mut out| {
            let first = out.rows().start / width.output;
            let (image, row) = (first / height.output, first % height.output);
            let size = height.input * width.input * inputs;
            let image = &x[image * size..(image + 1) * size];
            let (down, across) = ((out.rows().len() / width.output).div_ceil(2), width.output.div_ceil(2));
            let panel = context.level.panel();
            let tiles = down * across;
            scratch::with(TILE * tiles * (inputs + panel), |buffer| {
                let (transformed, products) = buffer.split_at_mut(TILE * tiles * inputs);
                let task = Task { kernel: self, row, down, across, tiles };
                context.level.run(Forward { task, image, transformed });
                for first in out.columns().step_by(panel) {
                    let columns = first..(first + panel).min(out.columns().end);
                    task.multiply(context.level, transformed, products, columns.clone());
                    let out = out.part(out.rows(), columns);
                    context.level.run(Backward { task, products, epilogue: &epilogue, panel, out });
                }
            });
        });
        Ok(())
    }

    /// How the output is cut: into bands of tile rows, or into output channels where the weights are too
    /// large to be read more than once.
    fn grid(&self, batch: usize, threads: usize, panel: usize) -> Grid {
        let Geometry { axes: [_, height, width], inputs, outputs, .. } = self.geometry;
        let tile_rows = height.output.div_ceil(2);
        let image_rows = height.output * width.output;
        let panels = outputs.div_ceil(panel);
        let mut block_columns = outputs;
        let per_row = (TILE * width.output.div_ceil(2) * inputs).max(1);
        let fit = (BLOCK / per_row).max(1);
        let rows = if TILE * inputs * outputs > CACHED_WEIGHTS {
            if batch < threads && panels >= threads {
                block_columns = panels.div_ceil(threads) * panel;
            }
            tile_rows.min(fit * 4)
        } else {
            // Tasks of equal size, a multiple of the threads in number.
            let least = tile_rows.div_ceil(fit);
            let per_image = if batch >= threads { 1 } else { threads.div_ceil(batch) };
            let tasks = least.next_multiple_of(per_image).min(tile_rows);
            tile_rows.div_ceil(tasks)
        };
        Grid { images: batch, image_rows, block_rows: 2 * rows * width.output, columns: outputs, block_columns }
    }
}

/// The factors by which a window's nine weights make one transformed element: G · g · Gᵀ.
fn weight_factors(element: usize) -> [f64; 9] {
    const G: [[f64; 3]; 4] = [[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]];
    let (down, across) = (G[element / 4], G[element % 4]);
    std::array::from_fn(|tap| down[tap / 3] * across[tap % 3])
}

/// Some rows of tiles of one image.
#[derive(Clone, Copy)]
struct Task<'a> {
    kernel: &'a Winograd,
    /// The first output row in the image.
    row: usize,
    /// Rows of tiles.
    down: usize,
    /// Tiles of a row.
    across: usize,
    tiles: usize,
}

impl Task<'_> {
    /// The 16 products of one panel, `[element][tile][panel]`.
    fn multiply(&self, level: Level, transformed: &[f32], products: &mut [f32], columns: std::ops::Range<usize>) {
        let inputs = self.kernel.geometry.inputs;
        let panel = level.panel();
        for (element, products) in products.chunks_exact_mut(self.tiles * panel).enumerate() {
            let start = element * self.tiles * inputs;
            let left = Left::matrix(transformed, start, self.tiles, inputs, inputs);
            let weights = self.kernel.weights[element].right();
            // The panel is the only one of this product.
            let data = &weights.data[columns.start / panel * weights.panel_step..];
            let right = tile::Right { data, ..weights };
            let mut out = Region::whole(products, panel);
            let out = out.part(0..self.tiles, 0..columns.len());
            tile::multiply(level, &left, &right, &Epilogue::default(), out);
        }
    }
}

/// The transform of the input, `Bᵀ · d · B` of every tile, to `[element][tile][inputs]`.
struct Forward<'a> {
    task: Task<'a>,
    image: &'a [f32],
    transformed: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Geometry { axes: [_, height, width], inputs, .. } = self.task.kernel.geometry;
        let Task { row, down, across, tiles, .. } = self.task;
        for y in 0..down {
            for x in 0..across {
                // The places of the 16 inputs; `None` in the padding.
                let mut places = [None; TILE];
                for (i, place) in places.iter_mut().enumerate() {
                    let line = (row + 2 * y + i / 4).checked_sub(height.before).filter(|at| *at < height.input);
                    let pixel = (2 * x + i % 4).checked_sub(width.before).filter(|at| *at < width.input);
                    *place = line.zip(pixel).map(|(line, pixel)| (line * width.input + pixel) * inputs);
                }
                for channel in (0..inputs).step_by(S::LANES) {
                    let here = S::LANES.min(inputs - channel);
                    let mut d = [s.zero(); TILE];
                    for i in 0..TILE {
                        if let Some(place) = places[i] {
                            d[i] = s.load_slice(&self.image[place + channel..place + channel + here]);
                        }
                    }
                    for i in 0..4 {
                        turn(s, &mut d, [i, 4 + i, 8 + i, 12 + i]);
                    }
                    for i in 0..4 {
                        turn(s, &mut d, [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3]);
                    }
                    for i in 0..TILE {
                        let at = (i * tiles + y * across + x) * inputs + channel;
                        s.store_slice(&mut self.transformed[at..at + here], d[i]);
                    }
                }
            }
        }
    }
}

/// Bᵀ times four elements.
#[inline(always)]
fn turn<S: Simd>(s: S, d: &mut [S::V; TILE], at: [usize; 4]) {
    let [a, b, c, e] = [d[at[0]], d[at[1]], d[at[2]], d[at[3]]];
    d[at[0]] = s.sub(a, c);
    d[at[1]] = s.add(b, c);
    d[at[2]] = s.sub(c, b);
    d[at[3]] = s.sub(b, e);
}

/// The transform of one panel's products, `Aᵀ · m · A`, to 2×2 outputs of every tile, with the epilogue.
struct Backward<'a, 'b> {
    task: Task<'a>,
    products: &'a [f32],
    epilogue: &'a Epilogue<'b>,
    panel: usize,
    out: Region<'a>,
}

impl Kernel for Backward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Geometry { axes: [_, _, width], outputs, .. } = self.task.kernel.geometry;
        let Task { down, across, tiles, .. } = self.task;
        let columns = self.out.columns();
        let (first, lines) = (self.out.rows().start, self.out.rows().len() / width.output);
        let bounds = self.epilogue.activation.bounds();
        for y in 0..down {
            for x in 0..across {
                for channel in (0..columns.len()).step_by(S::LANES) {
                    let mut m = [s.zero(); TILE];
                    for i in 0..TILE {
                        m[i] = s.load_slice(&self.products[(i * tiles + y * across + x) * self.panel + channel..]);
                    }
                    let bias = match self.epilogue.bias {
                        Some(bias) => s.load_slice(&bias[columns.start + channel..]),
                        None => s.zero(),
                    };
                    let mut rows = [[s.zero(); 4]; 2];
                    for i in 0..4 {
                        rows[0][i] = s.add(s.add(m[i], m[4 + i]), m[8 + i]);
                        rows[1][i] = s.sub(s.sub(m[4 + i], m[8 + i]), m[12 + i]);
                    }
                    for i in 0..2 {
                        let [a, b, c, d] = rows[i];
                        let pair = [s.add(s.add(a, b), c), s.sub(s.sub(b, c), d)];
                        for j in 0..2 {
                            if 2 * y + i >= lines || 2 * x + j >= width.output {
                                continue;
                            }
                            let pixel = first + (2 * y + i) * width.output + 2 * x + j;
                            let mut sum = s.add(pair[j], bias);
                            if let Some(residual) = self.epilogue.residual {
                                let place = pixel * outputs + columns.start + channel;
                                sum = s.add(sum, s.load_slice(&residual[place..]));
                            }
                            if let Some((low, high)) = bounds {
                                sum = s.min(s.splat(high), s.max(s.splat(low), sum));
                            }
                            s.store_slice(&mut self.out.row(pixel)[channel..], sum);
                        }
                    }
                }
            }
        }
        if bounds.is_none() {
            for pixel in self.out.rows() {
                self.epilogue.activation.apply(s, self.out.row(pixel));
            }
        }
    }
}

/// Is Winograd's convolution faster than the direct one? From about 28 tiles and some channels on.
pub fn pays(geometry: &Geometry, batch: usize) -> bool {
    let [_, height, width] = &geometry.axes;
    let tiles = batch.saturating_mul(height.output.div_ceil(2)).saturating_mul(width.output.div_ceil(2));
    let work = tiles.saturating_mul(TILE * geometry.inputs.min(1 << 20)).saturating_mul(geometry.outputs);
    Winograd::applies(geometry) && tiles >= 28 && geometry.inputs >= 16 && geometry.outputs >= 16 && work >= SMALL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, reference, scaled, wide};
    use crate::window::Axis;

    fn compare(axes: [Axis; 2], inputs: usize, outputs: usize, batch: usize, activation: Activation) {
        let geometry = Geometry::two(axes, inputs, outputs, 1);
        let x = numbers(batch * geometry.image().unwrap(), 1);
        let weights = scaled(numbers(9 * inputs * outputs, 2), 9 * inputs);
        let bias = numbers(outputs, 3);
        let residual = numbers(batch * geometry.positions().unwrap() * outputs, 4);
        let mut expected = reference::conv(&geometry, &wide(&x), &wide(&weights), batch);
        for (i, y) in expected.iter_mut().enumerate() {
            *y += f64::from(bias[i % outputs]) + f64::from(residual[i]);
            match activation {
                Activation::Relu => *y = y.max(0.0),
                Activation::Silu => *y /= 1.0 + (-*y).exp(),
                _ => {}
            }
        }
        everywhere(|context| {
            let kernel = Winograd::new(context.level, geometry, &weights, Some(&bias), activation).unwrap();
            let mut out = vec![f32::NAN; expected.len()];
            kernel.run(context, &x, Some(&residual), &mut out).unwrap();
            assert_close(&out, &expected, &format!("{:?} {geometry:?}", context.level));
        });
    }

    #[test]
    fn images_and_channels() {
        for (inputs, outputs) in [(1, 1), (3, 31), (32, 32), (33, 40), (16, 130)] {
            for extents in [[1, 1], [2, 3], [7, 7], [8, 5], [14, 12]] {
                let same = extents.map(|extent| Axis::same(extent, 3, 1, 1).unwrap());
                compare(same, inputs, outputs, 2, Activation::Relu);
            }
        }
    }

    #[test]
    fn padding_activations_and_cuts() {
        let valid = Axis::valid(9, 3, 1, 1).unwrap();
        let padded = Axis::padded(6, 3, 1, 1, [2, 0]).unwrap();
        compare([valid, padded], 20, 24, 1, Activation::Silu);
        compare([padded, valid], 20, 24, 1, Activation::Linear);
        let same = Axis::same(30, 3, 1, 1).unwrap();
        compare([same, same], 64, 32, 1, Activation::Relu);
        let small = Axis::same(7, 3, 1, 1).unwrap();
        compare([small, small], 256, 160, 1, Activation::Relu);
    }

    #[test]
    fn other_windows_are_refused() {
        let axis = Axis::same(8, 3, 2, 1).unwrap();
        let strided = Geometry::two([axis, axis], 2, 2, 1);
        let weights = vec![0.0; 36];
        let level = Level::detect();
        assert!(Winograd::new(level, strided, &weights, None, Activation::Linear).is_err());
        let axis = Axis::same(28, 3, 1, 1).unwrap();
        let geometry = Geometry::two([axis, axis], 2, 2, 1);
        assert!(Winograd::new(level, geometry, &weights[1..], None, Activation::Linear).is_err());
        let kernel = Winograd::new(level, geometry, &weights, None, Activation::Linear).unwrap();
        assert!(kernel.bytes() >= 16 * 4 * 4);
        assert!(kernel.run(&Context::default(), &[0.0; 3], None, &mut [0.0; 8]).is_err());
        assert!(!pays(&geometry, 1));
        assert!(pays(&Geometry::two([axis, axis], 64, 64, 1), 1));
    }
}
