//! Predictions by compiled plans.

use super::Model;
use crate::error::Result;
use crate::inference::{Plan, Plans};
use crate::program::{Program, Spec};
use crate::tensor::{CallArgs, CallContext, DType, Item, Nested, Tensor};
use crate::variable;

impl Model {
    /// Sets whether predictions use compiled plans; false by default.
    ///
    /// A plan is made for each shape of inputs at their first prediction, and again when weights have changed: fused
    /// kernels, with weights packed once, which takes as much memory as the weights again. What can't be traced is
    /// computed layer by layer. Sums are added in another order than without a plan, so that results differ in the
    /// last bits.
    ///
    /// ```
    /// use keras_serial::prelude::*;
    /// let model = Sequential::new([Dense::new(3).activation("relu").shared()])?;
    /// model.build([1, 2])?;
    /// let x = Tensor::from_slice(&[1.0f32, -2.0], [1, 2])?;
    /// let layer_by_layer = model.predict(&x)?.to_vec::<f32>()?;
    /// model.set_compiled_inference(true);
    /// let compiled = model.predict(&x)?.to_vec::<f32>()?;
    /// assert!(layer_by_layer.iter().zip(compiled).all(|(a, b)| (a - b).abs() < 1e-6));
    /// # Ok::<(), keras_serial::Error>(())
    /// ```
    pub fn set_compiled_inference(&self, compiled: bool) {
        if let Some(plans) = self.base().extension::<Plans>() {
            plans.set_enabled(compiled);
        }
    }

    /// Computes the outputs with a plan, if there is one for these inputs.
    pub(super) fn planned(&self, inputs: &CallArgs) -> Result<Option<Nested<Tensor>>> {
        let Some(plans) = self.base().extension::<Plans>().filter(|plans| plans.is_enabled()) else {
            return Ok(None);
        };
        let tensors: Vec<Tensor> = inputs.tensors().into_iter().cloned().collect();
        let Some(structure) = skeleton(inputs).filter(|_| tensors.iter().all(is_plain) && !variable::is_recorded())
        else {
            return Ok(None);
        };
        let specs: Vec<Spec> = tensors.iter().map(Spec::of).collect();
        let plan = plans.get(&(structure, specs.clone()), || {
            // What can't be traced or compiled has no plan; the call itself then gives the error, if it is one.
            let program = Program::trace(&specs, |traced| {
                let mut traced = traced.iter();
                let inputs = inputs.try_map(&mut |tensor| {
                    let traced = traced.next().cloned().unwrap_or_else(|| tensor.clone());
                    Ok(Nested::Leaf(Item::Tensor(traced)))
                })?;
                self.as_layer().call(inputs, &CallContext::inference())
            });
            program.and_then(|program| Plan::compile(&program)).ok()
        });
        plan.map(|plan| plan.run(&tensors)).transpose()
    }
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
