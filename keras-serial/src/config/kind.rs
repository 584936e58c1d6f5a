//! The kinds of Keras objects.

use std::fmt;

use crate::utils::with_article;

/// The kind of an object in a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// A layer or a model.
    Layer,
    /// Creates the initial values of a weight.
    Initializer,
    /// A penalty on a weight or an activity.
    Regularizer,
    /// A projection of a weight after each step.
    Constraint,
    /// A function by name: activation, loss, metric, …
    Function,
    /// A loss with a configuration.
    Loss,
    /// A metric with state.
    Metric,
    /// An optimizer.
    Optimizer,
    /// A learning rate that depends on the step.
    LearningRateSchedule,
    /// The dtypes in which a layer computes and stores its weights.
    DTypePolicy,
    /// How a layer's weights are quantized.
    Quantizer,
    /// An operation of a graph that is not a layer (`keras.ops`).
    Operation,
    /// An array inside a configuration.
    Tensor,
    /// Anything else with a configuration.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Layer => "layer",
            Kind::Initializer => "initializer",
            Kind::Regularizer => "regularizer",
            Kind::Constraint => "constraint",
            Kind::Function => "function",
            Kind::Loss => "loss",
            Kind::Metric => "metric",
            Kind::Optimizer => "optimizer",
            Kind::LearningRateSchedule => "learning-rate schedule",
            Kind::DTypePolicy => "dtype policy",
            Kind::Quantizer => "quantizer",
            Kind::Operation => "operation",
            Kind::Tensor => "tensor",
            Kind::Object => "object",
        })
    }
}

impl Kind {
    /// Returns the kind with its article: `an optimizer`.
    pub(crate) fn with_article(self) -> String {
        with_article(&self.to_string())
    }
}
