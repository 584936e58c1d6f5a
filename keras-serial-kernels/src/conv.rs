//! Direct convolution over one, two or three axes, with the channels last and no im2col matrix.
//!
//! The register tile reads windows where they lie: in the input itself, or, where there is padding, in a
//! band of it that is copied into a frame of zeros in the thread's scratch memory.

use super::Context;
use super::epilogue::{Activation, Epilogue};
use super::error::{Result, check, check_length, count};
use super::pack::Packed;
use super::region::{self, Grid, Region};
use super::scratch;
use super::tile::{self, Left};
use super::window::Axis;

/// Elements of a framed band at most, as far as a band can be cut.
const BAND: usize = 128 * 1024;

/// The geometry of a convolution: `[batch][depth][height][width][inputs]` under a kernel of
/// `[depth][height][width][inputs / groups][outputs]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Depth, height and width; axes that are not there are [`Axis::NONE`].
    pub axes: [Axis; 3],
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Groups of channels, each of which sees its own inputs.
    pub groups: usize,
}

impl Geometry {
    /// A convolution over one axis, which is laid along the width.
    pub fn one(axis: Axis, inputs: usize, outputs: usize, groups: usize) -> Self {
        Self { axes: [Axis::NONE, Axis::NONE, axis], inputs, outputs, groups }
    }

    /// A convolution over height and width.
    pub fn two([height, width]: [Axis; 2], inputs: usize, outputs: usize, groups: usize) -> Self {
        Self { axes: [Axis::NONE, height, width], inputs, outputs, groups }
    }

    /// Elements of one image of the input.
    pub(crate) fn image(&self) -> Result<usize> {
        let [depth, height, width] = self.axes.map(|axis| axis.input);
        count(&[depth, height, width, self.inputs])
    }

    /// Positions of one image of the output.
    pub(crate) fn positions(&self) -> Result<usize> {
        let [depth, height, width] = self.axes.map(|axis| axis.output);
        count(&[depth, height, width])
    }

    /// Elements of one window.
    fn taps(&self) -> Result<usize> {
        let [depth, height, width] = self.axes.map(|axis| axis.window);
        count(&[depth, height, width])
    }

    /// Checks extents and groups.
    pub(crate) fn check(&self) -> Result<()> {
        self.axes.iter().try_for_each(Axis::check)?;
        check(self.groups > 0, "there is at least one group")?;
        check(self.inputs.is_multiple_of(self.groups), "groups divide the input channels")?;
        check(self.outputs.is_multiple_of(self.groups), "groups divide the output channels")?;
        count(&[self.positions()?, self.outputs])?;
        self.image().map(|_| ())
    }

    /// A pointwise convolution as one over a single axis; others as they are.
    fn flattened(self) -> Self {
        let is_pointwise = |axis: &Axis| axis.window == 1 && axis.stride == 1 && axis.is_inside();
        let extent = self.axes.iter().map(|axis| axis.input).product();
        if self.axes.iter().all(|axis| is_pointwise(axis) && axis.input == axis.output) {
            let axis = Axis { input: extent, output: extent, ..Axis::NONE };
            return Self { axes: [Axis::NONE, Axis::NONE, axis], ..self };
        }
        self
    }

    /// The number of images of an input, whose length and that of the output are checked.
    pub(crate) fn batch(&self, x: &[f32], out: &[f32]) -> Result<usize> {
        let (image, result) = (self.image()?, count(&[self.positions()?, self.outputs])?);
        let batch = out.len().checked_div(result).or(x.len().checked_div(image)).unwrap_or(0);
        check_length("the input", count(&[batch, image])?, x)?;
        check_length("the output", count(&[batch, result])?, out)?;
        Ok(batch)
    }
}

/// A convolution with packed weights, `activation(conv(x) + bias + residual)`.
#[derive(Clone, Debug)]
pub struct Conv {
    geometry: Geometry,
    /// For each group.
    weights: Vec<Packed>,
    bias: Option<Vec<f32>>,
    activation: Activation,
    frame: Frame,
}

/// How windows lie in what the tile reads.
#[derive(Clone, Debug)]
struct Frame {
    /// Is a band copied, since windows reach into the padding?
    copied: bool,
    /// The distance of two pixels.
    pixel: usize,
    /// The distance of two rows of the image.
    row: usize,
    /// The distance of two sheets of the image; in a copy, that of two sheets of the window.
    sheet: usize,
    /// Has an image one row, which can be cut?
    single: bool,
    /// Output rows of a band.
    rows: usize,
    /// Output positions of a row of a band.
    columns: usize,
    /// The places of the segments of a window.
    segments: Vec<usize>,
    /// The elements of a segment.
    segment: usize,
}

