//! `plot`: a picture of a model, as Keras's `plot_model` draws it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Status;
use super::output::Overwrite;
use super::terminal::Terminal;
use crate::error::Result;
use crate::files::Limits;

/// Draw a model: SVG, HTML with foldable models and configurations, DOT for Graphviz, or PNG.
///
/// Graphviz is not needed. Where a model can be made from the file, the picture has the shapes of all tensors; else those
/// that the file tells.
#[derive(Debug, Args)]
pub(super) struct Plot {
    /// The file of the model; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The picture, in the format of its name's end: `.svg`, `.html`, `.dot` or `.png`; `-` is standard output.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// The format on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "svg")]
    to_format: Format,
    /// Show the shapes of inputs and outputs.
    #[arg(long)]
    show_shapes: bool,
    /// Show the dtypes of outputs.
    #[arg(long)]
    show_dtype: bool,
    /// Show the names of layers beside their classes.
    #[arg(long)]
    show_layer_names: bool,
    /// Show activations.
    #[arg(long)]
    show_layer_activations: bool,
    /// Show which layers are trainable.
    #[arg(long)]
    show_trainable: bool,
    /// Draw the layers of models inside the model.
    #[arg(long)]
    expand_nested: bool,
    /// The direction: TB is top to bottom, LR left to right.
    #[arg(long, value_name = "DIRECTION", default_value = "TB")]
    rankdir: Direction,
    /// The resolution of PNG in dots per inch, at most: a large picture has the highest one in which it is not too large.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2400))]
    dpi: u32,
    /// Draw the layers from the first name to the last one.
    #[arg(long, value_names = ["FIRST", "LAST"], num_args = 2)]
    layer_range: Option<Vec<String>>,
    /// Highlight the layers of these names.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    highlight_layers: Vec<String>,
    #[command(flatten)]
    overwrite: Overwrite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Svg,
    Html,
    Dot,
    Png,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Direction {
    #[value(name = "TB")]
    TopToBottom,
    #[value(name = "BT")]
    BottomToTop,
    #[value(name = "LR")]
    LeftToRight,
    #[value(name = "RL")]
    RightToLeft,
}

#[cfg(not(feature = "plot"))]
impl Plot {
    pub(super) fn run(&self, _: &Limits, _: &Terminal) -> Result<Status> {
        Err(super::lacks("plot", "plot"))
    }
}

#[cfg(feature = "plot")]
impl Plot {
    pub(super) fn run(&self, limits: &Limits, terminal: &Terminal) -> Result<Status> {
        use super::input;
        use crate::error::ResultExt;
        use crate::files::io::Look;
        use crate::files::plot::PlotFormat;

        if !input::is_standard(&self.output) {
            // What can't be written is told before anything is read.
            PlotFormat::of(&self.output)?;
        }
        let file = input::open(&self.file, limits, Look::Names)?;
        let waiting = super::progress::Waiting::new("drawing", terminal);
        let options = self.options();
        let plot = plot(&file, &options, limits, terminal).at_with(|| input::name(&self.file))?;
        let warning = self.overwrite.write(&self.output, &[&self.file], self.to_format.suffix(), terminal, |path| {
            plot.save_and_tell(path).map_err(|error| input::from(&self.file, error))
        })?;
        drop(waiting);
        if let Some(warning) = warning {
            terminal.note(&format!("warning: {warning}"));
        }
        Ok(Status::Fine)
    }

    fn options(&self) -> crate::files::plot::PlotOptions {
        use crate::files::plot::{PlotOptions, RankDir};

        let rankdir = match self.rankdir {
            Direction::TopToBottom => RankDir::TopToBottom,
            Direction::BottomToTop => RankDir::BottomToTop,
            Direction::LeftToRight => RankDir::LeftToRight,
            Direction::RightToLeft => RankDir::RightToLeft,
        };
        let options = PlotOptions::new()
            .show_shapes(self.show_shapes)
            .show_dtype(self.show_dtype)
            .show_layer_names(self.show_layer_names)
            .show_layer_activations(self.show_layer_activations)
            .show_trainable(self.show_trainable)
            .expand_nested(self.expand_nested)
            .rankdir(rankdir)
            .dpi(self.dpi)
            .highlight_layers(self.highlight_layers.iter().cloned());
        match self.layer_range.as_deref() {
            Some([first, last]) => options.layer_range(first, last),
            _ => options,
        }
    }
}

#[cfg(feature = "plot")]
impl Format {
    fn suffix(self) -> &'static str {
        match self {
            Format::Svg => ".svg",
            Format::Html => ".html",
            Format::Dot => ".dot",
            Format::Png => ".png",
        }
    }
}

/// Returns the picture of the model, or, if it needs classes that are not linked, of its file.
#[cfg(all(feature = "plot", feature = "archive"))]
fn plot<'a>(
    file: &'a crate::files::ModelFile,
    options: &crate::files::plot::PlotOptions,
    limits: &Limits,
    terminal: &Terminal,
) -> Result<crate::files::plot::Plot<'a>> {
    match super::input::model_of(file, limits, terminal)? {
        Some(model) => crate::models::plot_model(&model, options),
        None => crate::files::plot::Plot::of_file(file, options),
    }
}

#[cfg(all(feature = "plot", not(feature = "archive")))]
fn plot<'a>(
    file: &'a crate::files::ModelFile,
    options: &crate::files::plot::PlotOptions,
    _: &Limits,
    _: &Terminal,
) -> Result<crate::files::plot::Plot<'a>> {
    crate::files::plot::Plot::of_file(file, options)
}
