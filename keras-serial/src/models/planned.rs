//! Predictions by compiled plans.

use super::Model;
use crate::error::{Error, ErrorKind, Result};
use crate::inference::{Plan, Plans};
use crate::layers::collect_losses;
use crate::program::{Program, Spec};
use crate::tensor::{CallArgs, CallContext, DType, Item, Nested, Tensor};
use crate::variable;

/// What a model gives in inference mode.
pub(crate) struct Inferred {
    /// The outputs in structure, with their masks.
    pub outputs: Nested<Tensor>,
    /// The losses that layers added.
    pub losses: Vec<Tensor>,
}

impl Model {
    /// Sets whether predictions use compiled plans; true by default.
    ///
    /// [`Model::predict`], [`Model::predict_with`] and [`Model::evaluate`] then compile a plan for each shape of
    /// inputs at its first use, and again when weights have changed: fused kernels with packed weights. What can't be
    /// traced is computed layer by layer; the error of `Plan::compile(&model.program(shapes)?)` says why. A plan
    /// adds numbers in another order than the layers do, so that results differ in the last bits.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Dense::new(3).activation("relu").shared()])?;
    /// model.build([1, 2])?;
    /// let x = Tensor::from_slice(&[1.0f32, -2.0], [1, 2])?;
    /// let compiled = model.predict(&x)?.to_vec::<f32>()?;
    /// model.set_compiled_inference(false);
    /// let layer_by_layer = model.predict(&x)?.to_vec::<f32>()?;
    /// assert!(layer_by_layer.iter().zip(compiled).all(|(a, b)| (a - b).abs() < 1e-6));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn set_compiled_inference(&self, compiled: bool) {
        if let Some(plans) = self.base().model_state().plans::<Plans>() {
            plans.set_enabled(compiled);
        }
    }

    /// Computes the outputs of all rows at once, in inference mode: with a plan, if there is one for these inputs.
    ///
    /// # Errors
    /// If the inputs do not suit the model.
    pub(crate) fn infer(&self, inputs: CallArgs) -> Result<Inferred> {
        if let Some(inferred) = self.planned(&inputs)? {
            return Ok(inferred);
        }
        let (outputs, losses) = collect_losses(|| self.as_layer().call(inputs, &CallContext::inference()))?;
        Ok(Inferred { outputs, losses })
    }

    /// Computes the outputs with a plan, if there is one for these inputs.
    fn planned(&self, inputs: &CallArgs) -> Result<Option<Inferred>> {
        let Some(plans) = self.base().model_state().plans::<Plans>().filter(|plans| plans.is_enabled()) else {
            return Ok(None);
        };
        let tensors: Vec<Tensor> = inputs.tensors().into_iter().cloned().collect();
        let Some(structure) = skeleton(inputs).filter(|_| tensors.iter().all(is_plain) && !variable::is_recorded())
        else {
            return Ok(None);
        };
        let key = (structure, tensors.iter().map(Spec::of).collect());
        // What can't be traced or compiled has no plan; the call itself then gives the error, if it is one.
        let plan = plans.get(&key, || self.compiled(inputs, &key.1).ok());
        plan.map(|plan| unpacked(plan.run(&tensors)?)).transpose()
    }

    /// Compiles the plan for inputs of this structure.
    fn compiled(&self, inputs: &CallArgs, specs: &[Spec]) -> Result<Plan> {
        let program = Program::trace(specs, |traced| {
            let mut traced = traced.iter();
            let inputs = inputs.try_map(&mut |tensor| {
                let traced = traced.next().cloned().unwrap_or_else(|| tensor.clone());
                Ok(Nested::Leaf(Item::Tensor(traced)))
            })?;
            let call = || self.as_layer().call(inputs, &CallContext::inference());
            let (outputs, losses) = collect_losses(call)?;
            Ok(packed(outputs, losses))
        })?;
        Plan::compile(&program)
    }
}

/// Puts masks and losses beside the outputs: they are outputs of the program, too.
fn packed(outputs: Nested<Tensor>, losses: Vec<Tensor>) -> Nested<Tensor> {
    let mask = |output: &&Tensor| output.mask().map_or(Nested::None, Nested::Leaf);
    let masks = outputs.leaves().iter().map(mask).collect();
    Nested::List(vec![outputs.map(Tensor::unmasked), Nested::List(masks), Nested::list(losses)])
}

/// Undoes what [`packed`] does.
fn unpacked(packed: Nested<Tensor>) -> Result<Inferred> {
    let Nested::List(parts) = packed else { return Err(lost()) };
    let Ok([outputs, Nested::List(masks), Nested::List(losses)]) = <[Nested<Tensor>; 3]>::try_from(parts) else {
        return Err(lost());
    };
    let mut masks = masks.into_iter();
    let outputs = outputs.map(|output| match masks.next() {
        Some(Nested::Leaf(mask)) => output.clone().with_mask(Some(mask)),
        _ => output.clone(),
    });
    let losses = losses.into_iter().map(Nested::into_single).collect::<Result<_>>()?;
    Ok(Inferred { outputs, losses })
}

fn lost() -> Error {
    Error::new(ErrorKind::Engine, "a plan gave outputs of another structure")
}

/// Returns true if a tensor has values, which a plan can compute with: no symbols, strings, masks or gradients.
fn is_plain(tensor: &Tensor) -> bool {
    let has_values = !tensor.is_symbolic() && !tensor.is_traced() && tensor.dtype() != DType::String;
    has_values && tensor.mask().is_none() && !tensor.is_tracked()
}

/// Returns the structure of one positional argument of tensors as text; `None` for other arguments.
fn skeleton(inputs: &CallArgs) -> Option<String> {
    fn write(item: &Nested<Item>, text: &mut String) -> Option<()> {
        match item {
            Nested::Leaf(Item::Tensor(_)) => text.push('x'),
            Nested::Leaf(_) => return None,
            Nested::None => text.push('-'),
            Nested::List(items) | Nested::Tuple(items) => {
                text.push('[');
                items.iter().try_for_each(|item| write(item, text))?;
                text.push(']');
            }
            Nested::Dict(items) => {
                text.push('{');
                for (name, item) in items {
                    text.push_str(name);
                    text.push(':');
                    write(item, text)?;
                }
                text.push('}');
            }
        }
        Some(())
    }
    let mut text = String::new();
    match inputs.positional.as_slice() {
        [input] if inputs.keywords.is_empty() => write(input, &mut text)?,
        _ => return None,
    }
    Some(text)
}
