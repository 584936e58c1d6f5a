//! Traced tensors: values that a program will compute.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::primitive::{Primitive, Spec};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::Tensor;
use crate::utils::{drop_later, scope_path};

/// Where a traced tensor comes from.
pub(super) enum Source {
    /// An input of the program with this number, by its position.
    Input { program: u64, position: usize },
    /// A weight: its number, which no other weight has, and its path, which others can have too.
    Weight { id: u64, path: Arc<str>, value: Box<Tensor> },
    /// A primitive that is applied to operands, in the `call` of a layer.
    Call { primitive: Arc<dyn Primitive>, operands: Vec<Tensor>, layer: Arc<str> },
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

/// Returns the input of the program with this number at a position.
pub(super) fn input(spec: Spec, program: u64, position: usize) -> Tensor {
    tensor(spec, Source::Input { program, position })
}

/// Records a call.
pub(super) fn record(primitive: Arc<dyn Primitive>, operands: &[&Tensor]) -> Result<Tensor> {
    let specs: Vec<Spec> = operands.iter().map(|operand| Spec::of(operand)).collect();
    let spec = primitive.infer(&specs)?;
    let operands = operands.iter().map(|operand| operand.unmasked()).collect();
    let layer = scope_path("").trim_end_matches('/').into();
    Ok(tensor(spec, Source::Call { primitive, operands, layer }))
}

/// The number of changes to what layers compute with beside their weights, in the whole process.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Says that a layer computes with something else from now on: programs that were traced before are outdated.
pub(crate) fn layers_changed() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
}

/// What a program depends on beside its inputs: the weights that were read, and how often they had been
/// written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    weights: Vec<(Arc<AtomicU64>, u64)>,
    changes: u64,
}

impl Reads {
    /// Returns true if nothing of it has changed.
    pub(crate) fn are_current(&self) -> bool {
        self.changes == CHANGES.load(Ordering::Relaxed)
            && self.weights.iter().all(|(writes, seen)| writes.load(Ordering::Acquire) == *seen)
    }
}

/// The trace of one function.
#[derive(Default)]
struct Trace {
    reads: Reads,
    /// Whether loops stay loops.
    keeps_loops: bool,
    /// Why the function can't be traced.
    spoiled: Option<&'static str>,
}

thread_local! {
    static TRACE: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

/// A guard: while it lives, layers read their weights as traced constants.
pub(super) struct Tracing(Option<Trace>);

impl Tracing {
    pub(super) fn enter(keeps_loops: bool) -> Self {
        let changes = CHANGES.load(Ordering::Relaxed);
        let trace = Trace { reads: Reads { changes, ..Reads::default() }, keeps_loops, spoiled: None };
        Self(TRACE.replace(Some(trace)))
    }

    /// Returns a number that no other program has.
    pub(super) fn number() -> u64 {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        NUMBER.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns what was read.
    ///
    /// # Errors
    /// If the function did something that a program can't do.
    pub(super) fn finish(self) -> Result<Reads> {
        let trace = TRACE.take().unwrap_or_default();
        match trace.spoiled {
            None => Ok(trace.reads),
            Some(reason) => Err(not_traceable(reason)),
        }
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        TRACE.set(self.0.take());
    }
}

fn not_traceable(reason: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, "the computation can't be traced").received(reason)
}

/// Returns true while a program is traced on this thread in which loops stay loops.
pub(crate) fn keeps_loops() -> bool {
    TRACE.with_borrow(|trace| trace.as_ref().is_some_and(|trace| trace.keeps_loops))
}

/// Notes what the body of a loop reads, in the program around.
pub(super) fn note_all(reads: &Reads) {
    TRACE.with_borrow_mut(|trace| {
        if let Some(trace) = trace {
            trace.reads.weights.extend(reads.weights.iter().cloned());
        }
    });
}

/// Says that what happens can't be part of a program; the trace fails at its end.
pub(crate) fn spoil(reason: &'static str) {
    TRACE.with_borrow_mut(|trace| {
        if let Some(trace) = trace {
            trace.spoiled.get_or_insert(reason);
        }
    });
}

/// Refuses what can't be part of a program while one is traced.
///
/// # Errors
/// While a program is traced on this thread.
pub(crate) fn refuse_while_tracing(reason: &'static str) -> Result<()> {
    if TRACE.with_borrow(Option::is_some) { Err(not_traceable(reason)) } else { Ok(()) }
}

/// Notes that a weight is read, whose writes are counted.
pub(crate) fn note_read(writes: &Arc<AtomicU64>) {
    TRACE.with_borrow_mut(|trace| {
        if let Some(trace) = trace {
            trace.reads.weights.push((writes.clone(), writes.load(Ordering::Acquire)));
        }
    });
}

/// Returns a weight as a named constant, while a program is traced on this thread.
pub(crate) fn traced_weight(id: u64, path: &str, value: impl FnOnce() -> Tensor) -> Option<Tensor> {
    TRACE.with_borrow(Option::is_some).then(|| {
        let value = value();
        tensor(Spec::of(&value), Source::Weight { id, path: path.into(), value: Box::new(value.unmasked()) })
    })
}
