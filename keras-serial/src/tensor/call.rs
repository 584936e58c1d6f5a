//! `CallArgs` and `CallContext`: the arguments and the context of a call.

use std::fmt;

use indexmap::IndexMap;

use super::{Nested, Tensor};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::json::Value;

/// An argument of a call, or a leaf of a structure of arguments.
#[derive(Clone)]
pub enum Item {
    /// A tensor.
    Tensor(Tensor),
    /// A NumPy array, which configurations distinguish from a tensor.
    Array(Tensor),
    /// A number, boolean or string.
    Value(Value),
    /// Python's `slice(start, stop, step)`, as in the graph of `x[1:3]`.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// Python's `...`.
    Ellipsis,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tensor(tensor) => f.write_str(&tensor.outline()),
            Self::Array(array) => write!(f, "Array({})", array.outline()),
            Self::Value(value) => fmt::Debug::fmt(value, f),
            Self::Slice(start, stop, step) => {
                let bound = |bound: &Option<i64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
                write!(f, "{}:{}", bound(start), bound(stop))?;
                if step.is_some() { write!(f, ":{}", bound(step)) } else { Ok(()) }
            }
            Self::Ellipsis => f.write_str("..."),
        }
    }
}

/// The arguments of a call, positional ones and keywords, as a graph records them.
#[derive(Debug, Clone, Default)]
pub struct CallArgs {
    /// The positional arguments.
    pub positional: Vec<Nested<Item>>,
    /// The keyword arguments.
    pub keywords: IndexMap<String, Nested<Item>>,
    /// The names of the positional arguments, once bound.
    names: &'static [&'static str],
}

impl CallArgs {
    /// Creates a call without arguments.
    pub fn none() -> Self {
        Self::default()
    }

    /// Creates a call with one positional argument.
    pub fn one(inputs: impl Into<Nested<Tensor>>) -> Self {
        Self { positional: vec![items(&inputs.into())], ..Self::default() }
    }

    /// Creates a call with positional arguments of any kind.
    pub fn positional(positional: Vec<Nested<Item>>) -> Self {
        Self { positional, ..Self::default() }
    }

    /// Adds a positional argument.
    #[must_use]
    pub fn and(mut self, inputs: impl Into<Nested<Tensor>>) -> Self {
        self.positional.push(items(&inputs.into()));
        self
    }

