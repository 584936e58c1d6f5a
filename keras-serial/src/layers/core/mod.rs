//! The most common layers (`keras.layers`, core).

mod activation;
mod dense;
mod einsum_dense;
mod embedding;
mod identity;
mod input_layer;
mod masking;
mod reversible_embedding;

pub use activation::Activation;
pub use dense::Dense;
pub use einsum_dense::EinsumDense;
pub use embedding::Embedding;
pub use identity::Identity;
pub use input_layer::{Input, InputLayer};
pub use masking::Masking;
pub use reversible_embedding::ReversibleEmbedding;

use crate::json::Value;

/// By what a low-rank update of a weight is scaled: `alpha / rank`, 1 by default.
pub(crate) fn lora_scale(rank: usize, alpha: Option<&Value>) -> f64 {
    alpha.and_then(Value::as_f64).map_or(1.0, |alpha| alpha / rank.max(1) as f64)
}
