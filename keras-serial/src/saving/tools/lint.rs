//! Scans a file, and also loads the model.

use std::path::Path;

use crate::error::ErrorKind;
use crate::files::io::Look;
use crate::files::{Code, ScanReport};
use crate::registry;
use crate::saving::LoadOptions;

/// Scans a file like [`scan_weights`](crate::files::scan_weights), and also loads the model.
pub fn lint(path: impl AsRef<Path>, options: &LoadOptions) -> ScanReport {
    let mut report = ScanReport::new();
    if let Some(file) = report.open(path.as_ref(), options.limits_in_force(), Look::Checked) {
        {
            let _objects = registry::with_argument(options.custom_objects_in_force());
            report.look_at(&file);
        }
        report.read_weights(&file);
        if file.config().is_some()
            && let Err(error) = options.load_model_file(&file)
        {
            let code = if error.kind() == ErrorKind::Weights { Code::KS402 } else { Code::KS403 };
            report.add(code, error.path(), error.without_path());
        }
    }
    report.sort();
    report
}
