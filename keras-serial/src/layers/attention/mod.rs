//! Attention layers (`keras.layers`, attention).

mod additive_attention;
#[expect(clippy::module_inception, reason = "each layer has the file of its name")]
mod attention;
mod group_query_attention;
mod heads;
mod multi_head_attention;
mod scores;

pub use additive_attention::AdditiveAttention;
pub use attention::{Attention, ScoreMode};
pub use group_query_attention::GroupQueryAttention;
pub use multi_head_attention::MultiHeadAttention;
