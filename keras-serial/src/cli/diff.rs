//! `diff`: how two files differ.

use std::path::{Path, PathBuf};

use anstyle::Style;
use clap::Args;

use super::progress::Waiting;
use super::terminal::{GREEN, RED, Terminal, YELLOW, styled};
use super::{Status, input, json};
use crate::error::{Error, ErrorKind, Result};
use crate::files::io::Look;
use crate::files::{Change, Difference, EntryChange, Limits, ModelFile, diff_named};
use crate::json::Patch;

/// Show how two files differ: configuration, weights, assets.
///
/// Prints nothing if they don't. The exit status is 1 if they do.
///
/// As a driver of `git diff`, with the seven or nine arguments that git gives (`git config diff.keras.command
/// "keras-serial diff"`, and `*.keras diff=keras` in `.gitattributes`), the exit status is 0, as git wants it.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The two files; `-` is standard input.
    #[arg(value_names = ["A", "B"], num_args = 1.., required = true)]
    files: Vec<PathBuf>,
    /// Compare the weights alone.
    #[arg(long)]
    weights: bool,
    /// Let values differ by this much; they are compared bit by bit by default.
    #[arg(long, value_name = "T", default_value_t = 0.0, hide_default_value = true, value_parser = tolerance)]
    tolerance: f64,
    /// Let values differ by this part of the second one, too.
    #[arg(long, value_name = "R", default_value_t = 0.0, hide_default_value = true, value_parser = tolerance)]
    relative: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "a tolerance is a number that is not negative".to_owned())
}

impl Diff {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        match self.files.as_slice() {
            [first, second] => {
                let difference = self.compare(first, second, limits, terminal)?;
                self.print(&difference, terminal)?;
                Ok(if difference.is_empty() { Status::Fine } else { Status::Findings })
            }
            // Git gives: path, old file, hash, mode, new file, hash, mode; of a renamed file two more.
            [path, first, _, _, second, _, _] | [path, first, _, _, second, _, _, _, _] => {
                let difference = self.compare(first, second, limits, terminal)?;
                if !difference.is_empty() {
                    let name = path.display().to_string();
                    let head = styled(Style::new().bold(), &format!("--- a/{name}\n+++ b/{name}"));
                    terminal.print_styled(&format!("{head}\n"))?;
                    self.print(&difference, terminal)?;
                }
                Ok(Status::Fine)
            }
            others => Err(Error::new(ErrorKind::InvalidArgument, "wrong number of files")
                .expected("two, or the seven or nine arguments of `git diff`")
                .received(others.len().to_string())),
        }
    }

    fn compare(&self, first: &Path, second: &Path, limits: &Limits, terminal: &Terminal) -> Result<Difference> {
        let (first_file, second_file) = (open(first, limits)?, open(second, limits)?);
        let has_weights = |file: &ModelFile| file.weights().is_some_and(|tree| !tree.is_empty());
        if first_file.layout != second_file.layout && has_weights(&first_file) && has_weights(&second_file) {
            return Err(Error::new(ErrorKind::InvalidArgument, "the files name their weights in different ways")
                .expected(format!("a file that names them as `{}` ({}) does", input::name(first), first_file.form()))
                .received(second_file.form().to_string())
                .hint("`keras-serial convert` makes one the other's form")
                .at(input::name(second)));
        }
        let _waiting = Waiting::new("comparing", terminal);
        let names = [&*input::name(first), &*input::name(second)];
        let mut difference = diff_named([&first_file, &second_file], names, [self.tolerance, self.relative])?;
        if self.weights {
            difference.config.clear();
            difference.patch = Patch::default();
            difference.assets.clear();
        }
        Ok(difference)
    }

    fn print(&self, difference: &Difference, terminal: &Terminal) -> Result<()> {
        if self.json {
            return json::print(difference, terminal);
        }
        let mut text = String::new();
        let mut line = |style: Style, line: String| text.push_str(&format!("{}\n", styled(style, &line)));
        for change in &difference.config {
            let style = match change.change {
                EntryChange::Added => GREEN,
                EntryChange::Removed => RED,
                _ => YELLOW,
            };
            line(style, change.to_string());
        }
        for change in &difference.weights {
            let style = match change.change {
                Change::Added => GREEN,
                Change::Removed => RED,
                _ => YELLOW,
            };
            line(style, change.to_string());
        }
        difference.assets.iter().for_each(|name| line(YELLOW, format!("asset {name}: differs")));
        terminal.print_styled(&text)
    }
}

/// Opens a file to compare. Git gives `/dev/null` for one that is not there.
fn open(path: &Path, limits: &Limits) -> Result<ModelFile> {
    if path == Path::new("/dev/null") {
        return Ok(ModelFile::nothing());
    }
    input::open(path, limits, Look::Checked)
}
