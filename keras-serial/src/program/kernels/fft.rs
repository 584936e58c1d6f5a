//! The discrete Fourier transform (FFT) of any length, in double precision.
//!
//! Powers of two by halving, other lengths as a convolution of a power of two (Bluestein's algorithm).

use std::f64::consts::PI;

/// A complex number: real and imaginary part.
pub(crate) type Complex = (f64, f64);

fn times(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

fn conjugate(a: Complex) -> Complex {
    (a.0, -a.1)
}

/// Returns e to the power of i · angle.
fn unit(angle: f64) -> Complex {
    (angle.cos(), angle.sin())
}

/// A plan for transforms of one length, reused for many rows.
#[derive(Debug)]
pub(crate) struct Plan {
    len: usize,
    /// e^(-2πik/m) for the first half of the power of two m that is used.
    roots: Vec<Complex>,
    /// For lengths that are not a power of two: the chirp, and the transform of its conjugate.
    chirp: Option<(Vec<Complex>, Vec<Complex>)>,
}

impl Plan {
    pub fn new(len: usize) -> Self {
        let power = len.is_power_of_two();
        let size = if power { len } else { (2 * len).next_power_of_two() };
        let roots: Vec<Complex> = (0..size / 2).map(|k| unit(-2.0 * PI * k as f64 / size as f64)).collect();
        if power || len == 0 {
            return Self { len, roots, chirp: None };
        }
        // k² modulo 2n keeps the angles small and precise.
        let chirp: Vec<Complex> = (0..len).map(|k| unit(-PI * ((k * k) % (2 * len)) as f64 / len as f64)).collect();
        let mut filter = vec![(0.0, 0.0); size];
        for (k, weight) in chirp.iter().enumerate() {
            for place in [k, (size - k) % size] {
                if let Some(slot) = filter.get_mut(place) {
                    *slot = conjugate(*weight);
                }
            }
        }
        let filter = halves(filter, &roots, 1);
        Self { len, roots, chirp: Some((chirp, filter)) }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// Computes Σ x[j] · e^(-2πijk/n); the inverse transform has the other sign and is not divided by n.
    pub fn transform(&self, row: Vec<Complex>, inverse: bool) -> Vec<Complex> {
        if inverse {
            let row = self.transform(row.into_iter().map(conjugate).collect(), false);
            return row.into_iter().map(conjugate).collect();
        }
        let Some((chirp, filter)) = &self.chirp else { return halves(row, &self.roots, 1) };
        let mut padded: Vec<Complex> = row.into_iter().zip(chirp).map(|(x, weight)| times(x, *weight)).collect();
        padded.resize(filter.len(), (0.0, 0.0));
        let product = halves(padded, &self.roots, 1).into_iter().zip(filter).map(|(x, y)| conjugate(times(x, *y)));
        let back = halves(product.collect(), &self.roots, 1);
        let size = filter.len() as f64;
        let scaled = back.into_iter().zip(chirp).map(|(x, weight)| times((x.0 / size, -x.1 / size), *weight));
        scaled.collect()
    }
}

/// Transforms a power of two from the transforms of even and odd entries; `stride` is the distance between
/// the roots of this length.
fn halves(row: Vec<Complex>, roots: &[Complex], stride: usize) -> Vec<Complex> {
    if row.len() <= 1 {
        return row;
    }
    let even = halves(row.iter().step_by(2).copied().collect(), roots, 2 * stride);
    let odd = halves(row.iter().skip(1).step_by(2).copied().collect(), roots, 2 * stride);
    let turned: Vec<Complex> =
        odd.into_iter().zip(roots.iter().step_by(stride)).map(|(x, root)| times(x, *root)).collect();
    let pairs = || even.iter().zip(&turned);
    let first = pairs().map(|(a, b)| (a.0 + b.0, a.1 + b.1));
    first.chain(pairs().map(|(a, b)| (a.0 - b.0, a.1 - b.1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_sum_for_every_length() {
        for len in 1..=20usize {
            let row: Vec<Complex> = (0..len).map(|i| ((i as f64).sin(), (i as f64 * 0.7).cos())).collect();
            let plan = Plan::new(len);
            let found = plan.transform(row.clone(), false);
            for (k, found) in found.iter().enumerate() {
                let term = |(j, x): (usize, &Complex)| times(*x, unit(-2.0 * PI * (j * k % len) as f64 / len as f64));
                let sum = row.iter().enumerate().map(term).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
                assert!((sum.0 - found.0).abs() < 1e-12 && (sum.1 - found.1).abs() < 1e-12, "{len} {k}");
            }
            let back = plan.transform(found, true);
            for (a, b) in back.iter().zip(&row) {
                assert!((a.0 / len as f64 - b.0).abs() < 1e-12 && (a.1 / len as f64 - b.1).abs() < 1e-12);
            }
        }
    }
}
