//! Pictures of models, as Keras's `plot_model` draws them, without Graphviz: SVG, HTML, DOT, and PNG with the feature
//! `png`.
//!
//! [`plot_file`] draws a model from its file alone, in a build without the engine; `models::plot_model` draws a live
//! one. Layers' boxes have a header with the class, in a colour by family, and below what [`PlotOptions`] ask for.
//!
//! A file alone tells the shapes and dtypes of all tensors that one layer passes to another, and those of inputs.
//! The outputs of the last layers are only known for classes that need no computation for it, such as `Dense`,
//! `Flatten` and `BatchNormalization`; others have the shape `?`, as have layers of a Sequential model behind them
//! that keep no record of the shape they were built for. Which layers are trainable is told by the weights, which a
//! configuration alone does not have. Of a live model, everything is known.
//!
//! ```
//! use keras_serial::files::plot::{Plot, PlotOptions};
//! use keras_serial::json::Value;
//! let config = Value::parse(
//!     r#"{"module": "keras", "class_name": "Sequential", "config": {"name": "small", "layers": [
//!         {"module": "keras.layers", "class_name": "Dense", "config": {"name": "one", "units": 4, "activation": "relu"}},
//!         {"module": "keras.layers", "class_name": "Dense", "config": {"name": "two", "units": 1}}]}}"#,
//! )?;
//! let plot = Plot::of_config(&config, &PlotOptions::new().show_layer_names(true));
//! assert!(plot.to_dot()?.contains("<b>one</b> (Dense)"));
//! assert!(plot.to_svg()?.starts_with("<svg"));
//! # Ok::<(), keras_serial::Error>(())
//! ```
//!
//! # Limits
//! Pictures that are laid out (all but DOT) have at most 2000 layers, and less where many stand side by side or are
//! connected over long distances; DOT has at most 20 000. More is an [`ErrorKind::Limit`]. A PNG has at most 20 million
//! pixels: larger pictures have a lower resolution than [`PlotOptions::dpi`], with a warning (an event of `tracing`, in
//! a build with the engine), and are an [`ErrorKind::Limit`] where their text could not be read. The middle of long texts
//! is left out.

mod cost;
mod dot;
mod facts;
mod family;
mod form;
mod graph;
mod html;
mod label;
mod layout;
mod options;
#[cfg(feature = "png")]
mod png;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod weights;

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

pub(crate) use facts::Facts;
#[cfg(feature = "engine")]
pub(crate) use form::layer_names;
pub use options::{PlotOptions, RankDir, Splines};
#[cfg(all(feature = "engine", feature = "png"))]
pub(crate) use png::render as render_png;
#[cfg(feature = "engine")]
pub(crate) use svg::FONTS;
#[cfg(feature = "engine")]
pub(crate) use text::{escape, width as text_width};

use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::files::io::Look;
use crate::files::{Limits, ModelFile, write_atomically};
use crate::json::Value;
use form::Form;
use graph::Graph;
use layout::Texts;
use svg::Frame;

/// Draws the model of a file of any form, into a file whose ending tells the format: `.svg`, `.html`, `.dot`, or `.png`.
/// The file appears complete or not at all.
///
/// # Errors
/// As [`ModelFile::open`] and [`Plot::save`].
pub fn plot_file(source: impl AsRef<Path>, to_file: impl AsRef<Path>, options: &PlotOptions) -> Result<()> {
    // What cannot be written is told before anything is read.
    PlotFormat::of(to_file.as_ref())?;
    let source = source.as_ref();
    let file = ModelFile::look(source, &Limits::default(), Look::Names)?;
    Plot::of_file(&file, options).and_then(|plot| plot.save(to_file)).at_with(|| source.display().to_string())
}

/// The format of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlotFormat {
    /// A picture with text that can be selected and searched.
    Svg,
    /// One page that needs no network: nested models can be folded, and layers show their configuration.
    Html,
    /// The language of Graphviz, as Keras's `model_to_dot` writes it.
    Dot,
    /// A picture of pixels; needs the feature `png`.
    Png,
}

impl PlotFormat {
    /// Tells the format from the ending of a file's name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for other endings; [`ErrorKind::Unsupported`] for PNG in a build without it.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match ending.as_str() {
            "svg" => Ok(Self::Svg),
            "html" | "htm" => Ok(Self::Html),
            "dot" | "gv" => Ok(Self::Dot),
            "png" if cfg!(feature = "png") => Ok(Self::Png),
            "png" => Err(Error::new(ErrorKind::Unsupported, "this build does not write PNG")
                .hint("build with the feature `png`, or take SVG")
                .at(path.display().to_string())),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "the ending does not name a format of pictures")
                .expected("`.svg`, `.png`, `.html` or `.dot`")
                .received(format!("`.{ending}`"))
                .at(path.display().to_string())),
        }
    }
}

/// A picture of a model, to be written in any format.
#[derive(Debug, Clone)]
pub struct Plot<'a> {
    config: Cow<'a, Value>,
    facts: Facts,
    options: PlotOptions,
}

impl<'a> Plot<'a> {
    /// Creates the picture of a file's model.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if the file holds weights alone.
    pub fn of_file(file: &'a ModelFile, options: &PlotOptions) -> Result<Self> {
        let config = file.config().ok_or_else(|| {
            Error::new(ErrorKind::Config, "the file has no configuration of a model")
                .hint("files of weights alone cannot be drawn")
        })?;
        let mut plot = Self::of_config(config, options);
        weights::set_trainable(&mut plot.facts, config, file);
        Ok(plot)
    }

