//! `export`: a model as an ONNX file.

use std::path::PathBuf;

use clap::Args;

use super::Status;
use super::output::Overwrite;
use super::terminal::Terminal;
use crate::error::Result;
use crate::files::Limits;

/// Export a model to ONNX.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file of the model; `-` is standard input.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The file to write; `-` is standard output.
    #[arg(value_name = "OUT.onnx")]
    output: PathBuf,
    /// The version of the operator set, 13 to 23.
    #[arg(long, value_name = "N", default_value_t = 18)]
    opset: i64,
    /// Write the weights into a file beside, `OUT.onnx.data`; by default only those of over 1.9 GB.
    #[arg(long)]
    external_data: bool,
    /// The shape of an input with its batch, for each input in order: `--input-shape ?,224,224,3`; `?` stays unknown.
    #[arg(long, value_name = "SHAPE", value_parser = shape)]
    input_shape: Vec<InputShape>,
    #[command(flatten)]
    overwrite: Overwrite,
}

/// The extents of an input; `None` stays unknown.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "onnx"), expect(dead_code, reason = "read where the feature `onnx` is on"))]
struct InputShape(Vec<Option<usize>>);

/// Parses the extents of a shape.
fn shape(text: &str) -> Result<InputShape, String> {
    let extent = |text: &str| match text.trim() {
        "?" | "None" => Ok(None),
        number => number.parse().map(Some).map_err(|_| format!("`{number}` is no extent: a whole number, or `?`")),
    };
    text.split(',').map(extent).collect::<Result<_, _>>().map(InputShape)
}

impl Export {
    #[cfg(feature = "onnx")]
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        use super::input;
        use super::input::is_standard;
        use super::progress::Waiting;
        use crate::error::{Error, ErrorKind};
        use crate::export::ExportOptions;

        if self.external_data && is_standard(&self.output) {
            return Err(Error::new(ErrorKind::InvalidArgument, "two files can't go to standard output")
                .hint("name a file, or leave out `--external-data`"));
        }
        let model = input::model(&self.model, limits, terminal)?;
        let mut options = ExportOptions::onnx().opset(self.opset).external_data(self.external_data);
        if !self.input_shape.is_empty() {
            options = options.input_shapes(self.input_shape.iter().map(|shape| shape.0.clone()));
        }
        let _waiting = Waiting::new("exporting", terminal);
        self.overwrite
            .write(&self.output, &[&self.model], ".onnx", terminal, |path| model.export(path, options.clone()))?;
        Ok(Status::Fine)
    }

    #[cfg(not(feature = "onnx"))]
    pub(super) fn run(&self, _: &Limits, _: &Terminal) -> Result<Status> {
        Err(super::lacks("export", "onnx"))
    }
}
