//! The inputs of a model.

use std::sync::OnceLock;

use crate::config::{Config, ConfigField, HasBase, KerasSerializable};
use crate::dtype_policies::Policy;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::Value;
use crate::layers::{Layer, LayerBase, LayerRef, OwnState};
use crate::tensor::symbolic::{History, Node};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Shape, Tensor};
use crate::{config, register};

/// A model's input layer: it takes no arguments and its output is a symbol.
///
/// `batch_shape` is the shape including the batch; `dtype` is `float32` by default.
///
/// Follows <https://keras.io/api/layers/core_layers/input_layer>.
#[register(builtin = "keras.layers")]
pub struct InputLayer {
    base: LayerBase,
    batch_shape: Shape,
    dtype: DType,
    sparse: bool,
    ragged: bool,
    optional: bool,
    /// The error of an unknown dtype, where the symbol is asked for.
    wrong: Option<Error>,
    /// The layer's only call, without arguments; the model's graph keeps it alive.
    output: OnceLock<std::sync::Weak<Node>>,
}

impl InputLayer {
    /// Returns the shape including the batch.
    pub fn batch_shape(&self) -> &Shape {
        &self.batch_shape
    }

    /// Returns the dtype of the input.
    pub fn input_dtype(&self) -> DType {
        self.dtype
    }

    /// Returns true if the input can be left out.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Returns the symbol that the layer outputs.
    ///
    /// # Errors
    /// If `layer` is not an input layer.
    pub(crate) fn output(layer: &LayerRef) -> Result<Tensor> {
        let this = layer.downcast_ref::<Self>().ok_or_else(|| Error::new(ErrorKind::Graph, "not an input layer"))?;
        if let Some(wrong) = &this.wrong {
            return Err(wrong.clone().at("dtype").at(layer.name().to_owned()));
        }
        if let Some(node) = this.output.get().and_then(std::sync::Weak::upgrade) {
            return Ok(Tensor::symbol(&this.batch_shape, this.dtype).recorded(History { node, index: 0 }));
        }
        let symbol = Tensor::symbol(&this.batch_shape, this.dtype);
        let outputs =
            this.base.inbound().record(std::sync::Arc::new(layer.clone()), CallArgs::none(), Nested::Leaf(symbol))?;
        let output = outputs.into_single()?;
        if let Some(history) = output.history() {
            // If another thread was faster, its call is as good.
            let _ = this.output.set(std::sync::Arc::downgrade(&history.node));
        }
        Ok(output)
    }
}

/// Builder of the symbol that a model starts from (`keras.Input`).
///
/// ```
/// use keras_serial::layers::Input;
/// let x = Input::new([32]).name("features").tensor()?;
/// assert_eq!(x.shape().to_string(), "(None, 32)");
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[must_use = "`tensor` gives the symbol, `layer` the layer"]
#[derive(Debug, Clone)]
pub struct Input {
    shape: Shape,
    batch_size: Option<usize>,
    dtype: Policy,
    name: Option<String>,
    optional: bool,
}

impl Input {
    /// Creates an input of this shape, without the batch.
    pub fn new(shape: impl Into<Shape>) -> Self {
        Self { shape: shape.into(), batch_size: None, dtype: Policy::default(), name: None, optional: false }
    }

    /// Fixes the batch size.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = Some(batch_size);
        self
    }

    /// Sets the dtype, by name or as a [`DType`]; `float32` by default. An unknown name is an error where the
    /// input is first used.
    ///
    /// ```
    /// use keras_serial::layers::Input;
    /// assert_eq!(Input::new([1]).dtype("string").tensor()?.dtype().name(), "string");
    /// assert!(Input::new([1]).dtype("text").tensor().is_err());
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn dtype(mut self, dtype: impl Into<Policy>) -> Self {
        self.dtype = dtype.into();
        self
    }

    /// Names the input.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets whether the input can be left out; false by default.
    pub fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }

    /// Returns the input layer, for [`Sequential`](crate::models::Sequential).
    pub fn layer(self) -> LayerRef {
        let batch_shape: Shape = std::iter::once(self.batch_size).chain(self.shape.dims().iter().copied()).collect();
        Self::make(batch_shape, self.dtype.compute_dtype(), self.name, self.optional)
    }

    pub(crate) fn with_batch_shape(batch_shape: Shape, dtype: DType, name: Option<String>, optional: bool) -> LayerRef {
        Self::make(batch_shape, Ok(dtype), name, optional)
    }

    fn make(batch_shape: Shape, dtype: Result<DType>, name: Option<String>, optional: bool) -> LayerRef {
        let mut base = LayerBase::default();
        if let Some(name) = name {
            base.set_name(name);
        }
        base.set_built();
        LayerRef::new(InputLayer {
            base,
            batch_shape,
            dtype: *dtype.as_ref().unwrap_or(&DType::Float32),
            sparse: false,
            ragged: false,
            optional,
            wrong: dtype.err(),
            output: OnceLock::new(),
        })
    }

    /// Returns the input's symbol.
    ///
    /// # Errors
    /// If the dtype is unknown.
    pub fn tensor(self) -> Result<Tensor> {
        InputLayer::output(&self.layer())
    }
}

