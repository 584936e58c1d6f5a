//! What a model can do in its own way: its graph, its training steps, its `compile`.

use super::{GraphModel, OwnCompile, TrainStep};

/// What a model does in its own way: its graph, its training steps, its `compile`. A model declares it with
/// [`Layer::model_hooks`](super::Layer::model_hooks).
pub trait ModelHooks {
    /// Returns the graph, for a model that has one.
    fn graph(&self) -> Option<&dyn GraphModel> {
        None
    }

    /// Returns the model's own training, test and predict steps, if it overrides them.
    fn train_step(&self) -> Option<&dyn TrainStep> {
        None
    }

    /// Returns the model's own `compile`, if it overrides it, for compiling from a file's configuration.
    fn own_compile(&self) -> Option<&dyn OwnCompile> {
        None
    }
}
