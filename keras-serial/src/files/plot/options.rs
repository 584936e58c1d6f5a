//! Options of a picture of a model: Keras's arguments of `plot_model`, with its defaults.

/// The options of a picture of a model: the arguments of Keras's `plot_model`, with its defaults.
///
/// ```
/// use keras_serial::files::plot::{PlotOptions, RankDir};
/// let options = PlotOptions::new().show_shapes(true).rankdir(RankDir::LeftToRight);
/// assert_eq!(options.rankdir, RankDir::LeftToRight);
/// assert_eq!(options.dpi, 200);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlotOptions {
    /// Whether to show the shapes of inputs and outputs; false by default.
    pub show_shapes: bool,
    /// Whether to show the dtypes of outputs; false by default.
    pub show_dtype: bool,
    /// Whether to show the names of layers beside their classes; false by default.
    pub show_layer_names: bool,
    /// The direction of the graph; top to bottom by default.
    pub rankdir: RankDir,
    /// Whether nested models are drawn as clusters of their layers; false by default. A page of HTML has both.
    pub expand_nested: bool,
    /// The resolution of PNG in dots per inch, at most; 200 by default. A picture that would have more than 20 million
    /// pixels has the highest one in which it does not, with a warning.
    pub dpi: u32,
    /// Whether to show activations; false by default.
    pub show_layer_activations: bool,
    /// Whether to show if layers with weights are trainable; false by default.
    pub show_trainable: bool,
    /// How Graphviz draws the edges of DOT; at right angles by default. Other formats are laid out here.
    pub splines: Splines,
    /// The names of the first and the last layer to draw; all by default. The order is that of the configuration.
    pub layer_range: Option<[String; 2]>,
    /// The names of layers to highlight, in nested models too; none by default.
    pub highlight_layers: Vec<String>,
}

impl Default for PlotOptions {
    fn default() -> Self {
        Self {
            show_shapes: false,
            show_dtype: false,
            show_layer_names: false,
            rankdir: RankDir::TopToBottom,
            expand_nested: false,
            dpi: 200,
            show_layer_activations: false,
            show_trainable: false,
            splines: Splines::Ortho,
            layer_range: None,
            highlight_layers: Vec::new(),
        }
    }
}

macro_rules! setters {
    ($($field:ident: $type:ty, $doc:literal;)*) => {$(
        #[doc = $doc]
        #[must_use]
        pub fn $field(mut self, $field: $type) -> Self {
            self.$field = $field;
            self
        }
    )*};
}

impl PlotOptions {
    /// Creates options with Keras's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        show_shapes: bool, "Sets whether to show the shapes of inputs and outputs.";
        show_dtype: bool, "Sets whether to show the dtypes of outputs.";
        show_layer_names: bool, "Sets whether to show the names of layers.";
        rankdir: RankDir, "Sets the direction of the graph.";
        expand_nested: bool, "Sets whether nested models are drawn as clusters of their layers.";
        dpi: u32, "Sets the resolution of PNG in dots per inch.";
        show_layer_activations: bool, "Sets whether to show activations.";
        show_trainable: bool, "Sets whether to show if layers with weights are trainable.";
        splines: Splines, "Sets how Graphviz draws the edges of DOT.";
    }

    /// Sets the names of the first and the last layer to draw.
    #[must_use]
    pub fn layer_range(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        self.layer_range = Some([first.into(), last.into()]);
        self
    }

    /// Sets the names of layers to highlight.
    #[must_use]
    pub fn highlight_layers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.highlight_layers = names.into_iter().map(Into::into).collect();
        self
    }
}

/// The direction of a graph, from the inputs to the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RankDir {
    /// `TB`: top to bottom.
    TopToBottom,
    /// `BT`: bottom to top.
    BottomToTop,
    /// `LR`: left to right.
    LeftToRight,
    /// `RL`: right to left.
    RightToLeft,
}

impl RankDir {
    /// All directions.
    pub const ALL: [Self; 4] = [Self::TopToBottom, Self::BottomToTop, Self::LeftToRight, Self::RightToLeft];

    /// Returns Graphviz's name: `TB`, `BT`, `LR` or `RL`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TopToBottom => "TB",
            Self::BottomToTop => "BT",
            Self::LeftToRight => "LR",
            Self::RightToLeft => "RL",
        }
    }
}

/// How Graphviz draws the edges of DOT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splines {
    /// Right angles.
    Ortho,
    /// Curved lines.
    Curved,
    /// Straight segments.
    Polyline,
    /// Splines.
    Spline,
    /// One straight line.
    Line,
}

impl Splines {
    /// Returns Graphviz's name: `ortho`, `curved`, `polyline`, `spline` or `line`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ortho => "ortho",
            Self::Curved => "curved",
            Self::Polyline => "polyline",
            Self::Spline => "spline",
            Self::Line => "line",
        }
    }
}
