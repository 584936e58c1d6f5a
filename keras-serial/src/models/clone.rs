//! Cloning of models (`clone_model`).

use std::collections::HashMap;
use std::sync::Arc;

use super::graph::as_layer;
use super::{Functional, Model, Sequential};
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::{Input, InputLayer, LayerRef};
use crate::object::{Form, Handle};
use crate::ops::OpRef;
use crate::tensor::symbolic::{Fresh, Operation};
use crate::tensor::{CallArgs, CallContext, Item, Nested, Tensor};

/// Clones a model: the same architecture with new weights (`keras.models.clone_model`).
///
/// # Errors
/// See [`Cloning::run`].
pub fn clone_model(model: &Model) -> Result<Model> {
    Cloning::of(model).run()
}

/// Clones a model like [`clone_model`], but `clone_function` constructs each new layer, except input layers,
/// from the old one.
///
/// # Errors
/// See [`Cloning::run`]; errors of the function.
pub fn clone_model_with(model: &Model, clone_function: impl FnMut(&LayerRef) -> Result<LayerRef>) -> Result<Model> {
    Cloning::of(model).clone_function(clone_function).run()
}

/// Constructs a layer again from its configuration, without weights.
///
/// # Errors
/// If the configuration can't be serialized or deserialized.
pub fn copy_layer(layer: &LayerRef) -> Result<LayerRef> {
    if let Some(placeholder) = layer.placeholder() {
        return Err(placeholder.error());
    }
    layer.layer().reconstruct(&layer.get_config()?).at_with(|| layer.name().to_owned())
}

type CloneFunction<'a> = Box<dyn FnMut(&LayerRef) -> Result<LayerRef> + 'a>;
type CallFunction<'a> = Box<dyn FnMut(&LayerRef, CallArgs) -> Result<Nested<Tensor>> + 'a>;

/// Builder for cloning a model, with all arguments of `keras.models.clone_model`.
///
/// ```
/// use keras_serial::{models::Cloning, prelude::*};
/// let model = Sequential::new([Input::new([3]).layer(), Dense::new(2).name("d").shared()])?;
/// let copy = Cloning::of(&model).clone_function(|layer| match layer.downcast_ref::<Dense>() {
///     Some(_) => Ok(Dense::new(4).name(layer.name()).shared()),
///     None => keras_serial::models::copy_layer(layer),
/// });
/// assert_eq!(copy.run()?.count_params()?, 3 * 4 + 4);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[must_use = "`run` makes the clone"]
pub struct Cloning<'a> {
    model: &'a Model,
    clone_function: Option<CloneFunction<'a>>,
    call_function: Option<CallFunction<'a>>,
    input_tensors: Option<Nested<Tensor>>,
    recursive: bool,
}

impl<'a> Cloning<'a> {
    /// Creates a builder for cloning this model.
    pub fn of(model: &'a Model) -> Self {
        Self { model, clone_function: None, call_function: None, input_tensors: None, recursive: false }
    }

    /// Sets the function that constructs each new layer, except input layers, from the old one;
    /// [`copy_layer`] by default.
    pub fn clone_function(mut self, f: impl FnMut(&LayerRef) -> Result<LayerRef> + 'a) -> Self {
        self.clone_function = Some(Box::new(f));
        self
    }

    /// Sets the function that calls each new layer, and can add layers before or after it; for Functional
    /// models only.
    pub fn call_function(mut self, f: impl FnMut(&LayerRef, CallArgs) -> Result<Nested<Tensor>> + 'a) -> Self {
        self.call_function = Some(Box::new(f));
        self
    }

    /// Sets the symbols that the clone is built on; new inputs by default.
    pub fn input_tensors(mut self, inputs: impl Into<Nested<Tensor>>) -> Self {
        self.input_tensors = Some(inputs.into());
        self
    }

    /// Sets whether models inside the model are cloned layer by layer too; false by default, so that the
    /// clone function gets them whole.
    pub fn recursive(mut self, recursive: bool) -> Self {
        self.recursive = recursive;
        self
    }

