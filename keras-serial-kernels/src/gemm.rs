//! Products of matrices (GEMM): by packed weights ([`Dense`]), and of two matrices that both vary
//! ([`MatMul`]), batched.

use super::epilogue::{Activation, Epilogue};
use super::error::{Result, check, check_length, count};
use super::gemv;
use super::pack::{Packed, pack};
use super::region::{self, Grid, Region};
use super::scratch;
use super::tile::{self, Left, Right};
use super::{Context, SMALL};

/// Rows of a task at least, as far as there are more.
const LEAST_ROWS: usize = 14;

/// Elements of the left side that a task reads at most, so that they stay in the second cache.
const BAND: usize = 96 * 1024;

/// A dense layer, `activation(x · W + bias + residual)`, with its weights packed.
#[derive(Clone, Debug)]
pub struct Dense {
    weights: Packed,
    bias: Option<Vec<f32>>,
    activation: Activation,
}

impl Dense {
    /// A layer of packed weights and a bias for each column.
    pub fn new(weights: Packed, bias: Option<&[f32]>, activation: Activation) -> Result<Self> {
        Epilogue { bias, ..Epilogue::default() }.check(weights.columns(), 0)?;
        Ok(Self { weights, bias: bias.map(<[f32]>::to_vec), activation })
    }

    /// The packed weights.
    pub fn weights(&self) -> &Packed {
        &self.weights
    }

    /// Multiplies the rows of `x`, `[rows][depth]`, into `out`, `[rows][columns]`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) -> Result<()> {
        let (depth, columns) = (self.weights.depth(), self.weights.columns());
        self.weights.check_level(context.level)?;
        // Without columns or without depth, the other side tells the number of rows.
        let rows = out.len().checked_div(columns).or(x.len().checked_div(depth)).unwrap_or(0);
        check_length("the input", count(&[rows, depth])?, x)?;
        check_length("the output", rows * columns, out)?;
        let epilogue = Epilogue { bias: self.bias.as_deref(), residual, activation: self.activation };
        epilogue.check(columns, out.len())?;
        if rows == 1 {
            gemv::run(context, x, &self.weights, &epilogue, out);
            return Ok(());
        }
        let grid = split(context, [rows, depth, columns], self.weights.panel());
        let pool = context.pool_for(rows.saturating_mul(depth).saturating_mul(columns));
        region::for_each(pool, out, &grid, &|out| {
            let left = Left::matrix(x, out.rows().start * depth, out.rows().len(), depth, depth);
            tile::multiply(context.level, &left, &self.weights.right(), &epilogue, out);
        });
        Ok(())
    }
}

/// How a product is cut into tasks: along the columns where the weights are larger than the input, since
/// each task then reads few of them, and else along the rows.
fn split(context: &Context<'_>, [rows, depth, columns]: [usize; 3], panel: usize) -> Grid {
    let threads = context.pool.threads();
    let cached = (BAND / depth.max(1)).max(LEAST_ROWS);
    if threads == 1 || rows.saturating_mul(depth).saturating_mul(columns) < SMALL {
        return Grid::of_rows(rows, columns, cached.next_multiple_of(LEAST_ROWS));
    }
    let panels = columns.div_ceil(panel);
    if columns > rows && panels >= threads {
        let block_columns = panels.div_ceil(threads * 2) * panel;
        return Grid { block_columns, ..Grid::of_rows(rows, columns, cached.next_multiple_of(LEAST_ROWS)) };
    }
    let share = rows.div_ceil(threads * 2).next_multiple_of(LEAST_ROWS);
    Grid::of_rows(rows, columns, share.min(cached.next_multiple_of(LEAST_ROWS)))
}

/// A batch of products of two matrices, neither of which is known ahead.
#[derive(Clone, Copy, Debug)]
pub struct MatMul {
    /// The number of products.
    pub batch: usize,
    /// Rows of the left side and of the result.
    pub rows: usize,
    /// Columns of the left side, rows of the right side.
    pub depth: usize,
    /// Columns of the right side and of the result.
    pub columns: usize,
    /// Is the left side given as `[depth][rows]`?
    pub left_transposed: bool,
    /// Is the right side given as `[columns][depth]`?
    pub right_transposed: bool,
    /// Is there one right side for all products?
    pub right_shared: bool,
}

impl MatMul {
    /// One product of `[rows][depth]` and `[depth][columns]`.
    pub fn new(rows: usize, depth: usize, columns: usize) -> Self {
        let (left_transposed, right_transposed, right_shared) = (false, false, false);
        Self { batch: 1, rows, depth, columns, left_transposed, right_transposed, right_shared }
    }

