//! Portable vectors: arrays that the compiler may or may not turn into SIMD instructions.

use super::Simd;

/// Vectors of `N` elements without any instruction set; with 16 of them, in tests, the tile of AVX-512.
#[derive(Clone, Copy)]
pub(crate) struct Portable<const N: usize>;

impl<const N: usize> Portable<N> {
    #[inline(always)]
    fn map(self, a: [f32; N], f: impl Fn(f32) -> f32) -> [f32; N] {
        a.map(f)
    }

    #[inline(always)]
    fn zip(self, a: [f32; N], b: [f32; N], f: impl Fn(f32, f32) -> f32) -> [f32; N] {
        std::array::from_fn(|i| f(a[i], b[i]))
    }
}

// In tests, compile time counts, and these methods are many times inlined.
impl<const N: usize> Simd for Portable<N> {
    type V = [f32; N];

    const LANES: usize = N;
    const TILE_VECTORS: usize = 2;
    const TILE_GROUPS: usize = if N == 16 { 2 } else { 6 };
    const GROUP_PIXELS: usize = if N == 16 { 7 } else { 1 };

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn splat(self, value: f32) -> [f32; N] {
        [value; N]
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    unsafe fn load(self, from: *const f32) -> [f32; N] {
        // SAFETY: the caller's promise; an array needs no more alignment than its elements.
        unsafe { from.cast::<[f32; N]>().read() }
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    unsafe fn load_part(self, from: *const f32, count: usize) -> [f32; N] {
        debug_assert!(count <= N);
        let mut v = [0.0; N];
        // SAFETY: the caller's promise.
        unsafe { v.as_mut_ptr().copy_from_nonoverlapping(from, count) };
        v
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    unsafe fn store(self, to: *mut f32, v: [f32; N]) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[f32; N]>().write(v) };
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    unsafe fn store_part(self, to: *mut f32, v: [f32; N], count: usize) {
        debug_assert!(count <= N);
        // SAFETY: the caller's promise.
        unsafe { to.copy_from_nonoverlapping(v.as_ptr(), count) };
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn prefetch(self, _: *const f32) {}

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn prefetch_far(self, _: *const f32) {}

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn add(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, |a, b| a + b)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn sub(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, |a, b| a - b)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn mul(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, |a, b| a * b)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn div(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, |a, b| a / b)
    }

    // Without the instruction, an exact FMA is a slow call.
    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn mul_add(self, a: [f32; N], b: [f32; N], c: [f32; N]) -> [f32; N] {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn min(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn max(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn sqrt(self, a: [f32; N]) -> [f32; N] {
        self.map(a, f32::sqrt)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn round(self, a: [f32; N]) -> [f32; N] {
        // Adding and subtracting 1.5 · 2^23 rounds what is smaller than 2^22; larger numbers don't occur.
        self.map(a, |a| (a + 12_582_912.0) - 12_582_912.0)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn scale(self, a: [f32; N], n: [f32; N]) -> [f32; N] {
        // Two factors, since 2^n itself may be out of range. The cast of what is not a number gives zero.
        self.zip(a, n, |a, n| {
            let half = (n as i32) >> 1;
            let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
            a * power(half) * power(n as i32 - half)
        })
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn abs(self, a: [f32; N]) -> [f32; N] {
        self.map(a, f32::abs)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn copy_sign(self, a: [f32; N], b: [f32; N]) -> [f32; N] {
        self.zip(a, b, f32::copysign)
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn select_less(self, a: [f32; N], b: [f32; N], yes: [f32; N], no: [f32; N]) -> [f32; N] {
        std::array::from_fn(|i| if a[i] < b[i] { yes[i] } else { no[i] })
    }

    #[cfg_attr(test, inline(never))]
    #[cfg_attr(not(test), inline(always))]
    fn select_nan(self, a: [f32; N], yes: [f32; N], no: [f32; N]) -> [f32; N] {
        std::array::from_fn(|i| if a[i].is_nan() { yes[i] } else { no[i] })
    }

    #[inline(always)]
    fn to_array(self, a: [f32; N]) -> impl AsRef<[f32]> {
        a
    }
}
