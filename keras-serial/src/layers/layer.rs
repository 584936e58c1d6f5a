//! The trait that a layer implements.

use crate::config::{Config, KerasSerializable};
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};

use super::GraphModel;
use super::{Assets, BuildContext, InputSpec, LayerBase, LayerRef, OwnCompile, RnnCell, TrainStep, Weight};

/// A type with a base: a [`LayerBase`] for layers; the derive implements it for a field `base`.
#[diagnostic::on_unimplemented(
    message = "the base of `{Self}` is not known",
    label = "needs `#[derive(KerasSerializable)]` and a field `base: {B}`",
    note = "`#[derive(KerasSerializable)]` finds it in a field `base: {B}`"
)]
pub trait HasBase<B = LayerBase> {
    /// The base.
    fn base(&self) -> &B;
    /// The base, to be changed.
    fn base_mut(&mut self) -> &mut B;
}

/// A layer, or a model that a user writes: it makes weights and computes.
///
/// `call` is written once over [`Tensor`]: on values it computes, on symbols it infers shapes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    note = "implement `Layer` for it, and derive `KerasSerializable`"
)]
pub trait Layer: KerasSerializable + HasBase + Remake {
    /// Runs when the layer is complete and about to be shared: makes the layers inside of it that
    /// Keras's `__init__` makes.
    fn made(&self) {}

    /// Makes the weights for an input of this shape (the first one's, for several).
    ///
    /// # Errors
    /// When the shape does not suit the layer.
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let _ = (input, cx);
        Ok(())
    }

    /// Is it the same for all inputs, so that files need not tell for which shape it was built?
    /// Keras's own layers say so where their `__init__` builds them; no by default.
    fn is_built_at_init(&self) -> bool {
        false
    }

    /// Computes.
    ///
    /// # Errors
    /// When the inputs do not suit the layer.
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>>;

    /// The names of the arguments of `call`, in order.
    fn call_arguments(&self) -> &'static [&'static str] {
        &["inputs"]
    }

    /// The arguments of calls that flow to the layers inside, as `training` always does. A layer that
    /// names one among its [`Layer::call_arguments`] too finds it there: as it was given, or as an
    /// outer call was given it. Models take some by [`LayerRef::register_context_arguments`].
    fn context_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    /// The names of the shapes that `build` takes, as a file's `build_config` calls them.
    fn build_arguments(&self) -> &'static [&'static str] {
        &["input_shape"]
    }

    /// What inputs must look like; checked before `call`.
    fn input_spec(&self) -> Option<InputSpec> {
        None
    }

    /// Do masks go through it, from its first input to its output? If not, they end here, but for a
    /// tensor that it gives back as it got it, which keeps its mask.
    fn supports_masking(&self) -> bool {
        false
    }

    /// The masks of the outputs that carry none, from those of the first argument (or of the argument
    /// `mask`). By default the same ones if masks go through it, else none; a layer that has its own
    /// needs no [`Layer::supports_masking`].
    ///
    /// # Errors
    /// When masks and inputs do not fit together.
    fn compute_mask(&self, inputs: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let _ = inputs;
        Ok(if self.supports_masking() { masks.to_vec() } else { Vec::new() })
    }

    /// Are floating-point inputs converted to the compute dtype? Yes by default.
    fn autocasts(&self) -> bool {
        true
    }

    /// The class's own name, where Keras exports it under another one: names of layers, paths in
    /// files and summaries follow from it.
    fn original_class(&self) -> &'static str {
        self.class()
    }

    /// The graph, for a model that is made of one.
    fn graph(&self) -> Option<&dyn GraphModel> {
        None
    }

    /// Is it a model (and not only a layer)? So is its class in Python then: a subclass of
    /// `keras.Model`, for whose layers files have other paths.
    fn is_model(&self) -> bool {
        self.graph().is_some()
    }

    /// The steps that a model takes otherwise than all models.
    fn train_step(&self) -> Option<&dyn TrainStep> {
        None
    }

    /// How a model with a `compile` of its own is compiled as a file says.
    fn own_compile(&self) -> Option<&dyn OwnCompile> {
        None
    }

    /// The cell, for a layer that computes one step of a sequence ([`RNN`](super::RNN)).
    fn rnn_cell(&self) -> Option<&dyn RnnCell> {
        None
    }

    /// Forgets what it keeps from one batch for the next (stateful recurrent layers).
    ///
    /// # Errors
    /// When the layer should keep something, but is not set to.
    fn reset_state(&self) -> Result<()> {
        Ok(())
    }

    /// How it was built, where the recorded shapes do not say it (`Layer.get_build_config`).
    fn build_config(&self) -> Option<Value> {
        self.base().build_config()
    }

    /// Builds the layer as a file's `build_config` says (`Layer.build_from_config`), for a class that
    /// writes a [`Layer::build_config`] of its own: makes what is in the layer, then calls
    /// [`LayerRef::build`] where weights follow from a shape. The layer counts as built afterwards.
    /// `None` leaves it to the recorded shapes.
    fn build_from_config(&self, config: &Config, layer: &LayerRef) -> Option<Result<()>> {
        let _ = (config, layer);
        None
    }

    /// Its own weights in the order of files, where that is not trainable ones first.
    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        None
    }

    /// What files hold of some of its weights, where that is not their values: a quantized kernel with
    /// the update that was learned beside it.
    ///
    /// # Errors
    /// When the values can't be computed.
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        Ok(Vec::new())
    }

    /// What it keeps beside weights: vocabularies.
    ///
    /// # Errors
    /// When they can't be written as text.
    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        let _ = assets;
        Ok(())
    }

    /// Reads what [`Layer::save_assets`] wrote.
    ///
    /// # Errors
    /// When something is missing or does not suit the layer.
    fn load_assets(&self, assets: &Assets) -> Result<()> {
        let _ = assets;
        Ok(())
    }

    /// What a file holds among its weights though it is none of them, by name.
    ///
    /// # Errors
    /// When it is not there yet.
    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        Ok(Vec::new())
    }

    /// The names that [`Layer::load_named_state`] knows.
    fn state_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reads one of what [`Layer::named_state`] gave.
    ///
    /// # Errors
    /// When it does not suit the layer.
    fn load_named_state(&self, name: &str, value: &Tensor) -> Result<()> {
        let _ = (name, value);
        Ok(())
    }

    /// Learns what it computes with from data: one tensor, or a list of batches. Call it through
    /// [`LayerRef::adapt`], which builds the layer first.
    ///
    /// # Errors
    /// When the layer has nothing to learn, or the data do not suit it.
    fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        let _ = data;
        Err(Error::new(ErrorKind::InvalidArgument, format!("a layer of the class {} can't be adapted", self.class())))
    }

    /// Puts weights of few bits in the place of its own: [`BuildContext::take`] takes one away, so that
    /// it can be made anew. Call it through [`LayerRef::quantize`], which gives the layer its new policy.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], before anything is changed, when it can't be quantized so; by
    /// default it can't at all.
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        let _ = (mode, cx);
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("Layer {} does not have a `quantize` method implemented", self.class()),
        ))
    }

    /// Runs after its own weights were loaded: values that are computed from them.
    ///
    /// # Errors
    /// When the weights do not suit the layer.
    fn after_load(&self) -> Result<()> {
        Ok(())
    }
}