    /// Multiplies `left` and `right` into `out`, `[batch][rows][columns]`, and applies the activation.
    pub fn run(
        &self,
        context: &Context<'_>,
        left: &[f32],
        right: &[f32],
        activation: Activation,
        out: &mut [f32],
    ) -> Result<()> {
        let Self { batch, rows, depth, columns, .. } = *self;
        let rights = if self.right_shared { batch.min(1) } else { batch };
        check_length("the left side", count(&[batch, rows, depth])?, left)?;
        check_length("the right side", count(&[rights, depth, columns])?, right)?;
        check_length("the output", count(&[batch, rows, columns])?, out)?;
        let panel = context.level.panel();
        let work = batch.saturating_mul(rows).saturating_mul(depth).saturating_mul(columns);
        let is_whole = batch >= context.pool.threads() || work < SMALL;
        let share = rows.div_ceil(context.pool.threads()).next_multiple_of(LEAST_ROWS);
        let block_rows = if is_whole { rows } else { share };
        let grid = Grid { images: batch, image_rows: rows, block_rows, columns, block_columns: columns };
        check(depth.checked_mul(panel).is_some(), "a panel fits the address space")?;
        let pool = context.pool_for(work);
        region::for_each(pool, out, &grid, &|out| self.task(context, left, right, activation, out));
        Ok(())
    }

