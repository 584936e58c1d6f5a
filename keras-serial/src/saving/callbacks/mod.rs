//! The callbacks of training that write models.

mod backup_and_restore;
mod model_checkpoint;

pub use backup_and_restore::BackupAndRestore;
pub use model_checkpoint::ModelCheckpoint;
