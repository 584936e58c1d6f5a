//! Shared layers: what the library does around a layer's own methods.

use std::any::Any;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, LazyLock, PoisonError, Weak};

use super::base::{BuildShapes, BuildState, shapes_from_value};
use super::masks::{self, CallMasks};
use super::tracking::{self, Tracking};
use super::{BuildAttempt, BuildContext, HasBase, Layer, LayerBase, State, Weight, state};
use crate::activations::{Activation, ActivationSource, StandIn};
use crate::config::{Config, ConfigField, FieldVisitor, KerasSerializable, StateField};
use crate::dtype_policies::{Policy, Quantization};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::metrics::Metric;
use crate::object::{Form, Handle, Kind, Object};
use crate::ops::dtypes::cast;
use crate::registry::{self, Cast, CustomObjects, Probe, TypedHandle};
use crate::tensor::symbolic::{Inbound, Inner, Operation, is_recording};
use crate::tensor::{CallArgs, CallContext, Item, Nested, Shape, Tensor};
use crate::utils::{NameScope, ReusedNames, drop_later, to_snake_case};
use crate::variable::{Autocast, Variable};

/// A shared layer or model.
#[derive(Clone)]
pub struct LayerRef(Arc<dyn Layer>);

impl LayerRef {
    /// Shares a layer; it gets its name now if it has none.
    pub fn new(layer: impl Layer) -> Self {
        Self::from_arc(Arc::new(layer))
    }

    /// The layer of a serialized form, with custom objects for this call (`keras.layers.deserialize`).
    ///
    /// # Errors
    /// When the form is not one of a layer; names the place in it.
    pub fn deserialize(form: &Value, custom_objects: &CustomObjects) -> Result<Self> {
        let _argument = registry::with_argument(custom_objects);
        registry::revive_by_name(form)
    }

    pub(crate) fn from_arc(layer: Arc<dyn Layer>) -> Self {
        layer.base().name(layer.original_class());
        layer.base().set_shared();
        layer.made();
        if layer.is_built_at_init() {
            layer.base().set_built();
        }
        let this = Self(layer);
        this.0.visit_fields(&mut WeightNames);
        this
    }

    /// The handle to a layer that is shared already.
    pub(super) fn from_shared(layer: Arc<dyn Layer>) -> Self {
        Self(layer)
    }

    /// The layer, without keeping it.
    pub(super) fn downgrade(&self) -> Weak<dyn Layer> {
        Arc::downgrade(&self.0)
    }

    /// The layer itself.
    pub fn layer(&self) -> &dyn Layer {
        &*self.0
    }

    /// The layer, if it is a `T`.
    pub fn downcast_ref<T: Layer>(&self) -> Option<&T> {
        (&*self.0 as &dyn Any).downcast_ref()
    }

    pub(crate) fn base(&self) -> &LayerBase {
        self.0.base()
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.base().name(self.0.class())
    }