    /// Adds a keyword argument of tensors.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, inputs: impl Into<Nested<Tensor>>) -> Self {
        self.keywords.insert(name.into(), items(&inputs.into()));
        self
    }

    /// Adds a keyword argument that is a number, boolean or string.
    #[must_use]
    pub fn with_value(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.keywords.insert(name.into(), Nested::Leaf(Item::Value(value.into())));
        self
    }

    /// Binds positional arguments to names.
    ///
    /// # Errors
    /// If there are more of them than names, one is given twice, or a keyword is unknown.
    pub fn bind(mut self, names: &'static [&'static str]) -> Result<Self> {
        if self.positional.len() > names.len() {
            return Err(Error::new(ErrorKind::InvalidArgument, "too many positional arguments")
                .expected(format!("at most {}: {}", names.len(), names.join(", ")))
                .received(self.positional.len().to_string()));
        }
        for (position, name) in self.keywords.keys().map(|key| (names.iter().position(|n| n == key), key)) {
            match position {
                Some(position) if position < self.positional.len() => {
                    return Err(Error::new(ErrorKind::InvalidArgument, format!("argument `{name}` is given twice")));
                }
                None if !matches!(name.as_str(), "training" | "mask") => {
                    let known = [names, &["training", "mask"]].concat();
                    let error = Error::new(ErrorKind::InvalidArgument, format!("unknown argument `{name}`"))
                        .expected(names.join(", "));
                    return Err(match did_you_mean(name, known) {
                        Some(near) => error.hint(near),
                        None => error,
                    });
                }
                _ => {}
            }
        }
        self.names = names;
        Ok(self)
    }

    /// Returns true if there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.keywords.is_empty()
    }

    /// Returns all tensors in Keras's order: positional arguments, then keywords sorted by name.
    pub fn tensors(&self) -> Vec<&Tensor> {
        let all = self.positional.iter().chain(super::nested::sorted(&self.keywords).map(|(_, arg)| arg));
        all.flat_map(|arg| arg.leaves()).filter_map(tensor_of).collect()
    }

    /// Returns an argument by name, positional or keyword; `None` if it is missing or Python's `None`.
    pub fn get(&self, name: &str) -> Option<&Nested<Item>> {
        let positional = || self.names.iter().position(|n| *n == name).and_then(|i| self.positional.get(i));
        let found = self.keywords.get(name).or_else(positional)?;
        match found {
            Nested::None | Nested::Leaf(Item::Value(Value::Null)) => None,
            found => Some(found),
        }
    }

    /// Returns the first argument, whatever its name.
    ///
    /// # Errors
    /// If there is none.
    pub fn first(&self) -> Result<&Nested<Item>> {
        let by_keyword = || self.names.first().and_then(|name| self.keywords.get(*name));
        self.positional.first().or_else(by_keyword).or_else(|| self.keywords.values().next()).ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "the first argument is missing")
                .expected(self.names.first().copied().unwrap_or("an input"))
        })
    }

    /// Returns the arguments that are tensors or structures of tensors only.
    pub(crate) fn tensor_arguments(&self) -> Vec<&Nested<Item>> {
        let is_tensor = |item: Option<&Item>| item.is_none_or(|item| tensor_of(item).is_some());
        let counts = |arg: &&Nested<Item>| {
            let items = arg.slots();
            !matches!(arg, Nested::None) && !items.is_empty() && items.into_iter().all(is_tensor)
        };
        self.positional.iter().chain(self.keywords.values()).filter(counts).collect()
    }

    /// Returns the first argument as one tensor.
    ///
    /// # Errors
    /// If it is not one tensor.
    pub fn tensor(&self) -> Result<&Tensor> {
        one_tensor(self.first()?)
    }

    /// Returns the tensors of the first argument, which is a list for layers that merge.
    ///
    /// # Errors
    /// If it contains anything else.
    pub fn inputs(&self) -> Result<Nested<Tensor>> {
        tensors(self.first()?)
    }

    /// Returns an optional argument as one tensor.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn optional(&self, name: &str) -> Result<Option<&Tensor>> {
        self.get(name).map(one_tensor).transpose().map_err(|error| error.at(name.to_owned()))
    }

    /// Returns a required argument as one tensor.
    ///
    /// # Errors
    /// If it is missing or anything else.
    pub fn required(&self, name: &'static str) -> Result<&Tensor> {
        self.optional(name)?.ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, format!("missing argument `{name}`")).expected("a tensor")
        })
    }

    /// Returns an optional argument as a structure of tensors.
    ///
    /// # Errors
    /// If it contains anything else.
    pub fn structure(&self, name: &str) -> Result<Option<Nested<Tensor>>> {
        self.get(name).map(tensors).transpose().map_err(|error| error.at(name.to_owned()))
    }

    /// Returns an optional argument as a plain value.
    pub fn value(&self, name: &str) -> Option<&Value> {
        match self.get(name) {
            Some(Nested::Leaf(Item::Value(value))) => Some(value),
            _ => None,
        }
    }

    /// Returns an optional boolean argument, or `default`.
    ///
    /// # Errors
    /// If it is not a boolean.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name) {
            None => Ok(default),
            Some(Nested::Leaf(Item::Value(Value::Bool(flag)))) => Ok(*flag),
            Some(_) => {
                Err(Error::new(ErrorKind::InvalidArgument, "wrong type").expected("a boolean").at(name.to_owned()))
            }
        }
    }

    /// Replaces the tensors in the arguments.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map(&self, f: &mut impl FnMut(&Tensor) -> Result<Nested<Item>>) -> Result<Self> {
        let mut arg = |arg: &Nested<Item>| replace(arg, f);
        Ok(Self {
            positional: self.positional.iter().map(&mut arg).collect::<Result<_>>()?,
            keywords: mapped(&self.keywords, &mut arg)?,
            names: self.names,
        })
    }
}

/// Maps values by name, in the order of the names; keeps the order of the entries.
fn mapped(
    args: &IndexMap<String, Nested<Item>>,
    map: &mut impl FnMut(&Nested<Item>) -> Result<Nested<Item>>,
) -> Result<IndexMap<String, Nested<Item>>> {
    let mut mapped: IndexMap<_, _> = args.keys().map(|name| (name.clone(), Nested::None)).collect();
    for (name, arg) in super::nested::sorted(args) {
        mapped.insert(name.clone(), map(arg)?);
    }
    Ok(mapped)
}

fn replace(arg: &Nested<Item>, f: &mut impl FnMut(&Tensor) -> Result<Nested<Item>>) -> Result<Nested<Item>> {
    Ok(match arg {
        Nested::Leaf(Item::Tensor(tensor)) => f(tensor)?,
        Nested::Leaf(Item::Array(array)) => match f(array)? {
            Nested::Leaf(Item::Tensor(array)) => Nested::Leaf(Item::Array(array)),
            other => other,
        },
        Nested::List(args) => Nested::List(args.iter().map(|arg| replace(arg, f)).collect::<Result<_>>()?),
        Nested::Tuple(args) => Nested::Tuple(args.iter().map(|arg| replace(arg, f)).collect::<Result<_>>()?),
        Nested::Dict(args) => Nested::Dict(mapped(args, &mut |arg| replace(arg, f))?),
        other => other.clone(),
    })
}

