//! Sequential models: a list of layers.

use std::collections::HashSet;
use std::sync::{Arc, RwLock};

use super::functional_config::with_module;
use super::told::{call_or_keep, told_by};
use super::{Functional, Model};
use crate::config::{Config, ConfigField, HasBase, KerasSerializable, wrong_type};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::layers::{
    BuildAttempt, BuildContext, GraphModel, Input, InputLayer, Layer, LayerBase, LayerRef, LayerTraits, ModelHooks,
    OwnState, Signature, call_in_turn,
};
use crate::object::{Form, mark_first};
use crate::register;
use crate::registry::deserialize_form;
use crate::tensor::symbolic::{Fresh, Operation};
use crate::tensor::{CallArgs, CallContext, IntoCallArgs, Nested, Shape, Tensor};
use crate::utils::{NameScope, RwLocked};

/// Makes a list of layers of different types: an array of [`LayerRef`]s, as [`Sequential::new`] takes it.
///
/// ```
/// use keras_serial::prelude::*;
/// let hidden = Dense::new(4).shared();
/// let model = Sequential::new(layers![Input::new([3]), hidden, Dropout::new(0.5), Dense::new(2)])?;
/// # Ok::<(), keras_serial::Error>(())
/// ```
///
/// [`LayerRef`]: crate::layers::LayerRef
/// [`Sequential::new`]: crate::models::Sequential::new
#[macro_export]
macro_rules! layers {
    ($($layer:expr),* $(,)?) => { [$($crate::layers::LayerRef::from($layer)),*] };
}

/// What a sequential model is made of: [`layers!`](crate::layers!), or any list of [`LayerRef`]s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of layers",
    note = "`layers![Input::new([4]), Dense::new(3)]` makes a list of layers of different types; a list of one type is one of `LayerRef`s, from `layer.shared()`"
)]
pub trait IntoLayers {
    /// Returns the layers.
    fn into_layers(self) -> impl Iterator<Item = LayerRef>;
}

// A trait of its own, and hidden here, so that the message above is the one that is shown.
#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item = LayerRef>> IntoLayers for I {
    fn into_layers(self) -> impl Iterator<Item = LayerRef> {
        self.into_iter()
    }
}

/// A model that calls a list of layers one after the other.
///
/// It is built at once if it begins with an [`Input`] or with a layer that knows its input shape, and at its
/// first call otherwise.
///
/// Layers of different types are listed in [`layers!`](crate::layers!); a list of [`LayerRef`]s does as well.
///
/// Follows <https://keras.io/api/models/sequential>.
///
/// ```
/// use keras_serial::prelude::*;
/// let model = Sequential::new(layers![Input::new([3]), Dense::new(2).kernel_initializer("ones")])?;
/// let input = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3])?;
/// assert_eq!(model.predict(&input)?.to_vec::<f32>()?, [6.0, 6.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras", alias("keras.src.models.sequential"))]
pub struct Sequential {
    base: LayerBase,
    /// The layers, including the input layer once there is one.
    layers: RwLock<Vec<LayerRef>>,
    functional: RwLock<Option<LayerRef>>,
}

impl Sequential {
    /// Creates a model of these layers, from [`layers!`](crate::layers!) or any list of [`LayerRef`]s.
    ///
    /// # Errors
    /// If two layers have the same name, or the shapes do not fit.
    #[expect(clippy::new_ret_no_self, reason = "a model is used through its handle")]
    pub fn new(layers: impl IntoLayers) -> Result<Model> {
        Self::make(LayerBase::default(), layers.into_layers())
    }

    /// Creates a model like [`Sequential::new`], with a name.
    ///
    /// # Errors
    /// See [`Sequential::new`].
    pub fn named(name: &str, layers: impl IntoLayers) -> Result<Model> {
        let mut base = LayerBase::default();
        base.set_name(name);
        Self::make(base, layers.into_layers())
    }

    fn make(base: LayerBase, layers: impl IntoIterator<Item = LayerRef>) -> Result<Model> {
        let this = Self { base, layers: RwLock::default(), functional: RwLock::default() };
        this.base.name("Sequential");
        let mut names = HashSet::new();
        for layer in layers {
            this.push(&mut names, layer)?;
        }
        this.build_if_known()?;
        Ok(Model::from(LayerRef::new(this)))
    }

    /// Appends a layer, and its name to the names taken.
    fn push(&self, names: &mut HashSet<String>, layer: LayerRef) -> Result<()> {
        let mut layers = self.layers.write_locked();
        if !names.insert(layer.name().to_owned()) {
            return Err(Error::new(
                ErrorKind::Graph,
                "All layers added to a Sequential model should have unique names",
            )
            .received(format!("the name `{}` twice", layer.name()))
            .hint("update the name of one of them"));
        }
        if layer.downcast_ref::<InputLayer>().is_some() && !layers.is_empty() {
            let known = layers.first().and_then(|first| first.downcast_ref::<InputLayer>());
            return Err(match known {
                Some(input) => self.configured(input, "You cannot add a different Input layer to it"),
                None => Error::new(ErrorKind::Graph, "an input can only be the first layer of a Sequential model"),
            });
        }
        layers.push(layer);
        Ok(())
    }

