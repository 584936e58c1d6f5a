//! Operations as nodes of a recorded graph: `keras.ops` called on symbols.

use std::sync::{Arc, Mutex};

use super::own::OwnNode;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, ResultExt};
use crate::json::{Dict, Value};
use crate::object::{Form, Handle, Kind};
use crate::tensor::symbolic::{Inbound, Inner, Operation, check_ranked, is_recording};
use crate::tensor::{CallArgs, CallContext, DType, Item, Nested, Tensor};
use crate::utils::{Locked, auto_name};

/// A class of operations: its name in configurations, and the function that computes it.
pub(crate) struct OpClass {
    /// Keras's module: `keras.src.ops.numpy`.
    pub module: &'static str,
    /// Keras's class: `Mean`.
    pub class_name: &'static str,
    /// Computes the outputs from the configuration (`axis`, …) and the arguments.
    pub run: fn(&Config, &CallArgs) -> Result<Nested<Tensor>>,
}

inventory::collect!(OpClass);

#[cfg(feature = "files")]
inventory::submit! {
    crate::registry::Operations {
        has: |class_name| inventory::iter::<OpClass>.into_iter().any(|class| class.class_name == class_name),
    }
}

/// An operation in a graph.
pub struct OpNode {
    node: Node,
    inbound: Inbound,
}

/// What a node computes: a built-in operation of Keras, or a user's operation.
pub(super) enum Node {
    Builtin(Builtin),
    Own(OwnNode),
}

/// A built-in operation of Keras.
pub(super) struct Builtin {
    class: &'static OpClass,
    /// The configuration as Keras writes it: `name`, then the constructor's arguments.
    config: Config,
    /// The generated name, if the configuration has none.
    name: Mutex<Option<String>>,
}

impl OpNode {
    fn builtin(class: &'static OpClass, config: Config) -> Self {
        Self { node: Node::Builtin(Builtin { class, config, name: Mutex::default() }), inbound: Inbound::default() }
    }

    /// Returns Keras's class name: `Mean`.
    pub fn class_name(&self) -> &str {
        match &self.node {
            Node::Builtin(builtin) => builtin.class.class_name,
            Node::Own(own) => own.class_name(),
        }
    }

    fn label(&self) -> String {
        match &self.node {
            Node::Builtin(builtin) => match builtin.config.get("name").and_then(Value::as_str) {
                Some(name) => name.to_owned(),
                None => {
                    let mut name = builtin.name.locked();
                    name.get_or_insert_with(|| auto_name(builtin.class.class_name)).clone()
                }
            },
            Node::Own(own) => own.label(),
        }
    }

    /// Generates another name if this one was generated and is taken: generated names do not take the names
    /// of layers from files into account.
    pub(crate) fn rename_if(&self, is_taken: impl Fn(&str) -> bool) {
        match &self.node {
            Node::Builtin(builtin) if builtin.config.get("name").and_then(Value::as_str).is_none() => {
                let mut name = builtin.name.locked();
                while name.as_deref().is_none_or(&is_taken) {
                    *name = Some(auto_name(builtin.class.class_name));
                }
            }
            Node::Builtin(_) => {}
            Node::Own(own) => own.rename_if(is_taken),
        }
    }

    fn compute(&self, args: &CallArgs) -> Result<Nested<Tensor>> {
        match &self.node {
            Node::Builtin(builtin) => compute(builtin.class, &builtin.config, args),
            Node::Own(own) => own.run(args),
        }
    }
}

/// A shared handle to an operation of a graph.
#[derive(Clone)]
pub struct OpRef(pub(crate) Arc<OpNode>);

impl OpRef {
    /// Returns a handle to a node that is not in a graph yet.
    pub(super) fn of_node(node: Node) -> Self {
        Self(Arc::new(OpNode { node, inbound: Inbound::default() }))
    }

