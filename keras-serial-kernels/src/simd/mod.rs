//! SIMD vectors of `f32` behind one trait, [`Simd`], and the choice of an instruction set at run time.
//!
//! A kernel is written once, generic over `S: Simd`, as a struct that implements [`Kernel`];
//! [`Level::run`] compiles it for each instruction set and calls the one that the processor has.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod math;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use std::sync::OnceLock;

use portable::Portable;

/// An instruction set: vectors of `f32`, and the register tile that suits them.
///
/// A value of an implementing type is the proof that the processor has the instructions, so arithmetic
/// is safe; loads and stores go through pointers and are not.
///
/// Every method must be inlined into a function with the target features enabled, so generic code
/// between [`Level::run`] and these methods is `#[inline(always)]`, and holds no closures.
pub(crate) trait Simd: Copy + Send + Sync + 'static {
    /// A vector register.
    type V: Copy;

    /// Elements of a vector.
    const LANES: usize;

    /// Vectors side by side in a register tile.
    const TILE_VECTORS: usize;

    /// Groups of pixels in a register tile.
    const TILE_GROUPS: usize;

    /// Neighbouring pixels of a group; 7 or 1.
    const GROUP_PIXELS: usize;

    /// Columns of a register tile, and so of a panel of packed weights.
    const PANEL: usize = Self::LANES * Self::TILE_VECTORS;

    /// A vector of one value.
    fn splat(self, value: f32) -> Self::V;

    /// A vector of zeros.
    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }

    /// Loads a vector.
    ///
    /// # Safety
    /// `from` is valid for reads of `LANES` elements.
    unsafe fn load(self, from: *const f32) -> Self::V;

    /// Loads the first `count` elements of a vector; the others are zero.
    ///
    /// # Safety
    /// `from` is valid for reads of `count` elements, and `count <= LANES`.
    unsafe fn load_part(self, from: *const f32, count: usize) -> Self::V;

    /// Stores a vector.
    ///
    /// # Safety
    /// `to` is valid for writes of `LANES` elements.
    unsafe fn store(self, to: *mut f32, v: Self::V);

    /// Stores the first `count` elements of a vector.
    ///
    /// # Safety
    /// `to` is valid for writes of `count` elements, and `count <= LANES`.
    unsafe fn store_part(self, to: *mut f32, v: Self::V, count: usize);

    /// Fetches the cache line of an address into the first cache. Any address is allowed.
    fn prefetch(self, address: *const f32);

    /// Fetches the cache line of an address into the second cache. Any address is allowed.
    fn prefetch_far(self, address: *const f32);

    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a / b`.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;

    /// `a * b + c`, rounded once where the processor has FMA.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;

    /// The smaller one; `b` where one is not a number.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;

    /// The larger one; `b` where one is not a number.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// The square root.
    fn sqrt(self, a: Self::V) -> Self::V;

    /// The nearest integer, halves to even.
    fn round(self, a: Self::V) -> Self::V;

    /// `a * 2^n` for an integral `n` between -252 and 254.
    fn scale(self, a: Self::V, n: Self::V) -> Self::V;

    /// The absolute value.
    fn abs(self, a: Self::V) -> Self::V;

    /// The absolute value of `a` with the sign of `b`.
    fn copy_sign(self, a: Self::V, b: Self::V) -> Self::V;

    /// Where `a < b` the element of `yes`, elsewhere (also where one is not a number) that of `no`.
    fn select_less(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;

    /// Where `a` is not a number the element of `yes`, elsewhere that of `no`.
    fn select_nan(self, a: Self::V, yes: Self::V, no: Self::V) -> Self::V;

    /// The larger one; not a number where one is not.
    #[inline(always)]
    fn max_nan(self, a: Self::V, b: Self::V) -> Self::V {
        self.select_nan(a, a, self.max(a, b))
    }

    /// The smaller one; not a number where one is not.
    #[inline(always)]
    fn min_nan(self, a: Self::V, b: Self::V) -> Self::V {
        self.select_nan(a, a, self.min(a, b))
    }

    /// `1 / a` to within two units in the last place, for numbers that are neither zero, nor
    /// subnormal, nor above 2^126.
    #[inline(always)]
    fn reciprocal(self, a: Self::V) -> Self::V {
        self.div(self.splat(1.0), a)
    }

    /// The sum of the elements.
    #[inline(always)]
    fn sum(self, a: Self::V) -> f32 {
        self.to_array(a).as_ref().iter().sum()
    }

    /// The largest element.
    #[inline(always)]
    fn largest(self, a: Self::V) -> f32 {
        let array = self.to_array(a);
        array.as_ref().iter().fold(f32::NEG_INFINITY, |a, b| if a > *b { a } else { *b })
    }

    /// The elements as an array.
    fn to_array(self, a: Self::V) -> impl AsRef<[f32]>;

    /// Loads from the start of a slice; elements past its end are zero.
    #[inline(always)]
    fn load_slice(self, from: &[f32]) -> Self::V {
        // SAFETY: no more elements are read than the slice has.
        unsafe {
            if from.len() >= Self::LANES { self.load(from.as_ptr()) } else { self.load_part(from.as_ptr(), from.len()) }
        }
    }

    /// Stores to the start of a slice; elements past its end are dropped.
    #[inline(always)]
    fn store_slice(self, to: &mut [f32], v: Self::V) {
        // SAFETY: no more elements are written than the slice has.
        unsafe {
            if to.len() >= Self::LANES {
                self.store(to.as_mut_ptr(), v);
            } else {
                self.store_part(to.as_mut_ptr(), v, to.len());
            }
        }
    }
}

/// A computation that is compiled once for every instruction set.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;

    /// Computes. The implementation must be `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Portable code.
    Portable,
    /// Portable code with vectors of 16 elements and the register tile of AVX-512.
    #[cfg(test)]
    PortableWide,
    /// AVX2 and FMA, of x86-64.
    Avx2,
    /// AVX-512 (F and VL), of x86-64.
    Avx512,
    /// NEON, of 64-bit Arm.
    Neon,
}