    /// The class's name.
    pub fn class_name(&self) -> &'static str {
        self.0.class()
    }

    /// Are both handles to one layer?
    pub fn is_same(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// Calls the layer on symbols (or values) of one input and output, for inference.
    ///
    /// # Errors
    /// The layer's own, under its name; also when it gives several tensors.
    pub fn apply(&self, inputs: impl Into<CallArgs>) -> Result<Tensor> {
        self.call(inputs, &CallContext::inference())?.into_single().at_with(|| self.name().to_owned())
    }

    /// Calls the layer.
    ///
    /// # Errors
    /// The layer's own, under its name.
    pub fn call(&self, inputs: impl Into<CallArgs>, cx: &CallContext) -> Result<Nested<Tensor>> {
        let outputs = self.invoke(inputs.into(), cx).at_with(|| self.name().to_owned())?;
        tracking::note(self);
        Ok(outputs)
    }

    fn invoke(&self, args: CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let layer = &*self.0;
        let base = layer.base();
        base.set_called();
        let (recorded, cx) = self.flow(args, cx)?;
        let recording = is_recording(&recorded);
        let compute = base.dtype_policy().compute_dtype()?;
        let autocasts = layer.autocasts() && base.is_autocast();
        let mut args = if autocasts {
            recorded.try_map(&mut |tensor| {
                let wrong = tensor.dtype().is_float() && tensor.dtype() != compute;
                let tensor = if wrong { cast(tensor, compute)?.with_mask(tensor.mask()) } else { tensor.clone() };
                Ok(Nested::Leaf(Item::Tensor(tensor)))
            })?
        } else {
            recorded.clone()
        };
        args = self.with_flowing(args, &cx);
        let mut masks = CallMasks::of(self, &args)?;
        let mut first = args.clone();
        if recording {
            if autocasts {
                first = masks::cast_symbols(&recorded, compute)?;
            }
            // What is recorded is called on descriptions of its inputs, which carry no masks.
            args = args.try_map(&mut |tensor| Ok(Nested::Leaf(Item::Tensor(tensor.unmasked()))))?;
        }
        let cx = masks.enter(&with_training(&args, &cx));
        // A layer whose first call fails is left as it was, also where that call builds layers inside.
        let attempt = (!base.is_built()).then(BuildAttempt::begin);
        let mut outputs = {
            let _tracking = Tracking::enter(self);
            let _scope = NameScope::enter(self.name());
            let _inner = Inner::enter();
            if let Some(spec) = layer.input_spec() {
                for tensor in args
                    .inputs()
                    .map(|inputs| inputs.leaves().into_iter().cloned().collect::<Vec<_>>())
                    .unwrap_or_default()
                {
                    spec.check(&tensor, self.name())?;
                }
            }
            self.ensure_built(&args)?;
            let _autocast = Autocast::enter(autocasts.then_some(compute));
            layer.call(&args, &cx)?
        };
        if let Some(regularizer) = layer.base().activity_regularizer() {
            super::losses::add_activity(regularizer, &outputs)?;
        }
        if recording {
            outputs = outputs.map(|output| Tensor::symbol(output.shape(), output.dtype()));
        }
        masks.set_on(self, &first, &outputs)?;
        if let Some(attempt) = attempt {
            attempt.succeed();
        }
        if recording {
            let recorded = masks.record(self, recorded, compute);
            return layer.base().inbound.record(Arc::new(self.clone()), recorded, outputs);
        }
        Ok(outputs)
    }

    /// Builds the layer for an input of this shape, if it is not built.
    ///
    /// # Errors
    /// The layer's own, under its name.
    pub fn build(&self, input: &Shape) -> Result<()> {
        let name = self.0.build_arguments().first().copied().unwrap_or("input_shape");
        let shapes = BuildShapes::from([(name.to_owned(), Nested::Leaf(input.clone()))]);
        self.build_named(shapes).at_with(|| self.name().to_owned())
    }

    /// Learns what the layer computes with from data: one tensor, or a list of batches
    /// (`Normalization.adapt` and its like).
    ///
    /// # Errors
    /// The layer's own, under its name.
    pub fn adapt(&self, data: impl Into<Nested<Tensor>>) -> Result<()> {
        let data = data.into();
        if let Some(first) = data.leaves().first() {
            self.build(first.shape())?;
        }
        self.0.adapt(&data).at_with(|| self.name().to_owned())
    }

    /// Quantizes the layer's own weights, where they are; no other thread may call it meanwhile.
    /// [`Model::quantize`](crate::models::Model::quantize) does so with all layers of a model.
    ///
    /// ```
    /// use keras_serial::dtype_policies::Quantization;
    /// use keras_serial::prelude::*;
    /// let layer = Dense::new(2).shared();
    /// layer.build(&Shape::from([None, Some(3)]))?;
    /// layer.quantize(Quantization::Int8)?;
    /// assert_eq!(layer.dtype_policy().name(), "int8_from_float32");
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the layer is not built or is quantized already, or its class has no such mode.
    pub fn quantize(&self, mode: Quantization) -> Result<()> {
        self.try_quantize(mode).at_with(|| self.name().to_owned())
    }

    fn try_quantize(&self, mode: Quantization) -> Result<()> {
        let base = self.base();
        let _building = base.building.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = self.check_quantizing(mode)?;
        let shapes = base.built_shapes().unwrap_or_default();
        // New weights stand at the paths of those that they replace.
        let path = self.own_weights().first().and_then(|own| Some(own.path().rsplit_once('/')?.0.to_owned()));
        let _scope = path.map(|path| NameScope::enter(&path));
        let _plain = Autocast::enter(None);
        self.0.quantize(mode, &mut BuildContext { base, shapes: &shapes })?;
        base.set_quantized(policy);
        Ok(())
    }

    /// The policy that the layer will have; refuses a layer that is not built, or quantized already.
    pub(crate) fn check_quantizing(&self, mode: Quantization) -> Result<Policy> {
        let (base, class) = (self.base(), self.class_name());
        if !base.is_built() {
            return Err(Error::new(ErrorKind::NotBuilt, "Cannot quantize a layer that isn't yet built")
                .received(format!("Layer '{}' (of type '{class}')", self.name()))
                .hint("call the model on data, or build it, first"));
        }
        match base.dtype_policy().quantization() {
            Some(_) => {
                Err(Error::new(ErrorKind::InvalidArgument, format!("Layer '{}' is already quantized", self.name()))
                    .received(format!("dtype_policy='{}'", base.dtype_policy().name())))
            }
            None => base.dtype_policy().quantize(mode),
        }
    }

    /// With which dtypes it computes and keeps its weights, and how those are quantized.
    pub fn dtype_policy(&self) -> &Policy {
        self.base().dtype_policy()
    }

    /// Builds the layer and those inside, under its name.
    fn build_named(&self, shapes: BuildShapes) -> Result<()> {
        let attempt = BuildAttempt::begin();
        {
            let _scope = NameScope::enter(self.name());
            self.build_with(shapes)?;
        }
        // The call on symbols enters the name by itself.
        self.build_inner()?;
        attempt.succeed();
        tracking::note(self);
        Ok(())
    }

    fn build_with(&self, shapes: BuildShapes) -> Result<()> {
        let base = self.base();
        if base.is_built() {
            return Ok(());
        }
        let _building = base.building.lock().unwrap_or_else(PoisonError::into_inner);
        if base.is_built() {
            return Ok(());
        }
        let first = shapes.values().next().and_then(|shape| shape.leaves().first().map(|shape| (*shape).clone()));
        let _inner = Inner::enter();
        let _plain = Autocast::enter(None);
        let attempt = BuildAttempt::begin();
        attempt.builds(self);
        {
            let _tracking = Tracking::enter(self);
            self.0.build(&first.unwrap_or_default(), &mut BuildContext { base, shapes: &shapes })?;
        }
        *base.build.lock().unwrap_or_else(PoisonError::into_inner) = BuildState { shapes: Some(shapes) };
        base.set_built();
        attempt.succeed();
        Ok(())
    }

    fn ensure_built(&self, args: &CallArgs) -> Result<()> {
        if self.base().is_built() {
            return Ok(());
        }
        let names = self.0.build_arguments();
        let mut shapes = BuildShapes::new();
        for name in names {
            // A single shape is the first argument's, whatever that is called; several go by name.
            let inputs = match names.len() {
                1 => args.inputs().ok(),
                _ => args.structure(self.argument_of_shape(name)?)?,
            };
            if let Some(inputs) = inputs {
                shapes.insert((*name).to_owned(), inputs.map(|input| input.shape().clone()));
            }
        }
        self.build_with(shapes)
    }

    /// The argument of `call` that a shape of `build` belongs to.
    fn argument_of_shape(&self, name: &'static str) -> Result<&'static str> {
        let class = self.class_name();
        let wrong = |what: String| {
            Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("For layer '{class}', received `build()` argument {what}"),
            )
            .hint(
                "for a `build()` method with more than one argument, all arguments should have a `_shape` suffix \
                     and match an argument from `call()`",
            ))
        };
        match name.strip_suffix("_shape") {
            None => wrong(format!("`{name}`, which does not end in `_shape`")),
            Some(argument) if !self.0.call_arguments().contains(&argument) => {
                wrong(format!("`{name}`, but `call()` does not have argument `{argument}`"))
            }
            Some(argument) => Ok(argument),
        }
    }

    /// The layers directly inside of it, in the order of its fields.
    pub fn layers(&self) -> Vec<LayerRef> {
        state::layers(&state::of(self))
    }

    /// The layer and all layers below it, each once, those above first.
    pub fn with_layers_below(&self) -> Vec<LayerRef> {
        let (mut seen, mut found) = (HashSet::new(), Vec::new());
        let mut next = vec![self.clone()];
        while let Some(layer) = next.pop() {
            if seen.insert(layer.id()) {
                next.extend(layer.layers().into_iter().rev());
                found.push(layer);
            }
        }
        found
    }

    /// Weights and layers by the names of fields, as files lay them out.
    pub(crate) fn state(&self) -> Vec<State> {
        state::of(self)
    }

    /// All weights: its own, trainable ones first, then those of the layers inside.
    pub fn weights(&self) -> Vec<Variable> {
        let mut seen = HashSet::new();
        let all = self.with_layers_below().into_iter().flat_map(|layer| layer.own_weights());
        all.filter(|variable| seen.insert(variable.id())).collect()
    }

    /// Its own weights, trainable ones first.
    pub(crate) fn own_weights(&self) -> Vec<Variable> {
        let own = self.base().variables().clone();
        let (trainable, other): (Vec<_>, Vec<_>) = own.into_iter().partition(Variable::was_made_trainable);
        trainable.into_iter().chain(other).collect()
    }

    /// Its own weights that go into files, in their order there.
    pub(crate) fn saved_weights(&self) -> Vec<Variable> {
        match self.0.saved_weights() {
            Some(weights) => weights.into_iter().filter_map(Weight::variable).collect(),
            None => self.own_weights().into_iter().filter(Variable::is_saved).collect(),
        }
    }

    /// What files hold of its own weights, by the variables' numbers, where that is not their values.
    pub(crate) fn values_in_files(&self) -> Result<HashMap<u64, Tensor>> {
        let values = self.0.values_in_files().at_with(|| self.name().to_owned())?;
        let values = values.into_iter().filter_map(|(weight, value)| Some((weight.variable()?, value)));
        values.map(|(variable, value)| Ok((variable.id(), cast(&value, variable.dtype())?))).collect()
    }

    /// The metrics in its fields, then those of the layers inside. Their variables are none of its
    /// weights, and go into no file.
    pub fn metrics(&self) -> Vec<Metric> {
        self.with_layers_below().iter().flat_map(state::metrics).collect()
    }

    /// The variables of the metrics that it and the layers inside hold.
    ///
    /// # Errors
    /// A metric's own.
    pub fn metrics_variables(&self) -> Result<Vec<Variable>> {
        let of_each = self.metrics().into_iter().map(|metric| metric.variables());
        Ok(of_each.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The weights that training changes.
    pub fn trainable_weights(&self) -> Vec<Variable> {
        if !self.is_trainable() {
            return Vec::new();
        }
        self.weights().into_iter().filter(Variable::is_trainable).collect()
    }

    /// The weights that training does not change.
    pub fn non_trainable_weights(&self) -> Vec<Variable> {
        let weights = self.weights();
        if !self.is_trainable() {
            return weights;
        }
        weights.into_iter().filter(|weight| !weight.is_trainable()).collect()
    }

    /// Does training change its weights?
    pub fn is_trainable(&self) -> bool {
        self.base().is_trainable()
    }

    /// Says whether training changes its weights, and those of the layers inside.
    pub fn set_trainable(&self, trainable: bool) {
        for layer in self.with_layers_below() {
            layer.base().set_trainable(trainable);
            for variable in layer.own_weights().iter().filter(|variable| variable.was_made_trainable()) {
                variable.set_trainable(trainable);
            }
        }
    }

    /// Forgets what it keeps from one batch for the next ([`Layer::reset_state`]).
    ///
    /// # Errors
    /// When the layer should keep something, but is not set to.
    pub fn reset_state(&self) -> Result<()> {
        self.0.reset_state().at_with(|| self.name().to_owned())
    }

    /// The number of elements of all weights.
    ///
    /// # Errors
    /// When the layer is not built.
    pub fn count_params(&self) -> Result<usize> {
        if !self.base().is_built() {
            return Err(Error::new(
                ErrorKind::NotBuilt,
                format!("You tried to call `count_params` on layer '{}', but the layer isn't built", self.name()),
            )
            .hint("build it with `layer.build(input_shape)`"));
        }
        Ok(self.weights().iter().filter_map(|weight| weight.shape().num_elements()).sum())
    }

    /// The shapes of what the layer gives for inputs of these shapes. Builds it if it is not built.
    ///
    /// # Errors
    /// The layer's own, under its name.
    pub fn compute_output_shape(&self, inputs: impl Into<Nested<Shape>>) -> Result<Nested<Shape>> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let symbols = inputs.into().map(|shape| Tensor::symbol(shape, dtype));
        let _inner = Inner::enter();
        Ok(self.call(symbols, &CallContext::inference())?.map(|output| output.shape().clone()))
    }

    /// The values of all weights.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.weights().iter().map(Variable::read).collect()
    }

    /// Replaces the values of all weights, or none of them.
    ///
    /// # Errors
    /// When the number of values or a shape is another: names the weight, expected and received.
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        let weights = self.weights();
        if weights.len() != values.len() {
            return Err(Error::new(
                ErrorKind::Weights,
                format!(
                    "You called `set_weights(weights)` on layer '{}' with a weight list of length {}",
                    self.name(),
                    values.len()
                ),
            )
            .expected(format!(
                "{} weights: {}",
                weights.len(),
                weights.iter().map(Variable::path).collect::<Vec<_>>().join(", ")
            ))
            .received(values.len().to_string()));
        }
        for (weight, value) in weights.iter().zip(values) {
            if weight.shape() != value.shape() {
                return Err(Error::new(
                    ErrorKind::Weights,
                    format!("Layer {} weight shape is not compatible with provided weight shape", self.name()),
                )
                .expected(format!("shape {}", weight.shape()))
                .received(format!("shape {}", value.shape()))
                .at(weight.path().to_owned()));
            }
        }
        weights.iter().zip(values).try_for_each(|(weight, value)| weight.assign(value))
    }

    /// The configuration.
    ///
    /// # Errors
    /// The layer's own, under its name.
    pub fn get_config(&self) -> Result<Config> {
        self.0.get_config().at_with(|| self.name().to_owned())
    }

    /// How a model is compiled, by its own account where its class has one, or was in its file.
    pub(crate) fn compile_config(&self) -> Result<Option<Value>> {
        match self.0.own_compile() {
            None => self.base().compile_config(),
            Some(own) => match own.get_compile_config()? {
                Some(config) => Ok(Some(Value::Dict(config))),
                None => Ok(self.base().kept_compile_config()),
            },
        }
    }

    pub(crate) fn build_from_config(&self, build_config: &Value) -> Result<()> {
        let Value::Dict(config) = build_config else {
            return match build_config {
                Value::Null => Ok(()),
                other => Err(crate::config::wrong_type("a dict", other).at("build_config")),
            };
        };
        if self.base().is_built() || config.is_empty() {
            return Ok(());
        }
        if let Some(built) = self.0.build_from_config(config, self) {
            built.at("build_config")?;
            self.base().set_built();
            return self.build_inner();
        }
        let mut shapes = BuildShapes::new();
        if let Some(shape) = config.get("input_shape") {
            let name = self.0.build_arguments().first().copied().unwrap_or("input_shape");
            shapes.insert(name.to_owned(), shapes_from_value(shape).at("input_shape").at("build_config")?);
        } else if let Some(Value::Dict(dict)) = config.get("shapes_dict") {
            for (name, shape) in dict {
                shapes.insert(name.clone(), shapes_from_value(shape).at_with(|| name.clone()).at("build_config")?);
            }
        }
        if shapes.values().all(|shape| shape.leaves().is_empty()) {
            return Ok(());
        }
        self.build_named(shapes)
    }

    /// Builds the layers that `build` leaves to the first call, by a call on symbols.
    fn build_inner(&self) -> Result<()> {
        // A cell is called with its states, by the layer around it.
        if self.0.rnn_cell().is_some() || self.layers().iter().all(|layer| layer.base().is_built()) {
            return Ok(());
        }
        self.trace().map(|_| ())
    }

    /// What the layer gives, as symbols, for the shapes that it was built for.
    ///
    /// # Errors
    /// The layer's own.
    pub(crate) fn trace(&self) -> Result<Option<Nested<Tensor>>> {
        let Some(shapes) = self.base().built_shapes() else { return Ok(None) };
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let args = shapes.values().map(|shape| shape.map(|shape| Tensor::symbol(shape, dtype)));
        let _inner = Inner::enter();
        self.invoke(args.fold(CallArgs::none(), CallArgs::and), &CallContext::inference()).map(Some)
    }
}

