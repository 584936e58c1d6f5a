//! The plans that a model keeps, by the shapes of its inputs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::Plan;
use crate::program::Spec;
use crate::utils::Locked;

/// The number of shapes for which plans are kept.
const MOST: usize = 8;

/// Bytes of packed weights above which plans are kept for two shapes only: the whole batches and the last one.
const LARGE: usize = 64 << 20;

/// The plans of one model.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    disabled: AtomicBool,
    known: Mutex<Vec<(Key, State)>>,
}

/// The structure of the inputs, and their shapes and dtypes.
pub(crate) type Key = (String, Vec<Spec>);

/// What is known of inputs of some shapes.
#[derive(Clone, Debug)]
enum State {
    /// There can't be a plan.
    Without,
    /// The plan.
    Ready(Arc<Plan>),
}

impl State {
    fn packed_bytes(&self) -> usize {
        match self {
            Self::Without => 0,
            Self::Ready(plan) => plan.packed_bytes(),
        }
    }
}

impl Plans {
    /// Returns the plan for inputs of this structure, shapes and dtypes, compiled at their first use and again when
    /// a weight has changed; `None` if there can't be one.
    pub(crate) fn get(&self, key: &Key, compile: impl FnOnce() -> Option<Plan>) -> Option<Arc<Plan>> {
        match self.look_up(key) {
            Some(State::Without) => None,
            Some(State::Ready(plan)) if plan.is_current() => Some(plan),
            _ => {
                let plan = compile().map(Arc::new);
                self.keep(key, plan.clone().map_or(State::Without, State::Ready));
                plan
            }
        }
    }

    /// Returns what is known of inputs.
    fn look_up(&self, key: &Key) -> Option<State> {
        let mut known = self.lock();
        let position = known.iter().position(|(known, _)| known == key)?;
        // The latest one stands at the end.
        let entry = known.remove(position);
        let state = entry.1.clone();
        known.push(entry);
        Some(state)
    }

    /// Keeps what is known of inputs; forgets what was used longest ago if there is too much.
    fn keep(&self, key: &Key, state: State) {
        let mut known = self.lock();
        known.retain(|(known, _)| known != key);
        known.push((key.clone(), state));
        let bytes: usize = known.iter().map(|(_, state)| state.packed_bytes()).sum();
        let most = if bytes > LARGE { 2 } else { MOST };
        let surplus = known.len().saturating_sub(most);
        known.drain(..surplus);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, State)>> {
        self.known.locked()
    }

    /// Returns true if plans are used.
    pub(crate) fn is_enabled(&self) -> bool {
        !self.disabled.load(Ordering::Relaxed)
    }

    /// Sets whether plans are used; forgets those that there are.
    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.disabled.store(!enabled, Ordering::Relaxed);
        self.lock().clear();
    }
}
