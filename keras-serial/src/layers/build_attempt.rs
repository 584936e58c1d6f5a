//! What a failed build has done, so that it can be undone.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use super::{LayerRef, Weight};
use crate::config::FieldVisitor;

/// One thing that was done since an attempt began.
enum Step {
    /// A layer that was not built began to build; with the numbers of the weights that it had.
    Begun(LayerRef, HashSet<u64>),
    /// A layer was made for a [`Sublayer`](super::Sublayer).
    Made(LayerRef),
}

thread_local! {
    static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    /// How many attempts are going on.
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

/// An attempt to build layers. Unless it succeeds, the layers are left as they were when it began: without
/// the weights that were made since, and not built, so that they can be built for another shape.
#[must_use = "an attempt that is dropped is undone"]
pub(crate) struct BuildAttempt {
    start: usize,
    succeeded: bool,
}

impl BuildAttempt {
    /// Begins an attempt, within the one that is going on if there is one.
    pub(crate) fn begin() -> Self {
        OPEN.set(OPEN.get() + 1);
        Self { start: STEPS.with_borrow(Vec::len), succeeded: false }
    }

    /// Says that a layer begins to build.
    pub(super) fn builds(&self, layer: &LayerRef) {
        let known = layer.base().variables().iter().map(|variable| variable.id()).collect();
        STEPS.with_borrow_mut(|steps| steps.push(Step::Begun(layer.clone(), known)));
    }

    /// Says that a layer is made, if an attempt is going on.
    pub(super) fn makes(layer: &LayerRef) {
        if OPEN.get() > 0 {
            STEPS.with_borrow_mut(|steps| steps.push(Step::Made(layer.clone())));
        }
    }

    /// Leaves what was built; an attempt around this one may still undo it.
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
                layer.layer().visit_fields(&mut Clear(&made));
                layer.base().forget_build();
            }
        }
    }
}

/// Empties the fields that hold one of these weights.
struct Clear<'a>(&'a HashSet<u64>);

impl FieldVisitor for Clear<'_> {
    fn field(&mut self, _: &str, value: &dyn Any) {
        if let Some(weight) = value.downcast_ref::<Weight>() {
            weight.clear(self.0);
        }
    }
}
