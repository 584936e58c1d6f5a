//! Warnings: where Keras warns (`warnings.warn`), an event of [`tracing`] of the level `WARN` says what happened.
//!
//! Any subscriber of `tracing` receives them; without one they cost nothing. [`print_warnings`] installs the
//! smallest one, which prints each warning as one line on standard error:
//! ```
//! keras_serial::warnings::print_warnings();
//! ```
//! The library warns when
//! - a mask ends at a layer that does not support masking;
//! - a model is saved that is not built;
//! - loading leaves something out: weights that are missing, unexpected or of another shape (where that is
//!   allowed), the state of an optimizer, the compile configuration of Keras 2;
//! - trainable weights get no gradient, or a model that is trained has none;
//! - data end before the last step of a run;
//! - the names of a Functional model's dict of inputs are not those of its tensors;
//! - a layer can't be quantized;
//! - a callback watches a metric that does not exist.

use std::collections::HashSet;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Mutex;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::utils::Locked;

/// The largest number of different texts that are remembered, so as not to print them again.
const MOST_REMEMBERED: usize = 1000;

/// Prints the library's warnings on standard error, each as one line and each text once, unless the program has
/// another subscriber of `tracing`. Returns whether this one is installed.
pub fn print_warnings() -> bool {
    tracing::subscriber::set_global_default(Printer::new(print)).is_ok()
}

/// Prints a line. A failure to write must not stop what the warning is about.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "warning: {line}");
}

/// A subscriber that prints warnings.
struct Printer {
    printed: Mutex<HashSet<String>>,
    print: fn(&str),
}

impl Printer {
    fn new(print: fn(&str)) -> Self {
        Self { printed: Mutex::default(), print }
    }
}

impl Subscriber for Printer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let is_ours = target.split("::").next() == Some(env!("CARGO_CRATE_NAME"));
        is_ours && metadata.is_event() && *metadata.level() <= Level::WARN
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let line = text.0.replace('\n', " ");
        let mut printed = self.printed.locked();
        if printed.contains(&line) {
            return;
        }
        (self.print)(&line);
        if printed.len() < MOST_REMEMBERED {
            printed.insert(line);
        }
    }

    // Spans are not enabled, so nothing asks for these.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The text of an event: its message.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string can't fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    #[test]
    fn each_warning_is_printed_once_as_one_line() {
        let printer = Printer::new(|line| LINES.lock().unwrap().push(line.to_owned()));
        tracing::subscriber::with_default(printer, || {
            for layer in ["a", "b", "a"] {
                tracing::warn!(layer, "the layer\n`{layer}`");
            }
            tracing::info!("not printed");
            tracing::warn!(target: "another_crate", "not printed");
        });
        assert_eq!(*LINES.lock().unwrap(), ["the layer `a`", "the layer `b`"]);
    }
}
