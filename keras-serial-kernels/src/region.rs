//! Disjoint rectangles of an output matrix, which tasks write without locks.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use super::pool::Pool;

/// A rectangle of a matrix that one task writes: some rows, and some columns of each.
pub(crate) struct Region<'a> {
    /// The whole matrix.
    start: *mut f32,
    rows: Range<usize>,
    columns: Range<usize>,
    stride: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: a region is an exclusive borrow of its elements.
unsafe impl Send for Region<'_> {}

impl<'a> Region<'a> {
    /// All of a matrix with so many columns.
    pub fn whole(matrix: &'a mut [f32], columns: usize) -> Self {
        let rows = matrix.len().checked_div(columns).unwrap_or(0);
        Self { start: matrix.as_mut_ptr(), rows: 0..rows, columns: 0..columns, stride: columns, life: PhantomData }
    }

    /// The rows, numbered in the whole matrix.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The columns, numbered in the whole matrix.
    pub fn columns(&self) -> Range<usize> {
        self.columns.clone()
    }

    /// The distance between two rows of the whole matrix.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The part of a row of the whole matrix that lies inside.
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        assert!(self.rows.contains(&row));
        // SAFETY: the row and the columns lie in the matrix, and in this region alone.
        unsafe {
            let start = self.start.add(row * self.stride + self.columns.start);
            std::slice::from_raw_parts_mut(start, self.columns.len())
        }
    }

    /// Some whole rows, one after the other; the region has all columns of the matrix.
    pub fn whole_rows(&mut self, rows: Range<usize>) -> &mut [f32] {
        assert!(self.rows.start <= rows.start && rows.end <= self.rows.end && rows.start <= rows.end);
        assert_eq!(self.columns, 0..self.stride);
        // SAFETY: the rows lie in the matrix, and in this region alone.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(rows.start * self.stride), rows.len() * self.stride) }
    }

    /// The first element of some of the columns of a row; only those columns may be written.
    pub fn pointer(&mut self, row: usize, columns: &Range<usize>) -> *mut f32 {
        debug_assert!(self.rows.contains(&row));
        debug_assert!(self.columns.start <= columns.start && columns.end <= self.columns.end);
        self.start.wrapping_add(row * self.stride + columns.start)
    }

    /// A part of this region.
    pub fn part(&mut self, rows: Range<usize>, columns: Range<usize>) -> Region<'_> {
        assert!(self.rows.start <= rows.start && rows.end <= self.rows.end && rows.start <= rows.end);
        assert!(self.columns.start <= columns.start && columns.end <= self.columns.end);
        Region { start: self.start, rows, columns, stride: self.stride, life: PhantomData }
    }
}

/// How a matrix is cut into rectangles, each the work of one task.
///
/// The rows are those of `images` of equal height, and a rectangle stays inside one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// The number of images.
    pub images: usize,
    /// Rows of an image.
    pub image_rows: usize,
    /// Rows of a block; the last block of an image may have fewer.
    pub block_rows: usize,
    /// Columns of the matrix.
    pub columns: usize,
    /// Columns of a block; the last block may have fewer.
    pub block_columns: usize,
}

impl Grid {
    /// Blocks of rows with all columns.
    pub fn of_rows(rows: usize, columns: usize, block_rows: usize) -> Self {
        Self { images: 1, image_rows: rows, block_rows, columns, block_columns: columns }
    }

    /// The number of rectangles down an image and across it.
    fn blocks(&self) -> (usize, usize) {
        (self.image_rows.div_ceil(self.block_rows.max(1)), self.columns.div_ceil(self.block_columns.max(1)))
    }

    /// The number of rectangles.
    pub fn tasks(&self) -> usize {
        let (down, across) = self.blocks();
        self.images * down * across
    }

    /// The rows and columns of a rectangle.
    fn rectangle(&self, task: usize) -> (Range<usize>, Range<usize>) {
        let (down, across) = self.blocks();
        let (band, part) = (task / across, task % across);
        let (image, block) = (band / down, band % down);
        let rows = block * self.block_rows..((block + 1) * self.block_rows).min(self.image_rows);
        let columns = part * self.block_columns..((part + 1) * self.block_columns).min(self.columns);
        (image * self.image_rows + rows.start..image * self.image_rows + rows.end, columns)
    }
}

/// Runs a function for every rectangle of a matrix, on the threads of a pool.
pub(crate) fn for_each<'a>(pool: &Pool, matrix: &'a mut [f32], grid: &Grid, function: &(dyn Fn(Region<'a>) + Sync)) {
    assert_eq!(matrix.len(), grid.images * grid.image_rows * grid.columns);
    let start = Shared(matrix.as_mut_ptr());
    pool.run(grid.tasks(), &|task| {
        // Rectangles of different tasks are disjoint, and inside the matrix by the assertion above.
        let (rows, columns) = grid.rectangle(task);
        function(Region { start: start.get(), rows, columns, stride: grid.columns, life: PhantomData });
    });
}

/// Runs a function for blocks of rows of two matrices with equally many rows, on the threads of a pool.
pub(crate) fn for_each_of_two<'a>(
    pool: &Pool,
    matrices: [(&'a mut [f32], usize); 2],
    [rows, block_rows]: [usize; 2],
    function: &(dyn Fn([Region<'a>; 2]) + Sync),
) {
    let [first, second] = matrices;
    let columns = [first.1, second.1];
    assert!(first.0.len() == rows * columns[0] && second.0.len() == rows * columns[1]);
    let starts = [Shared(first.0.as_mut_ptr()), Shared(second.0.as_mut_ptr())];
    let grid = Grid::of_rows(rows, 1, block_rows);
    pool.run(grid.tasks(), &|task| {
        // Blocks of different tasks are disjoint, and inside the matrices by the assertion above.
        let (rows, _) = grid.rectangle(task);
        let region = |i: usize| {
            let (start, rows, stride) = (starts[i].get(), rows.clone(), columns[i]);
            Region { start, rows, columns: 0..stride, stride, life: PhantomData }
        };
        function([region(0), region(1)]);
    });
}

/// A pointer that tasks share.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: tasks write disjoint rectangles through it.
unsafe impl Sync for Shared {}

impl Shared {
    fn get(&self) -> *mut f32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_cover_the_matrix_once() {
        let pool = Pool::new(2);
        let shapes =
            [(1, 7, 5, 2, 2), (1, 1, 1, 3, 9), (3, 4, 3, 4, 1), (1, 0, 3, 2, 2), (2, 3, 0, 1, 1), (4, 5, 6, 2, 4)];
        for (images, image_rows, columns, block_rows, block_columns) in shapes {
            let mut matrix = vec![0.0; images * image_rows * columns];
            let grid = Grid { images, image_rows, block_rows, columns, block_columns };
            for_each(&pool, &mut matrix, &grid, &|mut region| {
                for row in region.rows() {
                    assert_eq!(row / image_rows, region.rows().start / image_rows);
                    let first = region.columns().start;
                    let inside = region.row(row).iter_mut().enumerate();
                    inside.for_each(|(i, x)| *x += (row * columns + first + i) as f32);
                }
            });
            assert!(matrix.iter().enumerate().all(|(i, x)| *x == i as f32));
        }
    }
}
