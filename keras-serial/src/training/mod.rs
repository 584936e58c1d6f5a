//! Training: compile, fit, evaluate, predict.
//!
//! [`Model::compile`](crate::models::Model::compile) sets the optimizer, loss and metrics of a model;
//! [`Model::fit`](crate::models::Model::fit) trains it on arrays or on a [`Dataset`].

pub mod callbacks;
mod class_weight;
mod compile;
mod compile_loss;
mod compile_metrics;
mod compiled;
pub mod data;
mod evaluate;
mod fit;
pub(crate) mod interrupt;
mod on_batch;
mod parts;
mod predict;
mod resume;
mod run;
mod state_tree;
mod step;
mod structure;
mod traces;
mod training_state;

pub use callbacks::{Callback, CallbackContext, CallbackList, CallbackParams, History, Logs};
pub use class_weight::ClassWeight;
pub use compile::{Compile, CompileOptimizer};
pub use data::{Batch, Dataset};
pub use evaluate::Evaluate;
pub use fit::{Fit, ValidationFreq};
#[cfg(feature = "interrupt")]
pub use interrupt::interrupt_on_ctrl_c;
pub use interrupt::{interrupt, is_interrupted};
pub use parts::{IntoLosses, IntoMetrics, LossWeights, Losses, Metrics};
pub use predict::Predict;
pub use training_state::TrainingState;