    /// The product of some rows of one matrix.
    fn task(&self, context: &Context<'_>, left: &[f32], right: &[f32], activation: Activation, mut out: Region<'_>) {
        let Self { rows, depth, columns, .. } = *self;
        let (first, here) = (out.rows().start, out.rows().len());
        let (image, row) = (first / rows.max(1), first % rows.max(1));
        let left = &left[image * rows * depth..(image + 1) * rows * depth];
        let right =
            if self.right_shared { right } else { &right[image * depth * columns..(image + 1) * depth * columns] };
        let panel = context.level.panel();
        let turned = if self.left_transposed { here * depth } else { 0 };
        let in_place = !self.right_transposed && columns.is_multiple_of(panel);
        let packed = if in_place { 0 } else { depth * panel };
        let epilogue = Epilogue { activation, ..Epilogue::default() };
        scratch::with(turned + packed, |buffer| {
            let (turned, packed) = buffer.split_at_mut(turned);
            for (i, x) in turned.chunks_exact_mut(depth.max(1)).enumerate() {
                x.iter_mut().enumerate().for_each(|(k, x)| *x = left[k * rows + row + i]);
            }
            let left = match self.left_transposed {
                true => Left::matrix(turned, 0, here, depth, depth),
                false => Left::matrix(left, row * depth, here, depth, depth),
            };
            if in_place {
                let right = Right { data: right, row_step: columns, panel_step: panel, column: 0 };
                return tile::multiply(context.level, &left, &right, &epilogue, out);
            }
            let steps = if self.right_transposed { [1, depth] } else { [columns, 1] };
            for column in (0..columns).step_by(panel) {
                let wide = panel.min(columns - column);
                packed.fill(0.0);
                if depth > 0 {
                    pack(&right[column * steps[1]..], [depth, wide], steps, panel, packed);
                }
                // Every panel reads the one that was just packed.
                let right = Right { data: packed, row_step: panel, panel_step: 0, column: 0 };
                let part = out.part(first..first + here, column..column + wide);
                tile::multiply(context.level, &left, &right, &epilogue, part);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::testing::{assert_close, everywhere, numbers, wide};

    /// `[rows][depth] · [depth][columns]` in double precision.
    fn product(a: &[f64], b: &[f64], [rows, depth, columns]: [usize; 3]) -> Vec<f64> {
        let at = |i: usize, j: usize| (0..depth).map(|k| a[i * depth + k] * b[k * columns + j]).sum();
        (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| at(i, j)).collect()
    }

    fn dense(rows: usize, depth: usize, columns: usize) {
        let (x, w, bias) = (numbers(rows * depth, 1), numbers(depth * columns, 2), numbers(columns, 3));
        let residual = numbers(rows * columns, 4);
        let mut reference = product(&wide(&x), &wide(&w), [rows, depth, columns]);
        for (i, y) in reference.iter_mut().enumerate() {
            *y = (*y + f64::from(bias[i % columns]) + f64::from(residual[i])).clamp(0.0, 6.0);
        }
        everywhere(|context| {
            let weights = Packed::new(context.level, &w, depth, columns).unwrap();
            let layer = Dense::new(weights, Some(&bias), Activation::Clip { low: 0.0, high: 6.0 }).unwrap();
            let mut out = vec![f32::NAN; rows * columns];
            layer.run(context, &x, Some(&residual), &mut out).unwrap();
            assert_close(&out, &reference, &format!("{:?} {rows} {depth} {columns}", context.level));
        });
    }

    #[test]
    fn dense_layers() {
        for rows in [1, 2, 3, 5, 14, 31, 65] {
            for (depth, columns) in [(1, 1), (3, 31), (32, 32), (33, 33), (64, 129), (7, 300)] {
                dense(rows, depth, columns);
            }
        }
        dense(1, 784, 256);
        dense(256, 128, 10);
        dense(3, 40, 2000);
    }

    #[test]
    fn products_of_two_matrices() {
        for (batch, rows, depth, columns) in
            [(1, 1, 1, 1), (2, 3, 5, 7), (3, 33, 32, 31), (1, 64, 65, 64), (5, 16, 8, 32), (1, 200, 40, 96)]
        {
            for flags in 0..8 {
                let (left_transposed, right_transposed, right_shared) =
                    (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
                let rights = if right_shared { 1 } else { batch };
                let (a, b) = (numbers(batch * rows * depth, 1), numbers(rights * depth * columns, 2));
                let mut reference = Vec::new();
                for image in 0..batch {
                    let a = &wide(&a)[image * rows * depth..][..rows * depth];
                    let b = &wide(&b)[if right_shared { 0 } else { image * depth * columns }..][..depth * columns];
                    let turn = |x: &[f64], rows: usize, columns: usize| -> Vec<f64> {
                        (0..rows * columns).map(|i| x[i % columns * rows + i / columns]).collect()
                    };
                    let a = if left_transposed { turn(a, rows, depth) } else { a.to_vec() };
                    let b = if right_transposed { turn(b, depth, columns) } else { b.to_vec() };
                    reference.extend(product(&a, &b, [rows, depth, columns]));
                }
                let kernel = MatMul { batch, rows, depth, columns, left_transposed, right_transposed, right_shared };
                everywhere(|context| {
                    let mut out = vec![f32::NAN; batch * rows * columns];
                    kernel.run(context, &a, &b, Activation::Linear, &mut out).unwrap();
                    assert_close(&out, &reference, &format!("{:?} {kernel:?}", context.level));
                });
            }
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let context = Context::default();
        let weights = || Packed::new(context.level, &[1.0; 6], 3, 2).unwrap();
        assert!(Dense::new(weights(), Some(&[0.0]), Activation::Linear).is_err());
        let layer = Dense::new(weights(), None, Activation::Linear).unwrap();
        let mut out = [0.0; 4];
        assert!(layer.run(&context, &[0.0; 5], None, &mut out).is_err());
        assert!(layer.run(&context, &[0.0; 6], None, &mut out[..3]).is_err());
        assert!(layer.run(&context, &[0.0; 6], Some(&[0.0; 3]), &mut out).is_err());
        let other = Level::available().into_iter().find(|level| *level != context.level).unwrap();
        assert!(layer.run(&Context { level: other, ..context }, &[0.0; 6], None, &mut out).is_err());
        assert!(MatMul::new(2, 3, 2).run(&context, &[0.0; 5], &[0.0; 6], Activation::Linear, &mut out).is_err());
        assert!(MatMul::new(usize::MAX, 3, 2).run(&context, &[], &[], Activation::Linear, &mut out).is_err());
    }

    #[test]
    fn empty_products() {
        let context = Context::default();
        let none = Packed::new(context.level, &[], 0, 2).unwrap();
        let layer = Dense::new(none, Some(&[1.0, 2.0]), Activation::Linear).unwrap();
        let mut out = [0.0; 4];
        layer.run(&context, &[], None, &mut out).unwrap();
        assert_eq!(out, [1.0, 2.0, 1.0, 2.0]);
        MatMul::new(2, 0, 2).run(&context, &[], &[], Activation::Linear, &mut out).unwrap();
        assert_eq!(out, [0.0; 4]);
        let mut wide = [1.0; 64];
        MatMul::new(1, 0, 64).run(&context, &[], &[], Activation::Linear, &mut wide).unwrap();
        assert_eq!(wide, [0.0; 64]);
        MatMul::new(0, 3, 2).run(&context, &[], &[0.0; 6], Activation::Linear, &mut []).unwrap();
    }
}