/// Training for one call: the argument by keyword comes before what surrounds the call.
fn with_training(args: &CallArgs, cx: &CallContext) -> CallContext {
    let training = match args.value("training") {
        Some(Value::Bool(training)) => Some(*training),
        Some(Value::Int(training)) => Some(*training != 0),
        _ => cx.training_arg(),
    };
    cx.with_training(training)
}

/// Tells weights the names of their fields.
struct WeightNames;

impl FieldVisitor for WeightNames {
    fn field(&mut self, name: &str, value: &dyn Any) {
        if let Some(weight) = value.downcast_ref::<Weight>() {
            weight.set_name(name);
        }
    }
}

/// Stands in a handle that is being dropped, in the place of its layer.
struct Dropped(LayerBase);

static DROPPED: LazyLock<Arc<dyn Layer>> = LazyLock::new(|| Arc::new(Dropped(LayerBase::default())));

impl KerasSerializable for Dropped {
    fn get_config(&self) -> Result<Config> {
        Ok(Config::new())
    }

    fn from_config(_: &Config) -> Result<Self> {
        Ok(Self(LayerBase::default()))
    }
}

impl HasBase for Dropped {
    fn base(&self) -> &LayerBase {
        &self.0
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.0
    }
}

impl Layer for Dropped {
    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        inputs.inputs()
    }
}

