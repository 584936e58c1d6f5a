//! The command line `keras-serial`: look into files of models, check, compare, edit, convert, export and run them.
//!
//! `cargo install --path keras-serial --features cli` installs it with all commands; with
//! `--no-default-features --features cli` it has the commands for files alone and builds within a minute.
//!
//! A crate with registered layers has the same command line for them, in a binary of three lines:
//!
//! ```no_run
//! # mod my_layers {}
//! use my_layers as _; // so that its registered classes are linked
//! fn main() -> std::process::ExitCode {
//!     keras_serial::cli::main()
//! }
//! ```
//!
//! Exit statuses are 0 if all is well, 1 if there are findings or differences, and 2 for wrong usage or an error.

mod arguments;
mod completions;
mod convert;
mod describe;
mod diff;
mod edit;
mod export;
mod input;
mod inspect;
mod json;
mod man;
mod objects;
mod output;
mod plot;
mod predict;
mod progress;
mod sarif;
mod scan;
mod schema;
mod summary;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use self::arguments::Arguments;
use self::terminal::Terminal;
#[cfg(not(all(feature = "archive", feature = "onnx", feature = "plot")))]
use crate::error::{Error, ErrorKind};

/// What a command that ran to its end has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// All is well.
    Fine,
    /// There are findings or differences.
    Findings,
    /// There were errors, which have been printed.
    Failed,
}

/// Returns the error for a command that this build does not have.
#[cfg(not(all(feature = "archive", feature = "onnx", feature = "plot")))]
fn lacks(command: &str, feature: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("this build of `keras-serial` can't {command}")).hint(format!(
        "build it with the feature `{feature}`: `cargo install --path keras-serial --features cli,{feature}`"
    ))
}

/// The exit status of a command that failed, as clap's for wrong usage.
const FAILED: u8 = 2;

/// Runs the command line with the arguments of this process.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command line with these arguments, of which the first one is the program's name.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let parsed = Arguments::command().try_get_matches_from(arguments).and_then(|matches| {
        let arguments = Arguments::from_arg_matches(&matches)?;
        Ok((arguments, matches))
    });
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // The reader of a closed pipe wants nothing more.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { FAILED } else { 0 });
        }
    };
    let terminal = Terminal::new(&arguments.global);
    match arguments.command.run(&arguments.global, &terminal, &matches) {
        Ok(Status::Fine) => ExitCode::SUCCESS,
        Ok(Status::Findings) => ExitCode::FAILURE,
        Ok(Status::Failed) => ExitCode::from(FAILED),
        Err(error) => {
            terminal.error(&error);
            ExitCode::from(FAILED)
        }
    }
}
