//! The product of one row and packed weights (GEMV), bound by the memory that the weights are read from.
#![allow(unsafe_code)]

use super::Context;
use super::epilogue::Epilogue;
use super::pack::Packed;
use super::region::{self, Grid, Region};
use super::simd::{Kernel, Simd};
use super::tile::Right;

/// Panels that are read side by side, so that sums do not wait for one another.
const PANELS: usize = 4;

/// Multiplies one row; slices must have the lengths that the weights tell.
pub(crate) fn run(context: &Context<'_>, x: &[f32], weights: &Packed, epilogue: &Epilogue<'_>, out: &mut [f32]) {
    let (depth, columns, panel) = (weights.depth(), weights.columns(), weights.panel());
    let pool = context.pool_for(depth * columns);
    let block_columns = columns.div_ceil(pool.threads()).next_multiple_of(PANELS * panel);
    let grid = Grid { block_columns, ..Grid::of_rows(1, columns, 1) };
    region::for_each(pool, out, &grid, &|out| {
        context.level.run(Row { x, right: weights.right(), epilogue, out });
    });
}

struct Row<'a, 'b> {
    x: &'a [f32],
    right: Right<'b>,
    epilogue: &'a Epilogue<'b>,
    out: Region<'a>,
}

impl Kernel for Row<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let columns = self.out.columns();
        let bounds = self.epilogue.activation.bounds();
        let mut first = columns.start;
        while first < columns.end {
            let panels = (columns.end - first).div_ceil(S::PANEL).min(PANELS);
            match panels {
                4 => self.panels::<S, 4>(s, first, columns.start, bounds),
                3 => self.panels::<S, 3>(s, first, columns.start, bounds),
                2 => self.panels::<S, 2>(s, first, columns.start, bounds),
                _ => self.panels::<S, 1>(s, first, columns.start, bounds),
            }
            first += panels * S::PANEL;
        }
        if bounds.is_none() {
            self.epilogue.activation.apply(s, self.out.row(0));
        }
    }
}

impl Row<'_, '_> {
    /// The sums of `P` panels from the column `first` on.
    #[inline(always)]
    fn panels<S: Simd, const P: usize>(&mut self, s: S, first: usize, start: usize, bounds: Option<(f32, f32)>) {
        assert!(first.is_multiple_of(S::PANEL));
        let right = self.right;
        let begin = first / S::PANEL * right.panel_step;
        let weights = &right.data[begin..begin + (P - 1) * right.panel_step + self.x.len() * right.row_step];
        assert!(right.row_step >= S::PANEL);
        let mut sums = [[s.zero(); 4]; P];
        for (k, x) in self.x.iter().enumerate() {
            let x = s.splat(*x);
            for p in 0..P {
                for j in 0..S::TILE_VECTORS {
                    // SAFETY: the row `k` of the panel `p` lies in the slice, and is a panel wide.
                    let row = unsafe {
                        s.load(weights.as_ptr().add(p * right.panel_step + k * right.row_step + j * S::LANES))
                    };
                    sums[p][j] = s.mul_add(x, row, sums[p][j]);
                }
            }
        }
        let out = self.out.row(0);
        for (i, part) in out[first - start..].chunks_mut(S::LANES).take(P * S::TILE_VECTORS).enumerate() {
            let column = first + i * S::LANES;
            let mut sum = sums[i / S::TILE_VECTORS][i % S::TILE_VECTORS];
            if let Some(bias) = self.epilogue.bias {
                sum = s.add(sum, s.load_slice(&bias[column..]));
            }
            if let Some(residual) = self.epilogue.residual {
                sum = s.add(sum, s.load_slice(&residual[column..]));
            }
            if let Some((low, high)) = bounds {
                sum = s.min(s.splat(high), s.max(s.splat(low), sum));
            }
            s.store_slice(part, sum);
        }
    }
}
