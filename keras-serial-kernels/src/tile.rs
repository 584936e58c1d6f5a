//! The register tile: some pixels times some columns of weights, summed in registers over the depth.
//!
//! One kernel serves pointwise and windowed convolutions, products of matrices, recurrent cells and
//! attention. The tile is 14 pixels by 32 columns with AVX-512 (two groups of seven neighbouring pixels,
//! which may lie on two rows of an image, so that addresses need few registers), and 6 pixels by 16
//! columns with AVX2 and NEON.
//!
//! Panels of columns are the outer loop and pixels the inner one, so that a panel stays in the caches;
//! the first tile of a panel prefetches the next panel.
#![allow(unsafe_code)]

mod address;

use address::{Steps, opaque_pointer};

use super::epilogue::Epilogue;
use super::region::Region;
use super::simd::{Kernel, Level, Simd};

/// The left side of a product: lines of pixels, each of which reads segments of neighbouring elements.
///
/// In a product of matrices, a pixel is a row with one segment; in a convolution, a segment is a row of
/// the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left<'a> {
    /// Where the elements lie.
    pub data: &'a [f32],
    /// The place of the first pixel.
    pub start: usize,
    /// The number of lines.
    pub lines: usize,
    /// The distance of two lines.
    pub line_step: usize,
    /// Pixels of a line.
    pub pixels: usize,
    /// The distance of two pixels.
    pub pixel_step: usize,
    /// The place of each segment, from that of the pixel.
    pub segments: &'a [usize],
    /// The elements of a segment.
    pub segment: usize,
}

impl<'a> Left<'a> {
    /// The rows of a matrix with so many columns, `step` apart.
    pub fn matrix(data: &'a [f32], start: usize, rows: usize, columns: usize, step: usize) -> Self {
        Self { data, start, lines: 1, line_step: 0, pixels: rows, pixel_step: step, segments: &[0], segment: columns }
    }

    /// The number of elements that are summed up.
    fn depth(&self) -> usize {
        self.segments.len() * self.segment
    }

    /// The place after the last element that is read.
    fn end(&self) -> usize {
        let last = self.segments.iter().copied().max().unwrap_or(0) + self.segment;
        self.start + (self.lines.max(1) - 1) * self.line_step + (self.pixels.max(1) - 1) * self.pixel_step + last
    }
}

/// The right side of a product: panels of columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Right<'a> {
    /// Where the elements lie.
    pub data: &'a [f32],
    /// The distance of two rows of a panel.
    pub row_step: usize,
    /// The distance of two panels.
    pub panel_step: usize,
    /// The column of the output that the first panel begins with.
    pub column: usize,
}

/// Writes `epilogue(left · right)` to a region, of which every row is a pixel of `left`.
///
/// The region's columns begin with those of a panel.
pub(crate) fn multiply(level: Level, left: &Left<'_>, right: &Right<'_>, epilogue: &Epilogue<'_>, out: Region<'_>) {
    level.run(Multiply { left, right, epilogue, out });
}

struct Multiply<'a, 'b> {
    left: &'a Left<'b>,
    right: &'a Right<'b>,
    epilogue: &'a Epilogue<'b>,
    out: Region<'a>,
}

impl Kernel for Multiply<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let (rows, columns) = (self.out.rows(), self.out.columns());
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        self.check::<S>();
        let bounds = self.epilogue.activation.bounds();
        for first in columns.clone().step_by(S::PANEL) {
            let panel = (first - self.right.column) / S::PANEL;
            let here = first..(first + S::PANEL).min(columns.end);
            // SAFETY: the bias has a number for each column, the residual is like the whole output,
            // and the panel exists, all by `check`.
            let mut tiles = unsafe {
                Tiles {
                    pixel_step: self.left.pixel_step,
                    segments: self.left.segments,
                    segment: self.left.segment,
                    // Wrapping, since there is no panel where the depth is zero.
                    weights: self.right.data.as_ptr().wrapping_add(panel * self.right.panel_step),
                    row_step: self.right.row_step,
                    ahead: if here.end < columns.end { self.right.panel_step } else { 0 },
                    bias: self.epilogue.bias.map(|bias| bias.as_ptr().add(first)),
                    residual: self.epilogue.residual.map(|x| x.as_ptr().add(rows.start * self.out.stride() + first)),
                    bounds,
                    out: self.out.pointer(rows.start, &here),
                    stride: self.out.stride(),
                    columns: here.len(),
                }
            };
            // SAFETY: by `check`, all pixels of all lines are inside the left side, the residual and the
            // region; the region is borrowed exclusively.
            unsafe { self.panel(s, &mut tiles) };
        }
    }
}