    /// Appends a layer.
    ///
    /// # Errors
    /// If the name is taken, or the shapes do not fit; the model is then unchanged.
    pub(super) fn add(&self, layer: LayerRef) -> Result<()> {
        let mut names = self.all_layers().iter().map(|layer| layer.name().to_owned()).collect();
        self.push(&mut names, layer)?;
        *self.functional.write_locked() = None;
        self.base.set_unbuilt();
        let result = self.build_if_known();
        if result.is_err() {
            self.layers.write_locked().pop();
            self.build_if_known()?;
        }
        result
    }

    fn configured(&self, input: &InputLayer, consequence: &str) -> Error {
        let (name, shape) = (self.base.name("Sequential"), input.batch_shape());
        Error::new(
            ErrorKind::Graph,
            format!("Sequential model '{name}' has already been configured to use input shape {shape}. {consequence}"),
        )
    }

    /// Returns an error if the shape differs from the input shape that the model is configured for.
    pub(super) fn check_shape(&self, shape: &Shape) -> Result<()> {
        match self.all_layers().first().and_then(|first| first.downcast_ref::<InputLayer>()) {
            Some(input) if input.batch_shape() != shape => {
                Err(self.configured(input, &format!("You cannot build it with input_shape {shape}")))
            }
            _ => Ok(()),
        }
    }

    /// Removes the last layer.
    pub(super) fn pop(&self) -> Result<Option<LayerRef>> {
        let popped = self.layers.write_locked().pop();
        *self.functional.write_locked() = None;
        self.base.set_unbuilt();
        self.build_if_known()?;
        Ok(popped)
    }

    /// Returns all layers, including the input layer if there is one.
    pub(super) fn all_layers(&self) -> Vec<LayerRef> {
        self.layers.read_locked().clone()
    }

    fn functional(&self) -> Option<LayerRef> {
        self.functional.read_locked().clone()
    }

    /// Builds the graph if the first layer knows the input shape.
    fn build_if_known(&self) -> Result<()> {
        let layers = self.all_layers();
        let [first, _, ..] = layers.as_slice() else { return Ok(()) };
        let _scope = NameScope::enter(self.base.name("Sequential"));
        if first.downcast_ref::<InputLayer>().is_some() {
            return self.connect();
        }
        let inputs = first.graph().and_then(GraphModel::graph_inputs);
        match inputs.as_ref().map(|inputs| inputs.leaves()).as_deref() {
            Some([input]) => self.start_with(input.shape().clone()),
            _ => Ok(()),
        }
    }

    /// Inserts an input layer and builds the graph, in the model's name scope.
    fn start_with(&self, input: Shape) -> Result<()> {
        let mut has_new_input = false;
        {
            let mut layers = self.layers.write_locked();
            let Some(first) = layers.first() else {
                return Err(Error::new(
                    ErrorKind::Graph,
                    format!(
                        "Sequential model {} cannot be built because it has no layers",
                        self.base.name("Sequential")
                    ),
                )
                .hint("call `model.add(layer)`"));
            };
            if first.downcast_ref::<InputLayer>().is_none() {
                let dtype = first.base().dtype_policy().compute_dtype()?;
                let dtype = match first.graph().and_then(GraphModel::graph_inputs) {
                    Some(inputs) => inputs.single().map_or(dtype, Tensor::dtype),
                    None => dtype,
                };
                layers.insert(0, Input::with_batch_shape(input, dtype, None, false));
                has_new_input = true;
            }
        }
        let result = self.connect();
        if result.is_err() && has_new_input {
            // Remove the input layer again, as the next attempt can be for another shape.
            let mut layers = self.layers.write_locked();
            let input = (!layers.is_empty()).then(|| layers.remove(0));
            drop(layers);
            drop(input);
        }
        result
    }

    fn connect(&self) -> Result<()> {
        let layers = self.all_layers();
        let Some((input, rest)) = layers.split_first() else { return Ok(()) };
        let _fresh = Fresh::enter();
        let attempt = BuildAttempt::begin();
        let inputs = InputLayer::output(input)?;
        let mut outputs = Nested::Leaf(inputs.clone());
        for (i, layer) in rest.iter().enumerate() {
            let operation: Arc<dyn Operation> = Arc::new(layer.clone());
            outputs = call_or_keep(&operation, &outputs.into_args(), || told_by(rest.get(i + 1)))?;
        }
        let functional = Functional::named(self.base.name("Sequential"), inputs, outputs)?;
        *self.functional.write_locked() = Some(functional.as_layer().clone());
        self.base.set_built();
        attempt.succeed();
        Ok(())
    }
}

