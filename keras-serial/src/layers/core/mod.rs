//! Core layers (`keras.layers`, core).

mod activation;
mod dense;
pub(in crate::layers) mod einsum_dense;
mod embedding;
mod identity;
mod input_layer;
pub(crate) mod lora;
mod masking;
mod reversible_embedding;
mod ternary_dense;
mod wrapper;

pub use activation::Activation;
pub use dense::Dense;
pub use einsum_dense::EinsumDense;
pub use embedding::Embedding;
pub use identity::Identity;
pub use input_layer::{Input, InputLayer};
pub use masking::Masking;
pub use reversible_embedding::ReversibleEmbedding;
pub use ternary_dense::TernaryDense;
pub use wrapper::Wrapper;
