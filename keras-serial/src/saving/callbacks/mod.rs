//! Callbacks that save models during training.

mod backup_and_restore;
mod model_checkpoint;

pub use backup_and_restore::BackupAndRestore;
pub use model_checkpoint::ModelCheckpoint;
