//! Training: compile, fit, evaluate, predict.

pub mod callbacks;
mod compiled;

pub use callbacks::{Callback, CallbackContext, CallbackList, CallbackParams, History, Logs};
