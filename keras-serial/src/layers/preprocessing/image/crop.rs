//! Cropping of images.

use super::spatial;
use crate::error::Result;
use crate::ops::DataFormat;
use crate::ops::shape::{Span, slice_axis};
use crate::tensor::Tensor;

/// Returns the offset of a centered window.
pub(super) fn window([height, width]: [usize; 2], [high, wide]: [usize; 2]) -> [usize; 2] {
    [height.saturating_sub(high) / 2, width.saturating_sub(wide) / 2]
}

/// Returns the size of the largest window of an image with the aspect ratio of a target.
pub(super) fn fitting([height, width]: [usize; 2], [high, wide]: [usize; 2]) -> [usize; 2] {
    let part = |across: usize, target: usize, other: usize, extent: usize| {
        let part = ((across * target) as f64 / other.max(1) as f64) as usize;
        part.min(extent).max(1)
    };
    [part(width, high, wide, height), part(height, wide, high, width)]
}

/// Crops images at a row and a column, as far as the images reach.
pub(super) fn cut(images: &Tensor, format: DataFormat, start: [usize; 2], size: [usize; 2]) -> Result<Tensor> {
    let mut x = images.clone();
    for ((axis, start), size) in spatial(format).into_iter().zip(start).zip(size) {
        x = slice_axis(&x, axis, Span::range(start, start + size))?;
    }
    Ok(x)
}
