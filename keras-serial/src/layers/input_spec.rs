//! Conditions on a layer's inputs.

use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{Shape, Tensor};

/// The rank, shape and axis conditions on each input of a layer (`keras.InputSpec`).
#[derive(Debug, Clone, Default)]
pub struct InputSpec {
    /// The exact number of axes.
    pub ndim: Option<usize>,
    /// The minimum number of axes.
    pub min_ndim: Option<usize>,
    /// The maximum number of axes.
    pub max_ndim: Option<usize>,
    /// Required extents: pairs of axis and extent.
    pub axes: Vec<(isize, usize)>,
}

impl InputSpec {
    /// Requires exactly this number of axes.
    pub fn ndim(ndim: usize) -> Self {
        Self { ndim: Some(ndim), ..Self::default() }
    }

    /// Requires at least this number of axes.
    pub fn min_ndim(min_ndim: usize) -> Self {
        Self { min_ndim: Some(min_ndim), ..Self::default() }
    }

    /// Also requires this extent on an axis.
    #[must_use]
    pub fn axis(mut self, axis: isize, extent: usize) -> Self {
        self.axes.push((axis, extent));
        self
    }

    /// Checks one input; the error has Keras's words.
    ///
    /// # Errors
    /// If a condition does not hold.
    pub fn check(&self, input: &Tensor, layer: &str) -> Result<()> {
        let shape: &Shape = input.shape();
        let rank = shape.rank();
        let wrong = |expected: String| {
            Err(Error::new(ErrorKind::Shape, format!("Input 0 of layer \"{layer}\" is incompatible with the layer"))
                .expected(expected)
                .received(format!("ndim={rank}, full shape {shape}")))
        };
        if let Some(ndim) = self.ndim.filter(|ndim| *ndim != rank) {
            return wrong(format!("ndim={ndim}"));
        }
        if let Some(min) = self.min_ndim.filter(|min| rank < *min) {
            return wrong(format!("min_ndim={min}"));
        }
        if let Some(max) = self.max_ndim.filter(|max| rank > *max) {
            return wrong(format!("max_ndim={max}"));
        }
        for (axis, extent) in &self.axes {
            match shape.get(*axis) {
                Ok(Some(found)) if found != *extent => {
                    return wrong(format!("axis {axis} of input shape to have value {extent}"));
                }
                Ok(_) => {}
                Err(_) => return wrong(format!("an axis {axis}")),
            }
        }
        Ok(())
    }
}
