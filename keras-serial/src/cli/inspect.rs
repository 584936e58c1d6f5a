//! `inspect`: lists what a file holds, without reading its weights.

use std::path::PathBuf;

use clap::Args;

use super::terminal::Terminal;
use super::{Status, input, json};
use crate::error::Result;
use crate::files::io::Look;
use crate::files::{Inspection, Limits};

/// List what a file holds: format, Keras's version, layers, compile state, arrays.
///
/// Reads no weights, and needs none of the file's classes.
#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The file to list; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// List the arrays alone.
    #[arg(long)]
    weights: bool,
}

impl Inspect {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        let mut contents = Inspection::of(&input::open(&self.file, limits, Look::Names)?);
        if self.weights {
            contents.keep_weights();
        }
        if self.json {
            json::print(&contents, terminal)?;
        } else {
            terminal.print(&contents.to_string())?;
        }
        Ok(Status::Fine)
    }
}
