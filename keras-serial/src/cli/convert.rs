//! `convert`: a file in another format, every bit of every weight kept.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::input::is_standard;
use super::output::Overwrite;
use super::progress::Waiting;
use super::terminal::Terminal;
use super::{Status, input};
use crate::error::{Error, ErrorKind, Result};
use crate::files::io::Look;
use crate::files::{FileForm, Limits, ModelFile, OPTIMIZER_GROUPS, WeightTree, WriteOptions, is_compiled};

/// Convert a file to another format, told by the ends of the names; every bit of every weight is kept.
///
/// Formats that name weights alike (`.keras` and its directory, `.weights.h5`, `.weights.json`; `.h5`; `.safetensors`)
/// are converted without the file's classes; between the others, the model is made on the way. What the other format
/// has no room for is said. A name without an end is a directory.
#[derive(Debug, Args)]
pub(super) struct Convert {
    /// The file to convert; `-` is standard input.
    #[arg(value_name = "IN")]
    from: PathBuf,
    /// The file to write; `-` is standard output, in the format that `--to` names.
    #[arg(value_name = "OUT")]
    to: PathBuf,
    /// The format, where the name does not tell it.
    #[arg(long, value_name = "FORMAT")]
    to_format: Option<Format>,
    /// Split weights over files of at most this many GiB, with an index `.weights.json`; 5 by default.
    #[arg(long, value_name = "GIB", value_parser = gib)]
    max_shard_size: Option<f64>,
    /// Leave out the date, so that two files of one content are equal byte for byte.
    #[arg(long)]
    deterministic: bool,
    /// Leave out the optimizer's state, in a legacy `.h5`.
    #[arg(long)]
    no_optimizer: bool,
    /// Leave out the configuration, in a `.safetensors` file.
    #[arg(long)]
    no_config: bool,
    #[command(flatten)]
    overwrite: Overwrite,
}

/// A format of one file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Keras,
    Directory,
    WeightsH5,
    H5,
    Safetensors,
    Json,
}

impl Format {
    fn form(self) -> FileForm {
        match self {
            Format::Keras => FileForm::Keras,
            Format::Directory => FileForm::Directory,
            Format::WeightsH5 => FileForm::WeightsH5,
            Format::H5 => FileForm::LegacyH5,
            Format::Safetensors => FileForm::Safetensors,
            Format::Json => FileForm::Json,
        }
    }
}

fn gib(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "a size is a number above zero".to_owned())
}

impl Convert {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        let form = self.form()?;
        let file = input::open(&self.from, limits, Look::Kept)?;
        let name = input::name(&self.from);
        let options = self.options(form, &file, limits);
        let to = |path: &Path| {
            {
                let _waiting = Waiting::new("converting", terminal);
                convert(&file, &name, path, &options).map_err(|error| input::from(&self.from, error))?;
            }
            ModelFile::look(path, limits, Look::Names)
        };
        let written = self.overwrite.write(&self.to, &[&self.from], form.suffix(), terminal, to)?;
        let (before, after) = (Contents::of(&file), Contents::of(&written));
        let lost = before.lost(&after);
        if !lost.is_empty() {
            terminal.note(&format!("{} ({form}) is without {}", input::name(&self.to), lost.join(", ")));
        }
        terminal.detail(&format!("{} arrays converted", after.weights + after.optimizer));
        Ok(Status::Fine)
    }

    /// Returns the format to write.
    fn form(&self) -> Result<FileForm> {
        let told = match self.to_format {
            Some(format) => Some(format.form()),
            None if is_standard(&self.to) => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    "standard output has no name that tells the format",
                )
                .hint("name it with `--to-format`, such as `--to-format keras`"));
            }
            None if self.to.is_dir() || self.to.extension().is_none() => Some(FileForm::Directory),
            None => None,
        };
        let Some(form) = told else { return FileForm::of_name(&self.to) };
        if is_standard(&self.to) {
            return match form {
                FileForm::Directory => {
                    Err(Error::new(ErrorKind::InvalidArgument, "a directory can't go to standard output"))
                }
                form => Ok(form),
            };
        }
        let by_name = FileForm::of_name(&self.to).ok();
        if form != FileForm::Directory && by_name != Some(form) {
            return Err(Error::new(ErrorKind::InvalidArgument, "the name is not of the format")
                .expected(format!("a name that ends in `{}`", form.suffix()))
                .at(self.to.display().to_string()));
        }
        Ok(form)
    }

    fn options(&self, form: FileForm, file: &ModelFile, limits: &Limits) -> WriteOptions {
        let embeds = form == FileForm::Safetensors && file.config().is_some() && !self.no_config;
        let options = WriteOptions::new()
            .zipped(form != FileForm::Directory)
            .deterministic(self.deterministic)
            .include_optimizer(!self.no_optimizer)
            .embed_config(embeds)
            .limits(limits.clone());
        match self.max_shard_size {
            Some(gib) => options.max_shard_size(gib),
            None => options,
        }
    }
}

#[cfg(feature = "archive")]
fn convert(file: &ModelFile, name: &str, to: &Path, options: &WriteOptions) -> Result<()> {
    use crate::registry::Unknown;

    // What has no weights needs no class.
    let load = crate::saving::LoadOptions::new().limits(options.limits.clone()).unknown(Unknown::Keep);
    let save = crate::saving::SaveOptions::of_files(options.clone());
    crate::saving::convert_open(file, name, to, &load, &save)
}

#[cfg(not(feature = "archive"))]
fn convert(file: &ModelFile, name: &str, to: &Path, options: &WriteOptions) -> Result<()> {
    crate::files::convert_open(file, name, to, options)
}

/// What a file holds, as far as another format may have no room for it.
struct Contents {
    config: bool,
    compiled: bool,
    weights: usize,
    optimizer: usize,
    assets: usize,
    training_state: bool,
}

impl Contents {
    fn of(file: &ModelFile) -> Self {
        let compile = file.config().and_then(|config| config.get("compile_config"));
        let all = file.weights().map_or(0, |tree| tree.paths().len());
        let groups = file.weights().into_iter();
        let groups = groups.flat_map(|tree| OPTIMIZER_GROUPS.iter().filter_map(|name| tree.group(name)));
        let optimizer = groups.map(|group| WeightTree::paths(group).len()).sum();
        Self {
            config: file.config().is_some(),
            compiled: compile.is_some_and(is_compiled),
            weights: all.saturating_sub(optimizer),
            optimizer,
            assets: file.assets().count(),
            training_state: file.training_state.is_some(),
        }
    }

    /// Lists what this file has, and another one does not.
    fn lost(&self, after: &Self) -> Vec<&'static str> {
        let all = [
            ("the configuration", self.config && !after.config),
            ("the compile state", self.compiled && !after.compiled),
            ("the weights", self.weights > 0 && after.weights == 0),
            ("the optimizer's state", self.optimizer > 0 && after.optimizer == 0),
            ("assets", self.assets > after.assets),
            ("the training state", self.training_state && !after.training_state),
        ];
        all.into_iter().filter_map(|(what, is_lost)| is_lost.then_some(what)).collect()
    }
}