fn items(inputs: &Nested<Tensor>) -> Nested<Item> {
    inputs.map(|tensor| Item::Tensor(tensor.clone()))
}

fn one_tensor(arg: &Nested<Item>) -> Result<&Tensor> {
    match arg.leaves().as_slice() {
        [Item::Tensor(tensor) | Item::Array(tensor)] => Ok(tensor),
        leaves => Err(Error::new(ErrorKind::InvalidArgument, "wrong argument")
            .expected("one tensor")
            .received(format!("{} values", leaves.len()))),
    }
}

fn tensors(arg: &Nested<Item>) -> Result<Nested<Tensor>> {
    arg.try_map(&mut |item| match item {
        Item::Tensor(tensor) | Item::Array(tensor) => Ok(tensor.clone()),
        other => Err(Error::new(ErrorKind::InvalidArgument, "wrong argument")
            .expected("tensors")
            .received(format!("{other:?}"))),
    })
}

/// What calls take as their arguments: whatever converts into [`CallArgs`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be given to a call",
    label = "is neither tensors nor `CallArgs`",
    note = "a tensor or a reference to one, `vec![a, b]` for a list, `Nested::dict([(\"a\", a), (\"b\", b)])` by name; `CallArgs::one(x).and(y)` for several arguments",
    note = "`Tensor::from_slice` and `Tensor::from_vec` make tensors of numbers, `Tensor::from_strings` of texts; a `Result` is unwrapped by `?`"
)]
pub trait IntoCallArgs {
    /// Converts to the arguments.
    fn into_args(self) -> CallArgs;
}

// A trait of its own, and hidden here, so that the message above is the one that is shown.
#[diagnostic::do_not_recommend]
impl<T: Into<CallArgs>> IntoCallArgs for T {
    fn into_args(self) -> CallArgs {
        self.into()
    }
}

impl<T: Into<Nested<Tensor>>> From<T> for CallArgs {
    fn from(inputs: T) -> Self {
        Self::one(inputs)
    }
}

impl From<&Tensor> for CallArgs {
    fn from(input: &Tensor) -> Self {
        Self::one(input.clone())
    }
}

/// The context of a call: whether the model is training, the masks of the inputs, and arguments that flow
/// from outer calls to the layers inside.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    training: Option<bool>,
    masks: Vec<Option<Tensor>>,
    arguments: IndexMap<String, Value>,
}

impl CallContext {
    /// Creates the context of inference, without masks.
    pub fn inference() -> Self {
        Self { training: Some(false), ..Self::default() }
    }

    /// Creates the context of training.
    pub fn training() -> Self {
        Self { training: Some(true), ..Self::default() }
    }

    /// Returns true in training, when dropout is active and batch statistics are used.
    pub fn is_training(&self) -> bool {
        self.training.unwrap_or(false)
    }

    /// Returns the `training` argument, if it was given.
    pub fn training_arg(&self) -> Option<bool> {
        self.training
    }

    /// Returns the mask of the call: its argument `mask`, or the mask that its only tensor argument carries.
    pub fn mask(&self) -> Option<&Tensor> {
        self.masks.first().and_then(Option::as_ref)
    }

    /// Returns the masks of the call in Keras's order, one for each tensor of the argument.
    pub fn masks(&self) -> &[Option<Tensor>] {
        &self.masks
    }

    /// Returns the context with another `training` argument.
    #[must_use]
    pub fn with_training(&self, training: Option<bool>) -> Self {
        Self { training, ..self.clone() }
    }

    /// Returns the context with other masks.
    #[must_use]
    pub fn with_masks(&self, masks: Vec<Option<Tensor>>) -> Self {
        Self { masks, ..self.clone() }
    }

    /// Returns an argument of an outer call that flows to the layers inside (see
    /// [`Signature::context`](crate::layers::Signature::context)).
    pub fn argument(&self, name: &str) -> Option<&Value> {
        self.arguments.get(name)
    }

    /// Returns the context with a value for an argument that flows to the layers inside.
    #[must_use]
    pub fn with_argument(&self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let mut this = self.clone();
        this.arguments.insert(name.into(), value.into());
        this
    }
}

/// Returns the tensor of an item, if it is one.
pub(crate) fn tensor_of(item: &Item) -> Option<&Tensor> {
    match item {
        Item::Tensor(tensor) | Item::Array(tensor) => Some(tensor),
        _ => None,
    }
}
