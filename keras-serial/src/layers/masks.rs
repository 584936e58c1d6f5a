//! Masks of a call: those passed to the layer, those set on its outputs, and those a graph records.

use std::sync::atomic::Ordering;

use super::LayerRef;
use crate::error::Result;
use crate::ops::cast_to;
use crate::tensor::call::tensor_of;
use crate::tensor::{CallArgs, CallContext, DType, Item, Nested, Tensor};

/// The masks of one call, found as in Keras's `Layer.__call__`.
pub(super) struct CallMasks {
    /// The masks passed to `call`: its argument `mask`, or those that its only tensor argument carries.
    given: Vec<Option<Tensor>>,
    /// The masks passed to `compute_mask`: the argument `mask`, or those that the first argument carries.
    previous: Vec<Option<Tensor>>,
    /// The argument `mask` that a graph records though the caller did not write it.
    recorded: Option<Nested<Item>>,
}

impl CallMasks {
    /// Finds the masks for a call of `layer` with these arguments, converted to its dtype.
    pub fn of(layer: &LayerRef, args: &CallArgs) -> Result<Self> {
        let takes_mask = layer.layer().signature().call.contains(&"mask");
        let written = args.structure("mask")?.map(|masks| slots(&masks));
        let first: Vec<Option<Tensor>> = args.first().map(carried).unwrap_or_default();
        if let Some(given) = written {
            let by_keyword = args.keywords.contains_key("mask");
            let previous = if by_keyword { given.clone() } else { first };
            return Ok(Self { given, previous, recorded: None });
        }
        let tensors = args.tensor_arguments();
        let [only] = tensors.as_slice() else {
            return Ok(Self { given: Vec::new(), previous: first, recorded: None });
        };
        let given = carried(only);
        let recorded = (takes_mask && given.iter().any(Option::is_some)).then(|| masks_of(only));
        Ok(Self { previous: if takes_mask { given.clone() } else { first }, given, recorded })
    }

    /// Returns the call's context with the masks that the layer reads.
    pub fn enter(&self, cx: &CallContext) -> CallContext {
        cx.with_masks(self.given.clone())
    }

    /// Returns the arguments as a graph records them. Keras records the implied mask as a keyword only in
    /// Functional models and in calls on a single tensor that needs no conversion.
    pub fn record(&mut self, layer: &LayerRef, mut args: CallArgs, compute: DType) -> CallArgs {
        let is_functional = layer.graph().is_some_and(|graph| graph.is_functional());
        let is_one_tensor = match args.positional.as_slice() {
            [Nested::Leaf(item)] => args.keywords.is_empty() && tensor_of(item).is_some_and(|x| x.dtype() == compute),
            _ => false,
        };
        if let Some(mask) = self.recorded.take().filter(|_| is_functional || is_one_tensor) {
            args.keywords.insert("mask".to_owned(), mask);
        }
        args
    }

    /// Computes the masks of the outputs that carry none, and sets them (`_set_mask_metadata`).
    pub fn set_on(&self, layer: &LayerRef, args: &CallArgs, outputs: &Nested<Tensor>) -> Result<()> {
        let outputs = outputs.leaves();
        if outputs.iter().all(|output| output.mask().is_some()) {
            return Ok(());
        }
        let masks = layer.layer().compute_mask(args, &self.previous)?;
        if masks.is_empty() && self.previous.iter().any(Option::is_some) && !layer.layer().traits().supports_masking {
            warn_of_mask(layer);
        }
        for (output, mask) in outputs.into_iter().zip(masks) {
            if output.mask().is_none() && mask.is_some() {
                output.set_mask(mask);
            }
        }
        Ok(())
    }
}

/// Warns, once for a layer, that the masks of its inputs end here.
fn warn_of_mask(layer: &LayerRef) {
    if !layer.base().warned_of_mask.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            layer = layer.name(),
            "Layer '{}' (of type {}) was passed an input with a mask attached to it. However, this layer does not \
             support masking and will therefore destroy the mask information. Downstream layers will not see the mask.",
            layer.name(),
            layer.class_name()
        );
    }
}

/// Calls layers one after the other. The first one gets the mask of the arguments; the others use the masks
/// that their inputs carry.
pub(crate) fn call_in_turn(layers: &[LayerRef], args: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
    let mut data = args.inputs()?;
    let mut mask = args.get("mask").cloned();
    for layer in layers {
        let mut args = CallArgs::one(data);
        if let Some(mask) = mask.take().filter(|_| layer.layer().signature().call.contains(&"mask")) {
            args.keywords.insert("mask".to_owned(), mask);
        }
        data = layer.call(args, cx)?;
    }
    Ok(data)
}

/// Casts symbols of another floating-point dtype than the layer's, and keeps their masks: the graph records
/// the cast that a mask is computed from.
pub(super) fn cast_symbols(args: &CallArgs, compute: DType) -> Result<CallArgs> {
    args.try_map(&mut |tensor| {
        let wrong = tensor.is_symbolic() && tensor.dtype().is_float() && tensor.dtype() != compute;
        let tensor = if wrong { cast_to(tensor, compute)?.with_mask(tensor.mask()) } else { tensor.clone() };
        Ok(Nested::Leaf(Item::Tensor(tensor)))
    })
}

fn slots(masks: &Nested<Tensor>) -> Vec<Option<Tensor>> {
    masks.slots().into_iter().map(Option::<&Tensor>::cloned).collect()
}

/// Returns the masks that the tensors of an argument carry.
fn carried(argument: &Nested<Item>) -> Vec<Option<Tensor>> {
    argument.slots().into_iter().map(|item| tensor_of(item?)?.mask()).collect()
}

/// Returns the same masks in the argument's structure.
fn masks_of(argument: &Nested<Item>) -> Nested<Item> {
    match argument {
        Nested::Leaf(item) => match tensor_of(item).and_then(Tensor::mask) {
            Some(mask) => Nested::Leaf(Item::Tensor(mask)),
            None => Nested::None,
        },
        Nested::None => Nested::None,
        Nested::List(items) => Nested::List(items.iter().map(masks_of).collect()),
        Nested::Tuple(items) => Nested::Tuple(items.iter().map(masks_of).collect()),
        Nested::Dict(items) => Nested::Dict(items.iter().map(|(key, item)| (key.clone(), masks_of(item))).collect()),
    }
}
