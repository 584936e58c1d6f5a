//! Operations as nodes of a graph: `keras.ops` called on symbols.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::object::{Form, Handle, Kind};
use crate::tensor::symbolic::{Inbound, Inner, Operation, is_recording};
use crate::tensor::{CallArgs, CallContext, Item, Nested, Tensor};
use crate::utils::auto_name;

/// A class of operations: how configurations call it, and how it computes.
pub(crate) struct OpClass {
    /// Keras's module: `keras.src.ops.numpy`.
    pub module: &'static str,
    /// Keras's class: `Mean`.
    pub class_name: &'static str,
    /// Computes from the configuration (`axis`, …) and the arguments.
    pub run: fn(&Config, &CallArgs) -> Result<Nested<Tensor>>,
}

inventory::collect!(OpClass);

/// One operation in a graph.
pub struct OpNode {
    class: &'static OpClass,
    /// As Keras writes it: `name`, then the constructor's arguments.
    config: Config,
    inbound: Inbound,
    /// The name that it is given where the configuration has none.
    name: Mutex<Option<String>>,
}

impl OpNode {
    fn new(class: &'static OpClass, config: Config) -> Self {
        Self { class, config, inbound: Inbound::default(), name: Mutex::default() }
    }

    /// Keras's class: `Mean`.
    pub fn class_name(&self) -> &'static str {
        self.class.class_name
    }

    fn label(&self) -> String {
        match self.config.get("name").and_then(Value::as_str) {
            Some(name) => name.to_owned(),
            None => {
                let mut name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
                name.get_or_insert_with(|| auto_name(self.class.class_name)).clone()
            }
        }
    }

    /// Takes another name if its own was made up and is taken: names that files give to layers are not
    /// known where names are made up.
    pub(crate) fn rename_if(&self, is_taken: impl Fn(&str) -> bool) {
        if self.config.get("name").and_then(Value::as_str).is_none() {
            let mut name = self.name.lock().unwrap_or_else(PoisonError::into_inner);
            while name.as_deref().is_none_or(&is_taken) {
                *name = Some(auto_name(self.class.class_name));
            }
        }
    }
}

/// A shared handle to an operation of a graph.
#[derive(Clone)]
pub struct OpRef(pub(crate) Arc<OpNode>);

impl OpRef {
    /// The operation of a form `{module: "keras.src.ops.…", class_name, config}`; `None` when the
    /// form is not one of an operation.
    ///
    /// # Errors
    /// When Keras has such an operation and this crate has not.
    pub(crate) fn from_form(form: &Form<'_>) -> Result<Option<Self>> {
        let Some(module) =
            form.module().filter(|module| module.starts_with("keras.src.ops.") || *module == "keras.ops")
        else {
            return Ok(None);
        };
        let mut classes = inventory::iter::<OpClass>.into_iter();
        let class = classes.find(|class| class.class_name == form.class_name).ok_or_else(|| {
            let known = inventory::iter::<OpClass>.into_iter().map(|class| class.class_name);
            let error = Error::new(
                ErrorKind::Unsupported,
                format!("the operation `{module}.{}` is not supported", form.class_name),
            );
            match crate::error::did_you_mean(form.class_name, known) {
                Some(near) => error.hint(near),
                None => error,
            }
            .at(form.label().to_owned())
        })?;
        Ok(Some(Self(Arc::new(OpNode::new(class, form.config_dict()?.into_owned())))))
    }
}

impl Operation for OpRef {
    fn name(&self) -> String {
        self.0.label()
    }

    fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    fn inbound(&self) -> &Inbound {
        &self.0.inbound
    }

    fn run(&self, args: &CallArgs, _cx: &CallContext) -> Result<Nested<Tensor>> {
        if is_recording(args) {
            let outputs = {
                let _inner = Inner::enter();
                (self.0.class.run)(&self.0.config, args).at_with(|| self.0.label())?
            };
            return self.0.inbound.record(Arc::new(self.clone()), args.clone(), outputs);
        }
        (self.0.class.run)(&self.0.config, args).at_with(|| self.0.label())
    }

    fn serialize(&self) -> Result<Value> {
        let mut config = Dict::from([("name".to_owned(), Value::from(self.0.label()))]);
        config.extend(self.0.config.iter().map(|(key, value)| (key.clone(), value.clone())));
        Ok(Value::Dict(Dict::from([
            ("module".to_owned(), Value::from(self.0.class.module)),
            ("class_name".to_owned(), Value::from(self.0.class.class_name)),
            ("config".to_owned(), Value::Dict(config)),
            ("registered_name".to_owned(), Value::from(self.0.class.class_name)),
        ])))
    }
}

impl Handle for OpRef {
    fn kind(&self) -> Kind {
        Kind::Operation
    }

    fn serialize(&self) -> Result<Value> {
        Operation::serialize(self)
    }

    fn address(&self) -> usize {
        self.id()
    }
}

/// Calls an operation: records it when symbols are at hand and no layer is being called around it.
pub(crate) fn apply(class: &'static OpClass, config: Config, args: CallArgs) -> Result<Nested<Tensor>> {
    if is_recording(&args) {
        return OpRef(Arc::new(OpNode::new(class, config))).run(&args, &CallContext::inference());
    }
    let outputs = (class.run)(&config, &args)?;
    if gives_itself(class) {
        return Ok(outputs);
    }
    // What an operation gives is another tensor, also where the values are those of an input.
    let inputs = args.tensors();
    let is_input = |output: &Tensor| inputs.iter().any(|input| input.is_same(output));
    Ok(outputs.map(|output| if is_input(output) { output.unmasked() } else { output.clone() }))
}

/// Does TensorFlow give the very input where there is nothing to do?
fn gives_itself(class: &OpClass) -> bool {
    matches!(class.class_name, "Cast" | "ConvertToTensor" | "Real" | "Conjugate")
}

/// One operand of an operation: a tensor, or a number that takes the other operand's dtype.
#[derive(Debug, Clone)]
pub enum Operand {
    /// A tensor.
    Tensor(Tensor),
    /// A number or truth value of Python.
    Value(Value),
}

impl From<&Tensor> for Operand {
    fn from(tensor: &Tensor) -> Self {
        Self::Tensor(tensor.clone())
    }
}

impl From<Tensor> for Operand {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl From<$number> for Operand {
            fn from(number: $number) -> Self {
                Self::Value(Value::from(number))
            }
        }
    )*};
}

numbers!(f64, f32, i32, i64, bool);

impl Operand {
    /// The operand of a recorded call.
    pub(crate) fn of(item: &Nested<Item>) -> Result<Self> {
        match item {
            Nested::Leaf(Item::Tensor(tensor) | Item::Array(tensor)) => Ok(Self::Tensor(tensor.clone())),
            Nested::Leaf(Item::Value(value)) if value.as_f64().is_some() || value.as_bool().is_some() => {
                Ok(Self::Value(value.clone()))
            }
            other => Err(Error::new(ErrorKind::InvalidArgument, "wrong operand")
                .expected("a tensor or a number")
                .received(format!("{other:?}"))),
        }
    }

    pub(crate) fn into_item(self) -> Nested<Item> {
        Nested::Leaf(match self {
            Self::Tensor(tensor) => Item::Tensor(tensor),
            Self::Value(value) => Item::Value(value),
        })
    }
}

/// A configuration of constructor arguments.
macro_rules! config {
    ($($key:ident: $value:expr),* $(,)?) => {
        $crate::config::Config::from([$((stringify!($key).to_owned(), $crate::json::Value::from($value))),*])
    };
}
pub(crate) use config;
