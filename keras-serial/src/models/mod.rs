//! Models (`keras.models`): Sequential, Functional, and user-written models.

mod clone;
mod functional;
mod functional_config;
mod graph;
mod model;
mod planned;
#[cfg(feature = "plot")]
mod plot;
mod predictor;
mod program;
mod quantize;
mod sequential;
mod subgraph;
mod summary;
mod told;

pub use clone::{Cloning, clone_model, clone_model_with, copy_layer};
pub use functional::Functional;
pub use model::{Model, model_from_config, model_from_json};
pub(crate) use planned::Inferred;
#[cfg(feature = "plot")]
pub use plot::plot_model;
pub use predictor::{Predictor, PredictorOptions};
pub use quantize::{QuantizationReport, Quantize, SkipReason};
pub use sequential::{IntoLayers, Sequential};
pub use summary::Summary;
