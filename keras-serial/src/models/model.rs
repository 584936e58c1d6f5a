//! `Model`: the handle to a model, with what all models can do.

use super::Sequential;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, ResultExt, did_you_mean};
use crate::json::Value;
use crate::layers::{InputLayer, Layer, LayerRef};
use crate::object::{Form, Handle};
use crate::registry::{CustomObjects, deserialize_form};
use crate::tensor::{Nested, Shape, Tensor};
use crate::variable::Variable;

/// A shared model: Functional, Sequential, or user-written.
///
/// A model has all methods of a [`LayerRef`]: `weights`, `get_weights`, `set_trainable`, ….
#[derive(Clone, Debug)]
pub struct Model(LayerRef);

impl Model {
    /// Returns the model as a layer, for use in other models.
    pub fn as_layer(&self) -> &LayerRef {
        &self.0
    }

    /// Returns the layers: those of the graph in its order, or those in fields.
    pub fn layers(&self) -> Vec<LayerRef> {
        match self.0.graph() {
            Some(graph) => graph.graph_layers(),
            None => self.0.layers(),
        }
    }

    /// Returns the layer with this name.
    ///
    /// # Errors
    /// If there is none; suggests similar names.
    pub fn get_layer(&self, name: &str) -> Result<LayerRef> {
        let layers = self.layers();
        layers.iter().find(|layer| layer.name() == name).cloned().ok_or_else(|| {
            let names: Vec<&str> = layers.iter().map(LayerRef::name).collect();
            let error = Error::new(ErrorKind::UnknownObject, format!("No such layer: {name}"))
                .expected(format!("one of {}", names.join(", ")))
                .at(self.name().to_owned());
            match did_you_mean(name, names) {
                Some(near) => error.hint(near),
                None => error,
            }
        })
    }

    /// Returns the layer at this position; negative ones count from the end.
    ///
    /// # Errors
    /// If there is none.
    pub fn layer_at(&self, index: isize) -> Result<LayerRef> {
        let layers = self.layers();
        let position = if index < 0 { index + layers.len() as isize } else { index };
        usize::try_from(position).ok().and_then(|i| layers.get(i).cloned()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "no such layer")
                .expected(format!("an index below {}", layers.len()))
                .received(index.to_string())
        })
    }

    /// Returns the input symbols, if the model has a graph.
    pub fn inputs(&self) -> Option<Nested<Tensor>> {
        self.0.graph()?.graph_inputs()
    }

    /// Returns the output symbols, if the model has a graph.
    pub fn outputs(&self) -> Option<Nested<Tensor>> {
        self.0.graph()?.graph_outputs()
    }

    /// Appends a layer to a Sequential model.
    ///
    /// # Errors
    /// If the model is not Sequential, the name is taken, or the shapes do not fit.
    pub fn add(&self, layer: impl Into<LayerRef>) -> Result<()> {
        self.sequential()?.add(layer.into())
    }

    /// Removes the last layer of a Sequential model.
    ///
    /// # Errors
    /// If the model is not Sequential.
    pub fn pop(&self) -> Result<Option<LayerRef>> {
        self.sequential()?.pop()
    }

    fn sequential(&self) -> Result<&Sequential> {
        self.0.downcast_ref().ok_or_else(|| {
            Error::new(ErrorKind::WrongKind, "only a Sequential model grows and shrinks")
                .received(format!("a {}", self.0.class_name()))
                .hint(
                    "make another model: `Functional::new` of the inputs and of a layer that is called on the outputs",
                )
                .at(self.name().to_owned())
        })
    }

    /// Builds the model for an input of this shape, including the batch.
    ///
    /// # Errors
    /// If the shape does not suit the model.
    pub fn build(&self, input: impl Into<Shape>) -> Result<()> {
        let input = input.into();
        if let Some(sequential) = self.0.downcast_ref::<Sequential>() {
            sequential.check_shape(&input).at_with(|| self.name().to_owned())?;
        }
        self.0.build(&input)
    }

    /// Serializes the whole model, without its weights, to JSON text (`Model.to_json`).
    ///
    /// # Errors
    /// If a layer's configuration can't be serialized.
    pub fn to_json(&self) -> Result<String> {
        Ok(Handle::serialize(&self.0)?.to_json())
    }

    /// Returns the configuration.
    ///
    /// # Errors
    /// If a layer's configuration can't be serialized.
    pub fn get_config(&self) -> Result<Config> {
        self.0.get_config()
    }

    /// Returns the compile configuration (`Model.get_compile_config`): the current one, or the one from the
    /// model's file.
    ///
    /// # Errors
    /// If an object in it can't be serialized.
    pub fn get_compile_config(&self) -> Result<Option<Value>> {
        self.0.compile_config()
    }

    /// Returns the weight with this path.
    ///
    /// # Errors
    /// If there is no such weight; suggests similar paths, or names the first ones.
    pub fn weight(&self, path: &str) -> Result<Variable> {
        let weights = self.0.weights();
        weights.iter().find(|weight| weight.path() == path).cloned().ok_or_else(|| {
            let error = Error::new(ErrorKind::Weights, format!("no weight `{path}`"));
            if weights.is_empty() {
                return error
                    .hint("the model has no weights; a model without an input shape gets them when it is built");
            }
            let paths = || weights.iter().map(Variable::path);
            let some = || {
                format!(
                    "the weights are {}{}",
                    quoted(paths().take(SHOWN)),
                    if weights.len() > SHOWN { ", …" } else { "" }
                )
            };
            error.hint(did_you_mean(path, paths()).unwrap_or_else(some))
        })
    }

    /// Returns true if the layer is an input layer.
    pub fn is_input(layer: &LayerRef) -> bool {
        layer.downcast_ref::<InputLayer>().is_some()
    }
}

/// How many paths are named where none is similar.
const SHOWN: usize = 6;

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Deserializes a model from JSON text (`keras.models.model_from_json`), with new weights.
///
/// # Errors
/// If the text is not valid JSON, an object in it is not registered, or a configuration is invalid.
pub fn model_from_json(text: &str, custom_objects: &CustomObjects) -> Result<Model> {
    model_from_config(&Value::parse(text)?, custom_objects)
}

/// Deserializes a model, with new weights.
///
/// # Errors
/// If an object in it is not registered, or a configuration is invalid.
pub fn model_from_config(form: &Value, custom_objects: &CustomObjects) -> Result<Model> {
    let _objects = crate::registry::with_argument(custom_objects);
    let dict = form.as_dict().ok_or_else(|| crate::config::wrong_type("a model's form, a dict", form))?;
    let object = Form::of(dict)?.ok_or_else(|| {
        Error::new(ErrorKind::Config, "not a model's form").expected("entries `class_name` and `config`")
    })?;
    deserialize_form(&object, form).map(Model)
}

impl From<LayerRef> for Model {
    fn from(layer: LayerRef) -> Self {
        Self(layer)
    }
}

impl<T: Layer> From<T> for Model {
    fn from(layer: T) -> Self {
        Self(LayerRef::new(layer))
    }
}

impl From<Model> for LayerRef {
    fn from(model: Model) -> Self {
        model.0
    }
}

impl From<&Model> for LayerRef {
    fn from(model: &Model) -> Self {
        model.0.clone()
    }
}

impl std::ops::Deref for Model {
    type Target = LayerRef;

    fn deref(&self) -> &LayerRef {
        &self.0
    }
}
