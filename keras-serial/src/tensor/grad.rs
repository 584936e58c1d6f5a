//! Automatic differentiation: tracked tensors and gradients.

use burn_backend::AutodiffBackend;
use burn_backend::ops::FloatTensorOps;
use burn_dispatch::DispatchTensorKind;

use super::Tensor;
use super::engine::{Engine, Raw};
use crate::error::{Error, ErrorKind, Result};

/// The gradients of a scalar with respect to all watched tensors.
pub struct Gradients(<Engine as AutodiffBackend>::Gradients);

impl Tensor {
    /// Returns a tensor of the same values that is watched: gradients are computed with respect to it.
    ///
    /// # Errors
    /// If the elements are not floating-point numbers.
    pub fn watched(&self) -> Result<Tensor> {
        if !self.dtype().is_float() {
            return Err(Error::new(ErrorKind::DType, "only floating-point tensors have gradients")
                .received(self.dtype().name()));
        }
        let raw = Engine::from_inner(detached(self.raw()?));
        Ok(Tensor::from_raw(Engine::float_set_require_grad(raw, true), self.dtype()))
    }

    /// Returns the same values without gradient tracking (`keras.ops.stop_gradient`).
    pub(crate) fn detached(&self) -> Result<Tensor> {
        if self.is_traced() || self.is_symbolic() {
            return Ok(self.unmasked());
        }
        Ok(Tensor::from_raw(detached(self.raw()?), self.dtype()))
    }

    /// Returns true if the tensor tracks gradients.
    pub(crate) fn is_tracked(&self) -> bool {
        self.raw().is_ok_and(|raw| is_tracked(&raw))
    }

    /// Computes the gradients of this scalar with respect to all watched tensors that it depends on.
    ///
    /// # Errors
    /// If this is not one floating-point number, or it depends on no watched tensor.
    pub fn backward(&self) -> Result<Gradients> {
        let raw = self.raw()?;
        if self.shape().num_elements() != Some(1) || !is_tracked(&raw) {
            return Err(Error::new(ErrorKind::InvalidArgument, "no gradients can be taken")
                .expected("one number that was computed from a watched tensor")
                .received(self.outline()));
        }
        Ok(Gradients(Engine::backward(raw)))
    }
}

impl Gradients {
    /// Returns the gradient with respect to a watched tensor; `None` if the scalar does not depend on it.
    pub fn get(&self, watched: &Tensor) -> Option<Tensor> {
        let raw = watched.raw().ok().filter(is_tracked)?;
        let gradient = Engine::grad(&raw, &self.0)?;
        Some(Tensor::from_raw(gradient, watched.dtype()))
    }
}

/// Returns true if the engine's tensor tracks gradients.
pub(crate) fn is_tracked(raw: &Raw) -> bool {
    matches!(raw.kind, DispatchTensorKind::Autodiff(_))
}

/// Returns the engine's tensor without gradient tracking.
pub(crate) fn detached(raw: Raw) -> Raw {
    if is_tracked(&raw) { Engine::inner(raw) } else { raw }
}

impl std::fmt::Debug for Gradients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gradients")
    }
}
