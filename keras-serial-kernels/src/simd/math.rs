//! Vectorized exp, tanh, sigmoid, erf and the activations made of them, as polynomials.
//!
//! Errors against exact results are a few units in the last place, for erf 3e-7 at most.

use super::Simd;

/// e^x: zero below -104, infinite above 89.
#[inline(always)]
pub(crate) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    // x - n · ln 2, with ln 2 in two parts of which the first has few digits.
    let r = s.mul_add(n, s.splat(-0.693_359_4), x);
    let r = s.mul_add(n, s.splat(2.121_944_4e-4), r);
    // Cephes: e^r = 1 + r + r² · p(r).
    let p = s.mul_add(s.splat(1.987_569_1e-4), r, s.splat(1.398_199_9e-3));
    let p = s.mul_add(p, r, s.splat(8.333_452e-3));
    let p = s.mul_add(p, r, s.splat(4.166_579_6e-2));
    let p = s.mul_add(p, r, s.splat(1.666_666_5e-1));
    let p = s.mul_add(p, r, s.splat(5.000_000_3e-1));
    let p = s.add(s.mul_add(p, s.mul(r, r), r), s.splat(1.0));
    s.scale(p, n)
}

/// 1 / (1 + e^-x).
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(s: S, x: S::V) -> S::V {
    // Bounds that keep the reciprocal in its range.
    let bounded = s.min(s.splat(87.0), s.max(s.splat(-87.0), x));
    s.reciprocal(s.add(s.splat(1.0), exp(s, s.sub(s.zero(), bounded))))
}

/// The hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(s: S, x: S::V) -> S::V {
    let size = s.abs(x);
    // Near zero, Cephes: x + x³ · p(x²).
    let square = s.mul(x, x);
    let p = s.mul_add(s.splat(-5.704_988_7e-3), square, s.splat(2.063_909e-2));
    let p = s.mul_add(p, square, s.splat(-5.373_971_6e-2));
    let p = s.mul_add(p, square, s.splat(1.333_144_2e-1));
    let p = s.mul_add(p, square, s.splat(-3.333_328e-1));
    let near = s.mul_add(s.mul(p, square), x, x);
    // Elsewhere 1 - 2 / (e^2|x| + 1), with the sign of x.
    let bounded = s.min(s.splat(40.0), s.add(size, size));
    let fraction = s.reciprocal(s.add(exp(s, bounded), s.splat(1.0)));
    let far = s.copy_sign(s.mul_add(fraction, s.splat(-2.0), s.splat(1.0)), x);
    s.select_less(size, s.splat(0.625), near, far)
}

/// 1 - erf(|x|), by Abramowitz and Stegun's formula 7.1.26.
#[inline(always)]
fn erfc_of_size<S: Simd>(s: S, x: S::V) -> S::V {
    let size = s.min(s.splat(10.0), s.abs(x));
    let t = s.reciprocal(s.mul_add(size, s.splat(0.327_591_1), s.splat(1.0)));
    let p = s.mul_add(s.splat(1.061_405_4), t, s.splat(-1.453_152));
    let p = s.mul_add(p, t, s.splat(1.421_413_7));
    let p = s.mul_add(p, t, s.splat(-0.284_496_74));
    let p = s.mul_add(p, t, s.splat(0.254_829_6));
    s.mul(s.mul(p, t), exp(s, s.sub(s.zero(), s.mul(size, size))))
}

/// The error function.
#[inline(always)]
pub(crate) fn erf<S: Simd>(s: S, x: S::V) -> S::V {
    // Near zero, Cephes: x · p(x²).
    let square = s.mul(x, x);
    let p = s.mul_add(s.splat(7.853_861_4e-5), square, s.splat(-8.010_193_6e-4));
    let p = s.mul_add(p, square, s.splat(5.188_327_7e-3));
    let p = s.mul_add(p, square, s.splat(-2.685_381_2e-2));
    let p = s.mul_add(p, square, s.splat(1.128_358_5e-1));
    let p = s.mul_add(p, square, s.splat(-3.761_262_6e-1));
    let near = s.mul(x, s.mul_add(p, square, s.splat(std::f32::consts::FRAC_2_SQRT_PI)));
    let far = s.copy_sign(s.sub(s.splat(1.0), erfc_of_size(s, x)), x);
    s.select_less(s.abs(x), s.splat(1.0), near, far)
}

/// x · Φ(x) with the normal distribution's Φ.
#[inline(always)]
pub(crate) fn gelu<S: Simd>(s: S, x: S::V) -> S::V {
    // Half the share of the tail beyond |x|, times x: exact also where 1 + erf would cancel.
    let tail = s.mul(s.splat(0.5), erfc_of_size(s, s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2))));
    let share = s.select_less(x, s.zero(), tail, s.sub(s.splat(1.0), tail));
    s.mul(x, share)
}

/// GELU by tanh: x · sigmoid(√(8/π) · (x + 0.044715 · x³)).
#[inline(always)]
pub(crate) fn gelu_tanh<S: Simd>(s: S, x: S::V) -> S::V {
    let inner = s.mul_add(s.mul(s.mul(x, x), x), s.splat(0.044_715), x);
    s.mul(x, sigmoid(s, s.mul(inner, s.splat(1.595_769_2))))
}

/// x · sigmoid(x), also named swish.
#[inline(always)]
pub(crate) fn silu<S: Simd>(s: S, x: S::V) -> S::V {
    s.mul(x, sigmoid(s, x))
}

/// e^x - 1 for negative numbers, without the loss of digits near zero.
#[inline(always)]
pub(crate) fn exp_minus_one<S: Simd>(s: S, x: S::V) -> S::V {
    // tanh(x / 2) · (e^x + 1).
    let half = tanh(s, s.mul(x, s.splat(0.5)));
    s.mul(half, s.add(exp(s, x), s.splat(1.0)))
}