    /// Creates the picture of a model's configuration, as `to_json` gives it.
    pub fn of_config(config: &'a Value, options: &PlotOptions) -> Self {
        // A model of too many layers is an error once it is drawn.
        let is_small = graph::count_layers(Form(config)) <= graph::MAX_LAYERS;
        let facts = if is_small { facts::of_config(config) } else { Facts::default() };
        Self { config: Cow::Borrowed(config), facts, options: options.clone() }
    }

    /// Creates the picture of a live model, of which all facts are known.
    #[cfg(feature = "engine")]
    pub(crate) fn with_facts(config: Value, facts: Facts, options: &PlotOptions) -> Self {
        Self { config: Cow::Owned(config), facts, options: options.clone() }
    }

    /// Returns the picture as DOT, for Graphviz: the text of Keras's `model_to_dot`, but for the names of nodes.
    ///
    /// # Errors
    /// [`ErrorKind::Graph`] if the graph is invalid, [`ErrorKind::InvalidArgument`] if an option names an unknown
    /// layer, and [`ErrorKind::Limit`] if the picture is too large, as for all formats.
    pub fn to_dot(&self) -> Result<String> {
        Ok(dot::write(&self.graph(graph::MAX_LAYERS)?, &self.options))
    }

    /// Returns the picture as SVG.
    ///
    /// # Errors
    /// As [`Plot::to_dot`].
    pub fn to_svg(&self) -> Result<String> {
        self.svg(self.frame())
    }

    /// Returns the picture as one page of HTML that needs no network.
    ///
    /// # Errors
    /// As [`Plot::to_dot`].
    pub fn to_html(&self) -> Result<String> {
        graph::check(self.form(), &self.options)?;
        html::write(self.form(), &self.facts, &self.options)
    }

    /// Returns the picture as PNG, in the resolution of [`PlotOptions::dpi`] or the highest one in which it is not too
    /// large. Characters other than Latin, Greek and Cyrillic appear as empty boxes.
    ///
    /// # Errors
    /// As [`Plot::to_dot`].
    #[cfg(feature = "png")]
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.to_bytes(PlotFormat::Png)
    }

    #[cfg(feature = "png")]
    fn png(&self) -> Result<(Vec<u8>, Option<String>)> {
        let asked = self.options.dpi;
        let svg = self.svg(Frame { is_opaque: true, is_fitted: false, ..self.frame() })?;
        let (bytes, dpi) = png::render(&svg, asked)?;
        let text = || format!("the picture is too large for {asked} dpi: it has {dpi} (SVG has no such limit)");
        Ok((bytes, (dpi < asked).then(text)))
    }

    /// Writes the picture into a file whose ending tells the format. The file appears complete or not at all.
    ///
    /// # Errors
    /// As [`PlotFormat::of`] and [`Plot::to_dot`]; [`ErrorKind::Io`] if the system refuses.
    pub fn save(&self, to_file: impl AsRef<Path>) -> Result<()> {
        warn(self.save_and_tell(to_file.as_ref())?);
        Ok(())
    }

    /// Writes the picture like [`Plot::save`]; returns a warning instead of giving it.
    pub(crate) fn save_and_tell(&self, path: &Path) -> Result<Option<String>> {
        let (bytes, warning) = self.draw(PlotFormat::of(path)?)?;
        write_atomically(path, |file| Ok(file.write_all(&bytes)?)).at_with(|| path.display().to_string())?;
        Ok(warning)
    }

    /// Returns the picture in a format.
    ///
    /// # Errors
    /// As [`Plot::to_dot`]; [`ErrorKind::Unsupported`] for PNG in a build without it.
    pub fn to_bytes(&self, format: PlotFormat) -> Result<Vec<u8>> {
        let (bytes, warning) = self.draw(format)?;
        warn(warning);
        Ok(bytes)
    }

    /// Returns the picture in a format, with a warning if it is not as the options ask.
    fn draw(&self, format: PlotFormat) -> Result<(Vec<u8>, Option<String>)> {
        let text = |text: String| (text.into_bytes(), None);
        match format {
            PlotFormat::Svg => self.to_svg().map(text),
            PlotFormat::Html => self.to_html().map(text),
            PlotFormat::Dot => self.to_dot().map(text),
            #[cfg(feature = "png")]
            PlotFormat::Png => self.png(),
            #[cfg(not(feature = "png"))]
            PlotFormat::Png => Err(Error::new(ErrorKind::Unsupported, "this build does not write PNG")
                .hint("build with the feature `png`, or take SVG")),
        }
    }

    fn form(&self) -> Form<'_> {
        Form(&self.config)
    }

    fn graph(&self, most: usize) -> Result<Graph<'_>> {
        graph::check(self.form(), &self.options)?;
        Graph::build(self.form(), &self.facts, &self.options, most)
    }

    fn frame(&self) -> Frame {
        let title = self.form().name().to_owned();
        Frame { title, prefix: String::new(), is_opaque: false, has_style: true, is_fitted: true }
    }

    fn svg(&self, frame: Frame) -> Result<String> {
        let graph = self.graph(cost::MAX_BOXES)?;
        let texts: Vec<Texts> = graph.boxes.iter().map(|layer| Texts::of(&layer.label)).collect();
        let layout = layout::place(&graph, &texts, self.options.rankdir)?;
        Ok(svg::write(&graph, &layout, &texts, &frame, &svg::NoMarks))
    }
}

/// Gives a warning, where there is a way for it.
fn warn(text: Option<String>) {
    #[cfg(feature = "engine")]
    text.into_iter().for_each(|text| tracing::warn!("{text}"));
    #[cfg(not(feature = "engine"))]
    drop(text);
}
