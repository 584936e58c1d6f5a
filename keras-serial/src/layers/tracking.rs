//! Tracking of layers that are called inside another layer but are not among its sublayers.
//!
//! Files, summaries and training find layers through a layer's fields. A layer that is called but is in no
//! field would silently lose its weights.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Weak;

use super::{Layer, LayerRef};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::symbolic::Operation;

/// The layers that were called or built directly inside a layer.
#[derive(Default)]
pub(crate) struct Inside {
    /// By the unique numbers of their bases.
    seen: HashMap<u64, Weak<dyn Layer>>,
    /// The size of `seen` at which dropped layers are removed.
    limit: usize,
    untracked: Vec<Untracked>,
}

impl Inside {
    fn see(&mut self, layer: &LayerRef) {
        if self.seen.len() >= self.limit {
            self.seen.retain(|_, layer| layer.strong_count() > 0);
            self.limit = (2 * self.seen.len()).max(64);
        }
        self.seen.insert(layer.base().number(), layer.downgrade());
    }
}

/// A layer with weights that was called inside another one, and was not among its sublayers.
#[derive(Clone)]
struct Untracked {
    layer: Weak<dyn Layer>,
    name: String,
    class: String,
}

/// The maximum number of untracked layers to remember: a layer constructed inside `call` is a new one in each
/// call.
const MOST_NAMED: usize = 16;

/// A layer that is being called or built.
struct Outer {
    layer: LayerRef,
    /// The layers directly inside that were not seen before.
    new: Vec<LayerRef>,
}

thread_local! {
    static OUTER: RefCell<Vec<Option<Outer>>> = const { RefCell::new(Vec::new()) };
}

/// A guard: while it lives, layers that are called or built count as inside this one.
pub(super) struct Tracking(());

impl Tracking {
    pub(super) fn enter(layer: &LayerRef) -> Self {
        // The layers of a graph are exactly those that it calls.
        let outer = layer.graph().is_none().then(|| Outer { layer: layer.clone(), new: Vec::new() });
        OUTER.with_borrow_mut(|all| all.push(outer));
        Self(())
    }
}

impl Drop for Tracking {
    fn drop(&mut self) {
        let ended = OUTER.with_borrow_mut(Vec::pop).flatten();
        if let Some(outer) = ended.filter(|outer| !outer.new.is_empty()) {
            outer.judge();
        }
    }
}

impl Outer {
    /// Finds the new layers that are not below this one. Runs after the call, which may put a layer into a
    /// field after using it.
    fn judge(self) {
        let below = self.layer.with_layers_below();
        let below: HashSet<usize> = below.iter().map(Operation::id).collect();
        for inner in self.new {
            let is_lost = !below.contains(&inner.id()) && has_state(&inner);
            let mut inside = self.layer.base().inside();
            inside.see(&inner);
            if is_lost && inside.untracked.len() < MOST_NAMED {
                let (name, class) = (inner.name().to_owned(), inner.class_name().to_owned());
                inside.untracked.push(Untracked { layer: inner.downgrade(), name, class });
            }
        }
    }
}

/// Returns true if the layer has anything that files save.
fn has_state(layer: &LayerRef) -> bool {
    layer.with_layers_below().iter().any(|layer| {
        let named = || layer.own_state().named_state().is_ok_and(|state| !state.is_empty());
        !layer.saved_weights().is_empty() || named()
    })
}

/// Records that a layer was called or built inside the current one.
pub(super) fn note(layer: &LayerRef) {
    OUTER.with_borrow_mut(|all| {
        let Some(Some(outer)) = all.last_mut() else { return };
        let is_known = outer.layer.is_same(layer)
            || outer.new.iter().any(|known| known.is_same(layer))
            || outer.layer.base().inside().seen.contains_key(&layer.base().number());
        if !is_known {
            outer.new.push(layer.clone());
        }
    });
}

/// Runs `work`, in which a layer may call layers that are not its sublayers and whose weights should be
/// neither saved nor trained with it: a teacher model, a frozen feature extractor.
///
/// ```
/// use keras_serial::layers::untracked;
/// use keras_serial::prelude::*;
/// # let (teacher, x) = (Dense::new(2).shared(), Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?);
/// let targets = untracked(|| teacher.apply(&x))?;
/// # assert_eq!(targets.shape().to_string(), "(1, 2)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub fn untracked<T>(work: impl FnOnce() -> T) -> T {
    OUTER.with_borrow_mut(|all| all.push(None));
    let _tracking = Tracking(());
    work()
}

/// A layer whose weights would be lost, and the layer that calls it.
pub(crate) struct Lost {
    outer: LayerRef,
    inner: Untracked,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Untracked { name, class, .. } = &self.inner;
        let (outer, outer_class) = (self.outer.name(), self.outer.class_name());
        write!(
            f,
            "layer `{name}` ({class}) is called inside layer `{outer}` ({outer_class}), but is not among its sublayers"
        )
    }
}

impl LayerRef {
    /// Returns the layers with weights that are called inside this one or those below, but can't be reached
    /// through fields: their weights would not be saved.
    pub(crate) fn lost_layers(&self) -> Vec<Lost> {
        let all = self.with_layers_below();
        let known: HashSet<usize> = all.iter().map(Operation::id).collect();
        let is_known = |inner: &Untracked| {
            let layer = inner.layer.upgrade();
            layer.is_some_and(|layer| known.contains(&LayerRef::from_shared(layer).id()))
        };
        let of_one = |outer: &LayerRef| {
            let untracked = outer.base().inside().untracked.clone();
            let lost = untracked.into_iter().filter(|inner| !is_known(inner));
            lost.map(|inner| Lost { outer: outer.clone(), inner }).collect::<Vec<_>>()
        };
        all.iter().flat_map(of_one).collect()
    }

    /// Returns an error if weights would not be saved; ignores `skipped` layers and those below them.
    ///
    /// # Errors
    /// [`ErrorKind::Weights`], with the names of such a layer and of the one that calls it.
    pub(crate) fn check_tracked(&self, skipped: &[LayerRef]) -> Result<()> {
        let skipped: Vec<LayerRef> = skipped.iter().flat_map(LayerRef::with_layers_below).collect();
        let lost = self.lost_layers();
        let mut lost = lost.iter().filter(|lost| !skipped.iter().any(|layer| layer.is_same(&lost.outer)));
        let Some(first) = lost.next() else { return Ok(()) };
        let others = match lost.count() {
            0 => String::new(),
            count => format!(" (and {count} more)"),
        };
        Err(Error::new(ErrorKind::Weights, format!("{first}{others}: its weights would not be saved"))
            .hint(
                "hold it in a field that shows it: `#[keras(sublayer)]` or a `LayerRef` of the configuration, or, in a type \
                 that implements `KerasSerializable` by hand, in `visit_fields`; make layers in a field and not inside \
                 `call`; call it within `layers::untracked` if its weights are not to be saved",
            )
            .at(self.name().to_owned()))
    }
}
