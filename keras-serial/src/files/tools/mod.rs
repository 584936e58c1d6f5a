//! Tools for files that need no model: inspect, scan, compare, edit, convert.

mod compile_info;
mod config_names;
mod convert;
mod diff;
mod editor;
mod editor_names;
mod editor_objects;
mod inspect;
mod renamed_weights;
mod scan;
#[cfg(feature = "cli")]
mod summary;
#[cfg(feature = "cli")]
mod summary_layer;
mod values;

pub use compile_info::CompileInfo;
#[cfg(feature = "cli")]
pub(crate) use compile_info::{OPTIMIZER_GROUPS, is_compiled};
#[cfg(feature = "plot")]
pub(crate) use config_names::layer_groups;
pub use convert::convert;
pub(crate) use convert::convert_file;
#[cfg(all(feature = "cli", not(feature = "archive")))]
pub(crate) use convert::convert_open;
#[cfg(feature = "cli")]
pub(crate) use diff::diff_named;
pub use diff::{Change, ConfigChange, Difference, EntryChange, WeightChange, diff};
pub use editor::FileEditor;
pub use editor_objects::Comparison;
pub use inspect::{Inspection, ObjectInfo, WeightInfo, inspect};
pub use scan::{Code, Finding, ScanReport, Severity, scan, scan_weights};
#[cfg(feature = "cli")]
pub(crate) use summary::FileSummary;
