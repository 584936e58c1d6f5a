//! What callbacks tell the user.

use std::io::Write;

/// A line on standard output (Keras's `io_utils.print_msg`). That nobody reads it ends no training.
pub fn print_msg(message: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{message}").and_then(|()| output.flush());
}

/// A line on standard error (Python's `warnings.warn`).
pub fn warn(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "UserWarning: {message}");
}
