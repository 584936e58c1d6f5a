//! The `Layer` trait.

use crate::config::{Config, HasBase, KerasSerializable};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{CallArgs, CallContext, IntoCallArgs, Nested, Shape, Tensor};

use super::{
    Adaptable, BuildContext, InputSpec, LayerBase, LayerRef, LayerTraits, ModelHooks, OwnState, Quantizable, RnnCell,
    Signature,
};

/// A layer or a user-written model: it creates weights and computes outputs.
///
/// `call` is written once over [`Tensor`]: with values it computes, with symbols it infers shapes and dtypes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    note = "implement `Layer` for it, and derive `KerasSerializable`"
)]
pub trait Layer: KerasSerializable + HasBase<LayerBase> + Reconstruct {
    /// Creates the weights for an input of this shape (the first one's, if there are several).
    ///
    /// # Errors
    /// If the shape does not suit the layer.
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let _ = (input, cx);
        Ok(())
    }

    /// Computes the outputs (the forward pass).
    ///
    /// # Errors
    /// If the inputs do not suit the layer.
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>>;

    /// Returns the names of the arguments of `call` and `build`: one argument `inputs` by default.
    fn signature(&self) -> Signature {
        Signature::default()
    }

    /// Returns what holds for the class: whether it supports masking, is built from the start, casts its inputs.
    fn traits(&self) -> LayerTraits {
        LayerTraits::default()
    }

    /// Returns the conditions on inputs, which are checked before `call`.
    fn input_spec(&self) -> Option<InputSpec> {
        None
    }

    /// Computes the masks of outputs that carry none, from those of the first argument (or from the argument
    /// `mask`). By default returns the same masks if the layer [supports
    /// masking](LayerTraits::supports_masking), and none otherwise; a layer that overrides this need not say so.
    ///
    /// # Errors
    /// If masks and inputs do not fit together.
    fn compute_mask(&self, inputs: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let _ = inputs;
        Ok(if self.traits().supports_masking { masks.to_vec() } else { Vec::new() })
    }

    /// Resets the state that is kept from batch to batch (stateful recurrent layers).
    ///
    /// # Errors
    /// If the layer has such a state but is not set to keep it.
    fn reset_state(&self) -> Result<()> {
        Ok(())
    }

    /// Returns the model's graph, training steps and `compile`, for a model that has its own.
    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        None
    }

    /// Returns the cell, for a layer that computes one step of a sequence ([`RNN`](super::RNN)).
    fn rnn_cell(&self) -> Option<&dyn RnnCell> {
        None
    }

    /// Returns how the layer is saved and loaded, if files hold more than its weights in order.
    fn own_state(&self) -> Option<&dyn OwnState> {
        None
    }

    /// Returns how the layer learns from data before training ([`LayerRef::adapt`]), if it does.
    fn adaptable(&self) -> Option<&dyn Adaptable> {
        None
    }

    /// Returns how the layer's weights are quantized ([`LayerRef::quantize`]), if they can be.
    fn quantizable(&self) -> Option<&dyn Quantizable> {
        None
    }
}

/// Constructs another object of the same type from a configuration, even if the type is not registered.
pub trait Reconstruct {
    /// Constructs a layer of the same type from a configuration.
    ///
    /// # Errors
    /// The type's own.
    fn reconstruct(&self, config: &Config) -> Result<LayerRef>;
}

impl<T: Layer> Reconstruct for T {
    fn reconstruct(&self, config: &Config) -> Result<LayerRef> {
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
        inputs: impl IntoCallArgs,
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