    /// Deserializes an operation: `{module: "keras.src.ops.…", class_name, config}`, or a class that is
    /// registered as an operation. Returns `None` if the form is not an operation.
    ///
    /// # Errors
    /// If Keras has the operation but this crate does not.
    pub(crate) fn from_form(form: &Form<'_>) -> Result<Option<Self>> {
        let classes = || inventory::iter::<OpClass>.into_iter();
        let Some(module) = form.module().filter(|_| crate::registry::is_keras_operation(form)) else {
            return Ok(OwnNode::from_form(form)?.map(|own| Self::of_node(Node::Own(own))));
        };
        let class = classes().find(|class| class.class_name == form.class_name).ok_or_else(|| {
            let error = Error::new(
                ErrorKind::Unsupported,
                format!("the operation `{module}.{}` is not supported", form.class_name),
            );
            match crate::error::did_you_mean(form.class_name, classes().map(|class| class.class_name)) {
                Some(near) => error.hint(near),
                None => error,
            }
            .at(form.label().to_owned())
        })?;
        let mut config = form.config_dict()?.into_owned();
        // The configuration of some classes has no name; then the graph has it.
        if !config.contains_key("name")
            && let Some(Value::Str(name)) = form.dict.get("name")
        {
            config.insert("name".to_owned(), Value::from(name.as_str()));
        }
        Ok(Some(Self(Arc::new(OpNode::builtin(class, config)))))
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
            check_ranked(args).at_with(|| self.0.label())?;
            let outputs = {
                let _inner = Inner::enter();
                self.0.compute(args).at_with(|| self.0.label())?
            };
            return self.0.inbound.record(Arc::new(self.clone()), args.clone(), outputs);
        }
        self.0.compute(args).at_with(|| self.0.label())
    }

    fn serialize(&self) -> Result<Value> {
        let Builtin { class, config: own, .. } = match &self.0.node {
            Node::Builtin(builtin) => builtin,
            Node::Own(own) => return own.serialize(),
        };
        let mut config = Dict::from([("name".to_owned(), Value::from(self.0.label()))]);
        config.extend(own.iter().map(|(key, value)| (key.clone(), value.clone())));
        // The constructors of these classes take no name in Keras.
        if matches!(class.class_name, "ExtractPatches" | "FakeQuantWithMinMaxVars") {
            config.retain(|key, _| key != "name");
        }
        Ok(Value::Dict(Dict::from([
            ("module".to_owned(), Value::from(class.module)),
            ("class_name".to_owned(), Value::from(class.class_name)),
            ("config".to_owned(), Value::Dict(config)),
            ("registered_name".to_owned(), Value::from(class.class_name)),
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

/// Calls an operation: records it if an argument is a symbol and no layer is being called, else computes it.
pub(crate) fn apply(class: &'static OpClass, config: Config, args: CallArgs) -> Result<Nested<Tensor>> {
    if is_recording(&args) {
        return OpRef(Arc::new(OpNode::builtin(class, config))).run(&args, &CallContext::inference());
    }
    let outputs = compute(class, &config, &args)?;
    if gives_itself(class) {
        return Ok(outputs);
    }
    // Operations return a new tensor even if the values are those of an input.
    let inputs = args.tensors();
    let is_input = |output: &Tensor| inputs.iter().any(|input| input.is_same(output));
    Ok(outputs.map(|output| if is_input(output) { output.unmasked() } else { output.clone() }))
}

/// Returns true for operations that return the input itself in TensorFlow if there is nothing to do.
fn gives_itself(class: &OpClass) -> bool {
    matches!(class.class_name, "Cast" | "ConvertToTensor" | "Real" | "Conjugate")
}

/// Computes an operation. If an input is empty and the outputs are too, they are inferred from shapes, as the
/// engine does not support tensors without elements.
fn compute(class: &OpClass, config: &Config, args: &CallArgs) -> Result<Nested<Tensor>> {
    let is_empty = |x: &Tensor| x.dtype() != DType::String && x.shape().num_elements() == Some(0);
    if args.tensors().into_iter().any(is_empty) {
        let symbols = args.try_map(&mut |x| {
            let x = if is_empty(x) { Tensor::symbol(x.shape(), x.dtype()) } else { x.clone() };
            Ok(Nested::Leaf(Item::Tensor(x)))
        })?;
        let _inner = Inner::enter();
        if let Ok(outputs) = (class.run)(config, &symbols)
            && outputs.leaves().iter().all(|output| output.shape().num_elements() == Some(0))
        {
            let inputs = args.tensors();
            return outputs.try_map(&mut |output| super::empty::empty_from(&inputs, output.shape(), output.dtype()));
        }
    }
    (class.run)(config, args)
}

/// Builds a configuration of constructor arguments.
macro_rules! config {
    ($($key:ident: $value:expr),* $(,)?) => {
        $crate::config::Config::from([$((stringify!($key).to_owned(), $crate::json::Value::from($value))),*])
    };
}
pub(crate) use config;
