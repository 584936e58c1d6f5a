//! `summary`: a model's layers in a table, as Keras prints it.

use std::path::PathBuf;

use clap::Args;

use super::terminal::Terminal;
use super::{Status, input};
use crate::error::{Result, ResultExt};
use crate::files::io::Look;
use crate::files::{FileSummary, Limits, ModelFile};

/// Print the table of a model's layers, as Keras's `Model.summary` does.
///
/// Classes that are neither Keras's nor linked here are in brackets. The table of a model with such classes, and in a
/// build without `archive`, is made from the file alone: shapes of outputs are those that the file tells, else `?`.
#[derive(Debug, Args)]
pub(super) struct Summary {
    /// The file of the model; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show the layers of models inside the model.
    #[arg(long)]
    expand_nested: bool,
    /// Show which layers are trainable.
    #[arg(long)]
    show_trainable: bool,
    /// The width of the table; 76 by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    line_length: Option<u16>,
}

/// The width of a console, where Keras cuts lines.
const CONSOLE: usize = 80;

impl Summary {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        let file = input::open(&self.file, limits, Look::Names)?;
        let text = self.text(&file, limits, terminal).at_with(|| input::name(&self.file))?;
        terminal.print(&text)?;
        Ok(Status::Fine)
    }

    fn line_length(&self) -> Option<usize> {
        self.line_length.map(usize::from)
    }

    fn console_width(&self) -> usize {
        self.line_length().unwrap_or_default().max(CONSOLE)
    }

    /// Returns the summary of the model itself, or, if it needs classes that are not linked, of its file.
    #[cfg(feature = "archive")]
    fn text(&self, file: &ModelFile, limits: &Limits, terminal: &Terminal) -> Result<String> {
        let Some(model) = input::model_of(file, limits, terminal)? else { return self.of_file(file) };
        let mut summary = crate::models::Summary::of(&model)
            .console_width(self.console_width())
            .expand_nested(self.expand_nested)
            .show_trainable(self.show_trainable);
        if let Some(line_length) = self.line_length() {
            summary = summary.line_length(line_length);
        }
        summary.render()
    }

    #[cfg(not(feature = "archive"))]
    fn text(&self, file: &ModelFile, _: &Limits, _: &Terminal) -> Result<String> {
        self.of_file(file)
    }

    fn of_file(&self, file: &ModelFile) -> Result<String> {
        let summary = FileSummary {
            file,
            line_length: self.line_length(),
            console_width: self.console_width(),
            expand_nested: self.expand_nested,
            show_trainable: self.show_trainable,
        };
        summary.render()
    }
}
