//! Softmax and log-softmax over the rows of a matrix.

use super::Context;
use super::error::{Result, check, check_length};
use super::region::{self, Grid, Region};
use super::simd::{Kernel, Simd, math};

/// Elements of a task at least.
const BLOCK: usize = 16 * 1024;

/// Writes the softmax of every row of `x`, which has so many columns, to `out`.
pub fn softmax(context: &Context<'_>, x: &[f32], columns: usize, out: &mut [f32]) -> Result<()> {
    run(context, x, columns, false, out)
}

/// Writes the logarithm of the softmax of every row of `x`, which has so many columns, to `out`.
pub fn log_softmax(context: &Context<'_>, x: &[f32], columns: usize, out: &mut [f32]) -> Result<()> {
    run(context, x, columns, true, out)
}

fn run(context: &Context<'_>, x: &[f32], columns: usize, logarithm: bool, out: &mut [f32]) -> Result<()> {
    check(columns > 0 && x.len().is_multiple_of(columns), "rows have the same number of columns, at least one")?;
    check_length("the output", x.len(), out)?;
    let grid = Grid::of_rows(x.len() / columns, columns, BLOCK.div_ceil(columns));
    region::for_each(context.pool, out, &grid, &|out| context.level.run(Rows { x, logarithm, out }));
    Ok(())
}

struct Rows<'a> {
    x: &'a [f32],
    logarithm: bool,
    out: Region<'a>,
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let columns = self.out.columns().len();
        for row in self.out.rows() {
            let x = &self.x[row * columns..(row + 1) * columns];
            let out = self.out.row(row);
            if self.logarithm {
                log_row(s, x, out);
            } else {
                out.copy_from_slice(x);
                softmax_row(s, out, 1.0);
            }
        }
    }
}

/// The largest element.
#[inline(always)]
fn largest<S: Simd>(s: S, row: &[f32]) -> f32 {
    let mut most = s.splat(f32::NEG_INFINITY);
    let parts = row.chunks_exact(S::LANES);
    let rest = parts.remainder();
    for part in parts {
        most = s.max(most, s.load_slice(part));
    }
    rest.iter().fold(s.largest(most), |a, b| if a > *b { a } else { *b })
}

/// Softmax of `scale · row`, in place.
#[inline(always)]
pub(crate) fn softmax_row<S: Simd>(s: S, row: &mut [f32], scale: f32) {
    let most = largest(s, row) * scale;
    let (scale, most) = (s.splat(scale), s.splat(-most));
    let mut sums = s.zero();
    for part in row.chunks_mut(S::LANES) {
        let power = math::exp(s, s.mul_add(s.load_slice(part), scale, most));
        s.store_slice(part, power);
        // Elements past the end are zero again when loaded.
        sums = s.add(sums, s.load_slice(part));
    }
    let factor = s.splat(1.0 / s.sum(sums));
    for part in row.chunks_mut(S::LANES) {
        let product = s.mul(s.load_slice(part), factor);
        s.store_slice(part, product);
    }
}

/// Log-softmax of a row.
#[inline(always)]
fn log_row<S: Simd>(s: S, x: &[f32], out: &mut [f32]) {
    let most = largest(s, x);
    let mut sums = s.zero();
    for (part, out) in x.chunks(S::LANES).zip(out.chunks_mut(S::LANES)) {
        let power = math::exp(s, s.sub(s.load_slice(part), s.splat(most)));
        s.store_slice(out, power);
        sums = s.add(sums, s.load_slice(out));
    }
    let (most, log) = (s.splat(most), s.splat(s.sum(sums).ln()));
    for (part, out) in x.chunks(S::LANES).zip(out.chunks_mut(S::LANES)) {
        s.store_slice(out, s.sub(s.sub(s.load_slice(part), most), log));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, wide};

    #[test]
    fn rows_of_all_lengths() {
        for (rows, columns) in [(1, 1), (3, 7), (2, 8), (5, 33), (300, 100), (1, 1000)] {
            let x: Vec<f32> = numbers(rows * columns, 1).iter().map(|x| 20.0 * x).collect();
            let logs: Vec<f64> = wide(&x)
                .chunks(columns)
                .flat_map(|row| {
                    let most = row.iter().copied().fold(f64::MIN, f64::max);
                    let sum: f64 = row.iter().map(|x| (x - most).exp()).sum();
                    row.iter().map(move |x| x - most - sum.ln()).collect::<Vec<_>>()
                })
                .collect();
            let powers: Vec<f64> = logs.iter().map(|x| x.exp()).collect();
            everywhere(|context| {
                let mut out = vec![f32::NAN; x.len()];
                softmax(context, &x, columns, &mut out).unwrap();
                assert_close(&out, &powers, &format!("{:?} {rows} {columns}", context.level));
                log_softmax(context, &x, columns, &mut out).unwrap();
                assert_close(&out, &logs, &format!("{:?} {rows} {columns}", context.level));
            });
        }
    }

    #[test]
    fn masked_and_wrong_rows() {
        everywhere(|context| {
            let mut out = [0.0; 3];
            softmax(context, &[f32::NEG_INFINITY, 1.0, 1.0], 3, &mut out).unwrap();
            assert_eq!(out, [0.0, 0.5, 0.5]);
            softmax(context, &[f32::NAN, 1.0, 1.0], 3, &mut out).unwrap();
            assert!(out.iter().all(|x| x.is_nan()));
            assert!(softmax(context, &[1.0; 3], 0, &mut out).is_err());
            assert!(softmax(context, &[1.0; 3], 2, &mut out).is_err());
            assert!(softmax(context, &[1.0; 4], 2, &mut out).is_err());
            softmax(context, &[], 2, &mut []).unwrap();
        });
    }
}