impl Conv {
    /// Packs weights `[depth][height][width][inputs / groups][outputs]` for a level.
    pub fn new(
        level: super::Level,
        geometry: Geometry,
        weights: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self> {
        geometry.check()?;
        let geometry = geometry.flattened();
        let Geometry { inputs, outputs, groups, .. } = geometry;
        Epilogue { bias, ..Epilogue::default() }.check(outputs, 0)?;
        let depth = count(&[geometry.taps()?, inputs / groups])?;
        check_length("the weights", count(&[depth, outputs])?, weights)?;
        let share = outputs / groups;
        let weights = (0..groups)
            .map(|group| {
                let columns = weights.get(group * share..).unwrap_or_default();
                Packed::strided(level, columns, [depth, share], [outputs, 1])
            })
            .collect::<Result<_>>()?;
        let frame = Frame::new(&geometry)?;
        Ok(Self { geometry, weights, bias: bias.map(<[f32]>::to_vec), activation, frame })
    }

    /// The bytes that the packed weights take.
    pub fn bytes(&self) -> usize {
        self.weights.iter().map(Packed::bytes).sum()
    }

    /// Convolves the images of `x` into `out`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> Result<()> {
        let batch = self.geometry.batch(x, out)?;
        let epilogue = Epilogue { bias: self.bias.as_deref(), residual, activation: self.activation };
        epilogue.check(self.geometry.outputs, out.len())?;
        self.weights.iter().try_for_each(|weights| weights.check_level(context.level))?;
        if out.is_empty() {
            return Ok(());
        }
        let work = out.len().saturating_mul(self.weights.iter().map(Packed::depth).max().unwrap_or(0));
        let context = &Context { pool: context.pool_for(work), ..*context };
        let grid = self.grid(context, batch);
        region::for_each(context.pool, out, &grid, &|out| self.task(context, x, &epilogue, out));
        Ok(())
    }

    /// How the output is cut: into bands of rows that fit the cache and are enough for all threads, or, where
    /// the weights are larger than the input, into panels of channels.
    fn grid(&self, context: &Context<'_>, batch: usize) -> Grid {
        let Geometry { axes: [depth, height, width], inputs, outputs, groups } = self.geometry;
        let threads = context.pool.threads();
        let (images, image_rows) = (batch * depth.output, height.output * width.output);
        let (mut block_rows, mut block_columns) = (self.frame.block(width.output), outputs);
        if threads > 1 {
            let panel = context.level.panel();
            let weights = outputs * (inputs / groups) * self.frame.taps(inputs / groups);
            let input = batch * depth.input * height.input * width.input * inputs;
            let panels = outputs.div_ceil(panel);
            if weights > input && groups == 1 && panels >= threads {
                block_columns = panels.div_ceil(threads) * panel;
            } else if images < threads * 2 {
                let share = image_rows.div_ceil(threads * 2 / images.max(1));
                block_rows = block_rows.min(self.frame.round(share, width.output));
            }
        }
        Grid { images, image_rows, block_rows, columns: outputs, block_columns }
    }

    /// One band of output rows, or a part of a row where the image has one.
    fn task(&self, context: &Context<'_>, x: &[f32], epilogue: &Epilogue<'_>, out: Region<'_>) {
        let Geometry { axes: [depth, height, width], inputs, .. } = self.geometry;
        let per_image = height.output * width.output;
        let (sheet, first) = (out.rows().start / per_image, out.rows().start % per_image);
        let (image, sheet) = (sheet / depth.output, sheet % depth.output);
        let (row, column) = (first / width.output, first % width.output);
        let pixels = out.rows().len().min(width.output);
        let lines = out.rows().len() / pixels;
        let image = &x[image * depth.input * height.input * width.input * inputs..];
        let image = &image[..depth.input * height.input * width.input * inputs];
        let frame = &self.frame;
        let left = Left {
            data: image,
            start: sheet * depth.stride * frame.sheet
                + row * height.stride * frame.row
                + column * width.stride * frame.pixel,
            lines,
            line_step: height.stride * frame.row,
            pixels,
            pixel_step: width.stride * frame.pixel,
            segments: &frame.segments,
            segment: frame.segment,
        };
        if !frame.copied {
            return self.groups(context, &left, epilogue, out);
        }
        scratch::with(depth.window * frame.sheet, |framed| {
            let place = Place { sheet, row, column, lines, pixels };
            frame.copy(&self.geometry, image, place, framed);
            let left = Left { data: framed, start: 0, ..left };
            self.groups(context, &left, epilogue, out);
        });
    }

    /// The products of all groups.
    fn groups(&self, context: &Context<'_>, left: &Left<'_>, epilogue: &Epilogue<'_>, mut out: Region<'_>) {
        if let [weights] = self.weights.as_slice() {
            return tile::multiply(context.level, left, &weights.right(), epilogue, out);
        }
        let (inputs, outputs) =
            (self.geometry.inputs / self.geometry.groups, self.geometry.outputs / self.geometry.groups);
        for (group, weights) in self.weights.iter().enumerate() {
            let left = Left { start: left.start + group * inputs, ..*left };
            let columns = group * outputs..(group + 1) * outputs;
            let right = weights.right_at(columns.start);
            let part = out.part(out.rows(), columns);
            tile::multiply(context.level, &left, &right, epilogue, part);
        }
    }
}