impl Multiply<'_, '_> {
    /// The bounds of all slices, which the loops rely on.
    #[inline(always)]
    fn check<S: Simd>(&self) {
        let (rows, columns) = (self.out.rows(), self.out.columns());
        assert_eq!(rows.len(), self.left.lines * self.left.pixels);
        assert!(self.left.depth() == 0 || self.left.end() <= self.left.data.len());
        assert!(columns.start >= self.right.column && (columns.start - self.right.column).is_multiple_of(S::PANEL));
        let last_row = self.left.depth().saturating_sub(1) * self.right.row_step;
        let end = (columns.end - 1 - self.right.column) / S::PANEL * self.right.panel_step + last_row + S::PANEL;
        assert!(self.left.depth() == 0 || end <= self.right.data.len());
        assert!(self.epilogue.bias.is_none_or(|bias| bias.len() >= columns.end));
        assert!(self.epilogue.residual.is_none_or(|x| x.len() >= rows.end * self.out.stride()));
    }

    /// All pixels of one panel.
    ///
    /// # Safety
    /// As for [`Tiles::micro`], for every pixel of the left side.
    #[inline(always)]
    unsafe fn panel<S: Simd>(&self, s: S, tiles: &mut Tiles<'_>) {
        let left = self.left;
        // SAFETY: the caller's promise.
        let start = unsafe { left.data.as_ptr().add(if left.depth() == 0 { 0 } else { left.start }) };
        let mut done = 0;
        for size in cut::<S>(left.pixels) {
            let groups = (left.pixels - done) / size;
            if groups == 0 {
                continue;
            }
            let mut pending = [Group { pixel: start, row: 0 }; 6];
            let (mut count, mut remaining) = (0, left.lines * groups);
            for line in 0..left.lines {
                for group in 0..groups {
                    let pixel = done + group * size;
                    // A wrapping sum, since nothing is read where the depth is zero.
                    let place = line * left.line_step + pixel * left.pixel_step;
                    pending[count] = Group { pixel: start.wrapping_add(place), row: line * left.pixels + pixel };
                    count += 1;
                    // Two tiles of four are faster than six and two, whose few sums wait for one another.
                    let full = if S::TILE_GROUPS == 6 && remaining == 8 { 4 } else { S::TILE_GROUPS };
                    if count == full {
                        // SAFETY: the caller's promise.
                        unsafe { self.tile(s, tiles, &pending[..count], size) };
                        remaining -= count;
                        count = 0;
                    }
                }
            }
            if count > 0 {
                // SAFETY: the caller's promise.
                unsafe { self.tile(s, tiles, &pending[..count], size) };
            }
            done += groups * size;
        }
    }

    /// One tile of at most `TILE_GROUPS` groups of `size` pixels, with its activation.
    ///
    /// # Safety
    /// As for [`Tiles::micro`].
    #[inline(always)]
    unsafe fn tile<S: Simd>(&self, s: S, tiles: &mut Tiles<'_>, groups: &[Group], size: usize) {
        let vectors = tiles.columns.div_ceil(S::LANES);
        // SAFETY: the caller's promise.
        unsafe {
            if vectors == 1 {
                tiles.groups::<S, 1>(s, groups, size);
            } else if vectors == 2 || S::TILE_VECTORS == 2 {
                tiles.groups::<S, 2>(s, groups, size);
            } else {
                tiles.groups::<S, 4>(s, groups, size);
            }
        }
        // What the first tile has prefetched is in the caches.
        tiles.ahead = 0;
        if tiles.bounds.is_none() {
            for group in groups {
                for row in group.row..group.row + size {
                    // SAFETY: the row was just written, and is borrowed exclusively.
                    let row =
                        unsafe { std::slice::from_raw_parts_mut(tiles.out.add(row * tiles.stride), tiles.columns) };
                    self.epilogue.activation.apply(s, row);
                }
            }
        }
    }
}

/// The sizes of groups that a line is cut into, in descending order; what a size leaves goes to the next.
#[inline(always)]
fn cut<S: Simd>(pixels: usize) -> [usize; 4] {
    if S::GROUP_PIXELS == 1 {
        [usize::MAX, usize::MAX, usize::MAX, 1]
    } else if pixels < 28 && !pixels.is_multiple_of(7) && pixels.is_multiple_of(4) {
        [usize::MAX, 4, 2, 1]
    } else {
        [7, 4, 2, 1]
    }
}

