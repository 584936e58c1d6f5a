//! Functional models: models defined by a graph of layers.

use indexmap::IndexMap;

use super::graph::{Graph, as_layer};
use super::{Model, functional_config};
use crate::config::{Config, HasBase, KerasSerializable};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json::{Dict, Value};
use crate::layers::{GraphModel, InputLayer, Layer, LayerBase, LayerRef, LayerTraits, ModelHooks, OwnState, Signature};
use crate::ops::dtypes::cast;
use crate::ops::shape::{expand_at, squeeze_at};
use crate::register;
use crate::tensor::{CallArgs, CallContext, IntoStructure, Nested, Shape, Tensor};

/// A model defined by a graph of layers, from [`Input`](crate::layers::Input)s to outputs.
///
/// Follows <https://keras.io/guides/functional_api>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Input::new([3]).tensor()?;
/// let y = Dense::new(2).kernel_initializer("ones").apply(&x)?;
/// let model = Functional::new(x, y)?;
/// let input = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [1, 3])?;
/// assert_eq!(model.predict(&input)?.to_vec::<f32>()?, [6.0, 6.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.src.models.functional", alias("Model"))]
pub struct Functional {
    base: LayerBase,
    pub(super) graph: Graph,
}

/// Warns if the keys of a dict of inputs are not the names of its tensors.
fn warn_of_names(inputs: &Nested<Tensor>) {
    let Nested::Dict(items) = inputs else { return };
    for (key, item) in items {
        if let Nested::Leaf(tensor) = item
            && input_name(tensor) != *key
        {
            tracing::warn!(
                "When providing `inputs` as a dict, all keys in the dict must match the names of the corresponding \
                 tensors. Received key '{key}' mapping to a tensor with the name '{}'. Change the tensor name to \
                 '{key}' (`Input::name`)",
                input_name(tensor)
            );
        }
    }
}

impl Functional {
    /// Creates a model between these inputs and outputs.
    ///
    /// # Errors
    /// If they are not symbols, an output does not depend on the inputs only, or a name is used twice.
    #[expect(clippy::new_ret_no_self, reason = "a model is used through its handle")]
    pub fn new(inputs: impl IntoStructure, outputs: impl IntoStructure) -> Result<Model> {
        Ok(Model::from(LayerRef::new(Self::unnamed(inputs.into_structure(), outputs.into_structure())?)))
    }

    /// Creates a model like [`Functional::new`], with a name.
    ///
    /// # Errors
    /// See [`Functional::new`].
    pub fn named(name: &str, inputs: impl IntoStructure, outputs: impl IntoStructure) -> Result<Model> {
        let mut this = Self::unnamed(inputs.into_structure(), outputs.into_structure())?;
        this.base.set_name(name);
        Ok(Model::from(LayerRef::new(this)))
    }

    pub(super) fn unnamed(inputs: Nested<Tensor>, outputs: Nested<Tensor>) -> Result<Self> {
        for (what, ends) in [("inputs", &inputs), ("outputs", &outputs)] {
            if ends.leaves().is_empty() {
                return Err(Error::new(ErrorKind::Graph, format!("`{what}` argument cannot be empty")));
            }
            if let Some(value) = ends.leaves().into_iter().find(|end| end.history().is_none()) {
                return Err(Error::new(ErrorKind::Graph, format!("All `{what}` values must be KerasTensors"))
                    .expected("the result of `Input`, or of a layer called on one")
                    .received(value.outline()));
            }
        }
        warn_of_names(&inputs);
        let (inputs, outputs) = super::subgraph::from_inputs(inputs, outputs)?;
        let graph = Graph::new(inputs, outputs)?;
        graph.check_connected()?;
        let base = LayerBase::default();
        base.set_built();
        Ok(Self { base, graph })
    }

