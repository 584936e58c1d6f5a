//! Export of models to other formats: ONNX.
//!
//! A model's computation is traced as a [`Program`](crate::program::Program), whatever its layers are made of;
//! each primitive of the program has its ONNX form. Weights keep their paths as names, the batch and other
//! unknown extents of the inputs stay unknown, and operators are those of the standard alone.

mod encode;
mod options;
mod signature;
mod write;

pub use options::ExportOptions;
