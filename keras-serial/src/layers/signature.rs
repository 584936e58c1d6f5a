//! The names of a layer's arguments.

/// The names of the arguments of a layer's `call` and `build`.
///
/// Files record arguments by name, and calls can pass them by name. By default a layer takes `inputs` and is
/// built with `input_shape`.
///
/// ```
/// use keras_serial::layers::Signature;
/// let signature = Signature::new(&["query", "value"]).build(&["query_shape", "value_shape"]);
/// assert_eq!(signature.call, ["query", "value"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// The arguments of `call`, in order.
    pub call: &'static [&'static str],
    /// The shapes that `build` takes, as a file's `build_config` calls them.
    pub build: &'static [&'static str],
    /// Call arguments that flow to the layers inside.
    pub context: &'static [&'static str],
}

impl Signature {
    /// With these arguments of `call`, in order.
    pub const fn new(call: &'static [&'static str]) -> Self {
        Self { call, build: &["input_shape"], context: &[] }
    }

    /// Sets the names of the shapes that `build` takes, as a file's `build_config` calls them; `input_shape` by
    /// default.
    #[must_use]
    pub const fn build(mut self, names: &'static [&'static str]) -> Self {
        self.build = names;
        self
    }

    /// Sets the names of call arguments that flow to the layers inside, as `training` always does; none by
    /// default. If such a name is also an argument of `call`, `call` finds the value there: as given to the layer
    /// itself or to an outer call. Models add names with
    /// [`LayerRef::register_context_arguments`](super::LayerRef::register_context_arguments).
    #[must_use]
    pub const fn context(mut self, names: &'static [&'static str]) -> Self {
        self.context = names;
        self
    }
}

impl Default for Signature {
    /// One argument, `inputs`.
    fn default() -> Self {
        Self::new(&["inputs"])
    }
}
