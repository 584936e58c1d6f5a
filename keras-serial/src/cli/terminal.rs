//! Printing: results on standard output, all else on standard error, in colours where a terminal shows them.

use std::cell::Cell;
use std::error::Error as _;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};

use super::arguments::{Color, Global};
use crate::error::{Error, Result, ResultExt};

/// The style of what is wrong, or was removed.
pub(super) const RED: Style = AnsiColor::Red.on_default();
/// The style of warnings.
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
/// The style of what was added.
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
/// The style of names and notes.
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// Where commands print.
pub(super) struct Terminal {
    quiet: bool,
    verbose: bool,
    /// True once the reader of standard output has closed it.
    closed: Cell<bool>,
}

impl Terminal {
    /// Creates the terminal that the arguments ask for.
    pub(super) fn new(global: &Global) -> Self {
        match global.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        #[cfg(feature = "engine")]
        if !global.quiet {
            crate::warnings::print_warnings();
        }
        Self { quiet: global.quiet, verbose: global.verbose, closed: Cell::new(false) }
    }

    /// Returns true if only results and errors are to be printed.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Returns true if the reader of standard output has closed it, so that there is no use for more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Prints a result: plain text, in which nothing can steer the terminal.
    ///
    /// # Errors
    /// As [`Terminal::write`].
    pub(super) fn print(&self, text: &str) -> Result<()> {
        self.print_styled(&visible(text))
    }

    /// Prints text that has styles already ([`styled`]).
    ///
    /// # Errors
    /// As [`Terminal::write`].
    pub(super) fn print_styled(&self, text: &str) -> Result<()> {
        self.take(anstream::stdout().lock().write_all(text.as_bytes()))
    }

    /// Writes bytes to standard output. Once its reader has closed the pipe, they are dropped.
    ///
    /// # Errors
    /// When standard output can't be written for another reason: a full disk.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<()> {
        self.take(io::stdout().lock().write_all(bytes))
    }

    fn take(&self, written: io::Result<()>) -> Result<()> {
        match written.and_then(|()| io::stdout().flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed.set(true);
                Ok(())
            }
            written => written.map_err(Error::from).at("standard output"),
        }
    }

    /// Prints a line for the user beside the result, unless they asked for silence.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            tell(&visible(text));
        }
    }

    /// Prints a line that only `--verbose` asks for.
    pub(super) fn detail(&self, text: &str) {
        if self.verbose {
            tell(&visible(text));
        }
    }

    /// Prints an error, with `--verbose` also what caused it.
    pub(super) fn error(&self, error: &Error) {
        let mut text = format!("{} {}", styled(RED.bold(), "error:"), visible(&error.to_string()));
        let mut cause = error.source().filter(|_| self.verbose);
        while let Some(error) = cause {
            // Writing to a string can't fail.
            let _ = write!(text, "\n  caused by: {}", visible(&error.to_string()));
            cause = error.source();
        }
        tell(&text);
    }
}

/// Prints a line on standard error. A failure to do so must not stop what it is about.
fn tell(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Returns a text in a style; characters that steer the terminal are written out.
pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", visible(text))
}

/// Writes out the characters of a text that would steer a terminal: names in a file can be anything.
fn visible(text: &str) -> String {
    let steers = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_file_do_not_steer_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\r\n\tö"), "a\\u{1b}[2Jb\\u{d}\n\tö");
        assert_eq!(styled(RED, "a\u{1b}"), "\u{1b}[31ma\\u{1b}\u{1b}[0m");
    }
}