    /// Converts inputs to the graph's order, dtypes and ranks.
    fn standardize(&self, inputs: &Nested<Tensor>) -> Result<Vec<Option<Tensor>>> {
        let symbols = self.graph.inputs.leaves();
        let flat = self.flatten(inputs)?;
        let optional = |symbol: &Tensor| {
            let operation = symbol.history().map(|history| &history.node.operation);
            operation.and_then(|o| Some(as_layer(&**o)?.downcast_ref::<InputLayer>()?.is_optional())).unwrap_or(true)
        };
        let is_missing = |(symbol, input): &(&&Tensor, &Option<Tensor>)| input.is_none() && !optional(symbol);
        if let Some((symbol, _)) = symbols.iter().zip(&flat).find(is_missing) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("The input '{}' is not optional, but None was passed", input_name(symbol)),
            )
            .hint("pass a tensor"));
        }
        if let Some(names) = self.spec_names() {
            self.check(&names, &flat)?;
        }
        if flat.len() != symbols.len() {
            return Err(self.mismatch(inputs));
        }
        let paths = self.graph.inputs.paths();
        let adjusted = symbols
            .into_iter()
            .zip(flat)
            .zip(paths)
            .map(|((symbol, input), path)| input.map(|input| adjust(symbol, input, &path)).transpose());
        adjusted.collect()
    }

    /// Returns the names of the inputs; none for dicts of structures, which are not checked.
    fn spec_names(&self) -> Option<Vec<String>> {
        match &self.graph.inputs {
            Nested::Dict(items) if items.values().all(|item| matches!(item, Nested::Leaf(_))) => {
                let mut names: Vec<String> = items.keys().cloned().collect();
                names.sort();
                Some(names)
            }
            Nested::Dict(_) => None,
            inputs => Some(inputs.leaves().into_iter().map(input_name).collect()),
        }
    }

    /// Flattens inputs to the graph's order: dicts by name, others by position.
    fn flatten(&self, inputs: &Nested<Tensor>) -> Result<Vec<Option<Tensor>>> {
        let slots = |inputs: &Nested<Tensor>| inputs.slots().into_iter().map(Option::<&Tensor>::cloned).collect();
        match (inputs, &self.graph.inputs) {
            (Nested::Dict(given), asked) => match (self.spec_names(), asked) {
                (Some(names), _) => {
                    let one = |name: &String| match given.get(name) {
                        Some(input) => Ok(slots(input)),
                        None => Err(missing(name, &names, given)),
                    };
                    let all = names.iter().map(one).collect::<Result<Vec<Vec<_>>>>()?;
                    Ok(all.into_iter().flatten().collect())
                }
                (None, Nested::Dict(asked)) => {
                    let mut keys: Vec<&String> = asked.keys().collect();
                    keys.sort();
                    let all =
                        keys.into_iter().map(|key| given.get(key).ok_or_else(|| self.mismatch(inputs)).map(slots));
                    Ok(all.collect::<Result<Vec<Vec<_>>>>()?.into_iter().flatten().collect())
                }
                (None, _) => Ok(slots(inputs)),
            },
            // The order is ambiguous: the reader would expect that of the keys, Keras uses the sorted one.
            (_, Nested::Dict(asked)) if !asked.keys().is_sorted() => Err(self.mismatch(inputs)),
            (_, Nested::Dict(_)) => {
                tracing::warn!("{}", self.mismatch(inputs));
                Ok(slots(inputs))
            }
            _ => Ok(slots(inputs)),
        }
    }

    fn mismatch(&self, inputs: &Nested<Tensor>) -> Error {
        let asked = self.graph.inputs.paths().into_iter().zip(self.graph.inputs.leaves());
        let entry = |path: String, what: String| if path.is_empty() { what } else { format!("{path}: {what}") };
        let asked = asked.map(|(path, symbol)| entry(path, input_name(symbol)));
        let given = inputs.paths().into_iter().zip(inputs.leaves());
        let given = given.map(|(path, tensor)| entry(path, tensor.shape().to_string()));
        Error::new(ErrorKind::InvalidArgument, "The structure of `inputs` doesn't match the expected structure")
            .expected(asked.collect::<Vec<_>>().join(", "))
            .received(given.collect::<Vec<_>>().join(", "))
    }

    /// Checks the number and the shapes of inputs (Keras's `Functional.input_spec`): the batch can have any
    /// size, and a last axis of extent 1 is optional.
    fn check(&self, names: &[String], inputs: &[Option<Tensor>]) -> Result<()> {
        let layer = self.base.name("Functional");
        if names.len() != inputs.len() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "Layer \"{layer}\" expects {} named input(s) with keys [{}], but it received {} input tensors",
                    names.len(),
                    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "),
                    inputs.len()
                ),
            )
            .hint(match (&self.graph.inputs, names) {
                (Nested::Dict(_), _) => "pass inputs as a dict, `Nested::dict([(name, tensor), …])`",
                (_, [_]) => "pass one tensor",
                _ => "pass a list of tensors in this order",
            }));
        }
        for (index, ((symbol, input), name)) in
            self.graph.inputs.leaves().into_iter().zip(inputs).zip(names).enumerate()
        {
            let Some(input) = input else { continue };
            let wanted: Shape =
                symbol.shape().dims().iter().enumerate().map(|(i, dim)| dim.filter(|_| i > 0)).collect();
            let pairs = without_last_one(&wanted).iter().zip(without_last_one(input.shape()));
            if pairs.into_iter().any(|(wanted, found)| wanted.is_some() && found.is_some() && wanted != found) {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!(
                        "Input {index} with name '{name}' of layer '{layer}' is incompatible with the layer: \
                         expected shape={wanted}, found shape={}",
                        input.shape()
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// Returns the error for a dict of inputs without one of them.
fn missing(name: &str, names: &[String], given: &IndexMap<String, Nested<Tensor>>) -> Error {
    let error = Error::new(ErrorKind::InvalidArgument, format!("Missing data for input \"{name}\""))
        .expected(format!("the keys {}", names.join(", ")))
        .received(format!("the keys {}", given.keys().cloned().collect::<Vec<_>>().join(", ")));
    let unknown = given.keys().filter(|key| !names.contains(key)).map(String::as_str);
    match did_you_mean(name, unknown) {
        Some(_) => error.hint(format!("call the key `{name}`: it is the name of the input")),
        None => error,
    }
}

fn without_last_one(shape: &Shape) -> &[Option<usize>] {
    match shape.dims() {
        [rest @ .., Some(1)] => rest,
        dims => dims,
    }
}

fn input_name(symbol: &Tensor) -> String {
    symbol.history().map(|history| history.node.operation.name()).unwrap_or_default()
}

/// Converts an input to the rank and dtype of the input symbol.
fn adjust(symbol: &Tensor, input: Tensor, path: &str) -> Result<Tensor> {
    let (wanted, rank) = (symbol.shape(), input.rank());
    let mask = input.mask();
    let adjusted = if rank == wanted.rank() {
        input.clone()
    } else if rank == wanted.rank() + 1 && input.shape().get(-1)? == Some(1) {
        squeeze_at(&input, -1)?
    } else if rank + 1 == wanted.rank() && wanted.get(-1)? == Some(1) {
        expand_at(&input, -1)?
    } else {
        let error = Error::new(
            ErrorKind::Shape,
            format!("Invalid input shape for input with name '{}' and path '{path}'", input_name(symbol)),
        )
        .expected(format!("shape {wanted}"))
        .received(format!("shape {}", input.shape()));
        let is_row =
            wanted.dims().get(1..).is_some_and(|row| input.shape().is_compatible(&row.iter().copied().collect()));
        return Err(match is_row {
            true => error.hint("add the axis of rows: `ops::expand_dims(&x, 0)` makes a batch of one row"),
            false => error,
        });
    };
    let adjusted = cast(&adjusted, symbol.dtype()).map_err(|error| {
        Error::new(
            ErrorKind::DType,
            format!("Invalid dtype for input with name '{}' and path '{path}'", input_name(symbol)),
        )
        .expected(symbol.dtype().name())
        .received(input.dtype().name())
        .with_source(error)
    })?;
    Ok(if adjusted.is_same(&input) { adjusted } else { adjusted.with_mask(mask) })
}

impl Layer for Functional {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let masks = inputs.structure("mask")?;
        let inputs = self.standardize(&inputs.inputs()?)?;
        if let Some(masks) = masks {
            for (input, mask) in inputs.iter().zip(masks.slots()) {
                if let (Some(input), Some(mask)) = (input, mask) {
                    input.set_mask(Some(mask.clone()));
                }
            }
        }
        self.graph.run(inputs, cx)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training", "mask"])
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().autocast(false).supports_masking(false)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl ModelHooks for Functional {
    fn graph(&self) -> Option<&dyn GraphModel> {
        Some(self)
    }
}

impl OwnState for Functional {
    fn build_config(&self, _: Option<Value>) -> Option<Value> {
        Some(Value::Dict(Dict::from([("input_shape".to_owned(), Value::Null)])))
    }
}

impl GraphModel for Functional {
    fn graph_layers(&self) -> Vec<LayerRef> {
        self.graph.layers()
    }

    fn graph_inputs(&self) -> Option<Nested<Tensor>> {
        Some(self.graph.inputs.clone())
    }

    fn graph_outputs(&self) -> Option<Nested<Tensor>> {
        Some(self.graph.outputs.clone())
    }

    fn is_functional(&self) -> bool {
        true
    }
}

impl HasBase<LayerBase> for Functional {
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

impl KerasSerializable for Functional {
    crate::config::described_by_hand! { Functional {
        "name": Option<String> = None, "The name; generated by default.";
        "trainable": bool = true, "Whether training updates the model's weights.";
        "layers": Vec<LayerRef>, "The layers, each with the names of the layers whose outputs it is called on (`inbound_nodes`).";
        "input_layers": Value, "The inputs: lists of a layer's name, a node and an output, in the model's structure.";
        "output_layers": Value, "The outputs, as `input_layers`.";
    } allows_unknown: true }

    fn get_config(&self) -> Result<Config> {
        let mut config = Config::from([
            ("name".to_owned(), Value::from(self.base.name("Functional"))),
            ("trainable".to_owned(), Value::Bool(self.base.is_trainable())),
        ]);
        functional_config::write(&self.graph, &mut config)?;
        Ok(config)
    }

    fn from_config(config: &Config) -> Result<Self> {
        let (inputs, outputs) = functional_config::read(config)?;
        let mut this = Self::unnamed(inputs, outputs)?;
        if let Some(name) = config.get("name").and_then(Value::as_str) {
            this.base.set_name(name);
        }
        if let Some(trainable) = config.get("trainable").and_then(Value::as_bool) {
            this.base.set_trainable(trainable);
        }
        Ok(this)
    }
}