/// A band of output positions.
#[derive(Clone, Copy)]
struct Place {
    sheet: usize,
    row: usize,
    column: usize,
    lines: usize,
    pixels: usize,
}

impl Frame {
    fn new(geometry: &Geometry) -> Result<Self> {
        let Geometry { axes: [depth, height, width], inputs, groups, .. } = *geometry;
        let copied = !geometry.axes.iter().all(Axis::is_inside);
        // Distances of a multiple of 2 KiB make pixels compete for the same lines of the first cache.
        let pixel = if copied && inputs.is_multiple_of(128) { inputs + 16 } else { inputs };
        let (mut rows, mut columns) = (height.output, width.output);
        let single = rows == 1;
        let (row, sheet) = if copied {
            let across =
                |columns: usize| (columns.saturating_sub(1) * width.stride + width.reach()).saturating_mul(pixel);
            let down = |rows: usize| rows.saturating_sub(1) * height.stride + height.reach();
            // An image of one row is cut along the row.
            if single {
                while columns > 28 && across(columns).saturating_mul(height.reach()) > BAND {
                    columns = columns.div_ceil(2).next_multiple_of(14);
                }
            }
            while rows > 1 && across(columns).saturating_mul(down(rows)).saturating_mul(depth.window) > BAND {
                rows = rows.div_ceil(2);
            }
            let row = across(columns);
            (row, count(&[row, down(rows)])?)
        } else {
            (width.input * pixel, height.input * width.input * pixel)
        };
        count(&[depth.window, sheet])?;
        // The sheets of a copy are those of the window: its dilation is gone.
        let sheet_step = if copied { sheet } else { depth.dilation * sheet };
        // Taps side by side are one segment.
        let joined = width.dilation == 1 && pixel == inputs && groups == 1;
        let across = if joined { 1 } else { width.window };
        let mut segments = Vec::new();
        for z in 0..depth.window {
            for y in 0..height.window {
                for x in 0..across {
                    segments.push(z * sheet_step + y * height.dilation * row + x * width.dilation * pixel);
                }
            }
        }
        let segment = if joined { width.window * inputs } else { inputs / groups };
        Ok(Self { copied, pixel, row, sheet, single, rows, columns, segments, segment })
    }

    /// The number of taps of a window with so many channels.
    fn taps(&self, channels: usize) -> usize {
        self.segments.len() * self.segment.checked_div(channels).unwrap_or(1)
    }

    /// Output positions of a band.
    fn block(&self, width: usize) -> usize {
        if self.copied {
            if self.single { self.columns } else { self.rows * width }
        } else {
            // What the tile reads of an input that is not copied has no bound of its own.
            let pixels = (BAND / self.pixel.max(1)).max(14);
            self.round(pixels, width)
        }
    }

    /// So many positions, or more, that are whole rows, or a part of the only row.
    fn round(&self, positions: usize, width: usize) -> usize {
        if self.single { positions.next_multiple_of(14) } else { positions.next_multiple_of(width.max(1)) }
    }

    /// Copies the part of an image under a band of windows into a frame of zeros.
    fn copy(&self, geometry: &Geometry, image: &[f32], place: Place, framed: &mut [f32]) {
        let Geometry { axes: [depth, height, width], inputs, .. } = *geometry;
        let rows = (place.lines - 1) * height.stride + height.reach();
        let pixels = (place.pixels - 1) * width.stride + width.reach();
        // Where the row begins and ends in the input.
        let start = (place.column * width.stride) as isize - width.before as isize;
        let before = start.min(0).unsigned_abs().min(pixels);
        let from = (start.max(0) as usize).min(width.input);
        let here = (pixels - before).min(width.input - from);
        for z in 0..depth.window {
            let sheet = depth.place(place.sheet, z);
            for y in 0..rows {
                let row = &mut framed[z * self.sheet + y * self.row..][..pixels * self.pixel];
                let input = (place.row * height.stride + y).checked_sub(height.before).filter(|y| *y < height.input);
                let Some((sheet, input)) = sheet.zip(input) else {
                    row.fill(0.0);
                    continue;
                };
                let (head, rest) = row.split_at_mut(before * self.pixel);
                let (body, tail) = rest.split_at_mut(here * self.pixel);
                head.fill(0.0);
                tail.fill(0.0);
                let line = &image[((sheet * height.input + input) * width.input + from) * inputs..][..here * inputs];
                if self.pixel == inputs {
                    body.copy_from_slice(line);
                } else {
                    for (to, from) in body.chunks_exact_mut(self.pixel).zip(line.chunks_exact(inputs.max(1))) {
                        to[..inputs].copy_from_slice(from);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