impl From<Input> for LayerRef {
    fn from(input: Input) -> Self {
        input.layer()
    }
}

impl KerasSerializable for InputLayer {
    crate::config::described_by_hand! { InputLayer {
        "batch_shape": Option<Shape> = None, "The shape with the batch axis, null for unknown extents.";
        "shape": Option<Shape> = None, "The shape without the batch axis, instead of `batch_shape`.";
        "batch_input_shape": Option<Shape> = None, "As `batch_shape`, in files of Keras 2.";
        "dtype": Policy = Policy::default(), "The dtype of the values; `float32` by default.";
        "sparse": bool = false, "Whether the values are a sparse tensor, which is not supported.";
        "ragged": bool = false, "Whether the values are a ragged tensor, which is not supported.";
        "name": Option<String> = None, "The name; generated by default.";
        "optional": bool = false, "Whether the input can be left out.";
        "input_tensor": Option<crate::json::Value> = None, "Ignored.";
    } allows_unknown: true }

    fn get_config(&self) -> Result<Config> {
        Ok(Config::from([
            ("batch_shape".to_owned(), self.batch_shape.to_value()?),
            ("dtype".to_owned(), Value::from(self.dtype.name())),
            ("sparse".to_owned(), Value::Bool(self.sparse)),
            ("ragged".to_owned(), Value::Bool(self.ragged)),
            ("name".to_owned(), Value::from(self.base.name("InputLayer"))),
            ("optional".to_owned(), Value::Bool(self.optional)),
        ]))
    }

    fn from_config(config: &Config) -> Result<Self> {
        let flag = |name: &'static str| config::field::optional(config, name, &[], bool::from_value, || false);
        let mut base = LayerBase::default();
        if let Some(name) = config.get("name").filter(|name| !name.is_null()) {
            base.set_name(String::from_value(name).at("name")?);
        }
        let batch_shape = match config::field::entry(config, "batch_shape", &["batch_input_shape"]) {
            Some(shape) if !shape.is_null() => Shape::from_value(shape).at("batch_shape")?,
            _ => {
                let shape: Shape = config::field::required(config, "shape", &[], Shape::from_value)?;
                std::iter::once(None).chain(shape.dims().iter().copied()).collect()
            }
        };
        let dtype = match config.get("dtype") {
            None | Some(Value::Null) => DType::Float32,
            Some(Value::Str(name)) => name.parse().at("dtype")?,
            Some(form) => Policy::from_value(form).at("dtype")?.compute_dtype()?,
        };
        base.set_built();
        let this = Self {
            base,
            batch_shape,
            dtype,
            sparse: flag("sparse")?,
            ragged: flag("ragged")?,
            optional: flag("optional")?,
            wrong: None,
            output: OnceLock::new(),
        };
        if this.sparse || this.ragged {
            return Err(Error::new(ErrorKind::Unsupported, "sparse and ragged inputs are not supported"));
        }
        Ok(this)
    }
}

impl HasBase<LayerBase> for InputLayer {
    fn base(&self) -> &LayerBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        &mut self.base
    }
}

impl Layer for InputLayer {
    fn call(&self, _: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        Err(Error::new(ErrorKind::Graph, "an input layer can't be called"))
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl OwnState for InputLayer {
    fn build_config(&self, _: Option<Value>) -> Option<Value> {
        None
    }
}
