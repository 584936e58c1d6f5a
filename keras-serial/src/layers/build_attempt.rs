//! Undoing a failed build.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::{LayerRef, StateVisitor, Weight, visit_state};

/// A step of an attempt that can be undone.
enum Step {
    /// An unbuilt layer began to build; holds the ids of the weights that it already had.
    Begun(LayerRef, HashSet<u64>),
    /// A layer was constructed for a [`Sublayer`](super::Sublayer).
    Made(LayerRef),
}

thread_local! {
    static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    /// The number of open attempts.
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

/// An attempt to build layers. Unless it succeeds, dropping it puts the layers back to how they were when it
/// began: without the weights created since, and not built, so that they can be built for another shape.
#[must_use = "an attempt that is dropped is undone"]
pub(crate) struct BuildAttempt {
    start: usize,
    succeeded: bool,
}

impl BuildAttempt {
    /// Begins an attempt, nested in the open one if there is one.
    pub(crate) fn begin() -> Self {
        OPEN.set(OPEN.get() + 1);
        Self { start: STEPS.with_borrow(Vec::len), succeeded: false }
    }

    /// Records that a layer begins to build.
    pub(super) fn builds(&self, layer: &LayerRef) {
        let known = layer.base().variables().iter().map(|variable| variable.id()).collect();
        STEPS.with_borrow_mut(|steps| steps.push(Step::Begun(layer.clone(), known)));
    }

    /// Records that a layer was constructed, if an attempt is open.
    pub(super) fn makes(layer: &LayerRef) {
        if OPEN.get() > 0 {
            STEPS.with_borrow_mut(|steps| steps.push(Step::Made(layer.clone())));
        }
    }

    /// Keeps what was built; an enclosing attempt can still undo it.
    pub(crate) fn succeed(mut self) {
        self.succeeded = true;
    }
}

impl Drop for BuildAttempt {
    fn drop(&mut self) {
        OPEN.set(OPEN.get().saturating_sub(1));
        if self.succeeded && OPEN.get() > 0 {
            return;
        }
        let steps = STEPS.with_borrow_mut(|steps| steps.split_off(self.start.min(steps.len())));
        if !self.succeeded {
            steps.iter().rev().for_each(Step::undo);
        }
    }
}

impl Step {
    fn undo(&self) {
        match self {
            Step::Made(layer) => layer.base().abandon(),
            Step::Begun(layer, known) => {
                let mut made = HashSet::new();
                layer.base().variables().retain(|variable| {
                    known.contains(&variable.id()) || {
                        made.insert(variable.id());
                        false
                    }
                });
                visit_state(layer.layer(), &mut Clear(&made));
                layer.base().forget_build();
            }
        }
    }
}

/// Visits fields and clears those that hold one of these weights.
struct Clear<'a>(&'a HashSet<u64>);

impl StateVisitor for Clear<'_> {
    fn weight(&mut self, _: &str, weight: &Weight) {
        weight.clear(self.0);
    }
}
