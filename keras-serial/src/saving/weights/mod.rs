//! The weights of models: their places in files, the rules of a load, and its report.

pub(super) mod by_own_path;
pub(super) mod by_path;
pub(super) mod kept;
pub(super) mod layout;
pub(super) mod optimizers;
mod report;
pub(super) mod rules;
pub(super) mod spellings;
pub(super) mod unread;

pub use report::{LoadReport, Mismatch, Missing};
