//! Gradients that are sums of rows.

use std::sync::Arc;

use super::Tensor;
use crate::error::Result;

/// What the gradient of a table was summed from: each lookup of a row adds to it
/// (`tf.IndexedSlices`).
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    /// The positions of the rows, one for each lookup.
    pub indices: Arc<[i64]>,
    /// The gradients of the lookups, one below the other.
    pub values: Tensor,
}

impl Rows {
    /// Other values of the same lookups.
    ///
    /// # Errors
    /// Those of the operation.
    pub(crate) fn map(&self, operation: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { indices: Arc::clone(&self.indices), values: operation(&self.values)? })
    }
}

impl Tensor {
    /// The lookups that this gradient is the sum of, as long as nobody computed with it.
    pub(crate) fn rows(&self) -> Option<&Rows> {
        self.rows.as_deref()
    }

    pub(crate) fn with_rows(mut self, rows: Rows) -> Self {
        self.rows = Some(Arc::new(rows));
        self
    }

    /// The result of a linear operation, which may as well be done on each lookup.
    ///
    /// # Errors
    /// Those of the operation.
    pub(crate) fn map_rows(&self, linear: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
        let sum = linear(self)?;
        match self.rows() {
            Some(rows) => Ok(sum.with_rows(rows.map(linear)?)),
            None => Ok(sum),
        }
    }
}