/// Layers in layers are dropped one after the other: thousands of them, one inside of the other, would
/// overflow the stack.
impl Drop for LayerRef {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            drop_later(std::mem::replace(&mut self.0, DROPPED.clone()));
        }
    }
}

impl<T: Layer> From<T> for LayerRef {
    fn from(layer: T) -> Self {
        Self::new(layer)
    }
}

impl Operation for LayerRef {
    fn name(&self) -> String {
        Self::name(self).to_owned()
    }

    fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }

    fn inbound(&self) -> &Inbound {
        &self.base().inbound
    }

    fn run(&self, args: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.call(args.clone(), cx)
    }

    fn serialize(&self) -> Result<Value> {
        Handle::serialize(self)
    }
}

impl Handle for LayerRef {
    fn kind(&self) -> Kind {
        Kind::Layer
    }

    fn serialize(&self) -> Result<Value> {
        registry::serialize_shared(self.0.clone(), |form| {
            if let Some(build_config) = self.0.build_config() {
                form.insert("build_config".into(), build_config);
            }
            if self.0.is_model() {
                let compiled = self.compile_config().at("compile_config")?;
                form.insert("compile_config".into(), compiled.unwrap_or_else(|| Value::Dict(Config::new())));
            }
            Ok(())
        })
        .at_with(|| self.name().to_owned())
    }

