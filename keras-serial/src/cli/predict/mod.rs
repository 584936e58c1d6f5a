//! `predict`: a model's outputs for the rows of data files.

#[cfg(feature = "archive")]
mod inputs;
#[cfg(feature = "archive")]
mod outputs;
#[cfg(feature = "parquet")]
mod parquet;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Status;
use super::output::Overwrite;
use super::terminal::Terminal;
use crate::error::Result;
use crate::files::Limits;

/// Compute a model's outputs for the rows of data files.
///
/// Rows are read, computed and written batch by batch, so that files can be larger than memory (`.npz` and `.parquet` are
/// read whole). The columns of a table (`.csv`, `.parquet`) are the features of a model with one input; of a model with
/// several, the inputs of their names.
#[derive(Debug, Args)]
pub(super) struct Predict {
    /// The file of the model; `-` is standard input.
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// A file of inputs: `.npy`, `.npz`, `.safetensors`, `.csv` or `.parquet`; with a name, it is for the input of that
    /// name. Several files are for several inputs, in order or by their names.
    #[arg(short, long, value_name = "[NAME=]FILE", required = true)]
    input: Vec<String>,
    /// The file of outputs: `.npy` for a model with one output, `.csv`, `.parquet` or `.safetensors`; `-` is standard
    /// output. Tables have a column for each value of a row.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// The number of rows of a batch.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    batch_size: u32,
    /// The format of inputs, where names don't tell it.
    #[arg(long, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
    /// The format of outputs, where the name does not tell it.
    #[arg(long, value_name = "FORMAT")]
    output_format: Option<OutputFormat>,
    /// The columns of tables have no names: their first rows are data.
    #[arg(long)]
    no_header: bool,
    #[command(flatten)]
    overwrite: Overwrite,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum InputFormat {
    Npy,
    Npz,
    Safetensors,
    Csv,
    Parquet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    Npy,
    Safetensors,
    Csv,
    Parquet,
}

#[cfg(not(feature = "archive"))]
impl Predict {
    pub(super) fn run(&self, _: &Limits, _: &Terminal) -> Result<Status> {
        Err(super::lacks("predict", "archive"))
    }
}

#[cfg(feature = "archive")]
impl Predict {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        use std::path::Path;

        use self::outputs::Standard;
        use super::input::{self, is_standard};
        use crate::files::write_atomically;

        let format = self.output_format()?;
        let files = self.input.iter().map(|text| inputs::split(text).1);
        let read: Vec<&Path> = std::iter::once(self.model.as_path()).chain(files).collect();
        if !is_standard(&self.output) {
            self.overwrite.check(&self.output, &read)?;
        }
        let model = input::model(&self.model, limits, terminal)?;
        let mut feed = inputs::Feed::open(&model, self, limits)?;
        let names = outputs::names(&model);
        let waiting = super::progress::Waiting::rows(feed.rows().map(|rows| rows as u64), "predicting", terminal);
        let mut predict = |write: &mut dyn FnMut(&[crate::tensor::Tensor]) -> Result<()>| {
            while let Some((rows, x)) = feed.next(self.batch_size as usize)? {
                let y = model.predict_on_batch(x)?;
                let y: Vec<crate::tensor::Tensor> = y.leaves().into_iter().cloned().collect();
                write(&y)?;
                waiting.advance(rows as u64);
                if terminal.is_closed() {
                    break;
                }
            }
            Ok(())
        };
        match format {
            OutputFormat::Csv if is_standard(&self.output) => {
                outputs::csv(&names, Standard::of(terminal), &mut predict)?;
            }
            format => {
                self.overwrite.write(&self.output, &read, format.suffix(), terminal, |path| {
                    write_atomically(path, |file| match format {
                        OutputFormat::Csv => outputs::csv(&names, file, &mut predict),
                        OutputFormat::Parquet => outputs::parquet(&names, file, &mut predict),
                        OutputFormat::Npy => outputs::npy(file, &mut predict),
                        OutputFormat::Safetensors => outputs::safetensors(&names, file, &mut predict),
                    })
                })?;
            }
        }
        Ok(Status::Fine)
    }

    /// Returns the format of outputs.
    fn output_format(&self) -> Result<OutputFormat> {
        use crate::error::{Error, ErrorKind};

        if let Some(format) = self.output_format {
            return Ok(format);
        }
        let name = self.output.to_string_lossy();
        let all = [OutputFormat::Npy, OutputFormat::Safetensors, OutputFormat::Csv, OutputFormat::Parquet];
        all.into_iter().find(|format| name.ends_with(format.suffix())).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "the name of the output tells no format")
                .expected("a name that ends in .npy, .safetensors, .csv or .parquet, or `--output-format`")
                .at(name.into_owned())
        })
    }
}

#[cfg(feature = "archive")]
impl OutputFormat {
    fn suffix(self) -> &'static str {
        match self {
            OutputFormat::Npy => ".npy",
            OutputFormat::Safetensors => ".safetensors",
            OutputFormat::Csv => ".csv",
            OutputFormat::Parquet => ".parquet",
        }
    }
}

#[cfg(feature = "archive")]
impl InputFormat {
    fn form(self) -> crate::training::data::DataForm {
        use crate::training::data::DataForm;
        match self {
            InputFormat::Npy => DataForm::Npy,
            InputFormat::Npz => DataForm::Npz,
            InputFormat::Safetensors => DataForm::Safetensors,
            InputFormat::Csv => DataForm::Csv,
            InputFormat::Parquet => DataForm::Parquet,
        }
    }
}
