//! Whole model files: configuration, weights, assets and metadata, in any format.

mod members;
mod model_file;
mod moment;
mod parts;
mod unread;
mod write_options;

pub use model_file::ModelFile;
pub(crate) use model_file::{Layout, TRAINING_STATE, WEIGHTS};
pub(crate) use parts::{ASSETS, Parts};
pub use write_options::WriteOptions;
