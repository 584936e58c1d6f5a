//! What the library keeps with a model: its compile configuration, its training state, its plans.

use std::any::Any;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use super::LayerRef;
use crate::error::Result;
use crate::json::Value;
use crate::optimizers::Optimizer;
use crate::utils::Locked;

/// What the library keeps with a model and with no other layer. Later modules define most of it, so that here are
/// only the slots.
#[derive(Default)]
pub(crate) struct ModelState {
    /// The compile configuration, as it was in the model's file.
    compile_config: Mutex<Option<Value>>,
    trained: Mutex<Option<Arc<dyn Trained>>>,
    unread: Mutex<Option<Arc<dyn UnreadState>>>,
    plans: OnceLock<Box<dyn Any + Send + Sync>>,
    stop_training: AtomicBool,
}

/// The training state of a compiled model, as far as layers need it; `training` implements it.
pub(crate) trait Trained: Any + Send + Sync {
    /// Returns the model's `compile_config`.
    ///
    /// # Errors
    /// If an object in it can't be serialized.
    fn compile_config(&self) -> Result<Value>;

    /// Compiles another model in the same way.
    ///
    /// # Errors
    /// If an object in the configuration can't be serialized or deserialized.
    fn compile(&self, other: &LayerRef) -> Result<()>;

    /// Returns the optimizer, if there is one.
    fn optimizer(&self) -> Option<Optimizer>;

    /// Returns the number of elements and of bytes of the optimizer's own variables.
    fn optimizer_size(&self) -> (usize, usize);
}

/// State of a model's file that nothing has read, kept for the next save: that of the optimizer of a model which
/// is not compiled. `saving` implements it.
pub(crate) trait UnreadState: Any + Send + Sync {
    /// Returns the numbers of elements and of bytes.
    fn size(&self) -> (usize, usize);
}

impl ModelState {
    /// Returns the compile configuration from the model's file.
    pub fn compile_config(&self) -> Option<Value> {
        self.compile_config.locked().clone()
    }

    /// Sets the compile configuration from the model's file.
    pub fn set_compile_config(&self, config: Option<Value>) {
        *self.compile_config.locked() = config;
    }

    /// Returns the training state, if the model is compiled.
    pub fn trained(&self) -> Option<Arc<dyn Trained>> {
        self.trained.locked().clone()
    }

    /// Sets the training state, and discards what was kept from the model's file.
    pub fn set_trained(&self, trained: Arc<dyn Trained>) {
        *self.trained.locked() = Some(trained);
        self.forget_file();
    }

    /// Discards what was kept from the model's file.
    pub fn forget_file(&self) {
        self.set_compile_config(None);
        self.set_unread(None);
    }

    /// Returns the state of the model's file that nothing has read.
    pub fn unread(&self) -> Option<Arc<dyn UnreadState>> {
        self.unread.locked().clone()
    }

    /// Sets the state of the model's file that nothing has read.
    pub fn set_unread(&self, state: Option<Arc<dyn UnreadState>>) {
        *self.unread.locked() = state;
    }

    /// Returns the compiled plans, which are of a later module's type.
    pub fn plans<T: Any + Default + Send + Sync>(&self) -> Option<&T> {
        self.plans.get_or_init(|| Box::<T>::default()).downcast_ref()
    }

    /// Returns whether training was asked to stop.
    pub fn stop_training(&self) -> bool {
        self.stop_training.load(Ordering::Relaxed)
    }

    /// Sets whether training stops after the current batch.
    pub fn set_stop_training(&self, stop: bool) {
        self.stop_training.store(stop, Ordering::Relaxed);
    }
}
