//! A layer applied to each time step.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{BuildContext, Layer, LayerBase, LayerRef, LayerTraits, Signature};
use crate::ops;
use crate::ops::shape::index_axis;
use crate::program;
use crate::program::keeps_loops;
use crate::tensor::{CallArgs, CallContext, Nested, Shape, Tensor};
use crate::{KerasSerializable, register};

/// Applies a layer to each time step of a sequence.
///
/// # Arguments
/// - `layer`: the layer to apply.
///
/// # Shapes
/// `(batch, time, …)` gives `(batch, time, …)`, where `…` is the layer's output shape for a step.
///
/// Follows <https://keras.io/api/layers/recurrent_layers/time_distributed>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 2, 2])?;
/// let y = TimeDistributed::new(Dense::new(1).kernel_initializer("ones")).apply(&x)?;
/// assert_eq!(y.to_vec::<f32>()?, [3.0, 7.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new)]
pub struct TimeDistributed {
    base: LayerBase,
    layer: LayerRef,
}

impl TimeDistributed {
    /// Returns the applied layer.
    pub fn layer(&self) -> &LayerRef {
        &self.layer
    }

    /// Calls the layer's own `call`, as Keras does: without activity regularizer or mask computation.
    fn step(&self, x: Tensor, mask: Option<Tensor>, cx: &CallContext) -> Result<Nested<Tensor>> {
        let layer = self.layer.layer();
        let mask = mask.filter(|_| layer.signature().call.contains(&"mask"));
        let mut args = CallArgs::one(x.unmasked());
        if let Some(mask) = &mask {
            args = args.with("mask", mask.clone());
        }
        layer.call(&args.bind(layer.signature().call)?, &cx.with_masks(vec![mask]))
    }
}

impl Layer for TimeDistributed {
    fn build(&self, input: &Shape, cx: &mut BuildContext<'_>) -> Result<()> {
        let dims = input.dims();
        if dims.len() < 3 {
            return Err(Error::new(
                ErrorKind::Shape,
                "`TimeDistributed` Layer should be passed an `input_shape` with at least 3 dimensions",
            )
            .expected("(batch, time, …)")
            .received(format!("{input}")));
        }
        let step: Shape = dims.iter().take(1).chain(dims.iter().skip(2)).copied().collect();
        cx.build_layer(&self.layer, &step)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        if let Some(mask) = cx.mask() {
            let prefix = |t: &Tensor| t.shape().dims().iter().take(2).copied().collect::<Shape>();
            let (expected, received) = (prefix(x), prefix(mask));
            if received.rank() < 2 || !received.is_compatible(&expected) {
                return Err(Error::new(
                    ErrorKind::Shape,
                    "The `mask` passed to the `TimeDistributed` layer is incompatible with the input",
                )
                .expected(format!("a mask shape prefix {expected}"))
                .received(format!("shape {}", mask.shape())));
            }
        }
        let at = |step: usize| {
            let mask = cx.mask().map(|mask| index_axis(mask, 1, step as isize)).transpose()?;
            self.step(index_axis(x, 1, step as isize)?, mask, cx)
        };
        let computed = program::unless_symbolic(&[x], || {
            if keeps_loops() {
                let of_steps = |x: &Tensor| ops::swapaxes(x, 0, 1);
                let sequences = std::iter::once(x).chain(cx.mask()).map(of_steps).collect::<Result<Vec<_>>>()?;
                let outputs = ops::recurrent::scan(&[], &sequences, |_, step| {
                    let missing = || Error::new(ErrorKind::InvalidArgument, "a loop without a step");
                    let x = step.first().ok_or_else(missing)?;
                    Ok((Vec::new(), self.step(x.clone(), step.get(1).cloned(), cx)?.into_single()?))
                })?;
                return of_steps(&outputs);
            }
            let outputs = (0..x.shape().dim(1)?).map(|step| at(step)?.into_single()).collect::<Result<Vec<_>>>()?;
            ops::stack(&outputs, 1)
        })?;
        if let Some(outputs) = computed {
            return Ok(outputs.into());
        }
        // All steps have results of the same shape.
        let steps = x.shape().get(1)?;
        at(0)?.try_map(&mut |output| {
            let (batch, rest) = output.shape().dims().split_at_checked(1).unwrap_or_default();
            let shape: Shape = batch.iter().copied().chain([steps]).chain(rest.iter().copied()).collect();
            Ok(Tensor::symbol(shape, output.dtype()))
        })
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "training", "mask"])
    }

    fn traits(&self) -> LayerTraits {
        LayerTraits::new().supports_masking(true)
    }
}
