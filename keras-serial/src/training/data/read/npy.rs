//! `.npy`: one NumPy array.

use crate::error::Result;
use crate::files::io::Section;
use crate::files::{Limits, NpyArray, npy};
use crate::tensor::Tensor;

/// Reads the array of a file; without a copy if the bytes are in memory and laid out as a tensor's.
pub(super) fn read(file: &Section, limits: &Limits) -> Result<Tensor> {
    match npy::read(file, limits)? {
        NpyArray::Numbers(array) => Tensor::from_bytes(&array),
        NpyArray::Texts { shape, texts } => Tensor::from_strings(texts, shape),
    }
}
