//! What holds for all layers of a class.

/// What holds for all layers of a class: whether they support masking, are built from the start, cast their inputs.
///
/// ```
/// use keras_serial::layers::LayerTraits;
/// let traits = LayerTraits::new().supports_masking(true);
/// assert!(traits.supports_masking && traits.autocast);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerTraits {
    /// Whether masks pass from the first input to the output.
    pub supports_masking: bool,
    /// Whether weights do not depend on the input shape.
    pub built_at_init: bool,
    /// Whether floating-point inputs are cast to the compute dtype.
    pub autocast: bool,
    /// The class's own name, if Keras exports it under another one.
    pub original_class: Option<&'static str>,
}

impl LayerTraits {
    /// No masking, built on the first call, inputs cast.
    pub const fn new() -> Self {
        Self { supports_masking: false, built_at_init: false, autocast: true, original_class: None }
    }

    /// Sets whether the layer passes masks from its first input to its output. If false, masks end here: the
    /// layers after this one see none. False by default.
    ///
    /// As in Keras, a mask belongs to a tensor: a layer that returns its input itself returns it with its mask
    /// when it is called on values. In the graph of a model, outputs are always other tensors, without one.
    #[must_use]
    pub const fn supports_masking(mut self, supports_masking: bool) -> Self {
        self.supports_masking = supports_masking;
        self
    }

    /// Sets whether the weights do not depend on the input shape, so that files need not record it. True for
    /// Keras's layers that are built in their `__init__`; false by default.
    #[must_use]
    pub const fn built_at_init(mut self, built_at_init: bool) -> Self {
        self.built_at_init = built_at_init;
        self
    }

    /// Sets whether floating-point inputs are cast to the compute dtype (autocast); true by default.
    #[must_use]
    pub const fn autocast(mut self, autocast: bool) -> Self {
        self.autocast = autocast;
        self
    }

    /// Sets the class's own name, if Keras exports the class under another one: layer names, paths in files and
    /// summaries derive from it.
    #[must_use]
    pub const fn original_class(mut self, name: &'static str) -> Self {
        self.original_class = Some(name);
        self
    }
}

impl Default for LayerTraits {
    fn default() -> Self {
        Self::new()
    }
}
