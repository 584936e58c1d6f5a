//! Traced tensors: values that a program will compute.

use std::cell::Cell;
use std::sync::Arc;

use super::primitive::{Primitive, Spec};
use crate::error::Result;
use crate::tensor::Tensor;
use crate::utils::drop_later;

/// Where a traced tensor comes from.
pub(super) enum Source {
    /// An input of the program, by its position.
    Input(usize),
    /// A weight, by its path.
    Weight { path: Arc<str>, value: Tensor },
    /// A primitive that is applied to operands.
    Call { primitive: Arc<dyn Primitive>, operands: Vec<Tensor> },
}

/// Drops the operands one after the other, not recursively: a chain can be thousands long.
impl Drop for Source {
    fn drop(&mut self) {
        if let Self::Call { operands, .. } = self {
            drop_later(std::mem::take(operands));
        }
    }
}

fn tensor(spec: Spec, source: Source) -> Tensor {
    Tensor::traced(spec.shape, spec.dtype, Arc::new(source))
}

/// Returns where a tensor comes from, if it is traced.
pub(super) fn source(tensor: &Tensor) -> Option<&Source> {
    tensor.as_traced()?.downcast_ref()
}

/// Returns the input of a program at a position.
pub(super) fn input(spec: Spec, position: usize) -> Tensor {
    tensor(spec, Source::Input(position))
}

/// Records a call.
pub(super) fn record(primitive: Arc<dyn Primitive>, operands: &[&Tensor]) -> Result<Tensor> {
    let specs: Vec<Spec> = operands.iter().map(|operand| Spec::of(operand)).collect();
    let spec = primitive.infer(&specs)?;
    let operands = operands.iter().map(|operand| operand.unmasked()).collect();
    Ok(tensor(spec, Source::Call { primitive, operands }))
}

thread_local! {
    static TRACING: Cell<bool> = const { Cell::new(false) };
}

/// A guard: while it lives, layers read their weights as traced constants.
pub(crate) struct Tracing(bool);

impl Tracing {
    pub(crate) fn enter() -> Self {
        Self(TRACING.replace(true))
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        TRACING.set(self.0);
    }
}

/// Returns a weight as a named constant, while a program is traced on this thread.
pub(crate) fn traced_weight(path: &str, value: &Tensor) -> Option<Tensor> {
    TRACING.get().then(|| tensor(Spec::of(value), Source::Weight { path: path.into(), value: value.unmasked() }))
}
