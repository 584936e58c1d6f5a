//! Shared parts of the test runners: cases made by real Keras, and comparisons with them.

pub mod beside;
pub mod built;
pub mod cases;
pub mod compare;
pub mod formats;
pub mod found;
pub mod fuzzing;
pub mod layers;
pub mod missing_traits;
pub mod objects;
pub mod optimizers;
pub mod process;
pub mod schemas;
pub mod text;
pub mod training;