    fn address(&self) -> usize {
        self.id()
    }

    fn restore(&self, form: &Form<'_>) -> Result<()> {
        if let Some(compile_config) = form.dict.get("compile_config") {
            *self.base().compile_config.lock().unwrap_or_else(PoisonError::into_inner) = Some(compile_config.clone());
        }
        match form.dict.get("build_config") {
            Some(build_config) => self.build_from_config(build_config),
            None => Ok(()),
        }
    }
}

impl TypedHandle for LayerRef {
    const KIND: Kind = Kind::Layer;
    const EXPECTED: &'static str = "a layer";
    const MODULES: &'static [&'static str] = &["keras.layers", "keras", "keras.src.models.functional"];
}

impl<T: Layer> Probe<T> {
    /// Every type with the trait can stand for a layer.
    pub const LAYER: Option<Cast> = Some(Cast {
        kind: Kind::Layer,
        cast: |object| {
            let object: Arc<dyn Any + Send + Sync> = object;
            Some(Object::new(LayerRef::from_arc(object.downcast::<T>().ok()?)))
        },
    });
}

impl ConfigField for LayerRef {
    fn to_value(&self) -> Result<Value> {
        Handle::serialize(self)
    }

    fn from_value(value: &Value) -> Result<Self> {
        registry::revive_by_name(value)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.field(name, self);
    }
}

