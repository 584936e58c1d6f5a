//! Layer normalization and root-mean-square (RMS) normalization over the rows of a matrix.

use super::Context;
use super::error::{Result, check, check_length};
use super::region::{self, Grid, Region};
use super::simd::{Kernel, Simd};

/// Elements of a task at least.
const BLOCK: usize = 16 * 1024;

/// What a row is normalized by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Mean and variance.
    Layer,
    /// The mean of the squares.
    RootMeanSquare,
}

/// A normalization, `(x - mean) / √(variance + epsilon) · gamma + beta` over every row.
#[derive(Clone, Copy, Debug)]
pub struct Normalize<'a> {
    /// What a row is normalized by.
    pub kind: Kind,
    /// What is added to the variance.
    pub epsilon: f32,
    /// A factor for each column.
    pub gamma: Option<&'a [f32]>,
    /// A number for each column that is added.
    pub beta: Option<&'a [f32]>,
}

impl Normalize<'_> {
    /// Writes the normalized rows of `x`, which has so many columns, to `out`.
    pub fn run(&self, context: &Context<'_>, x: &[f32], columns: usize, out: &mut [f32]) -> Result<()> {
        check(columns > 0 && x.len().is_multiple_of(columns), "rows have the same number of columns, at least one")?;
        check_length("the output", x.len(), out)?;
        self.gamma.map_or(Ok(()), |gamma| check_length("gamma", columns, gamma))?;
        self.beta.map_or(Ok(()), |beta| check_length("beta", columns, beta))?;
        let grid = Grid::of_rows(x.len() / columns, columns, BLOCK.div_ceil(columns));
        region::for_each(context.pool, out, &grid, &|out| context.level.run(Rows { normalize: self, x, out }));
        Ok(())
    }
}

struct Rows<'a, 'b> {
    normalize: &'a Normalize<'b>,
    x: &'a [f32],
    out: Region<'a>,
}

impl Kernel for Rows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let columns = self.out.columns().len();
        let Normalize { kind, epsilon, gamma, beta } = *self.normalize;
        for row in self.out.rows() {
            let x = &self.x[row * columns..(row + 1) * columns];
            let mean = match kind {
                Kind::Layer => sum(s, x) / columns as f32,
                Kind::RootMeanSquare => 0.0,
            };
            let variance = squares(s, x, mean) / columns as f32;
            let factor = s.splat(1.0 / (variance + epsilon).sqrt());
            let mean = s.splat(mean);
            for (at, out) in self.out.row(row).chunks_mut(S::LANES).enumerate() {
                let at = at * S::LANES;
                let mut y = s.mul(s.sub(s.load_slice(&x[at..]), mean), factor);
                if let Some(gamma) = gamma {
                    y = s.mul(y, s.load_slice(&gamma[at..]));
                }
                if let Some(beta) = beta {
                    y = s.add(y, s.load_slice(&beta[at..]));
                }
                s.store_slice(out, y);
            }
        }
    }
}

/// The sum of a row.
#[inline(always)]
fn sum<S: Simd>(s: S, row: &[f32]) -> f32 {
    // Four sums, so that they don't wait for one another.
    let mut sums = [s.zero(); 4];
    let parts = row.chunks_exact(4 * S::LANES);
    for part in parts.remainder().chunks(S::LANES) {
        sums[0] = s.add(sums[0], s.load_slice(part));
    }
    for part in parts {
        for i in 0..4 {
            sums[i] = s.add(sums[i], s.load_slice(&part[i * S::LANES..]));
        }
    }
    s.sum(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])))
}

/// The sum of the squared distances of a row from a mean.
#[inline(always)]
fn squares<S: Simd>(s: S, row: &[f32], mean: f32) -> f32 {
    let mut sums = [s.zero(); 4];
    let parts = row.chunks_exact(4 * S::LANES);
    let rest: f32 = parts.remainder().iter().map(|x| (x - mean) * (x - mean)).sum();
    for part in parts {
        for i in 0..4 {
            let distance = s.sub(s.load_slice(&part[i * S::LANES..]), s.splat(mean));
            sums[i] = s.mul_add(distance, distance, sums[i]);
        }
    }
    s.sum(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3]))) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_close, everywhere, numbers, wide};

    #[test]
    fn rows_of_all_lengths() {
        for (rows, columns) in [(1, 1), (3, 7), (2, 8), (5, 33), (300, 96), (1, 1000)] {
            let x: Vec<f32> = numbers(rows * columns, 1).iter().map(|x| 3.0 * x + 2.0).collect();
            let (gamma, beta) = (numbers(columns, 2), numbers(columns, 3));
            for kind in [Kind::Layer, Kind::RootMeanSquare] {
                let mut expected = Vec::new();
                for row in wide(&x).chunks(columns) {
                    let mean = row.iter().sum::<f64>() / columns as f64;
                    let mean = if kind == Kind::Layer { mean } else { 0.0 };
                    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / columns as f64;
                    let y = |(i, x): (usize, &f64)| {
                        (x - mean) / (variance + f64::from(1e-3f32)).sqrt() * f64::from(gamma[i]) + f64::from(beta[i])
                    };
                    expected.extend(row.iter().enumerate().map(y));
                }
                everywhere(|context| {
                    let normalize = Normalize { kind, epsilon: 1e-3, gamma: Some(&gamma), beta: Some(&beta) };
                    let mut out = vec![f32::NAN; x.len()];
                    normalize.run(context, &x, columns, &mut out).unwrap();
                    assert_close(&out, &expected, &format!("{:?} {kind:?} {rows} {columns}", context.level));
                });
            }
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let context = Context::default();
        let plain = Normalize { kind: Kind::Layer, epsilon: 0.1, gamma: None, beta: None };
        let mut out = [0.0; 4];
        plain.run(&context, &[1.0; 4], 2, &mut out).unwrap();
        assert_eq!(out, [0.0; 4]);
        assert!(plain.run(&context, &[1.0; 4], 3, &mut out).is_err());
        assert!(plain.run(&context, &[1.0; 4], 0, &mut out).is_err());
        assert!(plain.run(&context, &[1.0; 4], 2, &mut out[1..]).is_err());
        assert!(Normalize { gamma: Some(&[1.0]), ..plain }.run(&context, &[1.0; 4], 2, &mut out).is_err());
        assert!(Normalize { beta: Some(&[1.0]), ..plain }.run(&context, &[1.0; 4], 2, &mut out).is_err());
    }
}
