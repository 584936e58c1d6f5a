//! Vectors of NEON: 4 elements, 32 registers.

use std::arch::aarch64::*;

use super::{Kernel, Simd};

/// The proof that the processor has NEON. Made in [`run`] only.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

/// Runs a kernel with NEON.
#[target_feature(enable = "neon")]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Neon(()))
}

// SAFETY of all blocks below: a value of `Neon` is the proof that the instructions exist; pointers
// are as the trait demands.
impl Simd for Neon {
    type V = float32x4_t;

    const LANES: usize = 4;
    const TILE_VECTORS: usize = 4;
    const TILE_GROUPS: usize = 6;
    const GROUP_PIXELS: usize = 1;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(value) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn load_part(self, from: *const f32, count: usize) -> float32x4_t {
        debug_assert!(count <= 4);
        let mut array = [0.0; 4];
        unsafe {
            array.as_mut_ptr().copy_from_nonoverlapping(from, count);
            vld1q_f32(array.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: float32x4_t) {
        unsafe { vst1q_f32(to, v) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, v: float32x4_t, count: usize) {
        debug_assert!(count <= 4);
        let mut array = [0.0; 4];
        unsafe {
            vst1q_f32(array.as_mut_ptr(), v);
            to.copy_from_nonoverlapping(array.as_ptr(), count);
        }
    }

    // The prefetch instruction has no stable intrinsic; these processors prefetch well by themselves.
    #[inline(always)]
    fn prefetch(self, _: *const f32) {}

    #[inline(always)]
    fn prefetch_far(self, _: *const f32) {}

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(c, a, b) }
    }

    // By comparison, so that of two operands the second is taken where one is not a number.
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
    }

    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
    }

    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        unsafe { vsqrtq_f32(a) }
    }

    #[inline(always)]
    fn round(self, a: float32x4_t) -> float32x4_t {
        unsafe { vrndnq_f32(a) }
    }

    #[inline(always)]
    fn scale(self, a: float32x4_t, n: float32x4_t) -> float32x4_t {
        // Two factors, since 2^n itself may be out of range.
        unsafe {
            let n = vcvtq_s32_f32(n);
            let half = vshrq_n_s32::<1>(n);
            let bias = vdupq_n_s32(127);
            let first = vshlq_n_s32::<23>(vaddq_s32(half, bias));
            let second = vshlq_n_s32::<23>(vaddq_s32(vsubq_s32(n, half), bias));
            vmulq_f32(vmulq_f32(a, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second))
        }
    }

    #[inline(always)]
    fn abs(self, a: float32x4_t) -> float32x4_t {
        unsafe { vabsq_f32(a) }
    }

    #[inline(always)]
    fn copy_sign(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vdupq_n_u32(1 << 31), b, a) }
    }

    #[inline(always)]
    fn select_less(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcltq_f32(a, b), yes, no) }
    }

    #[inline(always)]
    fn select_nan(self, a: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vceqq_f32(a, a), no, yes) }
    }

    #[inline(always)]
    fn to_array(self, a: float32x4_t) -> impl AsRef<[f32]> {
        let mut array = [0.0; 4];
        // SAFETY: the array has 4 elements.
        unsafe { vst1q_f32(array.as_mut_ptr(), a) };
        array
    }
}