impl Layer for Sequential {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        // With several inputs there is no graph: layers are called one after the other and can take
        // structures.
        let is_one = matches!(cx.input_shapes(), Nested::Leaf(_)) || self.all_layers().is_empty();
        if self.functional().is_some() || !is_one { Ok(()) } else { self.start_with(input.clone()) }
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        if let Some(functional) = self.functional() {
            return functional.layer().call(inputs, cx);
        }
        call_in_turn(&self.all_layers(), inputs, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training", "mask"])
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl ModelHooks for Sequential {
    fn graph(&self) -> Option<&dyn GraphModel> {
        Some(self)
    }
}

impl OwnState for Sequential {
    fn build_config(&self, recorded: Option<Value>) -> Option<Value> {
        if self.functional().is_none() {
            return recorded;
        }
        let input = self.all_layers().first()?.downcast_ref::<InputLayer>()?.batch_shape().to_value().ok()?;
        Some(Value::Dict(Dict::from([("input_shape".to_owned(), input)])))
    }
}

impl GraphModel for Sequential {
    fn graph_layers(&self) -> Vec<LayerRef> {
        self.all_layers().into_iter().filter(|layer| layer.downcast_ref::<InputLayer>().is_none()).collect()
    }

    fn graph_inputs(&self) -> Option<Nested<Tensor>> {
        self.functional()?.graph()?.graph_inputs()
    }

    fn graph_outputs(&self) -> Option<Nested<Tensor>> {
        self.functional()?.graph()?.graph_outputs()
    }

    fn is_functional(&self) -> bool {
        false
    }
}

impl HasBase<LayerBase> for Sequential {
    fn base(&self) -> &LayerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.base
    }

    fn is_model(&self) -> bool {
        true
    }
}

impl KerasSerializable for Sequential {
    crate::config::described_by_hand! { Sequential {
        "name": Option<String>, "The name.";
        "trainable": bool = true, "Whether training updates the model's weights.";
        "dtype": crate::dtype_policies::Policy = crate::dtype_policies::Policy::default(), "The dtype policy.";
        "layers": Vec<LayerRef>, "The layers, in order.";
        "build_input_shape": Option<Shape> = None, "The shape of the input that the model was built with.";
    } allows_unknown: true }

    fn get_config(&self) -> Result<Config> {
        let mut config = Config::new();
        self.base.write_config("Sequential", &mut config)?;
        let layers = self.all_layers();
        let mut forms = layers.iter().map(ConfigField::to_value).collect::<Result<Vec<_>>>()?;
        for (layer, form) in layers.iter().zip(&mut forms) {
            if let Value::Dict(form) = form {
                mark_first(layer.id(), form);
            }
        }
        config.insert("layers".into(), Value::List(forms));
        if self.functional().is_some()
            && let Some(input) = layers.first().and_then(|layer| layer.downcast_ref::<InputLayer>())
        {
            config.insert("build_input_shape".into(), input.batch_shape().to_value()?);
        }
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        if !config.contains_key("name") || !config.contains_key("layers") {
            return Err(Error::new(
                ErrorKind::Config,
                "A Sequential model configuration must be a dictionary containing the 'name' and 'layers' keys",
            )
            .received(config.keys().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ")));
        }
        let this =
            Self { base: LayerBase::read_config(config)?, layers: RwLock::default(), functional: RwLock::default() };
        this.base.name("Sequential");
        let layers = config.get("layers").ok_or_else(|| crate::config::field::missing(config, "layers"))?;
        let layers = layers.as_list().ok_or_else(|| wrong_type("a list", layers).at("layers"))?;
        let mut names = HashSet::new();
        for (i, layer) in layers.iter().enumerate() {
            let mut read = || -> Result<()> {
                let dict = layer.as_dict().ok_or_else(|| wrong_type("a layer's form, a dict", layer))?;
                let modern = with_module(dict, false);
                let form = Form::of(&modern)?.ok_or_else(|| {
                    Error::new(ErrorKind::Config, "Expected a dictionary containing a 'config' key")
                        .received(layer.short())
                })?;
                this.push(&mut names, deserialize_form(&form, layer)?)
            };
            read().at_with(|| format!("layers[{i}]"))?;
        }
        this.build_if_known()?;
        if this.functional().is_none()
            && let Some(shape @ Value::List(_)) = config.get("build_input_shape")
        {
            let _scope = NameScope::enter(this.base.name("Sequential"));
            this.start_with(Shape::from_value(shape).at("build_input_shape")?)?;
        }
        Ok(this)
    }
}
