//! Models made of a graph of layers.

use super::graph::{Graph, as_layer};
use super::{Model, functional_config};
use crate::config::{Config, KerasSerializable};
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Dict, Value};
use crate::layers::{GraphModel, HasBase, InputLayer, Layer, LayerBase, LayerRef};
use crate::ops::dtypes::cast;
use crate::ops::shape::{expand_at, squeeze_at};
use crate::register;
use crate::tensor::{CallArgs, CallContext, Nested, Tensor};

/// A model made of a graph of layers, from [`Input`](crate::layers::Input)s to outputs.
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

impl Functional {
    /// The model between these inputs and outputs.
    ///
    /// # Errors
    /// When they are not symbols, the outputs do not depend on the inputs, or a name is used twice.
    #[expect(clippy::new_ret_no_self, reason = "a model is used through its handle")]
    pub fn new(inputs: impl Into<Nested<Tensor>>, outputs: impl Into<Nested<Tensor>>) -> Result<Model> {
        Ok(Model::from(LayerRef::new(Self::unnamed(inputs.into(), outputs.into())?)))
    }

    /// As [`Functional::new`], with a name.
    ///
    /// # Errors
    /// As [`Functional::new`].
    pub fn named(name: &str, inputs: impl Into<Nested<Tensor>>, outputs: impl Into<Nested<Tensor>>) -> Result<Model> {
        let mut this = Self::unnamed(inputs.into(), outputs.into())?;
        this.base.set_name(name);
        Ok(Model::from(LayerRef::new(this)))
    }

    pub(super) fn unnamed(inputs: Nested<Tensor>, outputs: Nested<Tensor>) -> Result<Self> {
        let (inputs, outputs) = super::clone::from_inputs(inputs, outputs)?;
        let graph = Graph::new(inputs, outputs)?;
        let known: Vec<_> =
            graph.inputs.leaves().iter().filter_map(|t| Some(t.history()?.node.operation.id())).collect();
        for node in graph.nodes().iter().filter(|node| node.is_input()) {
            if !known.contains(&node.operation.id()) {
                return Err(Error::new(ErrorKind::Graph, "`inputs` not connected to `outputs`")
                    .expected("all inputs that the outputs need")
                    .received(format!("outputs that also need `{}`", node.operation.name())));
            }
        }
        let base = LayerBase::default();
        base.set_built();
        Ok(Self { base, graph })
    }

    /// Inputs as the graph takes them: in its order, of its dtypes and ranks.
    fn standardize(&self, inputs: &Nested<Tensor>) -> Result<Vec<Option<Tensor>>> {
        let symbols = self.graph.inputs.leaves();
        let name = |symbol: &Tensor| symbol.history().map(|history| history.node.operation.name()).unwrap_or_default();
        let by_name: Option<Vec<Option<Tensor>>> = match (inputs, &self.graph.inputs) {
            (Nested::Dict(given), Nested::Dict(asked)) => {
                let mut keys: Vec<&String> = asked.keys().collect();
                keys.sort();
                Some(
                    keys.iter()
                        .flat_map(|key| match given.get(*key) {
                            Some(given) => given.slots().into_iter().map(Option::<&Tensor>::cloned).collect(),
                            None => vec![None],
                        })
                        .collect(),
                )
            }
            (Nested::Dict(given), _) => Some(
                symbols.iter().map(|symbol| given.get(&name(symbol)).and_then(|x| x.single().ok().cloned())).collect(),
            ),
            _ => None,
        };
        let flat = by_name.unwrap_or_else(|| inputs.slots().into_iter().map(Option::<&Tensor>::cloned).collect());
        if flat.len() != symbols.len() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "The structure of `inputs` doesn't match the expected structure",
            )
            .expected(format!(
                "{} inputs: {}",
                symbols.len(),
                symbols.iter().map(|s| name(s)).collect::<Vec<_>>().join(", ")
            ))
            .received(format!("{} inputs", flat.len())));
        }
        symbols
            .into_iter()
            .zip(flat)
            .map(|(symbol, input)| {
                let Some(input) = input else {
                    let optional = symbol.history().and_then(|h| {
                        as_layer(&*h.node.operation)?.downcast_ref::<InputLayer>().map(InputLayer::is_optional)
                    });
                    return match optional {
                        Some(true) => Ok(None),
                        _ => Err(Error::new(
                            ErrorKind::InvalidArgument,
                            format!("The input '{}' is not optional, but None was passed", name(symbol)),
                        )),
                    };
                };
                adjust(symbol, input).map(Some).map_err(|error| error.at(name(symbol)))
            })
            .collect()
    }
}

/// An input with the rank and dtype of the symbol that it stands for.
fn adjust(symbol: &Tensor, input: Tensor) -> Result<Tensor> {
    let (wanted, rank) = (symbol.shape(), input.rank());
    let mask = input.mask().cloned();
    let input = if rank == wanted.rank() + 1 && input.shape().get(-1)? == Some(1) {
        squeeze_at(&input, -1)?
    } else if rank + 1 == wanted.rank() && wanted.get(-1)? == Some(1) {
        expand_at(&input, -1)?
    } else {
        input
    };
    if !wanted.is_compatible(input.shape()) {
        return Err(Error::new(ErrorKind::Shape, "Invalid input shape")
            .expected(format!("shape {wanted}"))
            .received(format!("shape {}", input.shape())));
    }
    Ok(cast(&input, symbol.dtype())?.with_mask(mask))
}

impl Layer for Functional {
    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let inputs = self.standardize(&inputs.inputs()?)?;
        self.graph.run(inputs, cx)
    }

    fn call_arguments(&self) -> &'static [&'static str] {
        &["inputs", "training", "mask"]
    }

    fn autocasts(&self) -> bool {
        false
    }

    fn supports_masking(&self) -> bool {
        false
    }

    fn graph(&self) -> Option<&dyn GraphModel> {
        Some(self)
    }

    fn build_config(&self) -> Option<Value> {
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

impl HasBase for Functional {
    fn base(&self) -> &LayerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.base
    }
}

impl KerasSerializable for Functional {
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
