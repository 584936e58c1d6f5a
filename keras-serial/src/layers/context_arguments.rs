//! Call arguments that flow to the layers inside (`Layer._register_call_context_args`).

use super::LayerRef;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::tensor::{CallArgs, CallContext, Item, Nested};

impl LayerRef {
    /// Returns the names of call arguments that flow to the layers inside: `training`, and those that the
    /// layer's type names or that were registered.
    pub fn context_arguments(&self) -> Vec<String> {
        std::iter::once("training".to_owned()).chain(self.own_context_arguments()).collect()
    }

    /// Returns the same without `training`, which the context handles itself.
    fn own_context_arguments(&self) -> Vec<String> {
        let mut names: Vec<String> = self.layer().signature().context.iter().map(|name| (*name).to_owned()).collect();
        for name in self.base().context_arguments().iter() {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// Registers call arguments that flow to the layers inside, in addition to those of the layer's type
    /// ([`Signature::context`](super::Signature::context)): a model passes on what one of its
    /// layers asks for.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Dense::new(2).shared()])?;
    /// model.register_context_arguments(["causal"])?;
    /// let x = Tensor::from_slice(&[1.0f32; 3], [1, 3])?;
    /// model.apply(CallArgs::from(&x).with_value("causal", true))?;
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the layer was already called.
    pub fn register_context_arguments<S: Into<String>>(&self, names: impl IntoIterator<Item = S>) -> Result<()> {
        if self.base().was_called() {
            let error = "Cannot add call-context args after the layer has been called";
            return Err(Error::new(ErrorKind::InvalidArgument, error).at(self.name().to_owned()));
        }
        self.base().context_arguments().extend(names.into_iter().map(Into::into));
        Ok(())
    }

    /// Binds the arguments of a call and puts the context arguments into the context; those that the layer's
    /// `call` does not take are removed from the arguments.
    pub(super) fn flow(&self, mut args: CallArgs, cx: &CallContext) -> Result<(CallArgs, CallContext)> {
        let taken = self.layer().signature().call;
        let mut cx = cx.clone();
        let names = self.own_context_arguments();
        for name in names.iter().filter(|name| !taken.contains(&name.as_str())) {
            if let Some(Nested::Leaf(Item::Value(value))) = args.keywords.shift_remove(name)
                && !value.is_null()
            {
                cx = cx.with_argument(name, value);
            }
        }
        let args = args.bind(taken)?;
        for name in names.iter().filter(|name| taken.contains(&name.as_str())) {
            if let Some(value) = args.value(name) {
                cx = cx.with_argument(name, value.clone());
            }
        }
        Ok((args, cx))
    }

    /// Adds the context arguments that the layer's `call` takes but was not given.
    pub(super) fn with_flowing(&self, mut args: CallArgs, cx: &CallContext) -> CallArgs {
        let taken = self.layer().signature().call;
        for name in self.own_context_arguments().iter().filter(|name| taken.contains(&name.as_str())) {
            if let Some(value) = cx.argument(name).filter(|_| args.get(name).is_none()) {
                args = args.with_value(name, Value::clone(value));
            }
        }
        args
    }
}
