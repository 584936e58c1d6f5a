//! Softmax with an optional mask.

use crate::error::{Error, ErrorKind, Result};
use crate::layers::{AxisSpec, Layer, LayerBase, LayerTraits, Signature};
use crate::ops::{self, Axes};
use crate::tensor::{CallArgs, CallContext, DType, Nested, Tensor};
use crate::{KerasSerializable, register};

/// Softmax: `exp(x)` divided by its sum along axes; positions where the call's `mask` is false are left out.
///
/// # Arguments
/// - `axis`: -1; one axis, or a list.
///
/// Follows <https://keras.io/api/layers/activation_layers/softmax>.
///
/// ```
/// use keras_serial::prelude::*;
/// let x = Tensor::from_slice(&[1.0f32, 1.0, 1.0], [1, 3])?;
/// let mask = Tensor::from_slice(&[true, true, false], [1, 3])?;
/// let y = Softmax::new().apply(CallArgs::from(&x).with("mask", mask))?;
/// assert_eq!(y.to_vec::<f32>()?, [0.5, 0.5, 0.0]);
/// # Ok::<(), keras_serial::Error>(())
/// ```
#[register(builtin = "keras.layers")]
#[derive(KerasSerializable, Debug)]
#[keras(new, default, setters)]
pub struct Softmax {
    base: LayerBase,
    #[keras(default = Some(AxisSpec::One(-1)))]
    axis: Option<AxisSpec>,
}

impl Softmax {
    /// Returns the mask as booleans, or an error if its shape does not fit.
    fn truth(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
        let fits = mask.rank() <= x.rank()
            && mask
                .shape()
                .dims()
                .iter()
                .rev()
                .zip(x.shape().dims().iter().rev())
                .all(|(mask, x)| mask.is_none() || x.is_none() || *mask == Some(1) || mask == x);
        if !fits {
            return Err(Error::new(ErrorKind::Shape, "The `mask` must be broadcastable to `inputs`.")
                .received(format!("inputs.shape={}, mask.shape={}", x.shape(), mask.shape())));
        }
        if mask.dtype() == DType::Bool { Ok(mask.clone()) } else { ops::greater(mask, 0.5) }
    }
}

impl Layer for Softmax {
    fn traits(&self) -> LayerTraits {
        LayerTraits::new().built_at_init(true).supports_masking(true)
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.tensor()?;
        let mask = cx.mask().map(|mask| Self::truth(x, mask)).transpose()?;
        let low = if x.dtype() == DType::Float16 { -3e4 } else { -1e9 };
        let scores = mask.as_ref().map_or_else(|| Ok(x.clone()), |mask| ops::where_(mask, x, low))?;
        let axes = self.axis.as_ref().map_or(Axes::all(), AxisSpec::axes);
        let y = ops::softmax(&scores, axes)?;
        mask.as_ref().map_or_else(|| Ok(y.clone()), |mask| ops::where_(mask, &y, 0.0)).map(Into::into)
    }

    fn signature(&self) -> Signature {
        Signature::new(&["inputs", "mask"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::LayerExt;

    #[test]
    fn a_mask_of_another_shape_is_refused() {
        let x = Tensor::from_slice(&[1.0f32; 6], [1, 2, 3]).unwrap();
        let mask = Tensor::from_slice(&[true, true], [1, 2]).unwrap();
        let error = Softmax::new().apply(x.with_mask(Some(mask))).unwrap_err();
        assert!(error.to_string().contains("must be broadcastable"), "{error}");
    }

    // keras.layers.Softmax(axis=[1, 2])(np.zeros((1, 2, 2)))
    #[test]
    fn several_axes_sum_to_one() {
        let x = Tensor::from_slice(&[0.0f32; 4], [1, 2, 2]).unwrap();
        let y = Softmax::new().axis([1, 2]).apply(&x).unwrap();
        assert_eq!(y.to_vec::<f32>().unwrap(), [0.25; 4]);
    }
}