impl StateField for LayerRef {
    fn visit_state(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        visitor.field(name, self);
    }
}

/// Makes a field's layers anew, after another field that they are made from was set: they keep their
/// automatic names, and layers of the same name and class stay frozen or not as they were.
pub fn remake<T: StateField>(old: &T, make: impl FnOnce() -> T) -> T {
    struct Found(Vec<LayerRef>);
    impl FieldVisitor for Found {
        fn field(&mut self, _: &str, value: &dyn Any) {
            if let Some(layer) = value.downcast_ref::<LayerRef>() {
                self.0.extend(layer.with_layers_below());
            }
        }
    }
    let inside = |field: &T| {
        let mut found = Found(Vec::new());
        field.visit_state("", &mut found);
        found.0
    };
    let before = inside(old);
    let mut names: HashMap<String, VecDeque<String>> = HashMap::new();
    for layer in before.iter().filter(|layer| layer.base().is_named_automatically()) {
        let prefix = to_snake_case(layer.0.original_class());
        names.entry(prefix).or_default().push_back(layer.name().to_owned());
    }
    let made = {
        let _names = ReusedNames::enter(names);
        make()
    };
    for layer in inside(&made) {
        let same = before.iter().find(|old| old.name() == layer.name() && old.class_name() == layer.class_name());
        if let Some(trainable) = same.and_then(|old| old.base().changed_trainable()) {
            layer.base().set_trainable(trainable);
        }
    }
    made
}

/// A layer that stands where an activation is asked for.
struct ActivationLayer(LayerRef);

impl StandIn for ActivationLayer {
    fn activate(&self, x: &Tensor) -> Result<Tensor> {
        self.0.apply(x)
    }

    fn serialize(&self) -> Result<Value> {
        Handle::serialize(&self.0)
    }

    fn visit(&self, name: &str, visitor: &mut dyn FieldVisitor) {
        self.0.visit(name, visitor);
    }
}

inventory::submit! {
    ActivationSource(|object| object.downcast_ref::<LayerRef>().map(|layer| Activation::from(layer.clone())))
}

impl From<LayerRef> for Activation {
    fn from(layer: LayerRef) -> Self {
        Self::stand_in(ActivationLayer(layer))
    }
}

impl fmt::Debug for LayerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} name={}, built={}>", self.class_name(), self.name(), self.base().is_built())
    }
}
