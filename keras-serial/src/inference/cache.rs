//! The plans that a model keeps, by the shapes of its inputs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Plan;
use crate::program::Spec;

/// The number of shapes for which plans are kept.
const MOST: usize = 8;

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
    /// They came once, without a plan: most shapes come only once, and a plan would cost more than it saves.
    Seen,
    /// There can't be a plan.
    Without,
    /// The plan.
    Ready(Arc<Plan>),
}

impl Plans {
    /// Returns the plan for inputs of this structure, shapes and dtypes, as long as no weight has changed since.
    /// It is compiled when they come for the second time.
    pub(crate) fn get(&self, key: &Key, compile: impl FnOnce() -> Option<Plan>) -> Option<Arc<Plan>> {
        if self.disabled.load(Ordering::Relaxed) {
            return None;
        }
        let state = self.look_up(key)?;
        match state {
            State::Without => None,
            State::Ready(plan) if plan.is_current() => Some(plan),
            State::Seen | State::Ready(_) => {
                let plan = compile().map(Arc::new);
                let state = plan.clone().map_or(State::Without, State::Ready);
                if let Some(entry) = self.lock().iter_mut().find(|(known, _)| known == key) {
                    entry.1 = state;
                }
                plan
            }
        }
    }

    /// Returns what is known of inputs; notes them if nothing is.
    fn look_up(&self, key: &Key) -> Option<State> {
        let mut known = self.lock();
        if let Some(position) = known.iter().position(|(known, _)| known == key) {
            // The latest one stands at the end, and the first one is forgotten for a new one.
            let entry = known.remove(position);
            let state = entry.1.clone();
            known.push(entry);
            return Some(state);
        }
        if known.len() >= MOST {
            known.remove(0);
        }
        known.push((key.clone(), State::Seen));
        None
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Key, State)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets whether plans are used; forgets those that there are.
    pub(crate) fn set_enabled(&self, enabled: bool) {
        self.disabled.store(!enabled, Ordering::Relaxed);
        self.lock().clear();
    }
}
