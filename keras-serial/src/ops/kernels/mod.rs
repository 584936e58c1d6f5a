//! Kernels of our own where the engine's are slow, each with its own gradient.

pub(crate) mod elementwise;