    /// Clones the model, and compiles the clone like the model, with its own optimizer.
    ///
    /// # Errors
    /// If a layer's configuration can't be serialized or deserialized, if the functions return an error, and
    /// if functions or inputs are given for a model that is neither Functional nor Sequential.
    pub fn run(self) -> Result<Model> {
        let layer = self.model.as_layer();
        let is_graph = layer.downcast_ref::<Functional>().is_some() || layer.downcast_ref::<Sequential>().is_some();
        if !is_graph {
            return self.deserialize_again();
        }
        let mut cloner = Cloner {
            clone_function: self.clone_function.unwrap_or_else(|| Box::new(copy_layer)),
            call_function: self.call_function,
            recursive: self.recursive,
            cache: HashMap::new(),
        };
        if layer.downcast_ref::<Sequential>().is_some() && cloner.call_function.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "`call_function` argument is not supported with Sequential models",
            )
            .hint("layers of a Sequential model are only listed; use it with Functional models"));
        }
        cloner.model(layer, self.input_tensors).map(Model::from)
    }

    /// Clones a user-written model through its serialized form.
    fn deserialize_again(self) -> Result<Model> {
        if self.clone_function.is_some() || self.input_tensors.is_some() || self.call_function.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "Arguments `clone_function`, `call_function` and `input_tensors` are only supported for Sequential \
                 models or Functional models",
            )
            .received(format!("a model of type '{}'", self.model.class_name())));
        }
        let layer = self.model.as_layer();
        let copy = copy_layer(layer)?;
        if let Value::Dict(form) = Handle::serialize(layer)?
            && let Some(form) = Form::of(&form)?
        {
            Handle::deserialize_state(&copy, &form)?;
        }
        if layer.own_compile().is_some() {
            compile_as(layer, &copy)?;
        } else if let Some(trained) = layer.base().trained() {
            trained.compile(&copy).at("compile_config")?;
        }
        Ok(Model::from(copy))
    }
}

/// Compiles the copy of a compiled model whose class has its own `compile`.
fn compile_as(model: &LayerRef, copy: &LayerRef) -> Result<()> {
    let config = model.own_compile().map(|own| own.get_compile_config()).transpose()?.flatten();
    match (config, copy.own_compile()) {
        (Some(config), Some(own)) => own.compile_from_config(&config, copy).at("compile_config"),
        _ => Ok(()),
    }
}

struct Cloner<'a> {
    clone_function: CloneFunction<'a>,
    call_function: Option<CallFunction<'a>>,
    recursive: bool,
    /// The clones by the original layer's id, so that a shared layer is cloned once.
    cache: HashMap<usize, LayerRef>,
}

