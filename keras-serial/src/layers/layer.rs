//! The `Layer` trait.

use crate::config::{Config, KerasSerializable};
use crate::dtype_policies::Quantization;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};

use super::GraphModel;
use super::{Assets, BuildContext, InputSpec, LayerBase, LayerRef, OwnCompile, RnnCell, TrainStep, Weight};

/// A type with a base, which is a [`LayerBase`] for layers; the derive implements it for a field `base`.
#[diagnostic::on_unimplemented(
    message = "the base of `{Self}` is not known",
    label = "needs `#[derive(KerasSerializable)]` and a field `base: {B}`",
    note = "`#[derive(KerasSerializable)]` finds it in a field `base: {B}`"
)]
pub trait HasBase<B = LayerBase> {
    /// Returns the base.
    fn base(&self) -> &B;
    /// Returns the base, mutably.
    fn base_mut(&mut self) -> &mut B;
}

/// A layer or a user-written model: it creates weights and computes outputs.
///
/// `call` is written once over [`Tensor`]: with values it computes, with symbols it infers shapes and dtypes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    note = "implement `Layer` for it, and derive `KerasSerializable`"
)]
pub trait Layer: KerasSerializable + HasBase + Remake {
    /// Runs just before the layer is shared: constructs the layers inside that Keras's `__init__` constructs.
    fn made(&self) {}

    /// Creates the weights for an input of this shape (the first one's, if there are several).
    ///
    /// # Errors
    /// If the shape does not suit the layer.
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let _ = (input, cx);
        Ok(())
    }

    /// Returns true if the weights do not depend on the input shape, so files need not record it. True for
    /// Keras's layers that are built in their `__init__`; false by default.
    fn is_built_at_init(&self) -> bool {
        false
    }

    /// Computes the outputs (the forward pass).
    ///
    /// # Errors
    /// If the inputs do not suit the layer.
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>>;

    /// Returns the names of the arguments of `call`, in order.
    fn call_arguments(&self) -> &'static [&'static str] {
        &["inputs"]
    }

    /// Returns the names of call arguments that flow to the layers inside, as `training` always does. If such
    /// a name is also in [`Layer::call_arguments`], `call` finds the value there: as given to the layer
    /// itself or to an outer call. Models add names with [`LayerRef::register_context_arguments`].
    fn context_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the names of the shapes that `build` takes, as a file's `build_config` calls them.
    fn build_arguments(&self) -> &'static [&'static str] {
        &["input_shape"]
    }

    /// Returns the conditions on inputs, which are checked before `call`.
    fn input_spec(&self) -> Option<InputSpec> {
        None
    }

    /// Returns true if the layer passes masks from its first input to its output. If false, masks end here:
    /// the layers after this one see none. False by default.
    ///
    /// As in Keras, a mask belongs to a tensor: a layer that returns its input itself returns it with its mask
    /// when it is called on values. In the graph of a model, outputs are always other tensors, without one.
    fn supports_masking(&self) -> bool {
        false
    }

    /// Computes the masks of outputs that carry none, from those of the first argument (or from the argument
    /// `mask`). By default returns the same masks if [`Layer::supports_masking`], and none otherwise; a layer
    /// that overrides this needs no `supports_masking`.
    ///
    /// # Errors
    /// If masks and inputs do not fit together.
    fn compute_mask(&self, inputs: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let _ = inputs;
        Ok(if self.supports_masking() { masks.to_vec() } else { Vec::new() })
    }

    /// Returns true if floating-point inputs are cast to the compute dtype (autocast); true by default.
    fn autocasts(&self) -> bool {
        true
    }

    /// Returns the class's own name, if Keras exports the class under another one: layer names, paths in
    /// files and summaries derive from it.
    fn original_class(&self) -> &'static str {
        self.class()
    }

    /// Returns the graph, for a model that has one.
    fn graph(&self) -> Option<&dyn GraphModel> {
        None
    }

    /// Returns true if the layer is a model. Its Python class is then a subclass of `keras.Model`, whose
    /// layers have other paths in files.
    fn is_model(&self) -> bool {
        self.graph().is_some()
    }

    /// Returns the model's own training, test and predict steps, if it overrides them.
    fn train_step(&self) -> Option<&dyn TrainStep> {
        None
    }

    /// Returns the model's own `compile`, if it overrides it, for compiling from a file's configuration.
    fn own_compile(&self) -> Option<&dyn OwnCompile> {
        None
    }

    /// Returns the cell, for a layer that computes one step of a sequence ([`RNN`](super::RNN)).
    fn rnn_cell(&self) -> Option<&dyn RnnCell> {
        None
    }

    /// Resets the state that is kept from batch to batch (stateful recurrent layers).
    ///
    /// # Errors
    /// If the layer has such a state but is not set to keep it.
    fn reset_state(&self) -> Result<()> {
        Ok(())
    }

    /// Returns how the layer was built, if the recorded shapes are not enough (`Layer.get_build_config`).
    fn build_config(&self) -> Option<Value> {
        self.base().build_config()
    }

    /// Builds the layer from a file's `build_config` (`Layer.build_from_config`), for a class that writes its
    /// own [`Layer::build_config`]: constructs what the layer contains, then calls [`LayerRef::build`] if
    /// weights depend on a shape. The layer counts as built afterwards. `None` builds from the recorded
    /// shapes instead.
    fn build_from_config(&self, config: &Config, layer: &LayerRef) -> Option<Result<()>> {
        let _ = (config, layer);
        None
    }

    /// Returns the layer's own weights in the order of files, if that is not trainable ones first.
    fn saved_weights(&self) -> Option<Vec<&Weight>> {
        None
    }

    /// Returns weights for which files hold something else than their values: a quantized kernel is saved
    /// with its low-rank update merged in.
    ///
    /// # Errors
    /// If the values can't be computed.
    fn values_in_files(&self) -> Result<Vec<(&Weight, Tensor)>> {
        Ok(Vec::new())
    }

    /// Saves what the layer keeps beside weights, such as vocabularies.
    ///
    /// # Errors
    /// If they can't be written as text.
    fn save_assets(&self, assets: &mut Assets) -> Result<()> {
        let _ = assets;
        Ok(())
    }

    /// Loads what [`Layer::save_assets`] saved.
    ///
    /// # Errors
    /// If something is missing or does not suit the layer.
    fn load_assets(&self, assets: &Assets) -> Result<()> {
        let _ = assets;
        Ok(())
    }

    /// Returns state that files hold among the weights though it is no weight, by name.
    ///
    /// # Errors
    /// If the state does not exist yet.
    fn named_state(&self) -> Result<Vec<(&'static str, Tensor)>> {
        Ok(Vec::new())
    }

    /// Returns the names that [`Layer::load_named_state`] accepts.
    fn state_names(&self) -> &'static [&'static str] {
        &[]
    }

    /// Loads one entry of [`Layer::named_state`].
    ///
    /// # Errors
    /// If the value does not suit the layer.
    fn load_named_state(&self, name: &str, value: &Tensor) -> Result<()> {
        let _ = (name, value);
        Ok(())
    }

    /// Does it learn from data ([`Layer::adapt`]), as it is? A [`FeatureSpace`](super::FeatureSpace) adapts
    /// the layers that say so; no by default.
    fn is_adaptable(&self) -> bool {
        false
    }

    /// Computes the layer's state from data: one tensor, or a list of batches. Call it through
    /// [`LayerRef::adapt`], which builds the layer first.
    ///
    /// # Errors
    /// If the layer can't be adapted, or the data do not suit it.
    fn adapt(&self, data: &Nested<Tensor>) -> Result<()> {
        let _ = data;
        Err(Error::new(ErrorKind::InvalidArgument, format!("a layer of the class {} can't be adapted", self.class())))
    }

    /// Replaces the layer's weights by quantized ones: [`BuildContext::take`] removes a weight so that it can
    /// be created again. Call it through [`LayerRef::quantize`], which sets the layer's new policy.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the mode is not supported, before anything is changed; the default
    /// supports none.
    fn quantize(&self, mode: Quantization, cx: &mut BuildContext<'_>) -> Result<()> {
        let _ = (mode, cx);
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("Layer {} does not have a `quantize` method implemented", self.class()),
        ))
    }

    /// Runs after the layer's own weights were loaded, to compute values that depend on them.
    ///
    /// # Errors
    /// If the weights do not suit the layer.
    fn after_load(&self) -> Result<()> {
        Ok(())
    }
}