/// Some neighbouring pixels of a line.
#[derive(Clone, Copy)]
struct Group {
    /// The first pixel.
    pixel: *const f32,
    /// Its row, counted from the first one of the region.
    row: usize,
}

/// The tiles of one panel.
struct Tiles<'a> {
    pixel_step: usize,
    segments: &'a [usize],
    segment: usize,
    weights: *const f32,
    row_step: usize,
    /// The distance to the weights that are prefetched.
    ahead: usize,
    bias: Option<*const f32>,
    residual: Option<*const f32>,
    /// `None` where the activation needs a pass of its own.
    bounds: Option<(f32, f32)>,
    out: *mut f32,
    stride: usize,
    columns: usize,
}

impl Tiles<'_> {
    /// Some groups of equal size, in the fewest tiles.
    ///
    /// # Safety
    /// As for [`Self::micro`].
    #[inline(always)]
    unsafe fn groups<S: Simd, const J: usize>(&self, s: S, groups: &[Group], size: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            if S::GROUP_PIXELS == 7 {
                match (groups, size) {
                    ([a, b], 7) => self.micro::<S, 2, 7, J>(s, [*a, *b]),
                    ([a, b], 4) => self.micro::<S, 2, 4, J>(s, [*a, *b]),
                    ([a, b], 2) => self.micro::<S, 2, 2, J>(s, [*a, *b]),
                    ([a, b], _) => self.micro::<S, 2, 1, J>(s, [*a, *b]),
                    ([a, ..], 7) => self.micro::<S, 1, 7, J>(s, [*a]),
                    ([a, ..], 4) => self.micro::<S, 1, 4, J>(s, [*a]),
                    ([a, ..], 2) => self.micro::<S, 1, 2, J>(s, [*a]),
                    ([a, ..], _) => self.micro::<S, 1, 1, J>(s, [*a]),
                    ([], _) => {}
                }
            } else {
                match *groups {
                    [a, b, c, d, e, f] => self.micro::<S, 6, 1, J>(s, [a, b, c, d, e, f]),
                    [a, b, c, d, ref rest @ ..] => {
                        self.micro::<S, 4, 1, J>(s, [a, b, c, d]);
                        if let [e] = *rest {
                            self.micro::<S, 1, 1, J>(s, [e]);
                        }
                    }
                    [a, b, ref rest @ ..] => {
                        self.micro::<S, 2, 1, J>(s, [a, b]);
                        if let [c] = *rest {
                            self.micro::<S, 1, 1, J>(s, [c]);
                        }
                    }
                    [a] => self.micro::<S, 1, 1, J>(s, [a]),
                    [] => {}
                }
            }
        }
    }

    /// The innermost loop: `R` groups of `Q` pixels times `J` vectors of columns, all in registers.
    ///
    /// # Safety
    /// All segments of all pixels of the groups are readable, as are the weights of the panel, the bias and
    /// the residual; the pixels' rows are writable; `columns <= J · LANES`.
    #[inline(always)]
    unsafe fn micro<S: Simd, const R: usize, const Q: usize, const J: usize>(&self, s: S, groups: [Group; R]) {
        debug_assert!(self.columns > 0 && self.columns <= J * S::LANES);
        // SAFETY: the caller's promise, for the whole function.
        unsafe {
            for group in groups {
                for q in 0..Q {
                    let place = (group.row + q) * self.stride;
                    s.prefetch(self.out.wrapping_add(place));
                    if let Some(residual) = self.residual {
                        s.prefetch(residual.wrapping_add(place));
                    }
                }
            }
            let mut sums = [[[s.zero(); J]; Q]; R];
            if let Some(bias) = self.bias {
                for j in 0..J {
                    let bias = load_columns(s, bias, j, self.columns);
                    for group in &mut sums {
                        for pixel in group {
                            pixel[j] = bias;
                        }
                    }
                }
            }
            let step = Steps::new(self.pixel_step);
            let mut weights = self.weights;
            for segment in self.segments {
                let mut pixels = [self.weights; R];
                for r in 0..R {
                    pixels[r] = groups[r].pixel.add(*segment);
                }
                for _ in 0..self.segment {
                    for line in (0..J * S::LANES).step_by(16) {
                        s.prefetch_far(weights.wrapping_add(self.ahead + line));
                    }
                    let mut columns = [s.zero(); J];
                    for j in 0..J {
                        columns[j] = s.load(weights.add(j * S::LANES));
                    }
                    for r in 0..R {
                        // Otherwise the compiler keeps an address for every pixel, for which there are too few registers.
                        let first = if Q > 1 { opaque_pointer(pixels[r]) } else { pixels[r] };
                        for q in 0..Q {
                            let x = s.splat(*step.pixel(first, q));
                            for j in 0..J {
                                sums[r][q][j] = s.mul_add(x, columns[j], sums[r][q][j]);
                            }
                        }
                        pixels[r] = first.add(1);
                    }
                    weights = weights.wrapping_add(self.row_step);
                }
            }
            // One call for each group, since a loop over them is not unrolled, and sums that are indexed at run
            // time would have to leave their registers in every step of the loop above.
            self.finish(s, groups[0], sums[0]);
            if R > 1 {
                self.finish(s, groups[1], sums[1]);
            }
            if R > 2 {
                self.finish(s, groups[2], sums[2]);
                self.finish(s, groups[3], sums[3]);
            }
            if R > 4 {
                self.finish(s, groups[4], sums[4]);
                self.finish(s, groups[5], sums[5]);
            }
        }
    }

    /// Adds the residual to the sums of one group, clips them, and stores them.
    ///
    /// # Safety
    /// As for [`Self::micro`].
    #[inline(always)]
    unsafe fn finish<S: Simd, const Q: usize, const J: usize>(&self, s: S, group: Group, mut sums: [[S::V; J]; Q]) {
        let start = group.row * self.stride;
        // SAFETY: the caller's promise, for the whole function.
        unsafe {
            if self.columns == J * S::LANES {
                if let Some(residual) = self.residual {
                    for q in 0..Q {
                        for j in 0..J {
                            let place = start + q * self.stride + j * S::LANES;
                            sums[q][j] = s.add(sums[q][j], s.load(residual.add(place)));
                        }
                    }
                }
                if let Some((low, high)) = self.bounds {
                    for q in 0..Q {
                        for j in 0..J {
                            sums[q][j] = s.min(s.splat(high), s.max(s.splat(low), sums[q][j]));
                        }
                    }
                }
                for q in 0..Q {
                    for j in 0..J {
                        s.store(self.out.add(start + q * self.stride + j * S::LANES), sums[q][j]);
                    }
                }
                return;
            }
            // A copy, which may be indexed at run time.
            let mut copy = [[s.zero(); J]; Q];
            for q in 0..Q {
                for j in 0..J {
                    copy[q][j] = sums[q][j];
                }
            }
            for q in 0..Q {
                let place = start + q * self.stride;
                for j in 0..J {
                    let mut sum = copy[q][j];
                    if let Some(residual) = self.residual {
                        sum = s.add(sum, load_columns(s, residual.add(place), j, self.columns));
                    }
                    if let Some((low, high)) = self.bounds {
                        sum = s.min(s.splat(high), s.max(s.splat(low), sum));
                    }
                    store_columns(s, self.out.add(place), j, self.columns, sum);
                }
            }
        }
    }
}

/// Loads the vector `j` of a row of so many columns.
///
/// # Safety
/// The row is readable.
#[inline(always)]
unsafe fn load_columns<S: Simd>(s: S, row: *const f32, j: usize, columns: usize) -> S::V {
    // SAFETY: the caller's promise; what lies past the last column is not read.
    unsafe {
        if (j + 1) * S::LANES <= columns {
            s.load(row.add(j * S::LANES))
        } else {
            let count = columns.saturating_sub(j * S::LANES);
            s.load_part(row.wrapping_add(j * S::LANES), count)
        }
    }
}

/// Stores the vector `j` of a row of so many columns.
///
/// # Safety
/// The row is writable.
#[inline(always)]
unsafe fn store_columns<S: Simd>(s: S, row: *mut f32, j: usize, columns: usize, v: S::V) {
    // SAFETY: the caller's promise; what lies past the last column is not written.
    unsafe {
        if (j + 1) * S::LANES <= columns {
            s.store(row.add(j * S::LANES), v);
        } else {
            let count = columns.saturating_sub(j * S::LANES);
            s.store_part(row.wrapping_add(j * S::LANES), v, count);
        }
    }
}

#[cfg(test)]
mod tests;