impl Cloner<'_> {
    fn model(&mut self, layer: &LayerRef, input_tensors: Option<Nested<Tensor>>) -> Result<LayerRef> {
        let copy = match (layer.downcast_ref::<Functional>(), layer.downcast_ref::<Sequential>()) {
            (Some(functional), _) => self.functional(layer, functional, input_tensors)?,
            (_, Some(sequential)) => self.sequential(layer, sequential, input_tensors)?,
            _ => return (self.clone_function)(layer),
        };
        match layer.base().trained() {
            Some(trained) => trained.compile(&copy).at("compile_config")?,
            None => {
                let config = layer.compile_config()?;
                copy.base().model_state().set_compile_config(config);
            }
        }
        Ok(copy)
    }

    fn layer(&mut self, layer: &LayerRef) -> Result<LayerRef> {
        if let Some(copy) = self.cache.get(&layer.id()) {
            return Ok(copy.clone());
        }
        let copy = match self.recursive {
            true => self.model(layer, None),
            false => (self.clone_function)(layer),
        };
        let copy = copy.at_with(|| layer.name().to_owned())?;
        self.cache.insert(layer.id(), copy.clone());
        Ok(copy)
    }

    fn sequential(
        &mut self,
        layer: &LayerRef,
        sequential: &Sequential,
        input_tensors: Option<Nested<Tensor>>,
    ) -> Result<LayerRef> {
        let layers = sequential.all_layers();
        let input = layers.first().and_then(|first| first.downcast_ref::<InputLayer>());
        let rest = layers.iter().filter(|layer| layer.downcast_ref::<InputLayer>().is_none());
        let rest = rest.map(|layer| self.layer(layer)).collect::<Result<Vec<_>>>()?;
        let name = input.and(layers.first()).map(|input| input.name().to_owned());
        let optional = input.is_some_and(InputLayer::is_optional);
        let first = match (input_tensors, input) {
            (Some(given), _) => {
                let Ok(given) = given.single() else {
                    return Err(Error::new(
                        ErrorKind::InvalidArgument,
                        "Argument `input_tensors` must contain a single tensor",
                    ));
                };
                Some(Input::with_batch_shape(given.shape().clone(), given.dtype(), name, optional))
            }
            (None, Some(input)) => {
                Some(Input::with_batch_shape(input.batch_shape().clone(), input.input_dtype(), name, optional))
            }
            (None, None) => None,
        };
        let copy = Sequential::named(layer.name(), first.into_iter().chain(rest))?.as_layer().clone();
        copy.base().set_trainable(layer.is_trainable());
        Ok(copy)
    }

    fn functional(
        &mut self,
        layer: &LayerRef,
        functional: &Functional,
        input_tensors: Option<Nested<Tensor>>,
    ) -> Result<LayerRef> {
        let _fresh = Fresh::enter();
        let graph = &functional.graph;
        let inputs = match input_tensors {
            Some(given) if given.map(|_| ()) == graph.inputs.map(|_| ()) => given,
            Some(given) => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    "`input_tensors` must have the same structure as model.input",
                )
                .expected(format!("{:?}", graph.inputs.map(Tensor::outline)))
                .received(format!("{:?}", given.map(Tensor::outline))));
            }
            None => {
                graph.inputs.try_map(&mut |symbol| match symbol.history().map(|history| &history.node.operation) {
                    Some(operation) => match as_layer(&**operation) {
                        Some(input) => InputLayer::output(&copy_layer(input)?),
                        None => Err(Error::new(ErrorKind::Graph, "an input of the model is not an input layer")),
                    },
                    None => Err(Error::new(ErrorKind::Graph, "an input of the model is no symbol")),
                })?
            }
        };
        let mut values: HashMap<(usize, usize), Tensor> = HashMap::new();
        for (symbol, copy) in graph.inputs.leaves().into_iter().zip(inputs.leaves()) {
            if let Some(history) = symbol.history() {
                values.insert(history.key(), copy.clone());
            }
        }
        let mut operations: HashMap<usize, Arc<dyn Operation>> = HashMap::new();
        for node in graph.nodes().iter().filter(|node| !node.is_input()) {
            let args = node.args.try_map(&mut |tensor| {
                let copied = tensor.history().and_then(|history| values.get(&history.key()));
                Ok(Nested::Leaf(Item::Tensor(copied.unwrap_or(tensor).clone())))
            })?;
            let outputs = match as_layer(&*node.operation) {
                Some(original) => {
                    let copy = self.layer(original)?;
                    match &mut self.call_function {
                        Some(call_function) => call_function(&copy, args)?,
                        None => copy.call(args, &CallContext::inference())?,
                    }
                }
                None => {
                    let copy = match operations.get(&node.operation.id()) {
                        Some(copy) => copy.clone(),
                        None => copy_operation(&*node.operation)?,
                    };
                    operations.insert(node.operation.id(), copy.clone());
                    copy.run(&args, &CallContext::inference())?
                }
            };
            for (index, output) in outputs.leaves().into_iter().enumerate() {
                values.insert((Arc::as_ptr(node) as usize, index), output.clone());
            }
        }
        let outputs = graph.outputs.try_map(&mut |tensor| {
            let copied = tensor.history().and_then(|history| values.get(&history.key()));
            copied.cloned().ok_or_else(|| Error::new(ErrorKind::Graph, "an output of the model was not copied"))
        })?;
        Ok(Functional::named(layer.name(), inputs, outputs)?.as_layer().clone())
    }
}

fn copy_operation(operation: &dyn Operation) -> Result<Arc<dyn Operation>> {
    let form = operation.serialize()?;
    let copy = match form.as_dict().map(Form::of).transpose()?.flatten() {
        Some(form) => OpRef::from_form(&form)?,
        None => None,
    };
    let copy = copy.ok_or_else(|| Error::new(ErrorKind::Graph, format!("`{}` can't be copied", operation.name())))?;
    Ok(Arc::new(copy))
}
