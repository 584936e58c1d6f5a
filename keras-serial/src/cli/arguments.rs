//! The arguments of the command line, and its commands.

use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};

use super::Status;
use super::completions::Completions;
use super::convert::Convert;
use super::describe::Describe;
use super::diff::Diff;
use super::edit::Edit;
use super::export::Export;
use super::inspect::Inspect;
use super::man::Man;
use super::objects::Objects;
use super::plot::Plot;
use super::predict::Predict;
use super::scan::Scan;
use super::schema::Schema;
use super::summary::Summary;
use super::terminal::Terminal;
use crate::error::Result;
use crate::files::Limits;

/// Look into files of Keras models, check, compare, edit, convert, draw, export and run them.
///
/// No Python is needed, and no code of a file is ever run. FILE is a `.keras` archive or its directory, `.h5`,
/// `.weights.h5`, `.weights.json` (shards), `.safetensors` or a configuration in `.json`, told by the end of its name;
/// `-` is standard input or output.
#[derive(Debug, Parser)]
#[command(
    name = "keras-serial",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit status: 0 all is well, 1 findings or differences, 2 wrong usage or an error."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The arguments of all commands.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// Print results and errors only: no notes, warnings or progress bars.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more: what is done, and what caused an error.
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
    /// Whether to print in colours.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub(super) color: Color,
    /// Raise or lower a limit for reading files (`max_config_bytes=1000000`); `--limit help` lists them.
    #[arg(long, global = true, value_name = "NAME=N", value_parser = limit)]
    limit: Vec<(String, u64)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Color {
    /// In a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Global {
    /// Returns the limits for reading files.
    pub(super) fn limits(&self) -> Result<Limits> {
        let mut limits = Limits::default();
        self.limit.iter().try_for_each(|(name, value)| limits.set(name, *value))?;
        Ok(limits)
    }
}

/// Parses `NAME=N`.
fn limit(text: &str) -> Result<(String, u64), String> {
    let known = || format!("the limits are {}", Limits::NAMES.join(", "));
    let (name, value) = text.split_once('=').ok_or_else(known)?;
    if !Limits::NAMES.contains(&name) {
        return Err(known());
    }
    let value = value.replace('_', "").parse().map_err(|_| format!("`{value}` is not a whole number"))?;
    Ok((name.to_owned(), value))
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Inspect(Inspect),
    Summary(Summary),
    Scan(Scan),
    Diff(Diff),
    Convert(Convert),
    Edit(Edit),
    Export(Export),
    Predict(Predict),
    Plot(Plot),
    Objects(Objects),
    Describe(Describe),
    Schema(Schema),
    Completions(Completions),
    Man(Man),
}

impl Command {
    /// Runs the command.
    pub(super) fn run(&self, global: &Global, terminal: &Terminal, matches: &ArgMatches) -> Result<Status> {
        let limits = global.limits()?;
        match self {
            Command::Inspect(inspect) => inspect.run(&limits, terminal),
            Command::Summary(summary) => summary.run(&limits, terminal),
            Command::Scan(scan) => scan.run(&limits, terminal),
            Command::Diff(diff) => diff.run(&limits, terminal),
            Command::Convert(convert) => convert.run(&limits, terminal),
            Command::Edit(edit) => edit.run(&limits, terminal, matches.subcommand_matches("edit")),
            Command::Export(export) => export.run(&limits, terminal),
            Command::Plot(plot) => plot.run(&limits, terminal),
            Command::Predict(predict) => predict.run(&limits, terminal),
            Command::Objects(objects) => objects.run(terminal),
            Command::Describe(describe) => describe.run(terminal),
            Command::Schema(schema) => schema.run(terminal),
            Command::Completions(completions) => completions.run(terminal),
            Command::Man(man) => man.run(terminal),
        }
    }
}
