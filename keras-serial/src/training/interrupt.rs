//! Stops training from outside: on Ctrl-C, or when a service shuts down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::models::Model;
use crate::object::Handle;
use crate::utils::Locked;

/// The running calls of `fit`.
static RUNNING: Mutex<Vec<Arc<Run>>> = Mutex::new(Vec::new());

struct Run {
    model: Model,
    interrupted: AtomicBool,
}

/// Makes all training runs stop after their current batch, from any thread. Returns the number of runs.
///
/// Models stay usable, callbacks are called to the end, and `fit` returns the history so far.
/// [`Model::set_stop_training`] stops a single run. The backup of a `BackupAndRestore` stays on disk
/// after an interrupted run, and the next `fit` continues from it.
///
/// ```
/// use keras_serial::training;
/// assert_eq!(training::interrupt(), 0); // nothing is running
/// ```
pub fn interrupt() -> usize {
    interrupt_those(|_| true)
}

/// Interrupts the runs of some models, as [`interrupt`] does.
fn interrupt_those(is_meant: impl Fn(&Model) -> bool) -> usize {
    let running = RUNNING.locked();
    let meant = running.iter().filter(|run| is_meant(&run.model));
    meant
        .map(|run| {
            run.interrupted.store(true, Ordering::Relaxed);
            run.model.set_stop_training(true);
        })
        .count()
}

/// Returns true if both handles are of the same model.
fn is_same(one: &Model, other: &Model) -> bool {
    one.as_layer().address() == other.as_layer().address()
}

/// Interrupts the runs of one model, for tests that run in parallel.
#[cfg(test)]
pub(crate) fn interrupt_model(model: &Model) -> usize {
    interrupt_those(|running| is_same(running, model))
}

/// Returns true if an interrupted run of this model has not ended yet.
pub fn is_interrupted(model: &Model) -> bool {
    let running = RUNNING.locked();
    running.iter().any(|run| is_same(&run.model, model) && run.interrupted.load(Ordering::Relaxed))
}

/// Registers a run with [`interrupt`] for as long as the guard lives.
pub(crate) struct RunGuard(Arc<Run>);

impl RunGuard {
    pub(crate) fn new(model: &Model) -> Self {
        let run = Arc::new(Run { model: model.clone(), interrupted: AtomicBool::new(false) });
        RUNNING.locked().push(run.clone());
        Self(run)
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        RUNNING.locked().retain(|run| !Arc::ptr_eq(run, &self.0));
    }
}

/// Makes Ctrl-C stop running training as [`interrupt`] does. A second Ctrl-C while runs are stopping, or
/// one while nothing runs, ends the program as usual (exit code 130).
///
/// # Errors
/// When the system refuses, or the program has its own handler: call [`interrupt`] there instead.
#[cfg(feature = "interrupt")]
pub fn interrupt_on_ctrl_c() -> crate::Result<()> {
    use once_cell::sync::OnceCell;

    static INSTALLED: OnceCell<()> = OnceCell::new();
    let install = || {
        ctrlc::try_set_handler(|| {
            let running = RUNNING.locked();
            let already = running.iter().any(|run| run.interrupted.load(Ordering::Relaxed));
            drop(running);
            if already || interrupt() == 0 {
                std::process::exit(130);
            }
        })
    };
    INSTALLED.get_or_try_init(install).copied().map_err(|error| {
        crate::Error::new(crate::ErrorKind::Unsupported, "Ctrl-C is handled elsewhere")
            .with_source(error)
            .hint("call `keras_serial::training::interrupt` in the program's own handler")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::callbacks::testing::model;

    #[test]
    fn only_running_models_are_interrupted() {
        let (running, idle) = (model(), model());
        let guard = RunGuard::new(&running);
        assert!(!is_interrupted(&running));
        assert_eq!((interrupt_model(&idle), interrupt_model(&running)), (0, 1));
        assert!(running.stop_training() && is_interrupted(&running));
        assert!(!idle.stop_training() && !is_interrupted(&idle));
        drop(guard);
        assert!(!is_interrupted(&running));
    }
}
