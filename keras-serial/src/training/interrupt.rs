//! Ending runs from outside: at Ctrl-C, or when a service shuts down.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::models::Model;
use crate::object::Handle;

/// The runs of `fit` that are under way.
static RUNNING: Mutex<Vec<Arc<Run>>> = Mutex::new(Vec::new());

struct Run {
    model: Model,
    interrupted: AtomicBool,
}

/// Asks all runs of training to end after the batch that they are in; from any thread. Gives how many
/// there are.
///
/// Models stay usable, callbacks are called to the end, and `fit` gives what there is.
/// [`Model::set_stop_training`] ends a single run. What a `BackupAndRestore` has kept of an interrupted
/// run stays on the disk, and the next `fit` goes on from there.
///
/// ```
/// use keras_serial::training;
/// assert_eq!(training::interrupt(), 0); // nothing is running
/// ```
pub fn interrupt() -> usize {
    interrupt_those(|_| true)
}

/// As [`interrupt`], for the runs of certain models.
fn interrupt_those(is_meant: impl Fn(&Model) -> bool) -> usize {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let meant = running.iter().filter(|run| is_meant(&run.model));
    meant
        .map(|run| {
            run.interrupted.store(true, Ordering::Relaxed);
            run.model.set_stop_training(true);
        })
        .count()
}

/// Are these handles of one model?
fn is_same(one: &Model, other: &Model) -> bool {
    one.as_layer().address() == other.as_layer().address()
}

/// For tests, which run side by side: ends the runs of one model.
#[cfg(test)]
pub(crate) fn interrupt_model(model: &Model) -> usize {
    interrupt_those(|running| is_same(running, model))
}

/// Is a run of this model under way that was interrupted?
pub fn is_interrupted(model: &Model) -> bool {
    let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.iter().any(|run| is_same(&run.model, model) && run.interrupted.load(Ordering::Relaxed))
}

/// Makes a run known to [`interrupt`] for as long as it lives.
pub(crate) struct RunGuard(Arc<Run>);

impl RunGuard {
    pub(crate) fn new(model: &Model) -> Self {
        let run = Arc::new(Run { model: model.clone(), interrupted: AtomicBool::new(false) });
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).push(run.clone());
        Self(run)
    }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|run| !Arc::ptr_eq(run, &self.0));
    }
}

/// From now on Ctrl-C ends running training as [`interrupt`] does. A second one while runs are still
/// ending, and one while nothing runs, end the program as ever (exit code 130).
///
/// # Errors
/// When the system refuses, or the program has a handler of its own: call [`interrupt`] in that then.
#[cfg(feature = "interrupt")]
pub fn interrupt_on_ctrl_c() -> crate::Result<()> {
    use std::sync::OnceLock;

    static INSTALLED: OnceLock<()> = OnceLock::new();
    if INSTALLED.get().is_some() {
        return Ok(());
    }
    ctrlc::try_set_handler(|| {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let already = running.iter().any(|run| run.interrupted.load(Ordering::Relaxed));
        drop(running);
        if already || interrupt() == 0 {
            std::process::exit(130);
        }
    })
    .map_err(|error| {
        crate::Error::new(crate::ErrorKind::Unsupported, "Ctrl-C is handled elsewhere")
            .with_source(error)
            .hint("call `keras_serial::training::interrupt` in the program's own handler")
    })?;
    let _ = INSTALLED.set(());
    Ok(())
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
