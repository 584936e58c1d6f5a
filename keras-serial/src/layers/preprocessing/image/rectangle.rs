//! Random rectangles in images.

use rand::Rng;
use rand_chacha::ChaCha12Rng;

use crate::error::Result;
use crate::ops::{self, DataFormat};
use crate::tensor::{DType, Tensor};

/// A rectangle in an image, by its edges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rectangle {
    rows: (f64, f64),
    columns: (f64, f64),
}

impl Rectangle {
    /// Draws a rectangle of this fraction of height and width, at a random place.
    pub fn random(rng: &mut ChaCha12Rng, [height, width]: [usize; 2], [down, across]: [f64; 2]) -> Self {
        let mut edges = |extent: usize, part: f64| {
            let length = part * extent as f64;
            let start = rng.random::<f64>() * (extent as f64 - length);
            (start, start + length)
        };
        let columns = edges(width, across);
        Self { rows: edges(height, down), columns }
    }

    /// Returns the fraction of the image's area.
    pub fn share(&self, [height, width]: [usize; 2]) -> f64 {
        (self.rows.1 - self.rows.0) * (self.columns.1 - self.columns.0) / (height * width) as f64
    }
}

/// Returns for each image of a batch which positions lie inside its rectangle.
pub(super) fn inside(rectangles: &[Rectangle], [height, width]: [usize; 2], format: DataFormat) -> Result<Tensor> {
    let between = |at: usize, (start, end): (f64, f64)| (at as f64) >= start && (at as f64) < end;
    let mut flags = Vec::with_capacity(rectangles.len() * height * width);
    for rectangle in rectangles {
        for row in 0..height {
            let row = between(row, rectangle.rows);
            flags.extend((0..width).map(|column| u8::from(row && between(column, rectangle.columns))));
        }
    }
    let shape = match format {
        DataFormat::ChannelsLast => [rectangles.len(), height, width, 1],
        DataFormat::ChannelsFirst => [rectangles.len(), 1, height, width],
    };
    ops::cast_to(&Tensor::from_vec(flags, shape)?, DType::Bool)
}
