//! CPU kernels of inference: slices in, slices out, in Keras's layouts (channels last, `f32`).
//!
//! Convolutions and products of matrices run on one register tile (`tile`) over weights that are
//! packed once (`pack`), with bias, residual and activation fused into its end (`epilogue`).
//! Kernels are compiled for AVX-512, AVX2, NEON and portable code (`simd`), chosen at run time, and
//! share their work out to a pool of threads (`pool`).
//!
//! Every kernel is a struct that is made once, with its geometry checked and its weights packed, and
//! run many times with a [`Context`]. Lengths of slices are checked at each run; nothing here panics on
//! what a caller passes.
//!
//! The crate stands alone: it names no tensors and no engine.
#![allow(
    clippy::indexing_slicing,
    reason = "a kernel checks its geometry and the lengths of its slices before it indexes them"
)]
#![allow(clippy::needless_range_loop, reason = "loops over arrays of registers run over the indices of several")]

pub mod attention;
pub mod conv;
pub mod copy;
pub mod depthwise;
pub mod elementwise;
pub mod epilogue;
mod error;
pub mod gemm;
mod gemv;
pub mod gru;
pub mod lstm;
pub mod norm;
pub mod pack;
pub mod pool;
pub mod pool2d;
mod recurrent;
mod region;
mod scratch;
mod simd;
pub mod softmax;
#[cfg(test)]
mod testing;
mod tile;
pub mod window;
pub mod winograd;

pub use error::{Error, Result};
pub use pool::Pool;
pub use scratch::{Aligned, with as with_scratch};
pub use simd::Level;

/// Where a kernel runs: on which threads, with which instructions.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The threads that share the work.
    pub pool: &'a Pool,
    /// The instruction set; that for which the weights were packed.
    pub level: Level,
}

/// The stack that a thread needs to run kernels, where it is more than threads usually have: without optimization,
/// every value that a kernel would keep in registers has a place of its own on the stack.
pub const STACK: Option<usize> = if cfg!(unoptimized) { Some(64 << 20) } else { None };

/// Multiplications below which work stays on the calling thread.
pub(crate) const SMALL: usize = 60_000;

impl<'a> Context<'a> {
    /// The pool for so much work: small work stays on the calling thread and wakes nobody.
    pub(crate) fn pool_for(&self, work: usize) -> &'a Pool {
        if work < SMALL { Pool::single() } else { self.pool }
    }
}

impl Default for Context<'static> {
    /// The process's pool, and the fastest instructions of this processor.
    fn default() -> Self {
        Self { pool: Pool::global(), level: Level::detect() }
    }
}
