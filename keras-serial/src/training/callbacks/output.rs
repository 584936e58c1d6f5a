//! Messages of callbacks to the user.

use std::io::Write;

/// Prints a line on standard output (Keras's `io_utils.print_msg`). A failure to write does not stop
/// training.
pub fn print_msg(message: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{message}").and_then(|()| output.flush());
}
