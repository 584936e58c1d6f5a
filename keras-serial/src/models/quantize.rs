//! Quantization of a model's layers in place (`Model.quantize`).

use std::fmt;

use super::Model;
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::layers::LayerRef;
use crate::utils::pattern;

/// How a model is quantized: the mode, and which layers.
///
/// ```
/// use keras_serial::models::Quantize;
/// use keras_serial::prelude::*;
/// let layers = [Input::new([3]).layer(), Dense::new(4).name("hidden").into(), Dense::new(2).name("output").into()];
/// let model = Sequential::new(layers)?;
/// let report = model.quantize(Quantize::new("int8").filters(["hidden"]))?;
/// assert_eq!(report.quantized()[0].dtype_policy().name(), "int8_from_float32");
/// assert_eq!(model.get_layer("output")?.dtype_policy().name(), "float32");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[must_use = "`Model::quantize` takes it"]
pub struct Quantize<'a> {
    mode: Mode,
    filter: Filter<'a>,
}

enum Mode {
    Known(Quantization),
    Named(String),
}

enum Filter<'a> {
    All,
    Patterns(Vec<String>),
    Function(Box<dyn Fn(&LayerRef) -> bool + 'a>),
}

impl<'a> Quantize<'a> {
    /// Selects all layers, and a mode: `"int8"`, `"int4"` or `"float8"` with Keras's defaults, or a
    /// [`Quantization`].
    pub fn new(mode: impl Into<Quantize<'a>>) -> Self {
        mode.into()
    }

    /// Selects only layers whose names match one of these regular expressions, anywhere in the name.
    pub fn filters<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.filter = Filter::Patterns(patterns.into_iter().map(Into::into).collect());
        self
    }

    /// Selects only layers for which the function returns true.
    pub fn only(mut self, choose: impl Fn(&LayerRef) -> bool + 'a) -> Self {
        self.filter = Filter::Function(Box::new(choose));
        self
    }

    /// Splits layers into those that are selected and those that are not.
    fn choose(&self, layers: Vec<LayerRef>) -> Result<(Vec<LayerRef>, Vec<LayerRef>)> {
        Ok(match &self.filter {
            Filter::All => (layers, Vec::new()),
            Filter::Function(choose) => layers.into_iter().partition(|layer| choose(layer)),
            Filter::Patterns(patterns) => {
                let patterns = patterns.iter().map(|text| pattern::search(text)).collect::<Result<Vec<_>>>();
                let patterns = patterns.at("filters")?;
                layers.into_iter().partition(|layer| patterns.iter().any(|pattern| pattern.is_match(layer.name())))
            }
        })
    }
}

impl From<Quantization> for Quantize<'_> {
    fn from(mode: Quantization) -> Self {
        Self { mode: Mode::Known(mode), filter: Filter::All }
    }
}

impl From<&str> for Quantize<'_> {
    fn from(mode: &str) -> Self {
        Self { mode: Mode::Named(mode.to_owned()), filter: Filter::All }
    }
}

/// The layers of a model that were quantized, and why others were not. Displayed with one line per layer.
#[derive(Debug, Clone)]
pub struct QuantizationReport {
    quantized: Vec<LayerRef>,
    skipped: Vec<(LayerRef, SkipReason)>,
}

/// Why a layer was not quantized.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SkipReason {
    /// The filters do not select it.
    Filtered,
    /// Its class can't be quantized, or not in this mode.
    Unsupported(Error),
}

impl QuantizationReport {
    /// Returns the layers that were quantized.
    pub fn quantized(&self) -> &[LayerRef] {
        &self.quantized
    }

    /// Returns the layers that were not quantized, with the reasons.
    pub fn skipped(&self) -> &[(LayerRef, SkipReason)] {
        &self.skipped
    }
}

impl fmt::Display for QuantizationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} layers quantized, {} skipped", self.quantized.len(), self.skipped.len())?;
        for layer in &self.quantized {
            writeln!(f, "{} ({}): {}", layer.name(), layer.class_name(), layer.dtype_policy().name())?;
        }
        for (layer, reason) in &self.skipped {
            write!(f, "{} ({}): skipped, ", layer.name(), layer.class_name())?;
            match reason {
                SkipReason::Filtered => writeln!(f, "left out by the filters")?,
                SkipReason::Unsupported(error) => writeln!(f, "{error}")?,
            }
        }
        Ok(())
    }
}

impl Model {
    /// Quantizes the weights of the layers, at every depth, in place. No other thread may call the model
    /// meanwhile. A compiled model must be compiled again before it is trained.
    ///
    /// A layer whose class can't be quantized stays unchanged; the report lists it, where Keras warns.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Input::new([3]).layer(), Dense::new(2).shared()])?;
    /// model.quantize("int8")?;
    /// let kernel = model.weights().into_iter().find(|weight| weight.name() == "kernel").expect("it has one");
    /// assert_eq!(kernel.dtype(), DType::Int8);
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the mode or a pattern is invalid, or a layer is not built or already quantized; no layer has
    /// changed then.
    pub fn quantize<'a>(&self, how: impl Into<Quantize<'a>>) -> Result<QuantizationReport> {
        let how = how.into();
        let mode = match &how.mode {
            Mode::Known(mode) => *mode,
            Mode::Named(name) => name.parse().at_with(|| self.name().to_owned())?,
        };
        let layers = self.with_layers_below().into_iter().skip(1);
        let (chosen, left) = how.choose(layers.collect())?;
        for layer in chosen.iter().filter(|layer| holds_weights(layer)) {
            layer.check_quantizing(mode).at_with(|| layer.name().to_owned())?;
        }
        let left = left.into_iter().filter(holds_weights);
        let skipped = left.map(|layer| (layer, SkipReason::Filtered)).collect();
        let mut report = QuantizationReport { quantized: Vec::new(), skipped };
        for layer in chosen.into_iter().filter(holds_weights) {
            match layer.quantize(mode) {
                Ok(()) => report.quantized.push(layer),
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    tracing::warn!(layer = layer.name(), "Layer '{}' is not quantized: {error}", layer.name());
                    report.skipped.push((layer, SkipReason::Unsupported(error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(report)
    }
}

/// Returns true for layers that are quantized themselves; others consist only of layers that are.
fn holds_weights(layer: &LayerRef) -> bool {
    layer.layers().is_empty() || !layer.own_weights().is_empty()
}
