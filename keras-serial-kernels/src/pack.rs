//! Weights packed for the register tile: panels of neighbouring columns, `[panel][depth][columns]`.
//!
//! A panel is as wide as the tile (32 columns with AVX-512, 16 with AVX2 and NEON), so that the tile
//! reads its weights as one sequential stream. Panels are aligned to 64 bytes and filled up with zeros.

use super::error::{Error, Result, check, count};
use super::scratch::Aligned;
use super::simd::Level;
use super::tile::Right;

/// A matrix `[depth][columns]` packed in panels for one instruction set.
#[derive(Clone, Debug)]
pub struct Packed {
    data: Aligned,
    depth: usize,
    columns: usize,
    panel: usize,
    level: Level,
}

impl Packed {
    /// Packs a matrix `[depth][columns]`.
    pub fn new(level: Level, matrix: &[f32], depth: usize, columns: usize) -> Result<Self> {
        Self::strided(level, matrix, [depth, columns], [columns, 1])
    }

    /// Packs the transpose of a matrix `[columns][depth]`.
    pub fn transposed(level: Level, matrix: &[f32], depth: usize, columns: usize) -> Result<Self> {
        Self::strided(level, matrix, [depth, columns], [1, depth])
    }

    /// Packs a matrix whose rows and columns lie `steps` apart.
    pub fn strided(level: Level, matrix: &[f32], [depth, columns]: [usize; 2], steps: [usize; 2]) -> Result<Self> {
        let panel = level.panel();
        let size = count(&[depth, columns.next_multiple_of(panel)])?;
        if let (Some(last_row), Some(last_column)) = (depth.checked_sub(1), columns.checked_sub(1)) {
            let last = last_row.checked_mul(steps[0]).zip(last_column.checked_mul(steps[1]));
            let end = last.and_then(|(a, b)| a.checked_add(b)?.checked_add(1)).unwrap_or(usize::MAX);
            if matrix.len() < end {
                return Err(Error::Length { what: "the weights", expected: end, received: matrix.len() });
            }
        }
        let mut data = Aligned::zeros(size);
        pack(matrix, [depth, columns], steps, panel, data.as_mut_slice());
        Ok(Self { data, depth, columns, panel, level })
    }

    /// The rows of the matrix, over which products are summed.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// The columns of the matrix.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The bytes that the packed matrix takes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.data.as_slice())
    }

    /// Columns of a panel.
    pub(crate) fn panel(&self) -> usize {
        self.panel
    }

    /// The matrix as the right side of a product.
    pub(crate) fn right(&self) -> Right<'_> {
        self.right_at(0)
    }

    /// The matrix as the right side of a product, whose first column is this one of the output.
    pub(crate) fn right_at(&self, column: usize) -> Right<'_> {
        Right { data: self.data.as_slice(), row_step: self.panel, panel_step: self.depth * self.panel, column }
    }

    /// Checks that a kernel runs at the level that the weights were packed for.
    pub(crate) fn check_level(&self, level: Level) -> Result<()> {
        check(level == self.level, "a kernel runs at the level that its weights were packed for")
    }
}

/// Packs a matrix into zeroed panels.
pub(crate) fn pack(matrix: &[f32], [depth, columns]: [usize; 2], steps: [usize; 2], panel: usize, out: &mut [f32]) {
    let panels = out.chunks_exact_mut((depth * panel).max(1));
    for (first, packed) in (0..columns).step_by(panel).zip(panels) {
        let here = panel.min(columns - first);
        for (row, packed) in packed.chunks_exact_mut(panel).enumerate() {
            let start = row * steps[0] + first * steps[1];
            if steps[1] == 1 {
                packed[..here].copy_from_slice(&matrix[start..start + here]);
            } else {
                packed[..here].iter_mut().enumerate().for_each(|(i, x)| *x = matrix[start + i * steps[1]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_filled_up_with_zeros() {
        let matrix: Vec<f32> = (0..2 * 18).map(|i| i as f32).collect();
        let packed = Packed::new(Level::Portable, &matrix, 2, 18).unwrap();
        // Three panels of 8 columns.
        let data = packed.right().data;
        assert_eq!(data.len(), 48);
        assert_eq!(data[..8], matrix[..8]);
        assert_eq!(data[8..16], matrix[18..26]);
        assert_eq!(data[32..35], [16.0, 17.0, 0.0]);
        assert_eq!(data[40..43], [34.0, 35.0, 0.0]);
        let turned: Vec<f32> = (0..36).map(|i| matrix[i % 2 * 18 + i / 2]).collect();
        assert_eq!(Packed::transposed(Level::Portable, &turned, 2, 18).unwrap().right().data, data);
        assert_eq!((packed.depth(), packed.columns(), packed.bytes()), (2, 18, 192));
    }

    #[test]
    fn too_few_weights_are_an_error() {
        assert!(Packed::new(Level::Portable, &[0.0; 5], 2, 3).is_err());
        assert!(Packed::new(Level::Portable, &[], usize::MAX, 3).is_err());
        assert!(Packed::new(Level::Portable, &[], 0, 3).is_ok());
    }
}