impl Level {
    /// The fastest instruction set of this processor; detected once.
    pub fn detect() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let fastest = [Self::Avx512, Self::Avx2, Self::Neon];
            fastest.into_iter().find(|level| level.is_available()).unwrap_or(Self::Portable)
        })
    }

    /// All instruction sets that this processor has.
    pub fn available() -> Vec<Self> {
        let all = [
            Self::Portable,
            #[cfg(test)]
            Self::PortableWide,
            Self::Avx2,
            Self::Avx512,
            Self::Neon,
        ];
        all.into_iter().filter(|level| level.is_available()).collect()
    }

    /// Does this processor have the instructions?
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(test)]
            Self::PortableWide => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") && Self::Avx2.is_available()
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            _ => false,
        }
    }

    /// The columns of a panel of packed weights.
    pub(crate) fn panel(self) -> usize {
        struct Panel;
        impl Kernel for Panel {
            type Output = usize;

            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> usize {
                S::PANEL
            }
        }
        self.run(Panel)
    }

    /// Runs a kernel with these instructions, or with portable code where the processor lacks them.
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions.
            Self::Avx2 if self.is_available() => unsafe { avx2::run(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has the instructions.
            Self::Avx512 if self.is_available() => unsafe { avx512::run(kernel) },
            #[cfg(target_arch = "aarch64")]
            // SAFETY: the processor has the instructions.
            Self::Neon if self.is_available() => unsafe { neon::run(kernel) },
            #[cfg(test)]
            Self::PortableWide => kernel.run(Portable::<16>),
            _ => kernel.run(Portable::<4>),
        }
    }
}

impl Default for Level {
    fn default() -> Self {
        Self::detect()
    }
}

#[cfg(test)]
mod tests;
