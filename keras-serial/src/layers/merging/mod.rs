//! Layers that merge several inputs (`keras.layers`, merging).

mod add;
mod average;
mod concatenate;
mod dot;
mod maximum;
mod minimum;
mod multiply;
mod subtract;

pub use add::Add;
pub use average::Average;
pub use concatenate::Concatenate;
pub use dot::Dot;
pub use maximum::Maximum;
pub use minimum::Minimum;
pub use multiply::Multiply;
pub use subtract::Subtract;

use crate::error::{Error, ErrorKind, Result};
use crate::ops::shape::{broadcast_to, expand_at};
use crate::ops::{Axes, any, logical_or, where_};
use crate::tensor::{CallArgs, Nested, Tensor};

/// Merging of several tensors into one.
trait Merge {
    /// Merges all inputs into one tensor.
    fn merge(&self, inputs: Vec<Tensor>) -> Result<Tensor>;
}

/// Returns the tensors of the first argument, at least one.
fn inputs(args: &CallArgs) -> Result<Vec<Tensor>> {
    let inputs = args.inputs()?;
    if let Nested::Leaf(one) = &inputs {
        return Err(Error::new(ErrorKind::InvalidArgument, "A merge layer should be called on a list of inputs")
            .received(one.outline())
            .hint("call it on a list: `vec![a, b]`"));
    }
    let inputs: Vec<Tensor> = inputs.leaves().into_iter().cloned().collect();
    if inputs.is_empty() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "A merge layer should be called on a list of at least 1 input",
        ));
    }
    Ok(inputs)
}

fn fold(inputs: Vec<Tensor>, mut merge: impl FnMut(Tensor, Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let mut inputs = inputs.into_iter();
    let first = inputs.next().ok_or_else(nothing)?;
    inputs.try_fold(first, &mut merge)
}

/// Raises tensors to the same rank: lower ones get axes of extent 1 after the batch.
///
/// If a batch has extent 1, Keras moves its axis to the end to broadcast. Extents alone can't tell these
/// cases apart, so ranks are made equal by added axes only.
fn same_rank(inputs: Vec<Tensor>) -> Result<Vec<Tensor>> {
    let rank = inputs.iter().map(Tensor::rank).max().unwrap_or_default();
    let raise = |mut x: Tensor| {
        while x.rank() < rank {
            x = expand_at(&x, 1)?;
        }
        Ok(x)
    };
    inputs.into_iter().map(raise).collect()
}

/// Returns the mask of a merged sequence: the logical or of the inputs' masks, if all have one.
fn merged_mask(masks: &[Option<Tensor>]) -> Result<Option<Tensor>> {
    let Some(masks) = masks.iter().cloned().collect::<Option<Vec<Tensor>>>() else { return Ok(None) };
    if masks.is_empty() { Ok(None) } else { fold(masks, |a, b| logical_or(&a, b)).map(Some) }
}

/// Returns the mask of an input, broadcast to its elements.
fn wide_mask(x: &Tensor) -> Result<Option<Tensor>> {
    x.mask().map(|mask| broadcast_to(&expand_at(&mask, -1)?, x.shape())).transpose()
}

/// Merges inputs with their masks: where one side is masked, the result is the other side. If all inputs have
/// masks, the result's mask is their logical or (`Merge._apply_merge_op_and_or_mask`).
fn merge_unmasked(inputs: Vec<Tensor>, merge: impl Fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let mut inputs = inputs.into_iter();
    let mut output = inputs.next().ok_or_else(nothing)?;
    let mut output_mask = wide_mask(&output)?;
    for mut x in inputs {
        let mask = wide_mask(&x)?;
        if let Some(mask) = &mask {
            x = where_(mask, &x, &output)?;
        }
        if let Some(output_mask) = &output_mask {
            output = where_(output_mask, &output, &x)?;
        }
        output_mask = match (output_mask, mask) {
            (Some(known), Some(mask)) => Some(logical_or(&known, &mask)?),
            _ => None,
        };
        output = merge(&output, &x)?;
    }
    if let Some(mask) = output_mask {
        output.set_mask(Some(any(&mask, Axes::from(-1), false)?));
    }
    Ok(output)
}

fn nothing() -> Error {
    Error::new(ErrorKind::InvalidArgument, "nothing to merge")
}

/// Implements `Layer` for a type that merges tensors element by element.
macro_rules! merging {
    ($name:ident) => {
        impl crate::layers::Layer for $name {
            fn call(
                &self,
                inputs: &crate::tensor::CallArgs,
                _: &crate::tensor::CallContext,
            ) -> Result<crate::tensor::Nested<Tensor>> {
                self.merge(super::same_rank(super::inputs(inputs)?)?).map(Into::into)
            }

            fn traits(&self) -> crate::layers::LayerTraits {
                crate::layers::LayerTraits::new().supports_masking(true)
            }

            fn compute_mask(
                &self,
                _: &crate::tensor::CallArgs,
                masks: &[Option<Tensor>],
            ) -> Result<Vec<Option<Tensor>>> {
                Ok(vec![super::merged_mask(masks)?])
            }
        }
    };
}
use merging;