/// Constructs another object of the same type from a configuration, even if the type is not registered.
pub trait Remake {
    /// Constructs a layer of the same type from a configuration.
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

/// Builder methods for a layer before it is shared.
pub trait LayerExt: Layer + Sized {
    /// Sets the layer's name.
    #[must_use]
    fn name(mut self, name: impl Into<String>) -> Self {
        self.base_mut().set_name(name);
        self
    }

    /// Sets whether training updates the weights; true by default.
    #[must_use]
    fn trainable(self, trainable: bool) -> Self {
        self.base().set_trainable(trainable);
        self
    }

    /// Sets the dtype policy: `"float32"`, `"mixed_float16"`, …
    #[must_use]
    fn dtype(mut self, policy: impl Into<crate::dtype_policies::Policy>) -> Self {
        self.base_mut().set_dtype_policy(policy);
        self
    }

    /// Sets the regularizer of the layer's outputs; none by default.
    #[must_use]
    fn activity_regularizer(mut self, regularizer: impl Into<crate::regularizers::Regularizer>) -> Self {
        self.base_mut().set_activity_regularizer(Some(regularizer.into()));
        self
    }

    /// Sets whether floating-point inputs are cast to the compute dtype (autocast); true by default.
    #[must_use]
    fn autocast(mut self, autocast: bool) -> Self {
        self.base_mut().set_autocast(autocast);
        self
    }

    /// Shares the layer and calls it on symbols (or values), in inference mode. This takes the layer; to call
    /// one several times, [share](LayerExt::shared) it first.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let (a, b) = (Input::new([4]).tensor()?, Input::new([4]).tensor()?);
    /// let dense = Dense::new(2).shared();
    /// let y = ops::add(&dense.apply(&a)?, dense.apply(&b)?)?;
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// Errors of the layer.
    fn apply(
        self, // to call a layer twice, share it first: `let layer = layer.shared();`
        inputs: impl Into<CallArgs>,
    ) -> Result<Tensor> {
        LayerRef::new(self).apply(inputs)
    }

    /// Shares the layer: converts it to a [`LayerRef`].
    fn shared(self) -> LayerRef {
        LayerRef::new(self)
    }
}

impl<T: Layer> LayerExt for T {}

/// Constructs the error for an invalid argument, in Keras's words.
pub fn invalid_argument(name: &str, expected: impl Into<String>, received: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Config, format!("Invalid value for argument `{name}`"))
        .expected(expected.into())
        .received(format!("{name}={received}"))
}
