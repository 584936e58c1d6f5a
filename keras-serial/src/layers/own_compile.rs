//! Models with a `compile` of their own, and the optimizers that it sets.

use std::fmt;
use std::sync::RwLock;

use super::LayerRef;
use crate::config::{Config, FieldVisitor, StateField};
use crate::error::{Error, ErrorKind, Result};
use crate::utils::RwLocked;

/// A model whose `compile` takes other arguments than the common one: several optimizers, for example, as in
/// a GAN (`Model.get_compile_config`, `Model.compile_from_config`).
///
/// A model declares it with [`ModelHooks::own_compile`](super::ModelHooks::own_compile). Its `compile` is a method with
/// any arguments; it stores what it sets in [`CompileSlot`]s. An optimizer in such a slot (marked
/// `#[keras(sublayer)]`) is saved and loaded at the path of its field, as in Keras. Also as in Keras, state is
/// loaded only into an optimizer that is built: `compile_from_config` builds those whose state is to be
/// loaded, and the others start afresh.
///
/// ```
/// use keras_serial::layers::{Batch, CompileSlot, Logs, OwnCompile, Steps, TrainStep};
/// use keras_serial::ResultExt;
/// use keras_serial::json::Value;
/// use keras_serial::optimizers::{Adam, Optimizer, SGD};
/// use keras_serial::prelude::*;
/// use keras_serial::variable::GradientTape;
///
/// /// Trains its two halves with two optimizers.
/// #[register(package = "Mine")]
/// #[derive(KerasSerializable)]
/// #[keras(model, new)]
/// struct Halves {
///     base: LayerBase,
///     #[keras(sublayer(init = Dense::new(2).shared()))]
///     first: LayerRef,
///     #[keras(sublayer(init = Dense::new(1).shared()))]
///     second: LayerRef,
///     #[keras(sublayer)]
///     first_optimizer: CompileSlot<Optimizer>,
///     #[keras(sublayer)]
///     second_optimizer: CompileSlot<Optimizer>,
/// }
///
/// impl Halves {
///     fn compile(&self, model: &LayerRef, first: Optimizer, second: Optimizer) -> Result<()> {
///         first.build(&self.first.trainable_weights())?;
///         second.build(&self.second.trainable_weights())?;
///         self.first_optimizer.set(first);
///         self.second_optimizer.set(second);
///         // As Python's `super().compile()`.
///         Model::from(model.clone()).compile(Compile::default())
///     }
/// }
///
/// impl Layer for Halves {
///     fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
///         self.second.call(self.first.call(inputs.inputs()?, cx)?, cx)
///     }
///
///     fn model_hooks(&self) -> Option<&dyn ModelHooks> {
///         Some(self)
///     }
/// }
///
/// impl ModelHooks for Halves {
///     fn train_step(&self) -> Option<&dyn TrainStep> {
///         Some(self)
///     }
///
///     fn own_compile(&self) -> Option<&dyn OwnCompile> {
///         Some(self)
///     }
/// }
///
/// impl OwnCompile for Halves {
///     fn get_compile_config(&self) -> Result<Option<Config>> {
///         let (Some(first), Some(second)) = (self.first_optimizer.get(), self.second_optimizer.get()) else {
///             return Ok(None);
///         };
///         Ok(Some(Config::from([
///             ("first".to_owned(), first.to_value()?),
///             ("second".to_owned(), second.to_value()?),
///         ])))
///     }
///
///     fn compile_from_config(&self, config: &Config, model: &LayerRef) -> Result<()> {
///         let read = |name: &'static str| {
///             Optimizer::from_value(config.get(name).unwrap_or(&Value::Null)).at(name)
///         };
///         self.compile(model, read("first")?, read("second")?)
///     }
/// }
///
/// impl TrainStep for Halves {
///     fn train_step(&self, batch: &Batch, steps: &dyn Steps) -> Result<Logs> {
///         let tape = GradientTape::new();
///         let loss = ops::mean(&ops::square(&steps.call(&batch.x, true)?.into_single()?)?, ops::Axes::all(), false)?;
///         let (first, second) = (self.first.trainable_weights(), self.second.trainable_weights());
///         let all = [first.clone(), second.clone()].concat();
///         let (gradients, _) = tape.gradient(&loss, &all, &[])?;
///         let (of_first, of_second) = gradients.split_at(first.len());
///         self.first_optimizer.require("first_optimizer")?.apply(of_first, &first)?;
///         self.second_optimizer.require("second_optimizer")?.apply(of_second, &second)?;
///         Ok(Logs::from([("loss".to_owned(), f64::from(loss.item::<f32>()?))]))
///     }
/// }
///
/// let model = Model::from(Halves::new());
/// model.build([None, Some(3)])?;
/// let halves: &Halves = model.downcast_ref().expect("the type is known");
/// halves.compile(&model, Adam::new().into(), SGD::new().into())?;
/// model.fit(&Tensor::from_slice(&[1.0f32; 6], [2, 3])?, Fit::new().verbose(0))?;
/// let bytes = SaveOptions::new().save_model_to_bytes(&model)?;
/// let loaded = LoadOptions::new().load_model_from_bytes(bytes)?;
/// let halves: &Halves = loaded.downcast_ref().expect("the type is known");
/// assert_eq!(halves.first_optimizer.require("first_optimizer")?.iterations()?, 1);
/// # Ok::<(), keras_serial::Error>(())
/// ```
pub trait OwnCompile {
    /// Returns the serialized arguments of `compile`, by name (`Model.get_compile_config`), or `None` before
    /// the model is compiled.
    ///
    /// # Errors
    /// If an object among them can't be serialized.
    fn get_compile_config(&self) -> Result<Option<Config>>;

    /// Compiles the model with the arguments from a file (`Model.compile_from_config`).
    ///
    /// # Errors
    /// If an argument is missing or of the wrong kind.
    fn compile_from_config(&self, config: &Config, model: &LayerRef) -> Result<()>;
}

/// A field that a model's own `compile` sets: an optimizer, a list or map of them, a loss. Empty until then.
pub struct CompileSlot<T>(RwLock<Option<T>>);

impl<T> CompileSlot<T> {
    /// Sets the value, and replaces an earlier one.
    pub fn set(&self, value: T) {
        *self.0.write_locked() = Some(value);
    }
}

impl<T: Clone> CompileSlot<T> {
    /// Returns the value, once the model is compiled.
    pub fn get(&self) -> Option<T> {
        self.0.read_locked().clone()
    }

    /// Returns the value, or an error if the model is not compiled.
    ///
    /// # Errors
    /// [`ErrorKind::NotBuilt`] before the model is compiled: names the field.
    pub fn require(&self, field: &str) -> Result<T> {
        self.get().ok_or_else(|| {
            Error::new(ErrorKind::NotBuilt, format!("the model is not compiled: `{field}` is not set"))
                .hint("call the model's own `compile` first")
        })
    }
}

impl<T> Default for CompileSlot<T> {
    fn default() -> Self {
        Self(RwLock::new(None))
    }
}

impl<T: StateField> StateField for CompileSlot<T> {
    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.read_locked().visit_state(name, visitor);
    }
}

impl<T: fmt::Debug> fmt::Debug for CompileSlot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.read_locked() {
            Some(value) => value.fmt(f),
            None => f.write_str("<not compiled>"),
        }
    }
}