/// Makes another object of the same type, also where the type is not registered.
pub trait Remake {
    /// A layer of the same type from a configuration.
    ///
    /// # Errors
    /// The type's own.
    fn remake(&self, config: &Config) -> Result<LayerRef>;
}

impl<T: Layer> Remake for T {
    fn remake(&self, config: &Config) -> Result<LayerRef> {
        T::from_config(config).map(LayerRef::new)
    }
}

/// What can be said of a layer before it is shared.
pub trait LayerExt: Layer + Sized {
    /// Names the layer.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Says whether training changes its weights; yes by default.
    #[must_use]
    fn trainable(self, trainable: bool) -> Self {
        self.base().set_trainable(trainable);
        self
    }

    /// Sets the dtypes: `"float32"`, `"mixed_float16"`, …
    #[must_use]
    fn dtype(mut self, policy: impl Into<crate::dtype_policies::Policy>) -> Self {
        self.base_mut().set_dtype_policy(policy);
        self
    }

    /// Sets the penalty on what the layer gives; none by default.
    #[must_use]
    fn activity_regularizer(mut self, regularizer: impl Into<crate::regularizers::Regularizer>) -> Self {
        self.base_mut().set_activity_regularizer(Some(regularizer.into()));
        self
    }

    /// Says whether floating-point inputs are cast to the layer's compute dtype; true by default.
    #[must_use]
    fn autocast(mut self, autocast: bool) -> Self {
        self.base_mut().set_autocast(autocast);
        self
    }

    /// Calls the layer on symbols (or values), for inference.
    ///
    /// # Errors
    /// The layer's own.
    fn apply(self, inputs: impl Into<CallArgs>) -> Result<Tensor> {
        LayerRef::new(self).apply(inputs)
    }

    /// Shares the layer.
    fn shared(self) -> LayerRef {
        LayerRef::new(self)
    }
}

impl<T: Layer> LayerExt for T {}

/// An error about an argument, in Keras's words.
pub fn invalid_argument(name: &str, expected: impl Into<String>, received: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("Invalid value for argument `{name}`"))
        .expected(expected.into())
        .received(format!("{name}={received}"))
}
