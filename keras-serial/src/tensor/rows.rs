//! Sparse gradients of table lookups.

use std::sync::Arc;

use super::Tensor;
use crate::error::Result;

/// A sparse gradient of a table: the rows that each lookup contributes to the sum (`tf.IndexedSlices`).
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The row index of each lookup.
    pub indices: Arc<[i64]>,
    /// The gradients of the lookups, stacked.
    pub values: Tensor,
}

impl Rows {
    /// Returns the same lookups with values mapped by an operation.
    ///
    /// # Errors
    /// Errors of the operation.
    pub(crate) fn map(&self, operation: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { indices: Arc::clone(&self.indices), values: operation(&self.values)? })
    }
}

impl Tensor {
    /// Returns the lookups that this gradient is the sum of, unless anything was computed with it.
    pub(crate) fn rows(&self) -> Option<&Rows> {
        self.rows.as_deref()
    }

    pub(crate) fn with_rows(mut self, rows: Rows) -> Self {
        self.rows = Some(Arc::new(rows));
        self
    }

    /// Applies a linear operation to the gradient and, if there are, to its lookups.
    ///
    /// # Errors
    /// Errors of the operation.
    pub(crate) fn map_rows(&self, linear: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let sum = linear(self)?;
        match self.rows() {
            Some(rows) => Ok(sum.with_rows(rows.map(linear)?)),
            None => Ok(sum),
        }
    }
}
