//! Calling a layer: casting of inputs, masks, building on the first call, recording in a graph.

use std::sync::Arc;

use super::LayerRef;
use crate::error::{Result, ResultExt};
use crate::json::Value;
use crate::layers::masks::{self, CallMasks};
use crate::layers::tracking::{self, Tracking};
use crate::layers::{BuildAttempt, losses};
use crate::object::Handle;
use crate::ops::dtypes::cast;
use crate::tensor::symbolic::{Inbound, Inner, Operation, check_ranked, is_recording};
use crate::tensor::{CallArgs, CallContext, IntoCallArgs, Item, Nested, Shape, Tensor};
use crate::utils::NameScope;
use crate::variable::Autocast;

impl LayerRef {
    /// Calls the layer on symbols (or values) in inference mode and returns its single output.
    ///
    /// # Errors
    /// Errors of the layer, with its name; also if it returns several tensors.
    pub fn apply(&self, inputs: impl IntoCallArgs) -> Result<Tensor> {
        self.call(inputs, &CallContext::inference())?.into_single().at_with(|| self.name().to_owned())
    }

    /// Calls the layer.
    ///
    /// # Errors
    /// Errors of the layer, with its name.
    pub fn call(&self, inputs: impl IntoCallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let outputs = self.invoke(inputs.into_args(), cx).at_with(|| self.name().to_owned())?;
        tracking::note(self);
        Ok(outputs)
    }

    fn invoke(&self, args: CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let layer = &*self.0;
        let base = layer.base();
        if !base.was_called() {
            layer.validate()?;
        }
        base.set_called();
        let (recorded, cx) = self.flow(args, cx)?;
        let recording = is_recording(&recorded);
        if recording {
            check_ranked(&recorded)?;
        }
        let compute = base.dtype_policy().compute_dtype()?;
        let autocasts = layer.traits().autocast && base.is_autocast();
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
            // While recording, the layer is called on unmasked copies of its input symbols.
            args = args.try_map(&mut |tensor| Ok(Nested::Leaf(Item::Tensor(tensor.unmasked()))))?;
        }
        let cx = masks.enter(&with_training(&args, &cx));
        // If the first call fails, the layer and those inside are left unbuilt.
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
            losses::add_activity(regularizer, &outputs)?;
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

    /// Returns the output shapes for inputs of these shapes (shape inference); builds the layer unless it is
    /// built.
    ///
    /// # Errors
    /// Errors of the layer, with its name.
    pub fn compute_output_shape(&self, inputs: impl Into<Nested<Shape>>) -> Result<Nested<Shape>> {
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let symbols = inputs.into().map(|shape| Tensor::symbol(shape, dtype));
        let _inner = Inner::enter();
        Ok(self.call(symbols, &CallContext::inference())?.map(|output| output.shape().clone()))
    }

    /// Calls the layer on symbols of the shapes that it was built for, and returns the outputs.
    ///
    /// # Errors
    /// Errors of the layer.
    pub(crate) fn trace(&self) -> Result<Option<Nested<Tensor>>> {
        let Some(shapes) = self.base().built_shapes() else { return Ok(None) };
        let dtype = self.base().dtype_policy().compute_dtype()?;
        let args = shapes.values().map(|shape| shape.map(|shape| Tensor::symbol(shape, dtype)));
        let _inner = Inner::enter();
        self.invoke(args.fold(CallArgs::none(), CallArgs::and), &CallContext::inference()).map(Some)
    }
}

/// Returns the context of a call; the keyword argument `training` takes precedence over the outer call's.
fn with_training(args: &CallArgs, cx: &CallContext) -> CallContext {
    let training = match args.value("training") {
        Some(Value::Bool(training)) => Some(*training),
        Some(Value::Int(training)) => Some(*training != 0),
        _ => cx.training_arg(),
    };
    cx.with_training(training)
}

impl Operation for LayerRef {
    fn name(&self) -> String {
        Self::name(self).to_owned()
    }

    fn id(&self) -> usize {
        Self::id(self)
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
